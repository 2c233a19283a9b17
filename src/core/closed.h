/*
 * Closed proposals of plain git are kept for 30 days, then their refs go; Git's own clean-up takes the commits.
 * Not for proposals at a forge: the forge keeps these.
 */
#pragma once

#include "core/internal.h"

#define CORE_CLOSED_KEPT_S ((int64_t)30 * 24 * 3600)

/* Removed at one time: over a network each is a push, and whoever calls has other work. */
#define CORE_CLOSED_ROUND_MAX 50

/*
 * Remove the refs of those that were closed too long ago, CORE_CLOSED_ROUND_MAX at most: the rest goes the next
 * time. Costs a look at each: not for each poll.
 *
 * cancel  looked at before each; may be NULL. Then it ends, and nothing is wrong.
 */
enum err_kind core_closed_expire(
    struct core *c, int64_t now_unix_s, const atomic_bool *cancel, struct err *err) MUST_USE;
