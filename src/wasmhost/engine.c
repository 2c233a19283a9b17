#include "base/clock.h"
#include "base/mem.h"
#include "wasmhost/internal.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Part of each cache key: change it when a setting below changes. */
#define SETTINGS "cup1;speed;nan;simd;epoch"

static const int64_t COMPILE_TIMEOUT_MS = 60000;
static const uint64_t COMPILE_MEMORY_BYTES = (uint64_t)1 << 30;
/* Besides instances_max, for modules of which no call runs: address space only. */
static const unsigned FIRST_CALLS_MAX = 32;
/* How often one who waits for a slot looks whether to go on waiting. */
static const int64_t SLOT_LOOK_MS = 20;
static const size_t GUEST_STACK_BYTES = (size_t)512 << 10;
/* Of a slot's memory: cleared after a call instead of given back and faulted in anew, which is most of what
 * the call of a Go-built guest costs (its heap begins with 4 MiB). */
static const size_t KEEP_RESIDENT_BYTES = (size_t)4 << 20;

/* "Caused by:", then a line each, numbered where there are several: the last one says it best. */
static struct str innermost(struct str causes)
{
    causes = str_trim(causes);
    ptrdiff_t at = str_rfind(causes, '\n');
    struct str line = at < 0 ? STR("") : str_trim(str_skip(causes, (size_t)at + 1));
    while (line.n > 0 && ((line.p[0] >= '0' && line.p[0] <= '9') || line.p[0] == ':'))
        line = str_skip(line, 1);
    return str_trim(line);
}

enum err_kind
wasmhost_engine_error(wasmtime_error_t *take_error, struct err *err, enum err_kind kind)
{
    wasm_name_t message;
    wasmtime_error_message(take_error, &message);
    wasmtime_error_delete(take_error);
    struct str rest = str_of(message.data, message.size);
    struct str line = str_trim(str_cut(&rest, '\n'));
    struct str cause = innermost(rest);
    err_set(
        err, kind, STR_FMT "%s" STR_FMT, STR_ARG(line), cause.n > 0 ? ": " : "", STR_ARG(cause));
    wasm_byte_vec_delete(&message);
    return kind;
}

/* --- settings ------------------------------------------------------------------------------------- */

/* Slots that are mapped once and reset after each call by copy on write. Address space only: 4 GiB a
 * slot is reserved so that bounds checks cost nothing; what a guest may use is its store's limit. */
static void set_pool(wasm_config_t *config, unsigned instances)
{
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    const unsigned slots = instances + FIRST_CALLS_MAX;
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, slots);
    wasmtime_pooling_allocation_config_total_memories_set(pool, slots);
    wasmtime_pooling_allocation_config_total_tables_set(pool, slots * 4);
    wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, 4);
    wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 1);
    wasmtime_pooling_allocation_config_table_elements_set(pool, 200000);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, (size_t)4 << 30);
    wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, instances);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, KEEP_RESIDENT_BYTES);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 64 << 10);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
}

/* WebAssembly 2.0 without what a controller has no use for or what is not deterministic. */
wasm_config_t *wasmhost_config_new(unsigned instances)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_max_wasm_stack_set(config, GUEST_STACK_BYTES);
    wasmtime_config_wasm_memory64_set(config, false);
    wasmtime_config_wasm_multi_memory_set(config, false);
    wasmtime_config_wasm_relaxed_simd_set(config, false);
    wasmtime_config_cranelift_nan_canonicalization_set(config, true);
    wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
    wasmtime_config_memory_init_cow_set(config, true);
    if (instances > 0)
        set_pool(config, instances);
    return config;
}

/* --- ticker --------------------------------------------------------------------------------------- */

