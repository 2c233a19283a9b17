/* Host calls measured, for a call that asks for it: count, time and bytes of each function. */
#include "base/clock.h"
#include "wasmhost/wasi.h"

/* Functions that move bytes, and which argument says where in the guest's memory they store how many. */
static const struct {
    const char *name;
    size_t argument;
} movers[] = {
    {"fd_read", 3},   {"fd_pread", 4},   {"fd_write", 3},
    {"fd_pwrite", 4}, {"fd_readdir", 4}, {"path_readlink", 5},
};

static struct wasmhost_profile_row *row_of(struct wasmhost_profile *p, const char *name)
{
    for (size_t i = 0; i < p->row_count; i++) {
        if (p->rows[i].name == name)
            return &p->rows[i];
    }
    if (p->row_count == WASMHOST_PROFILE_ROWS)
        return &p->rows[WASMHOST_PROFILE_ROWS - 1];
    struct wasmhost_profile_row *row = &p->rows[p->row_count++];
    *row = (struct wasmhost_profile_row){.name = name};
    return row;
}

static uint64_t moved(const struct wasi *w, const char *name, const wasmtime_val_raw_t *a)
{
    for (size_t i = 0; i < ARRAY_LEN(movers); i++) {
        if (strcmp(movers[i].name, name) != 0)
            continue;
        const uint8_t *from = wasi_at(w, wasi_u32(a, movers[i].argument), sizeof(uint32_t));
        return from == NULL ? 0 : wasi_get_u32(from);
    }
    return 0;
}

enum wasi_errno
wasi_profiled(struct wasi *w, const struct wasi_row *row, const wasmtime_val_raw_t *a)
{
    int64_t start_ns = clock_monotonic_ns();
    enum wasi_errno e = row->fn(w, a);
    uint64_t ns = (uint64_t)(clock_monotonic_ns() - start_ns);
    struct wasmhost_profile_row *to = row_of(w->profile, row->name);
    to->count++;
    to->ns += ns;
    w->profile->host_ns += ns;
    w->profile->memory_bytes = w->mem_n;
    if (e == WASI_OK && !row->has_no_result)
        to->bytes += moved(w, row->name, a);
    return e;
}
