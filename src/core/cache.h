/*
 * Results of controller calls, kept with what the controller saw of the tree (vfs/trace.h). A result
 * serves every tree of which that holds, and it is always the reader who proves it, against its own
 * tree; an entry remembers the root trees for which it was proven, which makes the usual case a look at
 * one identity. Errors are never kept; that there is no such object is a result like others.
 */
#pragma once

#include "core/core.h"
#include "repo/repo.h"
#include "vfs/vfs.h"

struct core_cache; /* any thread */

/* bytes_max: results, records and keys together; what was used longest ago goes first. 0: nothing is
 * kept, each call computes. */
struct core_cache *core_cache_new(size_t bytes_max);
struct core_cache *core_cache_free(struct core_cache *c);

struct core_cache_stats {
    uint64_t hits;   /* answered from what was kept, proven anew or before */
    uint64_t misses; /* computed */
    size_t bytes;
    size_t entries;
};
void core_cache_stats(struct core_cache *c, struct core_cache_stats *ret);

/*
 * The kept result of this key for this root tree, with a reference, or NULL: only what is proven for
 * the root already. Never blocks for longer than a few look-ups: for the event thread.
 */
struct core_answer *
core_cache_peek(struct core_cache *c, struct str key, const struct repo_id *root);

/*
 * Compute through `tree` (a view that records) what `key` stands for; called at most once for many
 * equal requests at one time where there is a root. OK and NOT_FOUND make an answer.
 */
struct core_cache_work {
    struct str key; /* the whole identity of the call but the tree; empty: do not keep */
    const struct repo_id *root; /* of the tree; NULL: it has none and may change at any time */
    /* Is the tree still what root says, now that it was read? NULL: that never changes. */
    bool (*still_holds)(void *data, const struct repo_id *root);
    struct vfs *tree;
    enum err_kind (*compute)(
        void *data, struct vfs *tree, struct core_answer **ret, struct err *err);
    void *data;
    const atomic_bool *cancel; /* this reader has gone: CANCELLED; may be NULL */
};
/* ret_answer with a reference. Fails as compute does. */
enum err_kind core_cache_get(
    struct core_cache *c,
    const struct core_cache_work *work,
    struct core_answer **ret,
    struct err *err) MUST_USE;

/*
 * For whoever computes by himself and wants to know for which other trees a result holds: what is kept of
 * this key for this root, with what was seen; false: nothing.
 * ret_seen    with a reference
 * ret_answer  with a reference
 */
struct vfs_seen;
bool core_cache_look(
    struct core_cache *c,
    struct str key,
    const struct repo_id *root,
    struct vfs_seen **ret_seen,
    struct core_answer **ret_answer);
/* Keep a result of one's own, made by what was seen of the tree with this root. */
void core_cache_keep(
    struct core_cache *c,
    struct str key,
    const struct repo_id *root,
    struct vfs_seen *seen,
    struct core_answer *answer);
