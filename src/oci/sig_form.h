/*
 * What signature.c and sign.c ask of each form: the text that is signed, and what a reader takes out of
 * one. Internal to this folder.
 */
#pragma once

#include "oci/signature.h"

#define SIG_SIMPLE_LAYER "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIG_SIMPLE_ANNOTATION "dev.cosignproject.cosign/signature"
#define SIG_BUNDLE_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define SIG_BUNDLE_PREDICATE "https://sigstore.dev/cosign/sign/v1"
#define SIG_BUNDLE_PAYLOAD "application/vnd.in-toto+json"

/* What a signature says, read from its bytes; the views of `to` lie in these buffers. */
struct sig_read {
    struct buf signed_bytes;
    struct buf signature;
    struct buf hint;
    struct buf annotations;
    char problem[512];
};
void sig_read_deinit(struct sig_read *r);
#define auto_sig_read CLEANUP(sig_read_deinit)

/* --- simple signing ------------------------------------------------------------------------------- */

/* Append the text to be signed. annotations: a JSON object, or empty. */
void sig_simple_write(
    struct buf *to, const char *digest, const char *docker_reference, struct str annotations);
/* Is `payload` about `digest`? Fills the annotations, or the problem. */
void sig_simple_read(struct sig_read *to, struct str payload, const char *digest);

/* --- bundles -------------------------------------------------------------------------------------- */

bool sig_bundle_is_type(struct str media_type);
void sig_bundle_write_statement(struct buf *to, const char *digest, struct str annotations);
/* Append what a DSSE signature over this statement is made of. */
void sig_bundle_write_signed(struct buf *to, struct str payload_type, struct str payload);
/* Append the bundle around a statement and its signature. */
void sig_bundle_write(
    struct buf *to, const struct oci_key *k, struct str statement, struct str signature);
/*
 * Take a bundle apart: the first signature of the envelope (a bundle has exactly one). Fills everything
 * but what the problem, if there is one, made unreadable. ret_has_certificate: see struct oci_signature.
 */
void sig_bundle_read(
    struct sig_read *to, struct str bundle, const char *digest, bool *ret_has_certificate);
