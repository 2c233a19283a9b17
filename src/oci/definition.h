/*
 * A ResourceDefinition as it travels in a resource layer: the rules of docs/image-format.md section 1
 * that are checked at pack, at pull and at load.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define OCI_DEFINITION_MAX ((size_t)4 << 20)
#define OCI_DEFINITIONS_MAX 256 /* of one image */

struct oci_definition_info {
    char *name; /* metadata.name: the order of the layers */
    char *group;
    char *plural;
    char **versions; /* in the order they are written */
    size_t version_count;
};
/* Everything but its schemas. INVALID names what is wrong. */
enum err_kind
oci_definition_read(struct str text, struct oci_definition_info *ret, struct err *err) MUST_USE;
/* Its schemas are schemas: they are compiled. `text` has been read well. */
enum err_kind oci_definition_check_schemas(struct str text, struct err *err) MUST_USE;
/* Both. */
enum err_kind
oci_definition_check(struct str text, struct oci_definition_info *ret, struct err *err) MUST_USE;
void oci_definition_info_deinit(struct oci_definition_info *info);
#define auto_oci_definition_info CLEANUP(oci_definition_info_deinit)
