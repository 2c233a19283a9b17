/*
 * What the commands that run modules here share: the host, loading, limits given as flags.
 */
#pragma once

#include "wasmhost/wasmhost.h"

struct cli;

#define CLI_MODULE_BYTES_MAX ((size_t)256 << 20)

/* The value of a flag that is a limit; NULL leaves *ret_bytes. USAGE names the flag. */
enum err_kind
cli_guest_size(const char *flag, const char *text, uint64_t *ret_bytes, struct err *err) MUST_USE;
/* A host for one call at a time, which keeps compiled modules where cupd keeps its own. */
enum err_kind cli_wasmhost_new(struct cli *c, struct wasmhost **ret, struct err *err) MUST_USE;
/* `path` names the module in errors. */
enum err_kind cli_module_load(
    struct wasmhost *host,
    const char *path,
    struct str wasm,
    struct wasmhost_module **ret,
    struct err *err) MUST_USE;
