/*
 * Two JSON Schemas of one version of a kind: which resources that the old one took does the new one refuse?
 * By keyword, without solving anything: what cannot be judged so counts as breaking. Internal to compare.c.
 */
#pragma once

#include "oci/compare.h"
#include "json/json.h"

/* subject: "flags.flipt.io/v1alpha1" */
void oci_compare_schemas(
    struct oci_comparison *c, const char *subject, yyjson_val *old, yyjson_val *new);
