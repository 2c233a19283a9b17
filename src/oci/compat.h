/*
 * The CNCF layout beside ours (pack --compat-wasm): the module once more as one application/wasm layer, and
 * an index that names both manifests, so that wkg, wash and container runtimes find theirs. Which manifest
 * is whose, an artifactType in each entry says. Internal to packing.
 * source: CNCF TAG Runtime "Wasm OCI artifact layout"; image-spec "image-index.md"
 */
#pragma once

#include "oci/layout.h"

struct oci_compat {
    struct str wasm; /* the module */
    const char *wasm_digest;
    int64_t created_unix_s; /* the layout's config must have one: 0 makes packing reproducible */
    const char *manifest_digest; /* of ours */
    size_t manifest_bytes;
};
/* Put module, config, manifest and index into the layout; ret_digest and ret_bytes of the index. */
enum err_kind oci_compat_put(
    struct oci_layout *layout,
    const struct oci_compat *compat,
    char ret_digest[OCI_DIGEST_MAX],
    size_t *ret_bytes,
    struct err *err) MUST_USE;
