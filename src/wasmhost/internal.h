/*
 * What the files of wasmhost/ share: the engine with its ticker and its call slots, loaded modules, the
 * cache of compiled code. What a running guest sees is wasi.h.
 */
#pragma once

#include "wasmhost/wasmhost.h"

#include <pthread.h>
#include <wasmtime.h>

/* An epoch: how late a time limit may be noticed. */
#define WASMHOST_TICK_MS 5
#define WASMHOST_DIGEST_MAX 72

struct wasmhost {
    wasm_engine_t *engine;
    wasmtime_linker_t *linker; /* all of preview1; read-only once made */
    char *cache_dir;           /* NULL: none */
    char *cache_salt;          /* engine version and settings: part of each key */
    unsigned instances_max;
    char *compiler; /* NULL: this process */
    int64_t compile_timeout_ms;
    uint64_t compile_memory_bytes;

    pthread_mutex_t lock; /* guards all below; a leaf */
    pthread_cond_t wake;  /* a slot became free, a call began, a module is compiled, or the host is
                             stopping */
    unsigned active;
    unsigned busy_modules; /* of which a call runs */
    bool is_stopping;
    bool is_compiling;               /* one module at a time: it takes all cores, and much memory */
    struct wasmhost_module *modules; /* those in use, by digest */
    pthread_t ticker;
};

struct wasmhost_module {
    struct wasmhost *host;
    struct wasmhost_module *next; /* guarded by host->lock, as is refs */
    int refs;
    unsigned running;    /* calls with a slot; guarded by host->lock, as is progress_ms */
    int64_t progress_ms; /* when a call last began or ended (monotonic) */
    char digest[WASMHOST_DIGEST_MAX];
    wasmtime_module_t *module;
    wasmtime_instance_pre_t *linked;
};

/*
 * engine.c: a slot to run in. Each module has one of its own (while there are not dozens of which calls hang),
 * and shares instances_max with the others, of which it gets two thirds at most: so modules whose calls do
 * not end, however many, leave something to the next one. Waits until deadline_ms (monotonic): TIMEOUT; or
 * for stall_ms in which the module's own calls made no progress: UNAVAILABLE; or CANCELLED.
 */
struct wasmhost_slot {
    struct wasmhost_module *module;
    int64_t deadline_ms;
    int64_t stall_ms;
    const atomic_bool *cancel; /* or NULL */
};
enum err_kind wasmhost_slot_take(const struct wasmhost_slot *slot, struct err *err) MUST_USE;
void wasmhost_slot_give(const struct wasmhost_slot *slot);

/* cache.c: make or check the directory. INVALID: it belongs to somebody else or is open to others. */
enum err_kind wasmhost_cache_open(const char *dir, struct err *err) MUST_USE;
/* The compiled module, or NULL when there is none that can be trusted. */
wasmtime_module_t *wasmhost_cache_read(struct wasmhost *h, const char *digest);
/* Failing to write is no error: the next start compiles again. */
void wasmhost_cache_write(struct wasmhost *h, const char *digest, struct str code);
/* The digest of the module that the source is known to be; false: it is not known. */
bool wasmhost_cache_source(
    struct wasmhost *h, struct str source, char ret_digest[WASMHOST_DIGEST_MAX]);
void wasmhost_cache_write_source(struct wasmhost *h, struct str source, const char *digest);

/* engine.c: what a module may hold and how it is compiled; part of each key of the cache. With a pool of
 * that many instances, or, with 0, without one: for compiling only. */
wasm_config_t *wasmhost_config_new(unsigned instances);

/* compile.c: the compiled form of a module, to be loaded into the engine. INVALID, LIMIT. */
enum err_kind wasmhost_compile(
    struct wasmhost *h, struct str wasm, struct buf *ret_code, struct err *err) MUST_USE;

/* Message of an engine error and its innermost cause, in one line; frees it. */
enum err_kind
wasmhost_engine_error(wasmtime_error_t *take_error, struct err *err, enum err_kind kind);

/* wasi_table.c: define every function of preview1 in the linker. */
enum err_kind wasmhost_define_wasi(wasmtime_linker_t *linker, struct err *err) MUST_USE;
bool wasmhost_knows_import(const char *name, size_t n);
