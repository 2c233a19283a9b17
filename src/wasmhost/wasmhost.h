/*
 * Runs a controller's WASM module: compile once per digest, an instance per call from a pool, our own
 * WASI preview1 over a vfs tree, everything limited. Knows nothing of Git, images or resources.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vfs/overlay.h"
#include "vfs/vfs.h"

#include <stdatomic.h>

struct wasmhost;
struct wasmhost_module;

struct wasmhost_options {
    const char *cache_dir;  /* compiled modules, 0700; NULL: nothing is kept on disk */
    unsigned instances_max; /* calls at once; 0 = 2 × cores + 2 */
    /* The program that compiles, in a process of its own: its main must hand over to
     * wasmhost_compile_main. NULL: modules are compiled in this process, without limits. */
    const char *compiler;
    int64_t compile_timeout_ms;    /* 0 = 60 s; with a compiler */
    uint64_t compile_memory_bytes; /* 0 = 1 GiB; with a compiler */
};

struct wasmhost_limits {    /* zero = the default */
    int64_t timeout_ms;     /* 10 s, host calls included */
    uint64_t memory_bytes;  /* 256 MiB */
    uint64_t output_bytes;  /* 16 MiB of standard output */
    uint32_t open_files;    /* 1,024 */
    uint64_t written_bytes; /* 64 MiB held in the overlay */
};
void wasmhost_limits_default(struct wasmhost_limits *limits); /* fill in what is zero */

enum err_kind wasmhost_new(
    const struct wasmhost_options *options, struct wasmhost **ret, struct err *err) MUST_USE;
struct wasmhost *wasmhost_free(struct wasmhost *h); /* all modules must be unref'd */

/*
 * For main, before anything else: is this process to be the compiler of another one? Then that is all
 * it does: a module on standard input, its compiled form on standard output.
 */
bool wasmhost_is_compiler(int argc, char **argv);
int wasmhost_compile_main(char **argv); /* the exit code */

/*
 * Compile (or take from the cache) the module in `wasm`.
 *
 * digest   "sha256:…" of the bytes; the key of the cache. The caller has verified it.
 * fails    INVALID  not a core module, no `_start` or memory, an import outside preview1: named
 *          LIMIT    compiling took more time or memory than wasmhost_options allows
 * threads  any; shared: a module may run any number of calls at once
 */
enum err_kind wasmhost_load(
    struct wasmhost *h,
    struct str wasm,
    const char *digest,
    struct wasmhost_module **ret,
    struct err *err) MUST_USE;
/*
 * The module without its bytes: what `source` was remembered to be, where the compiled code is kept and
 * good; else NULL, and wasmhost_load has to be asked.
 *
 * source   text that stands for one module for good, and for whatever was checked to get at it (an image's
 *          layer by its digest, and the rules of unpacking); any length
 * threads  any
 */
struct wasmhost_module *wasmhost_recall(struct wasmhost *h, struct str source);
/* Without a cache directory, or where it cannot be written, nothing is remembered. */
void wasmhost_remember(struct wasmhost *h, struct str source, const struct wasmhost_module *m);
struct wasmhost_module *wasmhost_module_ref(struct wasmhost_module *m);
struct wasmhost_module *wasmhost_module_unref(struct wasmhost_module *m);
const char *wasmhost_module_digest(const struct wasmhost_module *m);

/* One function of WASI in a call. */
struct wasmhost_profile_row {
    const char *name; /* "path_open" */
    uint64_t count;
    uint64_t ns;
    uint64_t
        bytes; /* what the guest was given by a function that reads, or gave to one that writes */
};

#define WASMHOST_PROFILE_ROWS 64

/* Where a call's time went; filled by wasmhost_call also where it fails. Nanoseconds. */
struct wasmhost_profile {
    uint64_t wait_ns;        /* for a free slot */
    uint64_t instantiate_ns; /* a store and an instance of the pool */
    uint64_t run_ns;         /* `_start`: the guest's own code and the host calls */
    uint64_t host_ns;        /* of it, the host calls */
    uint64_t finish_ns;      /* instance given back, what was written brought to the overlay */
    uint64_t memory_bytes;   /* the guest's memory when it last called the host */
    size_t row_count;
    struct wasmhost_profile_row rows[WASMHOST_PROFILE_ROWS]; /* in the order of first calls */
};

struct wasmhost_call {
    const char *const *args; /* argv as the guest sees it: {"wasi", "get", …} */
    size_t arg_count;
    const char *const *env; /* "NAME=value"; controllers get none */
    size_t env_count;
    struct str stdin_bytes;
    /* Read by the guest where overlay is NULL: then nothing can be written. Unused beside one. */
    struct vfs *tree;
    /* Put and delete. What the guest did is written into it when the guest has ended by itself,
     * whatever its exit code; after an error the caller throws it away. */
    struct overlay *overlay;
    /* What the guest calls the root of the tree, descriptor 3; NULL: "/". With neither tree nor
     * overlay it is given no directory at all. */
    const char *root_name;
    /* Paths that the guest may see (base/glob.h); none given: all. The caller checks what may be
     * written on the overlay's changes. */
    const struct str *read_globs;
    size_t read_glob_count;
    /* A second list of the same meaning: where given, a path must match one of these as well. The
     * image says one, the Controller that names the image may narrow it. */
    const struct str *narrow_globs;
    size_t narrow_glob_count;
    struct wasmhost_limits limits;
    /* Somebody else sets it once nobody waits for the result any more: the call then ends soon with
     * CANCELLED, wherever it is. NULL: never. */
    const atomic_bool *cancel;
    struct wasmhost_profile *profile; /* cleared and filled; NULL: nothing is measured */
};

struct wasmhost_result {
    int exit_code;          /* of proc_exit, 0 for a plain return */
    struct buf out;         /* standard output */
    struct buf diagnostics; /* standard error, bounded (its tail is kept) */
};
void wasmhost_result_deinit(struct wasmhost_result *r);

/*
 * One call. ERR_OK whatever the exit code: the caller judges. Errors: TIMEOUT, LIMIT (names the limit:
 * memory, output, open files, written bytes), FAILED (a trap: its message), CANCELLED, UNAVAILABLE (all
 * instances that one module may have at once are taken by calls that do not end), INTERNAL, and what
 * the tree gave when it could not be read. ret is filled with what there was in either case and must be
 * deinitialised always. Waits for a free instance no longer than the call's own time limit.
 *
 * threads   any, with 2 MiB of stack: the guest runs on it
 */
enum err_kind wasmhost_call(
    struct wasmhost_module *m,
    const struct wasmhost_call *call,
    struct wasmhost_result *ret,
    struct err *err) MUST_USE;
