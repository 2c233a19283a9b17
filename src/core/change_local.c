/* A change of a local directory: overlay, then files, staged and renamed under the directory's lock. */
#include "core/change.h"
#include "core/twins.h"
#include "vfs/localwrite.h"

/* A controller may take ten seconds, and another cupd's writer waits as long. */
static const int64_t LOCK_WAIT_MS = 30000;

/* Under the lock: read, compute, write. */
static enum err_kind write_files(
    struct core_snapshot *s,
    const struct core_change *change,
    struct overlay *overlay,
    struct core_result *ret,
    struct err *err)
{
    struct vfs_localwrite *lock = NULL;
    struct vfs_changes changes = {0};
    enum err_kind r = vfs_localwrite_begin(s->tree, LOCK_WAIT_MS, &lock, err);
    if (r == ERR_OK)
        r = core_change_apply(change, overlay, s->tree, err);
    if (r == ERR_OK)
        r = overlay_changes(overlay, &changes, err);
    if (r == ERR_OK)
        r = core_change_check_paths(&changes, err);
    if (r == ERR_OK)
        r = core_twins_check(s->tree, overlay_vfs(overlay), &changes, err);
    if (r == ERR_OK && !change->options->is_dry_run)
        r = vfs_localwrite_apply(lock, &changes, err);
    vfs_localwrite_end(lock);
    ret->is_unchanged = r == ERR_OK && changes.count == 0;
    return r;
}

static enum err_kind change_files(
    struct core_snapshot *s,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err)
{
    struct overlay *overlay = core_change_overlay(change, s->tree);
    enum err_kind r = write_files(s, change, overlay, ret, err);
    if (r == ERR_OK && !ret->is_unchanged)
        core_change_result(ret, CORE_NO_PROPOSAL, NULL, NULL);
    overlay_free(overlay);
    return r;
}

enum err_kind core_change_local(
    struct core *c,
    struct core_snapshot *s,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err)
{
    auto_snapshot struct core_snapshot *now = core_snapshot_ref(s);
    enum err_kind r = core_local_follow(c, &now, err);
    if (r != ERR_OK)
        return r;
    pthread_mutex_lock(&c->local_write_lock);
    r = change_files(now, change, ret, err);
    pthread_mutex_unlock(&c->local_write_lock);
    return r;
}
