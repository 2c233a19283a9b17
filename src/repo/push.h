/* What push.c and push_pack.c share. */
#pragma once

#include "repo/internal.h"

/*
 * Append the pack of what a push has to bring; of no object at all as well, which Git wants where a ref is
 * made.
 *
 * known   refs that the remote has, as far as the clone knows
 * fails   LIMIT (above `to`'s maximum), IO
 */
enum err_kind push_pack(
    struct repo *r,
    const struct repo_ref_update *updates,
    size_t count,
    const struct repo_refs *known,
    struct buf *to,
    struct err *err) MUST_USE;
