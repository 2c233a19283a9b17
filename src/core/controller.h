/*
 * What every kind of controller does for core: turn calls on objects into reads and writes of a file
 * tree. One constructor a file: template (template_controller.h), wasm (wasm_controller.h). What a
 * controller prints is checked and brought into form by core/objects.c, not here.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "core/core.h"
#include "vfs/overlay.h"
#include "vfs/vfs.h"

struct core_controller;
struct wasmhost_profile;

/* What a module did in one call, for whoever makes controllers. A template fills in nothing. */
struct core_call_watch {
    bool is_run; /* the module came to its end by itself: exit_code is set */
    int exit_code;
    struct buf *out;                  /* standard output is added to it; NULL: not wanted */
    struct buf *diagnostics;          /* standard error, its tail; NULL: not wanted */
    struct wasmhost_profile *profile; /* NULL: not measured */
};

struct core_call {
    const struct core_kind *kind;
    struct str ns;
    struct str name;               /* of get, put, delete */
    struct vfs *tree;              /* what get, list and namespaces read */
    struct overlay *overlay;       /* what put and delete change */
    const atomic_bool *cancel;     /* nobody waits any more; may be NULL */
    struct core_call_watch *watch; /* NULL: nobody looks */
};

/*
 * Told of each document that a controller found: its JSON text (borrowed for the call) and where it
 * comes from ("file 'a/b.json'", "controller 'flipt'"). An error ends the call and is returned by it.
 */
typedef enum err_kind (*core_emit_fn)(
    void *data, struct str document, const char *origin, struct err *err);

/* All compulsory but namespaces. NOT_FOUND: the object; FAILED: the controller's fault. */
struct core_controller_ops {
    enum err_kind (*get)(
        struct core_controller *c,
        const struct core_call *call,
        core_emit_fn emit,
        void *data,
        struct err *err);
    enum err_kind (*list)(
        struct core_controller *c,
        const struct core_call *call,
        core_emit_fn emit,
        void *data,
        struct err *err);
    /* List across namespaces in one go; NULL: core asks namespaces and lists each. */
    enum err_kind (*list_all)(
        struct core_controller *c,
        const struct core_call *call,
        core_emit_fn emit,
        void *data,
        struct err *err);
    /* Each namespace's name as JSON string text to emit; NULL or UNSUPPORTED: it cannot tell. */
    enum err_kind (*namespaces)(
        struct core_controller *c,
        const struct core_call *call,
        core_emit_fn emit,
        void *data,
        struct err *err);
    /* `body`: the object in upstream's order, compact, with final newline. */
    enum err_kind (*put)(
        struct core_controller *c, const struct core_call *call, struct str body, struct err *err);
    enum err_kind (*remove)(
        struct core_controller *c, const struct core_call *call, struct err *err);
    void (*free)(struct core_controller *c);
};

/* Constructors put this first. Immutable once made: calls run side by side. */
struct core_controller {
    const struct core_controller_ops *ops;
    char *name;
    char *type;            /* "template" or "wasm" */
    char *image_reference; /* NULL: not from an image */
    char *image_digest;    /* what the reference resolved to */
    char *manifest_digest; /* differs from it behind an index */
    char *module_digest;   /* NULL for templates */
    char *signer;          /* id of the key that was checked; NULL: no signature was looked at */
    struct oci_pin *pin;   /* keeps its image in the store; NULL: nothing is kept */
    char *identity;        /* text of all that its results depend on beside call and tree */
    uint64_t written_max;  /* bytes that one change may hold; 0: the default */
    bool checks_results;   /* what it prints must be of the kind, namespace and name asked for */
    int refs;              /* atomic */
};

void core_controller_init(
    struct core_controller *c,
    const struct core_controller_ops *ops,
    const char *name,
    const char *type);
struct core_controller *core_controller_ref(struct core_controller *c);
struct core_controller *core_controller_unref(struct core_controller *c);
