/*
 * Signatures of images: found at a place, checked with a key. Two forms are read: the sigstore bundle
 * that points at the image (cosign 3), and simple signing under the tag sha256-<hex>.sig (cosign before
 * it). What counts is the signed text and the key: transparency logs, certificates and the reference in
 * a simple signature are not looked at. Whose signature counts is trust.c's; making one is sign.c's.
 * source: sigstore "bundle" and "DSSE" protocols; in-toto attestation statement v1; cosign SPEC.md
 */
#pragma once

#include "oci/key.h"
#include "oci/referrers.h"

enum oci_signature_form { OCI_SIGNATURE_BUNDLE, OCI_SIGNATURE_SIMPLE };

/* A payload or bundle; theirs have a few KiB. Of a manifest's layers together four times as much. */
#define OCI_SIGNED_MAX ((uint64_t)1 << 20)
#define OCI_SIGNATURES_MAX 1000 /* of one image, over all that hold some; more is LIMIT */

struct oci_signature {
    enum oci_signature_form form;
    char digest[OCI_DIGEST_MAX]; /* of the manifest that holds it */
    const char *tag;             /* ".sig" tag that it stands under; NULL */
    const char *problem;         /* why it cannot count, whoever made it; NULL: it may */
    struct str signed_bytes;     /* what the signature is over */
    struct str bytes;            /* the signature, DER */
    struct str hint;             /* base64 of the key's digest, as the bundle claims; empty */
    bool has_certificate;        /* made without a lasting key */
    struct str annotations;      /* what the signer added, as a canonical JSON object */
};

/*
 * Show every signature of `digest` at the place, the likeliest first; `each` returns false when it has
 * seen enough. A signature lives for the call. One that cannot be read is shown with its problem; what
 * fails is reading from the place, for then nothing is known. LIMIT.
 */
enum err_kind oci_signatures_each(
    struct oci_place *p,
    const char *digest,
    bool (*each)(void *data, const struct oci_signature *s),
    void *data,
    struct err *err) MUST_USE;

/* Does the manifest have a layer that is one? */
bool oci_manifest_holds_signatures(const struct oci_manifest *m);
/* ... and no layer too large to be one, nor more of them than is read. */
bool oci_manifest_is_only_signatures(const struct oci_manifest *m);
/* Of the kinds that reading a thing fails with: those that say something of its bytes, and not of the
 * place that it is read from. */
bool oci_err_is_about_bytes(enum err_kind r);

/* Could it count, and did this key make it? */
bool oci_signature_is_by(const struct oci_signature *s, const struct oci_key *k);
