/*
 * A local directory as the source: the snapshot that stands for it, and what makes kept answers of it
 * good. It has no commits; the stamp of its watch (vfs/localtree.h) stands where a root tree's id does.
 */
#include "core/internal.h"
#include "vfs/localtree.h"
#include "vfs/localwrite.h"

enum err_kind core_local_snapshot(
    struct core *c, struct core_registry *registry, struct core_snapshot **ret, struct err *err)
{
    struct vfs *tree = NULL;
    enum err_kind r = vfs_localtree_new_watched(c->local_path, &tree, err);
    if (r != ERR_OK)
        return r;
    vfs_localtree_clear_up(tree);
    *ret = core_snapshot_new(NULL, NULL, tree, registry);
    return ERR_OK;
}

/* Two threads may open it anew at once: both have the directory that is there now. */
enum err_kind core_local_follow(struct core *c, struct core_snapshot **snapshot, struct err *err)
{
    if (c->is_git || vfs_localtree_is_at((*snapshot)->tree, c->local_path))
        return ERR_OK;
    enum err_kind r = core_follow_directory(c, (*snapshot)->registry, err);
    if (r == ERR_NOT_FOUND || r == ERR_INVALID)
        r = err_as(err, ERR_UNAVAILABLE);
    if (r != ERR_OK)
        return r;
    core_snapshot_unref(*snapshot);
    *snapshot = core_current(c);
    return ERR_OK;
}

bool core_local_root(struct core_snapshot *s, struct repo_id *ret)
{
    _Static_assert(sizeof(ret->bytes) == VFS_LOCALTREE_STAMP_BYTES, "a stamp stands for an id");
    return vfs_localtree_stamp(s->tree, ret->bytes);
}

void core_local_note_unwatched(struct core *c, struct core_snapshot *s)
{
    struct err why = {0};
    if (!vfs_localtree_is_unwatched(s->tree, &why) ||
        atomic_exchange(&c->has_noted_unwatched, true))
        return;
    if (c->note != NULL)
        c->note(
            c->note_data, LOG_WARN,
            "the directory cannot be watched: each answer looks at its files again",
            str_from(why.text));
}
