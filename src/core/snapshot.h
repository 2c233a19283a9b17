/*
 * What a reader sees: one commit's tree and the registry, immutable once published. The current one is
 * swapped whole (core/follow.c); a reader that took a reference goes on with its own.
 */
#pragma once

#include "core/registry.h"
#include "repo/repo.h"
#include "vfs/vfs.h"

struct core_snapshot {
    int refs;              /* atomic */
    bool has_commit;       /* false: a local directory, or no commit is known yet */
    struct repo_id commit; /* of the target branch */
    struct repo_id root;   /* its tree */
    struct vfs *tree;      /* any thread; NULL: no commit is known yet (core_need_tree) */
    struct core_registry *registry;
};

/* Takes the tree and a reference to the registry. commit and root NULL: a local directory. */
struct core_snapshot *core_snapshot_new(
    const struct repo_id *commit,
    const struct repo_id *root,
    struct vfs *take_tree,
    struct core_registry *registry);
struct core_snapshot *core_snapshot_ref(struct core_snapshot *s);
struct core_snapshot *core_snapshot_unref(struct core_snapshot *s);
static inline void core_snapshot_cleanup(struct core_snapshot **s)
{
    core_snapshot_unref(*s);
}
#define auto_snapshot CLEANUP(core_snapshot_cleanup)
