/*
 * The one thread that keeps up with a source. It looks when the poll interval is over, when somebody
 * wakes it, and less often while looks fail; and it remembers how they went, which is what /readyz
 * tells. What a look does (fetch, snapshot, publish) is the caller's: core/follow.c.
 */
#pragma once

#include "base/err.h"

#include <stdatomic.h>

struct core_sync; /* any thread, but for new, start and free */

struct core_sync_options {
    int64_t poll_ms; /* from the end of one look to the next; above 0 */
    /* One look. `cancel` becomes true when it is to end early. */
    enum err_kind (*look)(void *data, const atomic_bool *cancel, struct err *err);
    /* Told, by the thread, when its looks begin to fail, fail in another way, and (NULL) get through
     * again; may be NULL. */
    void (*note)(void *data, const struct err *err);
    void *data;
};

/* No thread yet. */
struct core_sync *core_sync_new(const struct core_sync_options *options);
/* A look on this thread, before core_sync_start: it counts like any other, but is not told to note. err is
 * not NULL. */
enum err_kind
core_sync_look(struct core_sync *s, const atomic_bool *cancel, struct err *err) MUST_USE;
/* From now on there is a thread; its first look is due at once where there was none yet. */
enum err_kind core_sync_start(struct core_sync *s, struct err *err) MUST_USE;
/* Ends a look under way, and the thread. NULL is fine; returns NULL. */
struct core_sync *core_sync_free(struct core_sync *s);

/* A look soon, not sooner than a moment after the last one. Calls during one look make one more. */
void core_sync_wake(struct core_sync *s);
/*
 * Wake it, and wait for the end of a look that began after this call.
 *
 * wait_ms  at most; the look itself goes on
 * cancel   may be NULL; true: nobody waits for the answer any more (CANCELLED)
 * fails    UNAVAILABLE: that look failed (its words), there was none in time, or too many wait already
 */
enum err_kind core_sync_wait(
    struct core_sync *s, int64_t wait_ms, const atomic_bool *cancel, struct err *err) MUST_USE;

struct core_sync_state {
    uint64_t looks;    /* that have ended */
    uint64_t failures; /* of these */
    int64_t good_ms;   /* CLOCK_MONOTONIC at the end of the last one that got through; -1: none */
    bool is_failing;   /* the last one failed */
    struct err err;    /* why; empty otherwise */
};
void core_sync_state(struct core_sync *s, struct core_sync_state *ret);

/*
 * The pause after a look, when the last `failures` ones failed: the poll interval, or, after failures,
 * up to four times that (of at most ten seconds), a quarter of it by chance, so that many servers do
 * not come back to a remote all at once.
 */
int64_t core_sync_pause_ms(int64_t poll_ms, uint64_t failures, uint32_t random);
