/* A change of a local directory: overlay, then files, staged and renamed under the directory's lock. */
#include "core/internal.h"
#include "vfs/localtree.h"

/* In a directory the same paths are refused as in a commit. */
static enum err_kind check_paths(const struct vfs_changes *changes, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++)
        r = repo_check_path(changes->items[i].path, err);
    return r;
}

enum err_kind core_change_local(
    struct core *c,
    struct core_snapshot *s,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err)
{
    struct overlay *overlay = core_change_overlay(change, s->tree);
    struct vfs_changes changes = {0};
    pthread_mutex_lock(&c->local_write_lock);
    enum err_kind r = core_change_apply(change, overlay, s->tree, err);
    if (r == ERR_OK)
        r = overlay_changes(overlay, &changes, err);
    if (r == ERR_OK)
        r = check_paths(&changes, err);
    if (r == ERR_OK && changes.count > 0 && !change->options->is_dry_run)
        r = vfs_localtree_apply(c->local_path, &changes, err);
    pthread_mutex_unlock(&c->local_write_lock);
    if (r == ERR_OK && changes.count == 0)
        ret->is_unchanged = true;
    else if (r == ERR_OK)
        core_change_result(ret, CORE_NO_PROPOSAL, NULL, NULL);
    overlay_free(overlay);
    return r;
}
