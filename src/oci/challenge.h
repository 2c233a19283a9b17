/*
 * WWW-Authenticate: what a registry asks for (RFC 9110, section 11.3; several challenges may stand in
 * one header, and commas in quoted values).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define OCI_CHALLENGES_MAX 8

enum oci_scheme { OCI_SCHEME_OTHER, OCI_SCHEME_BASIC, OCI_SCHEME_BEARER };

struct oci_challenge {
    enum oci_scheme scheme;
    char *realm; /* NULL: none; all on the heap */
    char *service;
    char *scope;
};
struct oci_challenges {
    struct oci_challenge items[OCI_CHALLENGES_MAX];
    size_t count;
};
/* Add those of one header line to `to` (zeroed before the first). MALFORMED; LIMIT: too many. What
 * was read before a failure stays in `to`. */
enum err_kind
oci_challenges_add(struct oci_challenges *to, struct str header, struct err *err) MUST_USE;
void oci_challenges_deinit(struct oci_challenges *c);
#define auto_oci_challenges CLEANUP(oci_challenges_deinit)

/* The one to answer: Bearer with a realm, else Basic; NULL when there is none of both. */
const struct oci_challenge *oci_challenges_best(const struct oci_challenges *c);

/* Take a quoted string (its backslashes gone) or a token off *s. MALFORMED, LIMIT. */
enum err_kind oci_header_value(struct str *s, struct buf *ret, struct err *err) MUST_USE;