/* Advances the engine's epoch while calls run; sleeps otherwise. */
static void *tick(void *data)
{
    struct wasmhost *h = data;
    const struct timespec pause = {.tv_nsec = WASMHOST_TICK_MS * 1000000L};
    pthread_mutex_lock(&h->lock);
    while (!h->is_stopping) {
        if (h->active == 0) {
            pthread_cond_wait(&h->wake, &h->lock);
            continue;
        }
        pthread_mutex_unlock(&h->lock);
        nanosleep(&pause, NULL);
        wasmtime_engine_increment_epoch(h->engine);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static struct timespec monotonic_at(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* A module of which nothing runs has a slot of its own; for more it shares what there is with the others. */
static bool is_full(const struct wasmhost_module *m)
{
    const struct wasmhost *h = m->host;
    if (m->running == 0)
        return h->active >= h->instances_max + FIRST_CALLS_MAX;
    return h->active - h->busy_modules >= h->instances_max ||
        m->running >= h->instances_max - h->instances_max / 3;
}

/* Why not to wait any longer for a slot; OK: go on. The lock is held. */
static enum err_kind give_up(const struct wasmhost_slot *slot, int64_t now_ms, struct err *err)
{
    const struct wasmhost_module *m = slot->module;
    if (slot->cancel != NULL && atomic_load_explicit(slot->cancel, memory_order_relaxed))
        return err_set(err, ERR_CANCELLED, "nobody waits for it any more");
    if (now_ms >= slot->deadline_ms)
        return err_set(
            err, ERR_TIMEOUT, "no free instance within the time limit: %u calls are running",
            m->host->active);
    if (m->running > 0 && now_ms - m->progress_ms >= slot->stall_ms)
        return err_set(
            err, ERR_UNAVAILABLE, "it is busy: %u calls of it have not ended for %lld ms",
            m->running, (long long)(now_ms - m->progress_ms));
    return ERR_OK;
}

enum err_kind wasmhost_slot_take(const struct wasmhost_slot *slot, struct err *err)
{
    struct wasmhost_module *m = slot->module;
    struct wasmhost *h = m->host;
    int64_t now_ms = clock_monotonic_ms();
    enum err_kind r = ERR_OK;
    pthread_mutex_lock(&h->lock);
    while (is_full(m) && r == ERR_OK) {
        const struct timespec until = monotonic_at(now_ms + SLOT_LOOK_MS);
        pthread_cond_timedwait(&h->wake, &h->lock, &until);
        now_ms = clock_monotonic_ms();
        r = is_full(m) ? give_up(slot, now_ms, err) : ERR_OK;
    }
    if (r == ERR_OK) {
        h->busy_modules += m->running++ == 0;
        m->progress_ms = now_ms;
        if (h->active++ == 0)
            pthread_cond_broadcast(&h->wake);
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

void wasmhost_slot_give(const struct wasmhost_slot *slot)
{
    struct wasmhost_module *m = slot->module;
    struct wasmhost *h = m->host;
    pthread_mutex_lock(&h->lock);
    bool had_waiting = is_full(m) || h->active - h->busy_modules >= h->instances_max;
    h->active--;
    h->busy_modules -= --m->running == 0;
    m->progress_ms = clock_monotonic_ms();
    if (had_waiting)
        pthread_cond_broadcast(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

/* --- start and stop ------------------------------------------------------------------------------- */

static void init_locks(struct wasmhost *h)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &attr);
    pthread_condattr_destroy(&attr);
}

static enum err_kind start(struct wasmhost *h, struct err *err)
{
    h->engine = wasm_engine_new_with_config(wasmhost_config_new(h->instances_max));
    if (h->engine == NULL)
        return err_set(err, ERR_INTERNAL, "the WASM engine does not start");
    h->linker = wasmtime_linker_new(h->engine);
    enum err_kind r = wasmhost_define_wasi(h->linker, err);
    if (r == ERR_OK && h->cache_dir != NULL)
        r = wasmhost_cache_open(h->cache_dir, err);
    if (r != ERR_OK)
        return r;
    int rc = pthread_create(&h->ticker, NULL, tick, h);
    if (rc != 0) {
        h->is_stopping = true;
        return err_errno(err, rc, "starting the ticker of the WASM engine");
    }
    return ERR_OK;
}

enum err_kind
wasmhost_new(const struct wasmhost_options *options, struct wasmhost **ret, struct err *err)
{
    struct wasmhost *h = mem_new(struct wasmhost);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    h->instances_max = options->instances_max > 0 ? options->instances_max
                                                  : 2 * (unsigned)(cores < 1 ? 1 : cores) + 2;
    h->cache_dir = mem_strdup(options->cache_dir);
    h->compiler = mem_strdup(options->compiler);
    h->compile_timeout_ms =
        options->compile_timeout_ms > 0 ? options->compile_timeout_ms : COMPILE_TIMEOUT_MS;
    h->compile_memory_bytes =
        options->compile_memory_bytes > 0 ? options->compile_memory_bytes : COMPILE_MEMORY_BYTES;
    h->cache_salt = mem_strdup(WASMTIME_VERSION ";" SETTINGS);
    init_locks(h);
    enum err_kind r = start(h, err);
    if (r != ERR_OK) {
        h->is_stopping = true;
        h->ticker = 0;
        wasmhost_free(h);
        return r;
    }
    *ret = h;
    return ERR_OK;
}

struct wasmhost *wasmhost_free(struct wasmhost *h)
{
    if (h == NULL)
        return NULL;
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    pthread_cond_broadcast(&h->wake);
    pthread_mutex_unlock(&h->lock);
    if (h->ticker != 0)
        pthread_join(h->ticker, NULL);
    if (h->linker != NULL)
        wasmtime_linker_delete(h->linker);
    if (h->engine != NULL)
        wasm_engine_delete(h->engine);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->wake);
    free(h->cache_dir);
    free(h->compiler);
    free(h->cache_salt);
    free(h);
    return NULL;
}
