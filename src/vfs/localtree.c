#include "vfs/localtree.h"
#include "base/fs.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const size_t FILE_BYTES_MAX = (size_t)128 << 20;
static const mode_t DIR_MODE = 0755;

struct localtree {
    struct vfs vfs;
    int root;
};

static enum err_kind open_root(const char *path, int *ret, struct err *err)
{
    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret >= 0)
        return ERR_OK;
    if (errno == ENOTDIR)
        return err_set(err, ERR_INVALID, "'%s' is not a directory", path);
    return err_errno(err, errno, "directory '%s'", path);
}

/* The text of errno is enough: the path is the one the caller asked for, never the host's. */
static enum err_kind failed(int errnum, struct str path, struct err *err)
{
    if (errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG || errnum == ELOOP)
        return err_set(err, ERR_NOT_FOUND, "no file '" STR_FMT "'", STR_ARG(path));
    return err_errno(err, errnum, "'" STR_FMT "'", STR_ARG(path));
}

static bool is_hidden(struct str path)
{
    while (path.p != NULL) {
        if (str_eq_nocase(str_cut(&path, '/'), STR(".git")))
            return true;
    }
    return false;
}

/*
 * The directory that holds the last segment of `path`, as a descriptor the caller closes, and that
 * segment's name ("." for the root). `create`: make what is missing.
 */
static enum err_kind open_parent(
    int root, struct str path, bool create, int *ret_fd, char ret_name[256], struct err *err)
{
    struct str rest = path;
    struct str segment = path.n == 0 ? STR(".") : str_cut(&rest, '/');
    autoclose int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return err_errno(err, errno, "'" STR_FMT "'", STR_ARG(path));
    for (;;) {
        if (segment.n > 255)
            return failed(ENAMETOOLONG, path, err);
        memcpy(ret_name, segment.p, segment.n);
        ret_name[segment.n] = '\0';
        if (path.n == 0 || rest.p == NULL)
            break;
        if (create && mkdirat(at, ret_name, DIR_MODE) != 0 && errno != EEXIST)
            return failed(errno, path, err);
        int next = openat(at, ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return failed(errno, path, err);
        close(at);
        at = next;
        segment = str_cut(&rest, '/');
    }
    *ret_fd = at;
    at = -1;
    return ERR_OK;
}

static enum vfs_type type_of(mode_t mode)
{
    if (S_ISREG(mode))
        return VFS_FILE;
    if (S_ISDIR(mode))
        return VFS_DIR;
    return S_ISLNK(mode) ? VFS_LINK : VFS_OTHER;
}

/* --- reading -------------------------------------------------------------------------------------- */

static enum err_kind
find(struct vfs *v, struct str path, int *ret_parent, char ret_name[256], struct err *err)
{
    if (is_hidden(path))
        return failed(ENOENT, path, err);
    return open_parent(((struct localtree *)v)->root, path, false, ret_parent, ret_name, err);
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
    char name[256];
    struct stat st;
    autoclose int parent = -1;
    enum err_kind r = find(v, path, &parent, name, err);
    if (r != ERR_OK)
        return r;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return failed(errno, path, err);
    *ret = (struct vfs_stat){
        .type = type_of(st.st_mode), .is_executable = S_ISREG(st.st_mode) && (st.st_mode & 0100)};
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
        if (str_eqz(name, ".") || str_eqz(name, "..") || is_hidden(name))
            continue;
        /* Gone again, or being staged: not there. */
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            !str_starts(name, STR(".cup-stage-")))
            vfs_listing_add(ret, name, type_of(st.st_mode));
    }
}

static enum err_kind
local_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    char name[256];
    autoclose int parent = -1;
    *ret = (struct vfs_listing){0};
    enum err_kind r = find(v, path, &parent, name, err);
    if (r != ERR_OK)
        return r;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        struct stat st;
        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a directory", STR_ARG(path));
        return failed(errno, path, err);
    }
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
        return failed(errno, path, err);
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
            return failed(errno, path, err);
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
        return failed(errno, path, err);
    if (S_ISLNK(st.st_mode))
        return read_link(parent, name, to, path, err);
    /* O_NONBLOCK: what was a file a moment ago may be a pipe now. */
    autoclose int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return failed(errno, path, err);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a file", STR_ARG(path));
    return read_all(fd, to, path, err);
}

static enum err_kind
local_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    char name[256];
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
    close(((struct localtree *)v)->root);
    free(v);
}

