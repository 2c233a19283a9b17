/*
 * The manifest under the tag sha256-<hex>.sig, one layer a signature (cosign before version 3): signatures
 * are added to those that stand there, whoever made them. What a signature says is sig_simple.c's.
 * Internal to this folder.
 */
#pragma once

#include "oci/source.h"

/* Append such a manifest with one layer to `to`, and put the configuration that it names. */
struct sig_tag_layer {
    char digest[OCI_DIGEST_MAX]; /* of the signed text, which is there */
    uint64_t size;
    struct str signature; /* base64 */
};
enum err_kind sig_tag_write(
    struct oci_place *p,
    const struct sig_tag_layer *layer,
    struct buf *to,
    struct err *err) MUST_USE;

/*
 * Add the signatures of `manifest`, whose blobs are there, to the tag. Where it has none they stand there
 * as they are; of others' layers and annotations nothing is lost. CONFLICT; INVALID: another document
 * stands there. ret_digest: of what the tag means then.
 */
enum err_kind sig_tag_add(
    struct oci_place *p,
    const char *tag,
    struct str manifest,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
