/* Arguments, environment, leaving, signals. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

/* The number of texts and the bytes that they take with their NULs. */
static enum wasi_errno
sizes(struct wasi *w, const char *const *texts, size_t count, const wasmtime_val_raw_t *a)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(texts[i]) + 1;
    enum wasi_errno e = wasi_store_u32(w, wasi_u32(a, 0), (uint32_t)count);
    return e == WASI_OK ? wasi_store_u32(w, wasi_u32(a, 1), (uint32_t)bytes) : e;
}

/* The texts one after the other, and a list of pointers to them. */
static enum wasi_errno
copy_texts(struct wasi *w, const char *const *texts, size_t count, const wasmtime_val_raw_t *a)
{
    uint32_t list = wasi_u32(a, 0);
    uint32_t text = wasi_u32(a, 1);
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(texts[i]) + 1;
        uint8_t *to = wasi_at(w, text, n);
        if (to == NULL || wasi_store_u32(w, list, text) != WASI_OK)
            return WASI_FAULT;
        wasi_put(to, texts[i], n);
        list += 4;
        text += (uint32_t)n;
    }
    return WASI_OK;
}

static enum wasi_errno args_sizes_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return sizes(w, w->call->args, w->call->arg_count, a);
}

static enum wasi_errno args_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return copy_texts(w, w->call->args, w->call->arg_count, a);
}

static enum wasi_errno environ_sizes_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return sizes(w, w->call->env, w->call->env_count, a);
}

static enum wasi_errno environ_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return copy_texts(w, w->call->env, w->call->env_count, a);
}

static enum wasi_errno proc_exit(struct wasi *w, const wasmtime_val_raw_t *a)
{
    w->result->exit_code = (int)wasi_u32(a, 0);
    w->is_ended = true;
    return WASI_OK;
}

/* Nobody to send a signal to. */
static enum wasi_errno proc_raise(struct wasi *w, const wasmtime_val_raw_t *a)
{
    (void)w;
    (void)a;
    return WASI_NOTSUP;
}

static enum wasi_errno yield_now(struct wasi *w, const wasmtime_val_raw_t *a)
{
    (void)w;
    (void)a;
    return WASI_OK;
}

static const struct wasi_row rows[] = {
    {"args_get", "ii", args_get, false},
    {"args_sizes_get", "ii", args_sizes_get, false},
    {"environ_get", "ii", environ_get, false},
    {"environ_sizes_get", "ii", environ_sizes_get, false},
    {"proc_exit", "i", proc_exit, true},
    {"proc_raise", "i", proc_raise, false},
    {"sched_yield", "", yield_now, false},
};
const struct wasi_family wasi_args_family = {rows, ARRAY_LEN(rows)};
