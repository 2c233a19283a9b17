/*
 * What people did in a merge commit beside merging: a conflict resolved, a file edited. Told by merging
 * the parents once more, path by path, and comparing. Nothing is written. Renames are not followed, as in
 * repo_merge: a merge that followed one differs from ours, and counts as made by hand. Not for how a
 * proposal and its target go together: core/merge.h.
 */
#pragma once

#include "repo/repo.h"
#include "vfs/vfs.h"

/* A path in one tree. */
struct core_merge_side {
    bool is_there;
    struct vfs_stat stat;
};
/* The path in each of `count` trees; a tree that is NULL has nothing. ret holds `count`. */
enum err_kind core_merge_look(
    struct vfs *const *trees,
    size_t count,
    struct str path,
    struct core_merge_side *ret,
    struct err *err) MUST_USE;
/* Type, executable bit and content. Of submodules no content is known: they are never equal. */
bool core_merge_side_eq(const struct core_merge_side *a, const struct core_merge_side *b);

/* Another result than OK ends it. */
typedef enum err_kind (*core_merge_hand_fn)(void *data, struct str path, struct err *err);
/*
 * Each path, once, at which the commit holds something else than the merge of its two parents gives;
 * paths at which they do not merge are among them.
 *
 * merge  of two or more parents; of those behind the second one nothing is known, and all that differs
 *        from the first counts as made by hand
 * fails  as reads of the repository, and as visit does
 */
enum err_kind core_merge_hand(
    struct repo *r,
    const struct repo_commit_info *merge,
    core_merge_hand_fn visit,
    void *data,
    struct err *err) MUST_USE;
