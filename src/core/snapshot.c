#include "core/snapshot.h"
#include "base/mem.h"

struct core_snapshot *core_snapshot_new(
    const struct repo_id *commit,
    const struct repo_id *root,
    struct vfs *take_tree,
    struct core_registry *registry)
{
    struct core_snapshot *s = mem_new(struct core_snapshot);
    s->refs = 1;
    s->has_commit = commit != NULL;
    if (commit != NULL) {
        s->commit = *commit;
        s->root = *root;
    }
    s->tree = take_tree;
    s->registry = core_registry_ref(registry);
    return s;
}

struct core_snapshot *core_snapshot_ref(struct core_snapshot *s)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

struct core_snapshot *core_snapshot_unref(struct core_snapshot *s)
{
    if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return NULL;
    vfs_free(s->tree);
    core_registry_unref(s->registry);
    free(s);
    return NULL;
}
