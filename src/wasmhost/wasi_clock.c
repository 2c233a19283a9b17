#include "wasmhost/wasi.h"

/*
 * Time and chance of a call, both the same in each run (image-format.md section 4): so that results
 * can be kept and a retried change is the same change.
 */
enum { CLOCK_REAL = 0, CLOCK_MONO, CLOCK_PROCESS, CLOCK_THREAD };

WASI_FN(clock_res_get)
{
    if (A32(0) > CLOCK_THREAD)
        return WASI_INVAL;
    return wasi_ret64(w, A32(1), A32(0) == CLOCK_REAL ? 1000 : 1);
}

/* Each reading moves the clock that was read; processor time is the monotonic clock. */
WASI_FN(clock_time_get)
{
    uint64_t *clock = A32(0) == CLOCK_REAL ? &w->realtime_ns : &w->monotonic_ns;
    uint16_t r;

    if (A32(0) > CLOCK_THREAD)
        return WASI_INVAL;
    r = wasi_ret64(w, A32(2), *clock);
    if (r == WASI_OK)
        *clock += WASI_NS_PER_MS;
    return r;
}

/* SplitMix64, from a fixed seed. */
static uint64_t next_random(struct wasi *w)
{
    uint64_t z = w->random_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#define RANDOM_STEP ((uint32_t)1 << 20)

WASI_FN(random_get)
{
    uint32_t n = A32(1);
    uint8_t *p = wasi_mem(w, A32(0), n);

    if (p == NULL)
        return WASI_FAULT;
    for (uint32_t at = 0; at < n; at += 8) {
        uint8_t bytes[8];

        if (at % RANDOM_STEP == 0 && at > 0 && wasi_is_late(w))
            return WASI_IO;
        wasi_put64(bytes, next_random(w));
        memcpy(p + at, bytes, n - at < 8 ? n - at : 8);
    }
    return WASI_OK;
}
