/*
 * Signing an image: the text, the signature, and where it is put, in the two forms of signature.h; and
 * checking what a reference names by a trust policy.
 * No network but the place of the image itself: no transparency log, no certificate authority.
 */
#pragma once

#include "oci/image.h"
#include "oci/signature.h"
#include "oci/trust.h"

struct oci_sign {
    const struct oci_key *key; /* a private one */
    enum oci_signature_form form;
    const char *const *annotations; /* "K=V", NULL-terminated or NULL; signed with it */
    int64_t created_unix_s;         /* noted beside a bundle; not signed */
};
struct oci_signed {
    char subject[OCI_DIGEST_MAX]; /* the image: what the reference resolved to */
    char digest[OCI_DIGEST_MAX];  /* of the manifest that holds the signature */
    bool is_new; /* false: this key's signature was there, with these annotations */
};
/*
 * Sign what ref names there: a bundle that points at it, or one more layer of its `.sig` tag. Signing
 * again with the same key, form and annotations changes nothing. NOT_FOUND, INVALID, CONFLICT.
 */
enum err_kind oci_sign(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    const struct oci_sign *sign,
    struct oci_signed *ret,
    struct err *err) MUST_USE;

/*
 * Does the policy hold for what ref names there? Shows what was looked at and judges as
 * oci_trust_inspect. ret_subject: what the reference resolved to, filled also for UNVERIFIED.
 */
enum err_kind oci_verify(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    const struct oci_trust *trust,
    bool (*each)(void *data, const struct oci_signature *s, const char *signer),
    void *data,
    char ret_subject[OCI_DIGEST_MAX],
    struct oci_verdict *ret,
    struct err *err) MUST_USE;

/* Show the signatures of what ref names there, as oci_signatures_each; nothing is judged. */
enum err_kind oci_signatures_of(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    bool (*each)(void *data, const struct oci_signature *s),
    void *data,
    struct err *err) MUST_USE;

/* oci_verify for the store's copy of that digest, whatever kind of reference it came by. */
enum err_kind oci_verify_stored(
    struct oci_session *s,
    const struct oci_ref *ref,
    const char *digest,
    const struct oci_trust *trust,
    struct oci_verdict *ret,
    struct err *err) MUST_USE;
