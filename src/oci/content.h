/*
 * The module of an image, out of its content layer: unpacked, hashed and looked into as the layer's bytes
 * pass, then checked against the annotations and the rules for modules. None of it is held here: who
 * wants the module gets its bytes as they come. Internal to this folder.
 */
#pragma once

#include "oci/archive.h"
#include "oci/image.h"
#include "oci/wasm.h"

struct oci_content;

/*
 * image  outlives it
 * write  gets the module's bytes, which only count after a successful end; false (with err set) ends it.
 *        NULL: nobody wants them
 */
struct oci_content *oci_content_new(
    const struct oci_image *image,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data);
/* Next bytes of the layer; `data` is the struct oci_content. The form that readers of blobs take. */
bool oci_content_write(void *data, const char *p, size_t n, struct err *err);
/* After the last byte: digest, size and sections; errors name the layer. ret_info (may be NULL) is the
 * caller's. */
enum err_kind oci_content_end(
    struct oci_content *c,
    char ret_wasm_digest[OCI_DIGEST_MAX],
    struct oci_wasm_info *ret_info,
    struct err *err) MUST_USE;
struct oci_content *oci_content_free(struct oci_content *c);
DEFINE_CLEANUP(struct oci_content, oci_content_free)
