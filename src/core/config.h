/*
 * The resource directory: every *.json below it, as definitions, Controllers and Bindings (docs/compatibility.md
 * section 1, docs/image-format.md section 3). Reading and checking only; what is made of it is loader.c.
 */
#pragma once

#include "base/log.h"
#include "core/definition.h"
#include "wasmhost/wasmhost.h"

enum core_pull_policy {
    CORE_PULL_DEFAULT,
    CORE_PULL_ALWAYS,
    CORE_PULL_IF_NOT_PRESENT,
    CORE_PULL_NEVER
};

/* spec.spec.image of a Controller, or what -api-image names. */
struct core_image_spec {
    char *reference; /* NULL: no image */
    enum core_pull_policy policy;
    int64_t interval_ms;
    bool is_plain_http;
    char *ca_file;
    char **verify_keys; /* public key files, NULL-terminated; NULL: none given */
};

struct core_controller_spec {
    char *name;
    bool is_wasm;
    char *list_template; /* NULL: default */
    char *resource_template;
    char *wasm_path; /* slash path below the resource directory; NULL: none */
    struct core_image_spec image;
    struct wasmhost_limits limits; /* zero where not given */
    char **read_globs;             /* NULL-terminated, or NULL */
    char **write_globs;
};

struct core_binding {
    char *name;
    char *controller;
    char **resources; /* "group/version/plural" */
    size_t resource_count;
};

struct core_config {
    struct core_definition **definitions;
    size_t definition_count;
    size_t definition_cap;
    struct core_controller_spec *controllers;
    size_t controller_count;
    size_t controller_cap;
    struct core_binding *bindings;
    size_t binding_count;
    size_t binding_cap;
};

/* note is told of each file that was read; may be NULL. Errors name the file. */
enum err_kind core_config_read(
    const char *dir,
    void (*note)(void *data, enum log_level level, const char *what, struct str value),
    void *note_data,
    struct core_config *ret,
    struct err *err) MUST_USE;
void core_config_deinit(struct core_config *c);

/* Parse one document into the configuration; for core_config_read and tests. */
enum err_kind core_config_add(struct core_config *c, struct str text, struct err *err) MUST_USE;
