#include "vfs/subtree.h"

#include "base/mem.h"

struct subtree {
    struct vfs vfs;
    struct vfs *base;
    char *prefix; /* "a/b" */
};

static struct subtree *of(struct vfs *v)
{
    return (struct subtree *)(void *)v;
}

/* The path in the base; caller frees. */
static char *below(struct vfs *v, struct str path)
{
    return path.n == 0 ? mem_strdup(of(v)->prefix)
                       : mem_printf("%s/" STR_FMT, of(v)->prefix, STR_ARG(path));
}

static enum err_kind
subtree_stat(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    autofree char *full = below(v, path);
    enum err_kind r = vfs_stat(of(v)->base, str_from(full), flags, ret, err);
    if (r != ERR_NOT_FOUND || path.n > 0)
        return r;
    *ret = (struct vfs_stat){.type = VFS_DIR}; /* the root is always there */
    return ERR_OK;
}

static enum err_kind
subtree_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    autofree char *full = below(v, path);
    enum err_kind r = vfs_list(of(v)->base, str_from(full), ret, err);
    if (r != ERR_NOT_FOUND || path.n > 0)
        return r;
    *ret = (struct vfs_listing){0};
    vfs_listing_finish(ret);
    return ERR_OK;
}

static enum err_kind
subtree_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    autofree char *full = below(v, path);
    return vfs_read(of(v)->base, str_from(full), ret, err);
}

static void subtree_free(struct vfs *v)
{
    free(of(v)->prefix);
    free(v);
}

struct vfs *vfs_subtree_new(struct vfs *base, struct str path)
{
    static const struct vfs_ops ops = {subtree_stat, subtree_list, subtree_read, subtree_free};
    struct subtree *t = mem_new(struct subtree);
    t->vfs.ops = &ops;
    t->base = base;
    t->prefix = mem_strdup_str(path);
    return &t->vfs;
}
