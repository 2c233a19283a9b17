/*
 * Semantic versions and ranges of them: which of a repository's tags "~1.2" means. Pure functions of
 * text; which tags there are is settle.h's.
 *
 * source: Semantic Versioning 2.0.0, sections 2, 9-11. Ranges as npm, Cargo and Helm write them.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Views of the text that was parsed. */
struct oci_semver {
    uint64_t major;
    uint64_t minor;
    uint64_t patch;
    struct str prerelease; /* "rc.1"; empty: a release */
    struct str build;      /* has no say in order */
};
/* A whole version; a leading 'v' is accepted, and '_' for '+', which a tag cannot hold (Helm's way).
 * False: it is none, or a number of it is above 2^53. */
bool oci_semver_parse(struct str text, struct oci_semver *ret);
/* Section 11; 0: the same but for build metadata. */
int oci_semver_compare(const struct oci_semver *a, const struct oci_semver *b);

enum oci_semver_op {
    OCI_SEMVER_EQ,
    OCI_SEMVER_NE,
    OCI_SEMVER_LT,
    OCI_SEMVER_LE,
    OCI_SEMVER_GT,
    OCI_SEMVER_GE,
};
#define OCI_SEMVER_TERMS_MAX 32

struct oci_semver_term {
    enum oci_semver_op op;
    struct oci_semver version;
    unsigned group; /* terms of one group hold together; one group is enough */
};
struct oci_semver_range {
    struct oci_semver_term terms[OCI_SEMVER_TERMS_MAX];
    size_t count;
    unsigned group_count;
    uint32_t prerelease_groups; /* bit n: group n names a pre-release, so it allows them */
};
/*
 * ~1.2.3 ^1.2.3 1.x 1.2.* * =1.2.3 !=1.2.3 >1.2 >=1.2 <2 <=1.2, several with blanks or commas between
 * (all hold), such sets with || between (one holds). The range keeps views of text. INVALID says what
 * is wrong.
 */
enum err_kind
oci_semver_range_parse(struct str text, struct oci_semver_range *ret, struct err *err) MUST_USE;
/* Pre-releases only where the range names one. */
bool oci_semver_range_holds(const struct oci_semver_range *range, const struct oci_semver *version);
/* Could a tag of this text be meant as a range: "1.x", "v1.2.X"? All other ranges cannot be tags. */
bool oci_semver_is_wildcard(struct str text);

/*
 * Order of tags for people and picks: versions by precedence, of equals the one without build metadata,
 * then without 'v', then bytewise; what is no version before all that are.
 */
int oci_semver_compare_tags(struct str a, struct str b);
