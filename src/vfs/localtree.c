#include "vfs/localtree.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "vfs/dirwatch.h"
#include "vfs/localdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static const size_t FILE_BYTES_MAX = (size_t)128 << 20;

struct localtree {
    struct vfs vfs;
    int root;
    dev_t device; /* what the directory is, wherever its path leads meanwhile */
    ino_t inode;
    struct dirwatch *watch; /* NULL: none */
    struct err unwatched;   /* why there is none, where one was wanted */
};

static struct localtree *self(struct vfs *v)
{
    return (struct localtree *)v;
}

static enum err_kind find(
    struct vfs *v,
    struct str path,
    int *ret_parent,
    char ret_name[LOCALDIR_NAME_BYTES],
    struct err *err)
{
    if (localdir_is_hidden(path))
        return localdir_failed(ENOENT, path, err);
    return localdir_parent_watched(self(v)->root, path, self(v)->watch, ret_parent, ret_name, err);
}

/*
 * A file of a directory has no identity but what the file system says of it, and times are only as fine
 * as its clock: a file that was changed a moment ago may be changed again without a trace, so it has
 * none yet.
 */
static struct vfs_id identity_of(const struct stat *st)
{
    static const time_t SETTLED_S = 2;
    struct vfs_id id = {.n = 0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (st->st_mtim.tv_sec > now.tv_sec - SETTLED_S || st->st_ctim.tv_sec > now.tv_sec - SETTLED_S)
        return id;
    const uint64_t facts[] = {
        st->st_dev,
        st->st_ino,
        (uint64_t)st->st_size,
        st->st_mode,
        (uint64_t)st->st_mtim.tv_sec,
        (uint64_t)st->st_mtim.tv_nsec,
        (uint64_t)st->st_ctim.tv_sec,
        (uint64_t)st->st_ctim.tv_nsec,
    };
    id.n = SHA256_BYTES;
    sha256_of(str_of((const char *)facts, sizeof(facts)), id.bytes);
    return id;
}

static enum err_kind
local_stat(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    (void)flags;
    char name[LOCALDIR_NAME_BYTES];
    struct stat st;
    autoclose int parent = -1;
    enum err_kind r = find(v, path, &parent, name, err);
    if (r != ERR_OK)
        return r;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return localdir_failed(errno, path, err);
    *ret = (struct vfs_stat){
        .type = localdir_type(st.st_mode),
        .is_executable = S_ISREG(st.st_mode) && (st.st_mode & 0100)};
    if (ret->type == VFS_FILE || ret->type == VFS_LINK) {
        ret->size = (uint64_t)st.st_size;
        ret->id = identity_of(&st);
    }
    return ERR_OK;
}

static void add_entries(DIR *dir, struct vfs_listing *ret)
{
    struct dirent *e;
    while ((e = readdir(dir)) != NULL) {
        struct stat st;
        struct str name = str_from(e->d_name);
        /* What is gone again is not there. */
        if (!localdir_is_hidden(name) &&
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            vfs_listing_add(ret, name, localdir_type(st.st_mode));
    }
}

static enum err_kind
local_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    char name[LOCALDIR_NAME_BYTES];
    autoclose int parent = -1;
    *ret = (struct vfs_listing){0};
    /* What a listing shows is what happens in the directory itself. */
    struct dirwatch *watch = self(v)->watch;
    uint64_t epoch = 0;
    bool wants_watch = watch != NULL && dirwatch_wants(watch, path, &epoch);
    enum err_kind r = find(v, path, &parent, name, err);
    if (r != ERR_OK)
        return r;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        struct stat st;
        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a directory", STR_ARG(path));
        return localdir_failed(errno, path, err);
    }
    if (wants_watch)
        dirwatch_add(watch, epoch, path, fd);
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return err_errno(err, errno, "'" STR_FMT "'", STR_ARG(path));
    }
    add_entries(dir, ret);
    closedir(dir);
    vfs_listing_finish(ret);
    return ERR_OK;
}

static enum err_kind
read_link(int parent, const char *name, struct buf *to, struct str path, struct err *err)
{
    char *space = buf_reserve(to, 4096);
    ssize_t n = readlinkat(parent, name, space, 4096);
    if (n < 0)
        return localdir_failed(errno, path, err);
    to->n += (size_t)n;
    return ERR_OK;
}

