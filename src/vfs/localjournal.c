#include "vfs/localjournal.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * One byte that tells how far it came, the id, then for each change its kind and its path with a NUL.
 * Only the first byte is ever changed: a write of one byte is whole or not at all.
 */
#define STAGING 'S'
#define COMMITTED 'C'
static const size_t JOURNAL_BYTES_MAX = (size_t)64 << 20;

void localjournal_new_name(const char *id, size_t n, char ret[LOCALJOURNAL_NAME_BYTES])
{
    snprintf(ret, LOCALJOURNAL_NAME_BYTES, LOCALDIR_STAGE "-%s-%zu", id, n);
}

void localjournal_old_name(const char *id, size_t n, char ret[LOCALJOURNAL_NAME_BYTES])
{
    snprintf(ret, LOCALJOURNAL_NAME_BYTES, LOCALDIR_STAGE "-%s-%zu~", id, n);
}

enum err_kind localjournal_write(
    int root, const char *id, const struct vfs_changes *changes, int *ret_fd, struct err *err)
{
    autobuf struct buf text = {0};
    buf_char(&text, STAGING);
    buf_add(&text, id, ID_CHARS);
    for (size_t i = 0; i < changes->count; i++) {
        buf_char(&text, changes->items[i].kind == VFS_CHANGE_PUT ? 'P' : 'D');
        buf_str(&text, changes->items[i].path);
        buf_char(&text, '\0');
    }
    autoclose int fd =
        openat(root, LOCALDIR_STAGE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_set(
            err, ERR_CONFLICT, "'" LOCALDIR_STAGE "' is in the way of writing: move it away");
    if (fd < 0)
        return err_errno(err, errno, "writing to the directory");
    enum err_kind r = fs_write_all(fd, text.p, text.n, err);
    if (r != ERR_OK) {
        localjournal_remove(root);
        return err_wrap(err, "writing to the directory");
    }
    *ret_fd = fd;
    fd = -1;
    return ERR_OK;
}

static bool set_state(int fd, char state)
{
    ssize_t n;
    while ((n = pwrite(fd, &state, 1, 0)) < 0 && errno == EINTR)
        continue;
    return n == 1;
}

enum err_kind localjournal_commit(int root, int fd, struct err *err)
{
    enum err_kind r = fs_sync(fd, "the journal", err);
    if (r == ERR_OK)
        r = fs_sync(root, "the directory", err);
    if (r == ERR_OK && !set_state(fd, COMMITTED))
        r = err_errno(err, errno, "writing the journal");
    return r == ERR_OK ? fs_sync(fd, "the journal", err) : r;
}

bool localjournal_unlink(int parent, const char *name)
{
    return unlinkat(parent, name, 0) == 0 || errno == ENOENT;
}

void localjournal_settle(int fd)
{
    (void)set_state(fd, STAGING);
}

void localjournal_remove(int root)
{
    unlinkat(root, LOCALDIR_STAGE, 0);
}

/* --- after a crash -------------------------------------------------------------------------------- */

/* What cannot be done (somebody put a directory there since) is left: nobody was told that it is. */
static bool
recover_one(int root, struct str path, bool is_put, bool is_committed, const char *id, size_t n)
{
    char name[LOCALDIR_NAME_BYTES];
    char new_name[LOCALJOURNAL_NAME_BYTES];
    char old_name[LOCALJOURNAL_NAME_BYTES];
    autoclose int parent = -1;
    if (path.n == 0 || localdir_is_hidden(path) ||
        localdir_parent(root, path, false, &parent, name, NULL) != ERR_OK)
        return true;
    localjournal_new_name(id, n, new_name);
    localjournal_old_name(id, n, old_name);
    if (is_committed && is_put)
        (void)renameat(parent, new_name, parent, name);
    else if (is_committed)
        (void)unlinkat(parent, name, 0);
    bool is_new_gone = localjournal_unlink(parent, new_name);
    bool is_old_gone = localjournal_unlink(parent, old_name);
    fsync(parent);
    return is_new_gone && is_old_gone;
}

/* Is nothing left of it? */
static bool recover_all(int root, struct str text)
{
    bool is_committed = text.n > 0 && text.p[0] == COMMITTED;
    char id[ID_CHARS + 1] = "";
    if (text.n <= 1 + ID_CHARS || !id_is_valid(str_of(text.p + 1, ID_CHARS)))
        return true;
    bool is_clean = true;
    memcpy(id, text.p + 1, ID_CHARS);
    struct str rest = str_skip(text, 1 + ID_CHARS);
    for (size_t i = 0; rest.n > 1 && str_find(rest, '\0') > 0; i++) {
        bool is_put = rest.p[0] == 'P';
        rest = str_skip(rest, 1);
        is_clean = recover_one(root, str_cut(&rest, '\0'), is_put, is_committed, id, i) && is_clean;
    }
    return is_clean;
}

static enum err_kind read_journal(int fd, struct buf *to, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(err, errno, "'" LOCALDIR_STAGE "'");
    if (!S_ISREG(st.st_mode))
        return err_set(
            err, ERR_CONFLICT, "'" LOCALDIR_STAGE "' is in the way of writing: move it away");
    to->max = JOURNAL_BYTES_MAX;
    return fs_read_rest(fd, "the journal", to, err);
}

enum err_kind localjournal_recover(int root, struct err *err)
{
    autobuf struct buf text = {0};
    autoclose int fd = openat(root, LOCALDIR_STAGE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return ERR_OK; /* a link there stops the writing: localjournal_write */
    enum err_kind r = read_journal(fd, &text, err);
    if (r != ERR_OK)
        return r;
    if (recover_all(root, buf_view(&text)))
        localjournal_remove(root);
    return ERR_OK;
}
