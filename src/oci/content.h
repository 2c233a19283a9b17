/*
 * The module of an image, out of its content layer: unpacked as the layer's bytes pass, then checked
 * against the annotations and the rules for modules. Internal to this folder.
 */
#pragma once

#include "oci/archive.h"
#include "oci/image.h"

struct oci_content;

/* ret_wasm stays the caller's and holds the module after a successful end. */
struct oci_content *oci_content_new(const struct oci_image *image, struct buf *ret_wasm);
/* Next bytes of the layer; `data` is the struct oci_content. The form that readers of blobs take. */
bool oci_content_write(void *data, const char *p, size_t n, struct err *err);
/* After the last byte: digest, size and sections; errors name the layer. */
enum err_kind oci_content_end(
    struct oci_content *c, char ret_wasm_digest[OCI_DIGEST_MAX], struct err *err) MUST_USE;
struct oci_content *oci_content_free(struct oci_content *c);
DEFINE_CLEANUP(struct oci_content, oci_content_free)
