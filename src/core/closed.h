/*
 * Closed proposals of plain git are kept for 30 days, then their refs go; Git's own clean-up takes the commits.
 * Not for proposals at a forge: the forge keeps these.
 */
#pragma once

#include "core/internal.h"

#define CORE_CLOSED_KEPT_S ((int64_t)30 * 24 * 3600)

/* Remove the refs of those that were closed too long ago. Costs a look at each: not for each poll. */
enum err_kind core_closed_expire(struct core *c, int64_t now_unix_s, struct err *err) MUST_USE;
