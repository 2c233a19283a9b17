/* Waiting: descriptors are always ready, and sleeping advances the clocks and returns at once. Sockets:
 * there are none. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

enum { EVENT_CLOCK, EVENT_READ, EVENT_WRITE };
enum { SUBSCRIPTION_BYTES = 48, EVENT_BYTES = 32, CLOCK_ABSOLUTE = 1, SUBSCRIPTIONS_MAX = 4096 };

struct subscription {
    uint64_t userdata;
    uint8_t tag;
    uint32_t id; /* clock or descriptor */
    uint64_t timeout_ns;
    bool is_absolute;
};

static struct subscription read_subscription(const uint8_t *from)
{
    uint16_t flags;
    memcpy(&flags, from + 40, sizeof(flags));
    return (struct subscription){
        .userdata = wasi_get_u64(from),
        .tag = from[8],
        .id = wasi_get_u32(from + 16),
        .timeout_ns = wasi_get_u64(from + 24),
        .is_absolute = (flags & CLOCK_ABSOLUTE) != 0,
    };
}

static bool is_clock(const struct subscription *s)
{
    return s->tag == EVENT_CLOCK && s->id <= 3;
}

/* How long until it is due; UINT64_MAX for what is no clock. */
static uint64_t due_in(const struct wasi *w, const struct subscription *s)
{
    uint64_t now = s->id == 0 ? w->realtime_ns : w->monotonic_ns;
    if (!is_clock(s))
        return UINT64_MAX;
    if (!s->is_absolute)
        return s->timeout_ns;
    return s->timeout_ns > now ? s->timeout_ns - now : 0;
}

static void write_event(uint8_t *to, const struct subscription *s, enum wasi_errno e, uint64_t n)
{
    memset(to, 0, EVENT_BYTES);
    wasi_put_u64(to, s->userdata);
    wasi_put_u16(to + 8, (uint16_t)e);
    to[10] = s->tag;
    if (s->tag != EVENT_CLOCK)
        wasi_put_u64(to + 16, n);
}

/* Events of descriptors: ready or wrong, but never a reason to wait. */
static uint32_t
ready_now(struct wasi *w, const struct subscription *subs, uint32_t count, uint8_t *to)
{
    uint32_t ready = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct subscription *s = &subs[i];
        if (is_clock(s))
            continue;
        enum wasi_errno e = WASI_OK;
        if (s->tag > EVENT_WRITE || s->tag == EVENT_CLOCK)
            e = WASI_INVAL;
        else if (wasi_fd_get(w, s->id) == NULL)
            e = WASI_BADF;
        write_event(to + (size_t)ready++ * EVENT_BYTES, s, e, e == WASI_OK ? 1 : 0);
    }
    return ready;
}

/* Sleep until the first clock is due, and report all that are. */
static uint32_t
sleep_until_due(struct wasi *w, const struct subscription *subs, uint32_t count, uint8_t *to)
{
    uint64_t wait = UINT64_MAX;
    uint32_t ready = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t due = due_in(w, &subs[i]);
        wait = due < wait ? due : wait;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_clock(&subs[i]) && due_in(w, &subs[i]) <= wait)
            write_event(to + (size_t)ready++ * EVENT_BYTES, &subs[i], WASI_OK, 0);
    }
    w->realtime_ns += wait;
    w->monotonic_ns += wait;
    return ready;
}

/* The subscriptions are copied first: the guest may have the events written over them. */
static enum wasi_errno poll_oneoff(struct wasi *w, const wasmtime_val_raw_t *a)
{
    uint32_t count = wasi_u32(a, 2);
    const uint8_t *from = wasi_at(w, wasi_u32(a, 0), (uint64_t)count * SUBSCRIPTION_BYTES);
    uint8_t *to = wasi_at(w, wasi_u32(a, 1), (uint64_t)count * EVENT_BYTES);
    if (count == 0)
        return WASI_INVAL;
    if (from == NULL || to == NULL)
        return WASI_FAULT;
    if (count > SUBSCRIPTIONS_MAX)
        return WASI_INVAL;
    autofree struct subscription *subs = mem_alloc(count * sizeof(*subs));
    for (uint32_t i = 0; i < count; i++)
        subs[i] = read_subscription(from + (size_t)i * SUBSCRIPTION_BYTES);
    uint32_t ready = ready_now(w, subs, count, to);
    if (ready == 0)
        ready = sleep_until_due(w, subs, count, to);
    return wasi_store_u32(w, wasi_u32(a, 3), ready);
}

static enum wasi_errno no_socket(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return wasi_fd_get(w, wasi_u32(a, 0)) == NULL ? WASI_BADF : WASI_NOTSOCK;
}

static const struct wasi_row rows[] = {
    {"poll_oneoff", "iiii", poll_oneoff, false}, {"sock_accept", "iii", no_socket, false},
    {"sock_recv", "iiiiii", no_socket, false},   {"sock_send", "iiiii", no_socket, false},
    {"sock_shutdown", "ii", no_socket, false},
};
const struct wasi_family wasi_poll_family = {rows, ARRAY_LEN(rows)};
