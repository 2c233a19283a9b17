/* One call: an instance from the pool, run to its end, judged. */
#include "base/clock.h"
#include "base/mem.h"
#include "wasmhost/wasi.h"

#include <stddef.h>

/* Of the time limit: how long a call waits for an instance while no other call of its module ends. */
enum { STALL_PART = 4 };

void wasmhost_limits_default(struct wasmhost_limits *limits)
{
    if (limits->timeout_ms == 0)
        limits->timeout_ms = 10000;
    if (limits->memory_bytes == 0)
        limits->memory_bytes = (uint64_t)256 << 20;
    if (limits->output_bytes == 0)
        limits->output_bytes = (uint64_t)16 << 20;
    if (limits->open_files == 0)
        limits->open_files = 1024;
    if (limits->written_bytes == 0)
        limits->written_bytes = (uint64_t)64 << 20;
}

void wasmhost_result_deinit(struct wasmhost_result *r)
{
    buf_deinit(&r->out);
    buf_deinit(&r->diagnostics);
}

/* What the trap means; frees it. */
static enum err_kind judge_trap(wasm_trap_t *take_trap, struct err *err)
{
    wasm_name_t message;
    wasm_trap_message(take_trap, &message);
    struct str text = str_of(message.data, message.size);
    ptrdiff_t at = str_search(text, STR("wasm trap: "));
    text = at < 0 ? text : str_skip(text, (size_t)at);
    struct str line = str_cut(&text, '\n');
    while (line.n > 0 && line.p[line.n - 1] == '\0')
        line.n--;
    err_set(err, ERR_FAILED, "it crashed (" STR_FMT ")", STR_ARG(str_take(line, 200)));
    wasm_byte_vec_delete(&message);
    wasm_trap_delete(take_trap);
    return ERR_FAILED;
}

static enum err_kind
judge(const struct wasi *w, wasmtime_error_t *take_error, wasm_trap_t *take_trap, struct err *err)
{
    if (w->is_ended) {
        if (take_error != NULL)
            wasmtime_error_delete(take_error);
        if (take_trap != NULL)
            wasm_trap_delete(take_trap);
        if (w->err.kind != ERR_OK && err != NULL)
            *err = w->err;
        return w->err.kind;
    }
    if (take_error != NULL) {
        if (take_trap != NULL)
            wasm_trap_delete(take_trap);
        wasmhost_engine_error(take_error, err, ERR_LIMIT);
        return err_wrap(
            err, "no instance within the limits (memory %llu bytes)",
            (unsigned long long)w->limits.memory_bytes);
    }
    return take_trap == NULL ? ERR_OK : judge_trap(take_trap, err);
}

static enum err_kind run_start(
    struct wasi *w, wasmtime_context_t *context, wasmtime_instance_t *instance, struct err *err)
{
    wasmtime_extern_t item;
    wasm_trap_t *trap = NULL;
    if (!wasmtime_instance_export_get(context, instance, "_start", 6, &item) ||
        item.kind != WASMTIME_EXTERN_FUNC)
        return err_set(err, ERR_INTERNAL, "a checked module has no _start");
    wasmtime_error_t *error = wasmtime_func_call(context, &item.of.func, NULL, 0, NULL, 0, &trap);
    return judge(w, error, trap, err);
}

/* Where a call is measured: add the time since *at to the profile's member at `offset`, go on from now. */
static void lap(struct wasmhost_profile *profile, int64_t *at, size_t offset)
{
    if (profile == NULL)
        return;
    int64_t now = clock_monotonic_ns();
    *(uint64_t *)(void *)((char *)profile + offset) += (uint64_t)(now - *at);
    *at = now;
}
#define LAP(profile, at, member) lap(profile, at, offsetof(struct wasmhost_profile, member))

/* Each tick, wherever the guest is: shall it go on? Host calls that take long ask the same. */
static wasmtime_error_t *on_tick(
    wasmtime_context_t *context,
    void *data,
    uint64_t *ret_ticks,
    wasmtime_update_deadline_kind_t *ret_how)
{
    (void)context;
    *ret_ticks = 1;
    *ret_how = WASMTIME_UPDATE_DEADLINE_CONTINUE;
    return wasi_check_time(data) == WASI_OK ? NULL : wasmtime_error_new("ended");
}

static enum err_kind run(struct wasmhost_module *m, struct wasi *w, struct err *err)
{
    int64_t at = w->profile == NULL ? 0 : clock_monotonic_ns();
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    wasmtime_store_t *store = wasmtime_store_new(m->host->engine, w, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    wasmtime_store_limiter(store, (int64_t)w->limits.memory_bytes, 200000, 1, 4, 1);
    wasmtime_store_epoch_deadline_callback(store, on_tick, w, NULL);
    wasmtime_context_set_epoch_deadline(context, 1);
    wasmtime_error_t *error =
        wasmtime_instance_pre_instantiate(m->linked, context, &instance, &trap);
    enum err_kind r = judge(w, error, trap, err);
    LAP(w->profile, &at, instantiate_ns);
    if (r == ERR_OK && !w->is_ended)
        r = run_start(w, context, &instance, err);
    LAP(w->profile, &at, run_ns);
    wasmtime_store_delete(store);
    LAP(w->profile, &at, finish_ns);
    return r;
}

static enum err_kind finish(struct wasi *w, struct err *err)
{
    int64_t at = w->profile == NULL ? 0 : clock_monotonic_ns();
    enum err_kind r = wasi_flush_all(w, err);
    LAP(w->profile, &at, finish_ns);
    return r == ERR_OK ? r : err_wrap(err, "what it wrote cannot be kept");
}

enum err_kind wasmhost_call(
    struct wasmhost_module *m,
    const struct wasmhost_call *call,
    struct wasmhost_result *ret,
    struct err *err)
{
    struct wasi w;
    struct wasmhost_call checked = *call;
    wasmhost_limits_default(&checked.limits);
    *ret = (struct wasmhost_result){0};
    buf_init(&ret->out, checked.limits.output_bytes);
    if (call->profile != NULL)
        *call->profile = (struct wasmhost_profile){0};
    int64_t at = call->profile == NULL ? 0 : clock_monotonic_ns();
    const struct wasmhost_slot slot = {
        .module = m,
        .deadline_ms = clock_monotonic_ms() + checked.limits.timeout_ms,
        .stall_ms = checked.limits.timeout_ms / STALL_PART,
        .cancel = checked.cancel};
    enum err_kind r = wasmhost_slot_take(&slot, err);
    LAP(call->profile, &at, wait_ns);
    if (r != ERR_OK)
        return r;
    wasi_init(&w, &checked, ret);
    w.deadline_ms = slot.deadline_ms;
    r = run(m, &w, err);
    wasmhost_slot_give(&slot);
    if (r == ERR_OK)
        r = finish(&w, err);
    wasi_deinit(&w);
    return r;
}
