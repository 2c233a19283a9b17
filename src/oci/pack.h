/*
 * Making an image from a module and its definitions (docs/image-format.md section 1): everything is
 * checked first, then the blobs are put into a layout, then the manifest gets its name.
 */
#pragma once

#include "oci/image.h"
#include "oci/layout.h"

/* name: of the entry in the layout's index.json. Errors name the file they are about. */
enum err_kind oci_pack_into(
    struct oci_layout *layout,
    const char *name,
    const struct oci_pack_input *input,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
