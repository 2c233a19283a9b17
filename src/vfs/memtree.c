#include "vfs/memtree.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "vfs/nodes.h"

struct memtree {
    struct vfs vfs;
    struct node *root;
};

static struct memtree *of(struct vfs *v)
{
    return (struct memtree *)(void *)v;
}

static enum err_kind find(struct vfs *v, struct str path, struct node **ret, struct err *err)
{
    *ret = node_find(of(v)->root, path);
    if (*ret == NULL)
        return err_set(err, ERR_NOT_FOUND, "no file '" STR_FMT "'", STR_ARG(path));
    return ERR_OK;
}

static enum err_kind
memtree_stat(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    struct node *n;
    enum err_kind kind = find(v, path, &n, err);

    (void)flags;
    if (kind == ERR_OK)
        *ret = (struct vfs_stat){
            .type = n->type, .is_executable = n->is_executable, .size = n->bytes.n, .id = n->id};
    return kind;
}

static enum err_kind
memtree_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    struct node *n;
    enum err_kind kind = find(v, path, &n, err);

    *ret = (struct vfs_listing){0};
    if (kind != ERR_OK)
        return kind;
    if (n->type != VFS_DIR)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a directory", STR_ARG(path));
    struct node_cursor at = {0};
    for (struct node *child; (child = node_next(n, &at)) != NULL;)
        vfs_listing_add(ret, str_of(child->name, child->name_n), child->type);
    vfs_listing_finish(ret);
    return ERR_OK;
}

static enum err_kind
memtree_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    struct node *n;
    enum err_kind kind = find(v, path, &n, err);

    *ret = (struct vfs_data){0};
    if (kind != ERR_OK)
        return kind;
    if (n->type != VFS_FILE && n->type != VFS_LINK)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a file", STR_ARG(path));
    ret->bytes = n->bytes;
    return ERR_OK;
}

static void memtree_free(struct vfs *v)
{
    node_free(of(v)->root);
    free(v);
}

struct vfs *memtree_new(void)
{
    static const struct vfs_ops ops = {memtree_stat, memtree_list, memtree_read, memtree_free};
    struct memtree *t = mem_new(struct memtree);

    t->vfs.ops = &ops;
    t->root = node_new(STR(""), VFS_DIR);
    return &t->vfs;
}

enum err_kind memtree_add(
    struct vfs *tree, struct str path, enum vfs_type type, struct str bytes, struct err *err)
{
    struct node *at = of(tree)->root;
    struct str rest = path;
    enum err_kind kind = vfs_check_path(path, err);

    if (kind != ERR_OK)
        return kind;
    while (rest.p != NULL && path.n > 0) {
        struct str name = str_cut(&rest, '/');
        struct node *child = node_child(at, name);

        if (child == NULL) {
            child = node_new(name, rest.p == NULL ? type : VFS_DIR);
            node_insert(at, child);
        } else if ((child->type == VFS_DIR) != (rest.p != NULL || type == VFS_DIR)) {
            return err_set(
                err, ERR_EXISTS, "'" STR_FMT "' clashes with what is there", STR_ARG(path));
        }
        at = child;
    }
    if (type == VFS_FILE || type == VFS_LINK) {
        node_set_bytes(at, bytes);
        at->id.n = SHA256_BYTES;
        sha256_of(bytes, at->id.bytes);
    }
    return ERR_OK;
}
