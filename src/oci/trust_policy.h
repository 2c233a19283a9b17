/* A trust policy as trust.c asks it and trust_policy.c reads it. Internal to those two. */
#pragma once

#include "base/glob.h"
#include "oci/key.h"
#include "oci/trust.h"

struct trust_key {
    char *path;
    struct oci_key *key;
};
struct trust_rule {
    char **patterns; /* globs over trust_subject */
    size_t pattern_count;
    bool accepts; /* without a signature; then there are no keys */
    struct trust_key *keys;
    size_t key_count;
    size_t minimum; /* so many of the keys must have signed */
};
struct oci_trust {
    struct trust_rule *rules; /* the first that matches counts */
    size_t rule_count;
    bool default_accepts;
    char *path;                   /* NULL: keys alone */
    struct buf annotations;       /* that a signature must have: a JSON object; empty: none */
    const struct oci_trust *also; /* must hold as well; NULL */
};

/* What the patterns are held against: "host/repository", a store's name, "oci-layout:DIR". */
char *trust_subject(const struct oci_ref *ref);
