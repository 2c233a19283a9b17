/*
 * Which layout a manifest has: ours, or one that other WASM tools push. Those are read as controllers
 * without definitions (docs/image-format.md section 1, read rules; docs/other-layouts.md). Internal to this
 * folder, but for the names in oci/image.h.
 */
#pragma once

#include "oci/image.h"
#include "oci/manifest.h"

#define OCI_MEDIA_CNCF_CONFIG "application/vnd.wasm.config.v0+json"
#define OCI_MEDIA_WASM "application/wasm"

/* INVALID: none that we read; the text says what it is, where that is known. */
enum err_kind
oci_format_find(const struct oci_manifest *m, enum oci_format *ret, struct err *err) MUST_USE;
/* Is a layer of this type the one that holds the module? */
bool oci_format_is_content(enum oci_format format, struct str media_type);
/* The module's file in the content layer, which is a gzipped archive; NULL: the layer is the module. */
const char *oci_format_entry(enum oci_format format);