enum err_kind vfs_localtree_new(const char *path, struct vfs **ret, struct err *err)
{
    static const struct vfs_ops ops = {local_stat, local_list, local_read, local_free};
    int root;
    enum err_kind r = open_root(path, &root, err);
    if (r != ERR_OK)
        return r;
    struct localtree *t = mem_new(struct localtree);
    t->vfs.ops = &ops;
    t->root = root;
    *ret = &t->vfs;
    return ERR_OK;
}

/* --- writing -------------------------------------------------------------------------------------- */

struct staged {
    char temp[sizeof(".cup-stage-") + ID_CHARS]; /* empty: nothing staged */
};

static enum err_kind conflict(struct str path, const char *why, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "'" STR_FMT "' %s", STR_ARG(path), why);
}

static enum err_kind
write_temp(int parent, const char *temp, const struct vfs_change *c, struct err *err)
{
    autoclose int fd =
        openat(parent, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "writing '" STR_FMT "'", STR_ARG(c->path));
    enum err_kind r = fs_write_all(fd, c->bytes.p, c->bytes.n, err);
    if (r != ERR_OK)
        return err_wrap(err, "writing '" STR_FMT "'", STR_ARG(c->path));
    if (fchmod(fd, c->is_executable ? 0755 : 0644) != 0 || fsync(fd) != 0)
        return err_errno(err, errno, "writing '" STR_FMT "'", STR_ARG(c->path));
    return ERR_OK;
}

static enum err_kind stage(int root, const struct vfs_change *c, struct staged *s, struct err *err)
{
    char name[256];
    char id[ID_CHARS + 1];
    struct stat st;
    autoclose int parent = -1;
    enum err_kind r = open_parent(root, c->path, c->kind == VFS_CHANGE_PUT, &parent, name, err);
    if (r == ERR_NOT_FOUND)
        return conflict(c->path, "cannot be written: what is above is no directory", err);
    if (r != ERR_OK)
        return r;
    bool is_there = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && !S_ISREG(st.st_mode))
        return conflict(c->path, "is not a file any more", err);
    if (c->kind == VFS_CHANGE_DELETE)
        return is_there ? ERR_OK : conflict(c->path, "was deleted by somebody else", err);
    id_new(id);
    memcpy(s->temp, ".cup-stage-", sizeof(".cup-stage-") - 1);
    memcpy(s->temp + sizeof(".cup-stage-") - 1, id, sizeof(id));
    return write_temp(parent, s->temp, c, err);
}

static enum err_kind
finish(int root, const struct vfs_change *c, const struct staged *s, struct err *err)
{
    char name[256];
    autoclose int parent = -1;
    enum err_kind r = open_parent(root, c->path, false, &parent, name, err);
    if (r != ERR_OK)
        return r;
    int rc = c->kind == VFS_CHANGE_DELETE ? unlinkat(parent, name, 0)
                                          : renameat(parent, s->temp, parent, name);
    if (rc != 0)
        return err_errno(err, errno, "'" STR_FMT "'", STR_ARG(c->path));
    if (fsync(parent) != 0)
        return err_errno(err, errno, "'" STR_FMT "'", STR_ARG(c->path));
    return ERR_OK;
}

static void discard(int root, const struct vfs_changes *changes, const struct staged *staged)
{
    for (size_t i = 0; i < changes->count; i++) {
        char name[256];
        struct err ignored;
        autoclose int parent = -1;
        if (staged[i].temp[0] != '\0' &&
            open_parent(root, changes->items[i].path, false, &parent, name, &ignored) == ERR_OK)
            unlinkat(parent, staged[i].temp, 0);
    }
}

static enum err_kind check(const struct vfs_change *c, struct err *err)
{
    if (c->kind == VFS_CHANGE_PUT && c->type != VFS_FILE)
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' would become a link: only files are written",
            STR_ARG(c->path));
    enum err_kind r = vfs_check_path(c->path, err);
    if (r == ERR_OK && (c->path.n == 0 || is_hidden(c->path)))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is never written", STR_ARG(c->path));
    return r;
}

enum err_kind
vfs_localtree_apply(const char *path, const struct vfs_changes *changes, struct err *err)
{
    autoclose int root = -1;
    enum err_kind r = open_root(path, &root, err);
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++)
        r = check(&changes->items[i], err);
    if (r != ERR_OK)
        return r;
    if (flock(root, LOCK_EX) != 0)
        return err_errno(err, errno, "locking the directory");
    autofree struct staged *staged = mem_alloc((changes->count + 1) * sizeof(*staged));
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++)
        r = stage(root, &changes->items[i], &staged[i], err);
    if (r != ERR_OK) {
        discard(root, changes, staged);
        return r;
    }
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++)
        r = finish(root, &changes->items[i], &staged[i], err);
    if (r != ERR_OK)
        discard(root, changes, staged);
    return r;
}
