#include "vfs/localwrite.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "vfs/localjournal.h"
#include "vfs/localtree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct vfs_localwrite {
    int root; /* opened for this write: the lock belongs to it */
};

/* --- the lock ------------------------------------------------------------------------------------- */

static bool knows_no_locks(int errnum)
{
    return errnum == ENOLCK || errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EINVAL ||
        errnum == EBADF; /* NFS wants a descriptor that can write, which no directory has */
}

/* flock has no time limit, so it is asked again and again. */
static enum err_kind lock(int root, int64_t wait_ms, struct err *err)
{
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    struct timespec pause = {.tv_nsec = 1000000};
    while (flock(root, LOCK_EX | LOCK_NB) != 0) {
        if (knows_no_locks(errno))
            return ERR_OK;
        if (errno != EINTR && errno != EWOULDBLOCK)
            return err_errno(err, errno, "locking the directory");
        if (clock_monotonic_ms() >= until_ms)
            return err_set(
                err, ERR_UNAVAILABLE, "another program holds the lock of the directory: try again");
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 32000000)
            pause.tv_nsec *= 2;
    }
    return ERR_OK;
}

enum err_kind vfs_localwrite_begin(
    struct vfs *tree, int64_t wait_ms, struct vfs_localwrite **ret, struct err *err)
{
    autoclose int root = openat(vfs_localtree_root(tree), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, errno, "opening the directory");
    enum err_kind r = lock(root, wait_ms, err);
    if (r == ERR_OK)
        r = localjournal_recover(root, err);
    if (r != ERR_OK)
        return r;
    *ret = mem_new(struct vfs_localwrite);
    (*ret)->root = root;
    root = -1;
    return ERR_OK;
}

struct vfs_localwrite *vfs_localwrite_end(struct vfs_localwrite *w)
{
    if (w == NULL)
        return NULL;
    close(w->root);
    free(w);
    return NULL;
}

/* --- staging -------------------------------------------------------------------------------------- */

/* One set of changes on its way. */
struct batch {
    int root;
    const struct vfs_changes *changes;
    char id[ID_CHARS + 1]; /* its files are named after it: localjournal.h */
    int journal;
    bool *was_there; /* of each change: a file stood there */
};

static enum err_kind conflict(struct str path, const char *why, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "'" STR_FMT "' %s", STR_ARG(path), why);
}

/* before  what stands there; NULL: nothing. Who may not give a file away leaves it with us. */
static enum err_kind
set_mode(int fd, const struct vfs_change *c, const struct stat *before, struct err *err)
{
    mode_t mode = before != NULL ? before->st_mode & 0777 : 0644;
    if (c->is_executable)
        mode |= 0111 & ((mode & 0444) >> 2);
    if (before != NULL && fchown(fd, before->st_uid, before->st_gid) != 0)
        (void)!fchown(fd, (uid_t)-1, before->st_gid);
    if (fchmod(fd, mode) != 0)
        return err_errno(err, errno, "writing '" STR_FMT "'", STR_ARG(c->path));
    return fs_sync(fd, "the new file", err);
}

static enum err_kind write_new(
    int parent,
    const char *new_name,
    const struct vfs_change *c,
    const struct stat *before,
    struct err *err)
{
    autoclose int fd =
        openat(parent, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "writing '" STR_FMT "'", STR_ARG(c->path));
    enum err_kind r = fs_write_all(fd, c->bytes.p, c->bytes.n, err);
    if (r != ERR_OK)
        return err_wrap(err, "writing '" STR_FMT "'", STR_ARG(c->path));
    return set_mode(fd, c, before, err);
}

static enum err_kind stage(struct batch *b, size_t i, struct err *err)
{
    const struct vfs_change *c = &b->changes->items[i];
    char name[LOCALDIR_NAME_BYTES];
    char new_name[LOCALJOURNAL_NAME_BYTES];
    struct stat st;
    autoclose int parent = -1;
    bool is_put = c->kind == VFS_CHANGE_PUT;
    enum err_kind r = localdir_parent(b->root, c->path, is_put, &parent, name, err);
    if (r == ERR_NOT_FOUND && !is_put)
        return conflict(c->path, "was deleted by somebody else", err);
    if (r != ERR_OK)
        return r;
    bool is_there = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    b->was_there[i] = is_there;
    if (is_there && !S_ISREG(st.st_mode))
        return err_set(
            err, ERR_CONFLICT, "path '" STR_FMT "' conflicts with what stands there: it is no file",
            STR_ARG(c->path));
    if (!is_put)
        return is_there ? ERR_OK : conflict(c->path, "was deleted by somebody else", err);
    localjournal_new_name(b->id, i, new_name);
    return write_new(parent, new_name, c, is_there ? &st : NULL, err);
}

/* --- renaming ------------------------------------------------------------------------------------- */

/* What one change needs where it goes: its directory and the names in it. */
struct spot {
    int parent;
    char name[LOCALDIR_NAME_BYTES];
    char new_name[LOCALJOURNAL_NAME_BYTES];
    char old_name[LOCALJOURNAL_NAME_BYTES];
};

static void spot_cleanup(struct spot *s)
{
    if (s->parent >= 0)
        close(s->parent);
}
#define auto_spot CLEANUP(spot_cleanup)

