/*
 * What changed from one image to another, and for whom that matters: resources that were good stay good and
 * clients go on (compatible), or they may not (breaking). Over what oci_inspect_module fills; for `cup image
 * diff` and for a server that looks at a new image before it swaps it in.
 */
#pragma once

#include "oci/image.h"
#include "oci/wasm.h"

struct oci_side {
    const struct oci_image *image;
    const struct oci_wasm_info
        *wasm; /* NULL: not looked into; then no imports and exports are compared */
    const char *wasm_digest;
    bool
        is_directory; /* whether golden cases will come along is not said yet: they are not compared */
};

enum oci_change { OCI_ADDED, OCI_REMOVED, OCI_CHANGED };
struct oci_difference {
    bool is_breaking;
    enum oci_change change;
    const char *what; /* "definition", "version", "schema", "verb", "read", … ; static */
    char *subject;    /* "flags.flipt.io/v1alpha1", a verb, a glob, a key; never NULL */
    char *path;       /* "schema": where, as "spec.size"; else NULL */
    char *detail;     /* for people, in words; never NULL */
};
struct oci_comparison {
    struct oci_difference
        *items; /* in the order definitions, abi, verbs, paths, module, tests, annotations */
    size_t count;
    size_t cap;
    size_t breaking_count;
};
/* Nothing differs: count 0. Texts come from the images as they are: not yet fit for a terminal. */
void oci_compare(const struct oci_side *a, const struct oci_side *b, struct oci_comparison *ret);
void oci_comparison_deinit(struct oci_comparison *c);
#define auto_oci_comparison CLEANUP(oci_comparison_deinit)

/* For compare_schema.c: one more difference; texts are handed over. */
void oci_comparison_add(struct oci_comparison *c, const struct oci_difference *take_difference);
