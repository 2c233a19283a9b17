/*
 * The source as readers see it: the snapshot that is current, how the next one comes about, and what is
 * told of it while there is none or it cannot be renewed. The thread that calls for it is core/sync.c.
 */
#pragma once

#include "core/core.h"
#include "core/snapshot.h"

/* The current snapshot with a reference for the caller. Its tree is NULL while no commit of the branch
 * is known. */
struct core_snapshot *core_current(struct core *c);

/*
 * From core_new: the first snapshot, and the thread that follows the branch. What a clone holds is
 * served at once; without it the remote is asked first.
 *
 * fails  with what makes waiting pointless: credentials, no such repository or branch. A remote that
 *        is out of reach is none of this, unless options->must_reach: core_need_tree then says why.
 */
enum err_kind core_follow_start(
    struct core *c,
    const struct core_options *options,
    struct core_registry *registry,
    struct err *err) MUST_USE;
void core_follow_stop(struct core *c);

/* Make the branch as the repository on this disk has it the current snapshot. Nothing is fetched. */
enum err_kind core_refresh(struct core *c, struct err *err) MUST_USE;

/* Make the local directory, as its path leads to it now, the current snapshot. */
enum err_kind
core_follow_directory(struct core *c, struct core_registry *registry, struct err *err) MUST_USE;

/* ERR_OK, or UNAVAILABLE: no commit is known yet, and why. */
enum err_kind
core_need_tree(struct core *c, const struct core_snapshot *s, struct err *err) MUST_USE;
/* Before a write: while the source cannot be read another look is waited for, briefly. UNAVAILABLE. */
enum err_kind core_need_source(struct core *c, const atomic_bool *cancel, struct err *err) MUST_USE;

/* What is not in the clone may be at the remote, from another cupd: looks there, and true asks its caller
 * to try once more. false at once on this disk, or when that look failed. */
bool core_look_again(struct core *c, const atomic_bool *cancel);

/*
 * Until the current snapshot is `commit` or has it in its history; looks at the source for it.
 * fails  UNAVAILABLE after two seconds, CANCELLED
 */
enum err_kind core_wait_for(
    struct core *c,
    const struct repo_id *commit,
    const atomic_bool *cancel,
    struct err *err) MUST_USE;
/* The same for `?atLeast=`; empty: nothing to wait for. MALFORMED: no commit id; NotVersioned. */
enum err_kind core_wait_for_text(
    struct core *c, struct str commit, const atomic_bool *cancel, struct err *err) MUST_USE;