static enum err_kind find_spot(const struct batch *b, size_t i, struct spot *ret, struct err *err)
{
    localjournal_new_name(b->id, i, ret->new_name);
    localjournal_old_name(b->id, i, ret->old_name);
    return localdir_parent(b->root, b->changes->items[i].path, false, &ret->parent, ret->name, err);
}

/* Where there are several, what stood there is kept until all are in place, should one fail. A file
 * system without hard links keeps nothing. */
static enum err_kind put_in_place(const struct batch *b, size_t i, struct err *err)
{
    const struct vfs_change *c = &b->changes->items[i];
    auto_spot struct spot s = {.parent = -1};
    enum err_kind r = find_spot(b, i, &s, err);
    if (r != ERR_OK)
        return r;
    if (b->changes->count > 1)
        (void)!linkat(s.parent, s.name, s.parent, s.old_name, 0);
    int rc = c->kind == VFS_CHANGE_DELETE ? unlinkat(s.parent, s.name, 0)
                                          : renameat(s.parent, s.new_name, s.parent, s.name);
    return rc == 0 ? ERR_OK : err_errno(err, errno, "'" STR_FMT "'", STR_ARG(c->path));
}

static void put_back(const struct batch *b, size_t i)
{
    auto_spot struct spot s = {.parent = -1};
    if (find_spot(b, i, &s, NULL) != ERR_OK)
        return;
    if (renameat(s.parent, s.old_name, s.parent, s.name) != 0 && !b->was_there[i])
        unlinkat(s.parent, s.name, 0);
}

static enum err_kind rename_all(struct batch *b, struct err *err)
{
    for (size_t i = 0; i < b->changes->count; i++) {
        enum err_kind r = put_in_place(b, i, err);
        if (r == ERR_OK)
            continue;
        while (i-- > 0)
            put_back(b, i);
        return r;
    }
    return ERR_OK;
}

static enum err_kind sync_place(const struct batch *b, size_t i, struct err *err)
{
    auto_spot struct spot s = {.parent = -1};
    enum err_kind r = find_spot(b, i, &s, err);
    return r == ERR_OK ? fs_sync(s.parent, "the directory", err) : r;
}

/* What could not be removed is left to the next writer, by the journal. */
static void clear_up(struct batch *b)
{
    bool is_clean = true;
    localjournal_settle(b->journal);
    for (size_t i = 0; i < b->changes->count; i++) {
        auto_spot struct spot s = {.parent = -1};
        if (find_spot(b, i, &s, NULL) != ERR_OK)
            continue;
        bool is_new_gone = localjournal_unlink(s.parent, s.new_name);
        is_clean = localjournal_unlink(s.parent, s.old_name) && is_new_gone && is_clean;
    }
    if (is_clean)
        localjournal_remove(b->root);
}

static enum err_kind carry_out(struct batch *b, struct err *err)
{
    size_t count = b->changes->count;
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < count; i++)
        r = stage(b, i, err);
    if (r == ERR_OK && count > 1)
        r = localjournal_commit(b->root, b->journal, err);
    if (r == ERR_OK)
        r = rename_all(b, err);
    for (size_t i = 0; r == ERR_OK && i < count; i++)
        r = sync_place(b, i, err);
    return r;
}

static enum err_kind check(const struct vfs_change *c, struct err *err)
{
    if (c->kind == VFS_CHANGE_PUT && c->type != VFS_FILE)
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' would become a link: only files are written",
            STR_ARG(c->path));
    enum err_kind r = vfs_check_path(c->path, err);
    if (r == ERR_OK && (c->path.n == 0 || localdir_is_hidden(c->path)))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is never written", STR_ARG(c->path));
    return r;
}

enum err_kind
vfs_localwrite_apply(struct vfs_localwrite *w, const struct vfs_changes *changes, struct err *err)
{
    struct batch b = {.root = w->root, .changes = changes};
    autoclose int journal = -1;
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++)
        r = check(&changes->items[i], err);
    if (r != ERR_OK || changes->count == 0)
        return r;
    id_new(b.id);
    r = localjournal_write(w->root, b.id, changes, &journal, err);
    if (r != ERR_OK)
        return r;
    autofree bool *was_there = mem_alloc(changes->count * sizeof(*was_there));
    b.journal = journal;
    b.was_there = was_there;
    r = carry_out(&b, err);
    clear_up(&b);
    return r;
}

void vfs_localtree_clear_up(struct vfs *tree)
{
    struct vfs_localwrite *w = NULL;
    struct err ignored;
    if (vfs_localwrite_begin(tree, 0, &w, &ignored) == ERR_OK)
        vfs_localwrite_end(w);
}

enum err_kind
vfs_localtree_apply(const char *path, const struct vfs_changes *changes, struct err *err)
{
    static const int64_t WAIT_MS = 30000;
    auto_vfs struct vfs *tree = NULL;
    struct vfs_localwrite *w = NULL;
    enum err_kind r = vfs_localtree_new(path, &tree, err);
    if (r == ERR_OK)
        r = vfs_localwrite_begin(tree, WAIT_MS, &w, err);
    if (r == ERR_OK)
        r = vfs_localwrite_apply(w, changes, err);
    vfs_localwrite_end(w);
    return r;
}
