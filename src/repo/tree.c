/* The tree of a commit as a vfs: nothing but look-ups in trees.h and reads of blobs. */
#include "base/mem.h"
#include "repo/trees.h"

struct git_vfs {
    struct vfs vfs; /* first: vfs/vfs.h */
    struct repo *repo;
    struct tree *root;
};

/* What a path names: an entry of `in`, or, with entry NULL, the root. */
struct place {
    struct tree *in; /* owned */
    const struct tree_entry *entry;
};

static void place_cleanup(struct place *p)
{
    tree_unref(p->in);
}
#define auto_place CLEANUP(place_cleanup)

static enum err_kind nothing_at(struct str path, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "no file '" STR_FMT "'", STR_ARG(path));
}

static enum err_kind look_up(struct git_vfs *v, struct str path, struct place *ret, struct err *err)
{
    auto_tree struct tree *in = tree_ref(v->root);
    const struct tree_entry *entry = NULL;
    struct str rest = path;
    if (rest.n == 0)
        rest.p = NULL;
    while (rest.p != NULL) {
        if (entry != NULL) {
            if (!tree_mode_is_dir(entry->mode))
                return nothing_at(path, err);
            git_oid id = tree_entry_id(in, entry);
            struct tree *below = NULL;
            enum err_kind r = trees_get(v->repo, &id, &below, err);
            if (r != ERR_OK)
                return r;
            tree_unref(in);
            in = below;
        }
        entry = tree_find(in, str_cut(&rest, '/'));
        if (entry == NULL)
            return nothing_at(path, err);
    }
    *ret = (struct place){.in = steal(&in), .entry = entry};
    return ERR_OK;
}

static enum vfs_type type_of(uint32_t mode)
{
    if (tree_mode_is_dir(mode))
        return VFS_DIR;
    if (tree_mode_is_file(mode))
        return VFS_FILE;
    return mode == TREE_MODE_LINK ? VFS_LINK : VFS_OTHER;
}

static enum err_kind
read_size(struct repo *r, const git_oid *id, uint64_t *ret_size, struct err *err)
{
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    int code = git_odb_read_header(&size, &type, r->odb, id);
    if (code < 0)
        return repo_object_failed(r, code, err, id, "blob");
    if (type != GIT_OBJECT_BLOB)
        return err_set(err, ERR_IO, "an entry of the tree that should be a file is none");
    *ret_size = size;
    return ERR_OK;
}

static enum err_kind
tree_stat(struct vfs *vfs, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    struct git_vfs *v = (struct git_vfs *)vfs;
    auto_place struct place at = {0};
    enum err_kind r = look_up(v, path, &at, err);
    if (r != ERR_OK)
        return r;
    struct vfs_stat st = {.type = VFS_DIR};
    if (at.entry != NULL)
        st.type = type_of(at.entry->mode);
    if (st.type == VFS_FILE || st.type == VFS_LINK) {
        git_oid id = tree_entry_id(at.in, at.entry);
        st.id.n = GIT_OID_RAWSZ;
        memcpy(st.id.bytes, id.id, GIT_OID_RAWSZ);
        st.is_executable = st.type == VFS_FILE && (at.entry->mode & 0100u) != 0;
        if ((flags & VFS_STAT_SIZE) != 0)
            r = read_size(v->repo, &id, &st.size, err);
    }
    if (r == ERR_OK)
        *ret = st;
    return r;
}

static enum err_kind open_dir(
    struct git_vfs *v, const struct place *at, struct str path, struct tree **ret, struct err *err)
{
    if (at->entry == NULL) {
        *ret = tree_ref(at->in);
        return ERR_OK;
    }
    if (!tree_mode_is_dir(at->entry->mode))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a directory", STR_ARG(path));
    git_oid id = tree_entry_id(at->in, at->entry);
    return trees_get(v->repo, &id, ret, err);
}

static enum err_kind
tree_list(struct vfs *vfs, struct str path, struct vfs_listing *ret, struct err *err)
{
    struct git_vfs *v = (struct git_vfs *)vfs;
    auto_place struct place at = {0};
    auto_tree struct tree *dir = NULL;
    enum err_kind r = look_up(v, path, &at, err);
    if (r == ERR_OK)
        r = open_dir(v, &at, path, &dir, err);
    if (r != ERR_OK)
        return r;
    struct vfs_listing listing = {0};
    for (size_t i = 0; i < tree_count(dir); i++) {
        const struct tree_entry *e = tree_at(dir, i);
        vfs_listing_add(&listing, tree_name(dir, e), type_of(e->mode));
    }
    vfs_listing_finish(&listing);
    *ret = listing;
    return ERR_OK;
}

static void release_object(void *owner)
{
    git_odb_object_free(owner);
}

static enum err_kind
read_blob(struct repo *r, const git_oid *id, struct str path, struct vfs_data *ret, struct err *err)
{
    uint64_t size = 0;
    enum err_kind kind = read_size(r, id, &size, err);
    if (kind != ERR_OK)
        return kind;
    if (size > REPO_BLOB_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "file '" STR_FMT "' is larger than 128 MiB", STR_ARG(path));
    git_odb_object *object = NULL;
    int code = git_odb_read(&object, r->odb, id);
    if (code < 0)
        return repo_object_failed(r, code, err, id, "blob");
    *ret = (struct vfs_data){
        .bytes = str_of(git_odb_object_data(object), git_odb_object_size(object)),
        .owner = object,
        .release = release_object,
    };
    return ERR_OK;
}

static enum err_kind
tree_read(struct vfs *vfs, struct str path, struct vfs_data *ret, struct err *err)
{
    struct git_vfs *v = (struct git_vfs *)vfs;
    auto_place struct place at = {0};
    enum err_kind r = look_up(v, path, &at, err);
    if (r != ERR_OK)
        return r;
    enum vfs_type type = at.entry == NULL ? VFS_DIR : type_of(at.entry->mode);
    if (type == VFS_DIR)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is a directory", STR_ARG(path));
    if (type == VFS_OTHER)
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' is a submodule: its files are elsewhere",
            STR_ARG(path));
    git_oid id = tree_entry_id(at.in, at.entry);
    return read_blob(v->repo, &id, path, ret, err);
}

static void tree_free(struct vfs *vfs)
{
    struct git_vfs *v = (struct git_vfs *)vfs;
    tree_unref(v->root);
    free(v);
}

static const struct vfs_ops tree_ops = {
    .stat = tree_stat,
    .list = tree_list,
    .read = tree_read,
    .free = tree_free,
};

enum err_kind repo_tree(
    struct repo *r,
    const struct repo_id *commit,
    struct vfs **ret,
    struct repo_id *ret_tree,
    struct err *err)
{
    git_oid id;
    struct tree *root = NULL;
    enum err_kind kind = repo_commit_tree(r, commit, &id, err);
    if (kind == ERR_OK)
        kind = trees_get(r, &id, &root, err);
    if (kind != ERR_OK)
        return kind;
    struct git_vfs *v = mem_new(struct git_vfs);
    *v = (struct git_vfs){.vfs = {&tree_ops}, .repo = r, .root = root};
    *ret = &v->vfs;
    *ret_tree = repo_from_oid(&id);
    return ERR_OK;
}
