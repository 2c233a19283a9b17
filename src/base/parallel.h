/*
 * The same work on many items by a few threads. Not a pool that stays: the threads end with the call.
 */
#pragma once

#include "base/err.h"

/*
 * Call one(data, i) for each i below count, by at most `threads` threads at once (0 counts as 1; one thread
 * is the caller's own). After the first failure no further item is begun; the call waits for those under
 * way and returns that failure; CANCELLED only where there is no other. Items are begun in their order.
 */
enum err_kind parallel_run(
    unsigned threads,
    size_t count,
    enum err_kind (*one)(void *data, size_t i, struct err *err),
    void *data,
    struct err *err) MUST_USE;
