/* Clocks that only move when they are read or slept on, and random bytes that are always the same: equal
 * calls give equal results, so that they may be cached and repeated. */
#include "wasmhost/wasi.h"

static const uint64_t STEP_NS = 1000000;
static const uint64_t RANDOM_PIECE = (uint64_t)1 << 20; /* between looks at the clock */

/* realtime, monotonic, process and thread time; the last two run with the monotonic one. */
static uint64_t *clock_of(struct wasi *w, uint32_t id)
{
    if (id > 3)
        return NULL;
    return id == 0 ? &w->realtime_ns : &w->monotonic_ns;
}

static enum wasi_errno clock_res_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    if (clock_of(w, wasi_u32(a, 0)) == NULL)
        return WASI_INVAL;
    return wasi_store_u64(w, wasi_u32(a, 1), STEP_NS);
}

static enum wasi_errno clock_time_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    uint64_t *clock = clock_of(w, wasi_u32(a, 0));
    if (clock == NULL)
        return WASI_INVAL;
    uint64_t now = *clock;
    *clock += STEP_NS;
    return wasi_store_u64(w, wasi_u32(a, 2), now);
}

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators). */
static uint64_t next_random(struct wasi *w)
{
    uint64_t z = w->random_state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static enum wasi_errno random_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    uint32_t n = wasi_u32(a, 1);
    uint8_t *to = wasi_at(w, wasi_u32(a, 0), n);
    if (to == NULL)
        return WASI_FAULT;
    for (uint64_t i = 0; i < n; i += 8) {
        if (i > 0 && i % RANDOM_PIECE == 0 && wasi_check_time(w) != WASI_OK)
            return WASI_IO;
        uint64_t bits = next_random(w);
        memcpy(to + i, &bits, n - i < 8 ? n - i : 8);
    }
    return WASI_OK;
}

static const struct wasi_row rows[] = {
    {"clock_res_get", "ii", clock_res_get, false},
    {"clock_time_get", "iIi", clock_time_get, false},
    {"random_get", "ii", random_get, false},
};
const struct wasi_family wasi_clock_family = {rows, ARRAY_LEN(rows)};
