/*
 * What is served: definitions, the kinds they make, each with its compiled schema and controller.
 * Built once by core/loader.c, immutable afterwards, shared by snapshots.
 */
#pragma once

#include "base/sha256.h"
#include "core/controller.h"
#include "json/schema.h"

/* One version of a bound definition: what a route's group/version/plural finds. */
struct core_served {
    struct core_kind kind; /* owns its strings */
    struct json_schema *schema;
    struct core_controller *controller;
    /* Of all that a read's result depends on beside tree, namespace and name: the controller's own
     * identity, the definition, this program. */
    uint8_t identity[SHA256_BYTES];
};

struct core_registry {
    int refs;                   /* atomic */
    uint64_t generation;        /* of no other one in this process, even after this one is gone */
    struct core_served *served; /* sorted by group, version, plural */
    size_t served_count;
    size_t served_cap;
    struct core_controller **controllers; /* in order of their names */
    size_t controller_count;
    size_t controller_cap;
    char *definitions; /* body of GET /apis */
    size_t definitions_bytes;
};

struct core_registry *core_registry_new(void);
struct core_registry *core_registry_ref(struct core_registry *r);
struct core_registry *core_registry_unref(struct core_registry *r);

/* Takes the reference. EXISTS when there is one of this name. */
enum err_kind core_registry_add_controller(
    struct core_registry *r, struct core_controller *take, struct err *err) MUST_USE;
struct core_controller *core_registry_controller(const struct core_registry *r, struct str name);

/*
 * Serve one version of a kind through `controller` (a reference is taken): compiles the schema.
 * EXISTS names both controllers when the kind is served already; INVALID: the schema.
 */
enum err_kind core_registry_serve(
    struct core_registry *r,
    const struct core_kind *kind,
    struct str schema,
    struct core_controller *controller,
    struct err *err) MUST_USE;

/* NULL when nothing of this name is served. */
const struct core_served *core_registry_find(
    const struct core_registry *r, struct str group, struct str version, struct str plural);
/* The same by the kind's name, as commits tell it. */
const struct core_served *core_registry_find_kind(
    const struct core_registry *r, struct str group, struct str version, struct str kind);
