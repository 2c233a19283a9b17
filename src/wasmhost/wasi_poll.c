#include "wasmhost/wasi.h"

/* struct subscription and struct event of witx */
enum { SUBSCRIPTION_BYTES = 48, EVENT_BYTES = 32 };
enum { EVENT_CLOCK = 0, EVENT_FD_READ, EVENT_FD_WRITE };
enum { AT_USERDATA = 0, AT_TAG = 8, AT_FD = 16, AT_CLOCK = 16, AT_TIMEOUT = 24, AT_FLAGS = 40 };
#define ABSTIME 1u
#define WRITE_ROOM 65536u

struct event {
    uint16_t error;
    uint64_t nbytes;
    bool is_hangup;
};

static void
put_event(uint8_t *to, const uint8_t *subscription, const struct event *e)
{
    memset(to, 0, EVENT_BYTES);
    memcpy(to, subscription + AT_USERDATA, 8);
    wasi_put16(to + 8, e->error);
    to[10] = subscription[AT_TAG];
    wasi_put64(to + 16, e->nbytes);
    wasi_put16(to + 24, e->is_hangup);
}

/* How long until a clock subscription is due, in ns of the call's own time. */
static uint64_t clock_wait(const struct wasi *w, const uint8_t *s)
{
    uint64_t timeout = wasi_get64(s + AT_TIMEOUT);
    uint64_t now = wasi_get32(s + AT_CLOCK) == 0 ? w->realtime_ns : w->monotonic_ns;

    if ((s[AT_FLAGS] & ABSTIME) == 0)
        return timeout;
    return timeout > now ? timeout - now : 0;
}

static bool is_clock(const uint8_t *s)
{
    return s[AT_TAG] == EVENT_CLOCK && wasi_get32(s + AT_CLOCK) <= 3;
}

/* Descriptors never block; what cannot be waited for is reported at once as well. */
static uint16_t ready_now(struct wasi *w, const uint8_t *s, struct event *ret)
{
    struct wasi_fd *f = wasi_fd_get(w, wasi_get32(s + AT_FD));
    bool is_read = s[AT_TAG] == EVENT_FD_READ;
    uint64_t size = 0;
    uint16_t r = WASI_OK;

    *ret = (struct event){0};
    if (s[AT_TAG] == EVENT_CLOCK || s[AT_TAG] > EVENT_FD_WRITE) {
        ret->error = WASI_INVAL;
    } else if (f == NULL) {
        ret->error = WASI_BADF;
    } else if (!is_read) {
        ret->nbytes = WRITE_ROOM;
    } else if (f->kind == WASI_FD_STDIN) {
        ret->nbytes = w->call->stdin_bytes.n - w->stdin_offset;
        ret->is_hangup = ret->nbytes == 0;
    } else if (f->kind == WASI_FD_FILE) {
        r = wasi_size(w, f->node, &size);
        ret->nbytes = size > f->offset ? size - f->offset : 0;
    }
    return r;
}

static uint64_t saturated(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

WASI_FN(poll_oneoff)
{
    uint32_t n = A32(2);
    const uint8_t *in = wasi_mem(w, A32(0), (uint64_t)n * SUBSCRIPTION_BYTES);
    uint8_t *out = wasi_mem(w, A32(1), (uint64_t)n * EVENT_BYTES);
    uint64_t wait = UINT64_MAX;
    uint32_t events = 0;

    if (in == NULL || out == NULL || wasi_mem(w, A32(3), 4) == NULL)
        return WASI_FAULT;
    if (n == 0)
        return WASI_INVAL;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *s = in + (uint64_t)i * SUBSCRIPTION_BYTES;
        struct event e;

        if (is_clock(s)) {
            uint64_t this_wait = clock_wait(w, s);

            wait = this_wait < wait ? this_wait : wait;
            continue;
        }
        if (ready_now(w, s, &e) != WASI_OK)
            return WASI_IO;
        put_event(out + (uint64_t)events++ * EVENT_BYTES, s, &e);
    }
    if (events > 0)
        wait = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *s = in + (uint64_t)i * SUBSCRIPTION_BYTES;

        if (is_clock(s) && clock_wait(w, s) <= wait)
            put_event(out + (uint64_t)events++ * EVENT_BYTES, s, &(struct event){0});
    }
    w->realtime_ns = saturated(w->realtime_ns, wait);
    w->monotonic_ns = saturated(w->monotonic_ns, wait);
    return wasi_ret32(w, A32(3), events);
}
