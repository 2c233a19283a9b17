/*
 * A ResourceDefinition: names of a kind and the JSON Schema of each of its versions (as upstream,
 * "Resource directory"). Comes from the resource directory or with an image.
 */
#pragma once

#include "core/resource.h"

struct core_version {
    struct str name;
    struct str schema; /* the schema's own text */
};

struct core_definition {
    char *text;                /* what the views point into */
    struct core_resource head; /* apiVersion, kind, metadata */
    struct str kind;
    struct str singular;
    struct str plural;
    struct str group;
    struct core_version *versions; /* sorted by name */
    size_t version_count;
    char *origin; /* "the resources" or an image's reference: for people */
};

/*
 * fails   MALFORMED, INVALID: reserved group (cup.flipt.io and below) or plural (namespaces, status)
 *         where the definition would not be reachable
 */
enum err_kind core_definition_parse(
    struct str text, const char *origin, struct core_definition **ret, struct err *err) MUST_USE;
struct core_definition *core_definition_free(struct core_definition *d);

/* The whole definition as upstream's /apis shows it, compact. */
void core_definition_write(struct buf *to, const struct core_definition *d);
