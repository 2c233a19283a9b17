/*
 * Digests of bytes, and the check that every read of a blob or manifest passes: as many bytes as the
 * descriptor says, with the digest that it says. Also how foreign text is shown in errors.
 */
#pragma once

#include "base/sha256.h"
#include "oci/ref.h"

void oci_digest_of(struct str bytes, char ret_digest[OCI_DIGEST_MAX]);

/* Checks a stream of bytes against a descriptor. Use: init, add each piece, end; deinit in any case. */
struct oci_verifier {
    struct sha256 sha;
    char digest[OCI_DIGEST_MAX];
    uint64_t size; /* wanted; UINT64_MAX: not known beforehand */
    uint64_t got;
};
void oci_verifier_init(struct oci_verifier *v, const char *digest, uint64_t size);
/* UNVERIFIED as soon as there is a byte more than the descriptor says. */
enum err_kind
oci_verifier_add(struct oci_verifier *v, const void *p, size_t n, struct err *err) MUST_USE;
/* UNVERIFIED: too few bytes or another digest; the text names both. */
enum err_kind oci_verifier_end(struct oci_verifier *v, struct err *err) MUST_USE;
void oci_verifier_deinit(struct oci_verifier *v);
#define auto_oci_verifier CLEANUP(oci_verifier_deinit)

/* Text of others for an error or a terminal: controls, quotes and bad UTF-8 become \xNN, cut when
 * longer than the room. Returns ret. */
#define OCI_SHOWN_MAX 160
char *oci_show(struct str text, char ret[OCI_SHOWN_MAX]);
