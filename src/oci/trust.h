/*
 * Whose signature counts for which repository: the trust policy that verify, pull and cupd ask. It fails
 * closed: a policy that covers a reference and is not met refuses it, whatever the reason was.
 * The file's form is docs/trust-policy.md. How a signature is made and checked is signature.c's.
 */
#pragma once

#include "oci/ref.h"

struct oci_place;
struct oci_signature;
struct oci_trust; /* immutable once made; any number of threads at once */

/* Read a policy file. INVALID names the member; a key file that cannot be read is an error here. */
enum err_kind oci_trust_read(const char *path, struct oci_trust **ret, struct err *err) MUST_USE;
/* A policy of these key files (PEM, NULL-terminated list) for every reference: any of them will do. */
enum err_kind
oci_trust_of_keys(const char *const *key_paths, struct oci_trust **ret, struct err *err) MUST_USE;
/* From now on `also` (borrowed, outlives t) must hold too. Before t is used. */
void oci_trust_require_too(struct oci_trust *t, const struct oci_trust *also);
/* From now on a signature counts only if all of these ("K=V", NULL-terminated) were signed along. Before t is
 * used; once. INVALID: one has no '='. */
enum err_kind oci_trust_require_annotations(
    struct oci_trust *t, const char *const *annotations, struct err *err) MUST_USE;
struct oci_trust *oci_trust_free(struct oci_trust *t);
DEFINE_CLEANUP(struct oci_trust, oci_trust_free)

enum oci_trust_state {
    OCI_TRUST_UNKNOWN,  /* no policy covers the reference: nothing was checked */
    OCI_TRUST_VERIFIED, /* it holds */
};
struct oci_verdict {
    enum oci_trust_state state;
    char signer
        [OCI_DIGEST_MAX]; /* of the first key that counted: sha256:<of its SPKI>; else empty */
};
/*
 * Does the policy hold for `digest` (what the reference resolved to) in this place? t NULL: UNKNOWN.
 * UNVERIFIED: covered and not met, the text says what was found and what is missing; or there is more
 * than is looked at (OCI_REFERRERS_MAX referrers, OCI_SIGNATURES_MAX signatures). Also the kinds of
 * reading from the place: then nothing is known, and the caller must refuse too.
 */
enum err_kind oci_trust_check(
    const struct oci_trust *t,
    const struct oci_ref *ref,
    struct oci_place *place,
    const char *digest,
    struct oci_verdict *ret,
    struct err *err) MUST_USE;

/*
 * The same, and show each signature that was looked at; signer: the key that made it, as above, or NULL:
 * none of those that count for the reference. `each` returns false when it has seen enough. Nothing is
 * shown where no keys are wanted.
 */
enum err_kind oci_trust_inspect(
    const struct oci_trust *t,
    const struct oci_ref *ref,
    struct oci_place *place,
    const char *digest,
    bool (*each)(void *data, const struct oci_signature *s, const char *signer),
    void *data,
    struct oci_verdict *ret,
    struct err *err) MUST_USE;
