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
    pthread_cond_t wake;  /* a slot became free, a call began, or the host is stopping */
    unsigned active;
    bool is_stopping;
    struct wasmhost_module *modules; /* those in use, by digest */
    pthread_t ticker;
};

struct wasmhost_module {
    struct wasmhost *host;
    struct wasmhost_module *next; /* guarded by host->lock, as is refs */
    int refs;
    char digest[WASMHOST_DIGEST_MAX];
    wasmtime_module_t *module;
    wasmtime_instance_pre_t *linked;
};

/* engine.c: one of instances_max slots, waited for until `deadline_ms` (monotonic). TIMEOUT. */
enum err_kind wasmhost_slot_take(struct wasmhost *h, int64_t deadline_ms, struct err *err) MUST_USE;
void wasmhost_slot_give(struct wasmhost *h);

/* cache.c: make or check the directory. INVALID: it belongs to somebody else or is open to others. */
enum err_kind wasmhost_cache_open(const char *dir, struct err *err) MUST_USE;
/* The compiled module, or NULL when there is none that can be trusted. */
wasmtime_module_t *wasmhost_cache_read(struct wasmhost *h, const char *digest);
/* Failing to write is no error: the next start compiles again. */
void wasmhost_cache_write(struct wasmhost *h, const char *digest, struct str code);

/* engine.c: what a module may hold and how it is compiled; part of each key of the cache. With a pool of
 * that many instances, or, with 0, without one: for compiling only. */
wasm_config_t *wasmhost_config_new(unsigned instances);

/* compile.c: the compiled form of a module, to be loaded into the engine. INVALID, LIMIT. */
enum err_kind wasmhost_compile(
    struct wasmhost *h, struct str wasm, struct buf *ret_code, struct err *err) MUST_USE;

/* Message of an engine error, cut to one line; frees it. */
enum err_kind
wasmhost_engine_error(wasmtime_error_t *take_error, struct err *err, enum err_kind kind);

/* wasi_table.c: define every function of preview1 in the linker. */
enum err_kind wasmhost_define_wasi(wasmtime_linker_t *linker, struct err *err) MUST_USE;
bool wasmhost_knows_import(const char *name, size_t n);
