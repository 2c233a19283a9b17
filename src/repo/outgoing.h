/*
 * What a push has to send, as one pack: the commits that the remote lacks, with what their parents' trees
 * do not have. git_remote_push() walks the base's trees for it. Not for sending it.
 */
#pragma once

#include "repo/internal.h"

/* Larger packs are LIMIT: they are held in memory. */
#define REPO_OUTGOING_BYTES_MAX ((size_t)512 << 20)

struct repo_outgoing {
    const struct repo_id *tips; /* commits that the remote is to have; none stands for a deletion */
    size_t tip_count;
    /* Commits that the remote has, with all they reach: where a push starts from. Looked at first; where
     * they do not bound it, all refs of the repository count as known to the remote. */
    const struct repo_id *known; /* none, and what is not here, is passed over */
    size_t known_count;
};

/*
 * A pack of what is lacking, complete by itself (no deltas against what the remote has); one without
 * objects where nothing is, as receive-pack wants one for each command but a deletion.
 *
 * ret_pack  appended to; its max becomes REPO_OUTGOING_BYTES_MAX
 * fails     NOT_FOUND (no such commit), LIMIT, IO
 * threads   any
 * source    gitformat-pack(5)
 */
enum err_kind repo_outgoing_pack(
    struct repo *r,
    const struct repo_outgoing *what,
    struct buf *ret_pack,
    size_t *ret_objects,
    struct err *err) MUST_USE;
