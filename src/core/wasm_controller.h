/*
 * The wasm controller: each call runs a command module over the tree (docs/image-format.md section 4,
 * ABI wasi-cli/v1) and judges its exit code, its output and the paths it changed.
 */
#pragma once

#include "core/controller.h"
#include "wasmhost/wasmhost.h"

struct core_wasm_spec {
    const char *name;
    struct wasmhost_module *module; /* a reference is taken */
    const char *verbs;              /* annotation; NULL: get,list,put,delete */
    char *const *image_read;        /* NULL-terminated globs; NULL: all */
    char *const *image_write;
    char *const *read; /* what the Controller narrows them to */
    char *const *write;
    struct wasmhost_limits limits;
    /* Told, at debug level, of each line that a guest prints on standard error; may be NULL. Any thread. */
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
};

/* INVALID: a glob that is none. */
enum err_kind core_wasm_controller_new(
    const struct core_wasm_spec *spec, struct core_controller **ret, struct err *err) MUST_USE;
