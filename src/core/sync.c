#include "core/sync.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    /* Between a look and a woken one: many who wake it do not keep it running all the time. */
    GAP_MS = 100,
    /* Pauses after failures count from here when the poll interval is longer. */
    BACK_OFF_BASE_MS = 10000,
    BACK_OFF_DOUBLINGS = 2,
    /* Each waiter holds a worker of the server: some are left to those who do not wait. */
    WAITERS_MAX = 4,
    /* How often a waiter looks whether its client is still there. */
    SLICE_MS = 100,
};

struct core_sync {
    struct core_sync_options options;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping; /* set under lock; read by a look without it */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    bool is_woken;
    uint64_t begun; /* looks */
    uint64_t failures_in_a_row;
    int64_t ended_ms; /* of the last look */
    unsigned waiters;
    struct core_sync_state state;
};

int64_t core_sync_pause_ms(int64_t poll_ms, uint64_t failures, uint32_t random)
{
    if (failures == 0)
        return poll_ms;
    int64_t most = poll_ms < BACK_OFF_BASE_MS ? poll_ms : BACK_OFF_BASE_MS;
    most <<= failures <= BACK_OFF_DOUBLINGS ? failures - 1 : BACK_OFF_DOUBLINGS;
    int64_t pause_ms = most - most / 4 * (random % 1024) / 1024;
    return pause_ms > 0 ? pause_ms : 1;
}

/* Until something changes, or that time; the lock is held. */
static void wait_until(struct core_sync *s, int64_t ms)
{
    struct timespec until = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

/* --- one look ------------------------------------------------------------------------------------- */

/* But for numbers, such as how many milliseconds it took to fail. */
static bool is_same_text(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    for (;;) {
        a += strspn(a, digits);
        b += strspn(b, digits);
        if (*a != *b || *a == '\0')
            return *a == *b;
        a++;
        b++;
    }
}

/* A change of state: what went wrong is not said again each time. */
static bool is_news(const struct core_sync_state *before, enum err_kind r, const struct err *err)
{
    if (r == ERR_OK || !before->is_failing)
        return (r != ERR_OK) != before->is_failing;
    return r != before->err.kind || !is_same_text(err->text, before->err.text);
}

/* Is it news? */
static bool record(struct core_sync *s, enum err_kind r, const struct err *err)
{
    pthread_mutex_lock(&s->lock);
    struct core_sync_state *to = &s->state;
    bool ret = is_news(to, r, err);
    s->ended_ms = clock_monotonic_ms();
    s->failures_in_a_row = r == ERR_OK ? 0 : s->failures_in_a_row + 1;
    to->looks++;
    to->failures += r != ERR_OK;
    to->is_failing = r != ERR_OK;
    if (r == ERR_OK) {
        to->good_ms = s->ended_ms;
        err_clear(&to->err);
    } else {
        to->err = *err;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return ret;
}

static void begin(struct core_sync *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_woken = false;
    s->begun++;
    pthread_mutex_unlock(&s->lock);
}

static enum err_kind
look(struct core_sync *s, const atomic_bool *cancel, bool *ret_is_news, struct err *err)
{
    err_clear(err);
    begin(s);
    enum err_kind r = s->options.look(s->options.data, cancel, err);
    *ret_is_news = record(s, r, err);
    return r;
}

enum err_kind core_sync_look(struct core_sync *s, const atomic_bool *cancel, struct err *err)
{
    bool is_news = false; /* which the caller has to tell */
    return look(s, cancel, &is_news, err);
}

/* --- the thread ----------------------------------------------------------------------------------- */

static int64_t next_ms(const struct core_sync *s)
{
    uint32_t random;
    if (s->state.looks == 0)
        return 0;
    id_random(&random, sizeof(random));
    return s->ended_ms + core_sync_pause_ms(s->options.poll_ms, s->failures_in_a_row, random);
}

/* false: time to stop */
static bool sleep_until_due(struct core_sync *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t poll_at = next_ms(s);
    while (!atomic_load(&s->is_stopping)) {
        int64_t woken_at = s->ended_ms + GAP_MS;
        int64_t due = s->is_woken && woken_at < poll_at ? woken_at : poll_at;
        if (clock_monotonic_ms() >= due)
            break;
        wait_until(s, due);
    }
    bool goes_on = !atomic_load(&s->is_stopping);
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

static void *keep_up(void *data)
{
    struct core_sync *s = data;
    while (sleep_until_due(s)) {
        struct err err;
        bool tells = false;
        enum err_kind r = look(s, &s->is_stopping, &tells, &err);
        if (tells && s->options.note != NULL && !atomic_load(&s->is_stopping))
            s->options.note(s->options.data, r == ERR_OK ? NULL : &err);
    }
    return NULL;
}

struct core_sync *core_sync_new(const struct core_sync_options *options)
{
    struct core_sync *s = mem_new(struct core_sync);
    pthread_condattr_t attributes;
    s->options = *options;
    s->state.good_ms = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return s;
}

enum err_kind core_sync_start(struct core_sync *s, struct err *err)
{
    int rc = pthread_create(&s->thread, NULL, keep_up, s);
    if (rc != 0)
        return err_errno(err, rc, "starting the thread that follows the branch");
    s->has_thread = true;
    return ERR_OK;
}

struct core_sync *core_sync_free(struct core_sync *s)
{
    if (s == NULL)
        return NULL;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->is_stopping, true);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

/* --- for others ----------------------------------------------------------------------------------- */

void core_sync_wake(struct core_sync *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_woken = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* The lock is held. A look that was under way when the waiter came may have read the old state. */
static enum err_kind
wait_for_next(struct core_sync *s, int64_t until_ms, const atomic_bool *cancel, struct err *err)
{
    uint64_t wanted = s->begun + 1;
    bool is_over = false;
    while (s->state.looks < wanted && !is_over) {
        int64_t now = clock_monotonic_ms();
        if (cancel != NULL && atomic_load(cancel))
            return err_set(err, ERR_CANCELLED, "nobody waits for the answer");
        is_over = now >= until_ms || atomic_load(&s->is_stopping);
        if (!is_over)
            wait_until(s, now + SLICE_MS < until_ms ? now + SLICE_MS : until_ms);
    }
    if (s->state.is_failing)
        return err_set(err, ERR_UNAVAILABLE, "%s", s->state.err.text);
    return is_over ? err_set(err, ERR_UNAVAILABLE, "the source did not answer in time; try again")
                   : ERR_OK;
}

enum err_kind
core_sync_wait(struct core_sync *s, int64_t wait_ms, const atomic_bool *cancel, struct err *err)
{
    pthread_mutex_lock(&s->lock);
    if (s->waiters >= WAITERS_MAX) {
        pthread_mutex_unlock(&s->lock);
        return err_set(
            err, ERR_UNAVAILABLE, "too many requests wait for the source already; try again");
    }
    s->waiters++;
    s->is_woken = true;
    pthread_cond_broadcast(&s->changed);
    enum err_kind r = wait_for_next(s, clock_monotonic_ms() + wait_ms, cancel, err);
    s->waiters--;
    pthread_mutex_unlock(&s->lock);
    return r;
}

void core_sync_state(struct core_sync *s, struct core_sync_state *ret)
{
    pthread_mutex_lock(&s->lock);
    *ret = s->state;
    pthread_mutex_unlock(&s->lock);
}
