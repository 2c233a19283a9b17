/*
 * An object on its way to a controller and from it, checked as cupd checks it: for core's own calls and for
 * whoever tries a controller out (cup controller run).
 */
#pragma once

#include "core/registry.h"
#include "core/resource.h"

/* "group/version"; NULL where the kind has none: nothing is known of it then. Caller frees. */
char *core_api_version(const struct core_kind *kind);

/*
 * What a put hands to the controller: `r` with what is absent filled in from the kind and these names,
 * checked against them and the schema (NULL: none), in upstream's order, with a final newline.
 * INVALID where it contradicts them or breaks the schema.
 */
enum err_kind core_object_body(
    const struct core_served *served,
    struct str ns,
    struct str name,
    struct core_resource *r,
    struct buf *ret_body,
    struct err *err) MUST_USE;

/* Where a document that a controller found goes: brought into form, and checked. */
struct core_object_sink {
    const struct core_served *served;
    struct str ns;   /* asked for; {NULL, 0}: any */
    struct str name; /* asked for; {NULL, 0}: any */
    struct buf *to;  /* one line each */
};
/* A core_emit_fn; data is the sink. FAILED: it is not what was asked for. */
enum err_kind
core_object_emit(void *data, struct str document, const char *origin, struct err *err) MUST_USE;