static enum err_kind read_all(int fd, struct buf *to, struct str path, struct err *err)
{
    for (;;) {
        char *space = buf_reserve(to, 64 << 10);
        if (space == NULL)
            return buf_check(to, "the file", err);
        ssize_t n = read(fd, space, 64 << 10);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return localdir_failed(errno, path, err);
        if (n == 0)
            return ERR_OK;
        to->n += (size_t)n;
    }
}

static void release_buf(void *owner)
{
    buf_deinit(owner);
    free(owner);
}

static enum err_kind
read_entry(int parent, const char *name, struct str path, struct buf *to, struct err *err)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return localdir_failed(errno, path, err);
    if (S_ISLNK(st.st_mode))
        return read_link(parent, name, to, path, err);
    /* O_NONBLOCK: what was a file a moment ago may be a pipe now. */
    autoclose int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return localdir_failed(errno, path, err);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a file", STR_ARG(path));
    return read_all(fd, to, path, err);
}

static enum err_kind
local_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    char name[LOCALDIR_NAME_BYTES];
    autoclose int parent = -1;
    *ret = (struct vfs_data){0};
    enum err_kind r = find(v, path, &parent, name, err);
    if (r != ERR_OK)
        return r;
    struct buf *bytes = mem_new(struct buf);
    bytes->max = FILE_BYTES_MAX;
    r = read_entry(parent, name, path, bytes, err);
    if (r != ERR_OK) {
        release_buf(bytes);
        return r;
    }
    *ret = (struct vfs_data){.bytes = buf_view(bytes), .owner = bytes, .release = release_buf};
    return ERR_OK;
}

static void local_free(struct vfs *v)
{
    dirwatch_free(self(v)->watch);
    close(self(v)->root);
    free(v);
}

static enum err_kind open_tree(const char *path, struct localtree **ret, struct err *err)
{
    static const struct vfs_ops ops = {local_stat, local_list, local_read, local_free};
    autoclose int root = -1;
    struct stat st;
    enum err_kind r = localdir_open(path, &root, err);
    if (r == ERR_OK && fstat(root, &st) != 0)
        r = err_errno(err, errno, "directory '%s'", path);
    if (r != ERR_OK)
        return r;
    struct localtree *t = mem_new(struct localtree);
    t->vfs.ops = &ops;
    t->root = root;
    t->device = st.st_dev;
    t->inode = st.st_ino;
    root = -1;
    *ret = t;
    return ERR_OK;
}

enum err_kind vfs_localtree_new(const char *path, struct vfs **ret, struct err *err)
{
    struct localtree *t = NULL;
    enum err_kind r = open_tree(path, &t, err);
    if (r == ERR_OK)
        *ret = &t->vfs;
    return r;
}

enum err_kind vfs_localtree_new_watched(const char *path, struct vfs **ret, struct err *err)
{
    struct localtree *t = NULL;
    enum err_kind r = open_tree(path, &t, err);
    if (r != ERR_OK)
        return r;
    t->watch = dirwatch_new(&t->unwatched);
    *ret = &t->vfs;
    return ERR_OK;
}

int vfs_localtree_root(const struct vfs *tree)
{
    return ((const struct localtree *)tree)->root;
}

bool vfs_localtree_is_at(const struct vfs *tree, const char *path)
{
    const struct localtree *t = (const struct localtree *)tree;
    struct stat st;
    return stat(path, &st) == 0 && st.st_dev == t->device && st.st_ino == t->inode;
}

bool vfs_localtree_stamp(struct vfs *tree, uint8_t ret[VFS_LOCALTREE_STAMP_BYTES])
{
    _Static_assert(VFS_LOCALTREE_STAMP_BYTES == DIRWATCH_STAMP_BYTES, "one stamp");
    return self(tree)->watch != NULL && dirwatch_stamp(self(tree)->watch, ret);
}

bool vfs_localtree_is_unwatched(struct vfs *tree, struct err *ret_why)
{
    struct localtree *t = self(tree);
    if (t->watch != NULL)
        return dirwatch_why(t->watch, ret_why);
    *ret_why = t->unwatched;
    return true;
}
