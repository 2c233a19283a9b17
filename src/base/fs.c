#include "base/fs.h"
#include "base/ids.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err_kind read_some(int fd, const char *path, struct buf *ret, struct err *err)
{
    static const size_t CHUNK = 64 << 10;
    for (;;) {
        size_t left = ret->max - ret->n;
        size_t want = left < CHUNK ? left + 1 : CHUNK;
        char scratch[1];
        char *to = left == 0 ? scratch : buf_reserve(ret, left < want ? left : want);
        if (to == NULL)
            return buf_check(ret, path, err);
        ssize_t got = read(fd, to, left == 0 ? 1 : (left < want ? left : want));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "reading '%s'", path);
        if (got == 0)
            return ERR_OK;
        if (left == 0)
            return err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", path, ret->max);
        ret->n += (size_t)got;
        ret->p[ret->n] = '\0';
    }
}

enum err_kind fs_read_file(const char *path, size_t max_bytes, struct buf *ret, struct err *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "opening '%s'", path);
    buf_clear(ret);
    ret->max = max_bytes;
    return read_some(fd, path, ret, err);
}

enum err_kind fs_read_rest(int fd, const char *what, struct buf *to, struct err *err)
{
    char piece[16384];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "reading %s", what);
        if (n == 0)
            return buf_check(to, what, err);
        buf_add(to, piece, (size_t)n);
    }
}

enum err_kind fs_write_all(int fd, const void *p, size_t n, struct err *err)
{
    const char *at = p;
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_errno(err, errno, "writing");
        at += put;
        n -= (size_t)put;
    }
    return ERR_OK;
}

enum err_kind fs_sync(int fd, const char *what, struct err *err)
{
    while (fsync(fd) != 0) {
        if (errno != EINTR)
            return err_errno(err, errno, "syncing %s", what);
    }
    return ERR_OK;
}

enum err_kind fs_sync_dir(const char *path, struct err *err)
{
    autofree char *what = mem_printf("directory '%s'", path);
    autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "opening %s", what);
    return fs_sync(fd, what, err);
}

/* The directory that the path's last part stands in. */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_strdup(".");
    return mem_strdup_str(str_of(path, slash == path ? 1 : (size_t)(slash - path)));
}

static enum err_kind
begin(char *take_temp, const char *path, unsigned mode, struct fs_writer *ret, struct err *err)
{
    *ret = (struct fs_writer){.temp = take_temp, .path = mem_strdup(path)};
    ret->fd = open(take_temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    return ret->fd < 0 ? err_errno(err, errno, "creating '%s'", take_temp) : ERR_OK;
}

enum err_kind
fs_writer_begin(const char *path, unsigned mode, struct fs_writer *ret, struct err *err)
{
    char id[ID_CHARS + 1];
    id_new(id);
    return begin(mem_printf("%s.%s.tmp", path, id), path, mode, ret, err);
}

enum err_kind fs_writer_add(struct fs_writer *w, const void *p, size_t n, struct err *err)
{
    enum err_kind r = fs_write_all(w->fd, p, n, err);
    return r == ERR_OK ? r : err_wrap(err, "'%s'", w->temp);
}

enum err_kind fs_writer_commit(struct fs_writer *w, struct err *err)
{
    autofree char *what = mem_printf("'%s'", w->temp);
    enum err_kind r = fs_sync(w->fd, what, err);
    if (r != ERR_OK)
        return r;
    if (rename(w->temp, w->path) != 0)
        return err_errno(err, errno, "renaming '%s' to '%s'", w->temp, w->path);
    close(w->fd);
    w->fd = -1;
    autofree char *dir = dir_of(w->path);
    return fs_sync_dir(dir, err);
}

void fs_writer_deinit(struct fs_writer *w)
{
    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->temp);
    }
    free(w->temp);
    free(w->path);
    *w = FS_WRITER_NONE;
}

static enum err_kind
replace(char *take_temp, const char *path, struct str bytes, unsigned mode, struct err *err)
{
    auto_fs_writer struct fs_writer w = FS_WRITER_NONE;
    enum err_kind r = begin(take_temp, path, mode, &w, err);
    if (r == ERR_OK)
        r = fs_writer_add(&w, bytes.p, bytes.n, err);
    return r == ERR_OK ? fs_writer_commit(&w, err) : r;
}

enum err_kind fs_write_atomic(const char *path, struct str bytes, unsigned mode, struct err *err)
{
    char id[ID_CHARS + 1];
    id_new(id);
    return replace(mem_printf("%s.%s.tmp", path, id), path, bytes, mode, err);
}

enum err_kind fs_write_atomic_by(
    const char *temp, const char *path, struct str bytes, unsigned mode, struct err *err)
{
    if (unlink(temp) != 0 && errno != ENOENT)
        return err_errno(err, errno, "removing '%s'", temp);
    return replace(mem_strdup(temp), path, bytes, mode, err);
}

static enum err_kind make_dir(const char *path, unsigned mode, struct err *err)
{
    if (mkdir(path, mode) != 0)
        return errno == EEXIST ? ERR_OK : err_errno(err, errno, "making directory '%s'", path);
    autofree char *above = dir_of(path);
    enum err_kind r = fs_sync_dir(above, err);
    return r == ERR_DENIED ? ERR_OK : r; /* one that may be written but not read cannot be synced */
}

enum err_kind fs_make_dirs(const char *path, unsigned mode, struct err *err)
{
    autofree char *work = mem_strdup(path);
    for (char *p = work + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        enum err_kind r = make_dir(work, mode, err);
        if (r != ERR_OK)
            return r;
        *p = kept;
        if (kept == '\0')
            break;
    }
    if (!fs_is_dir(path))
        return err_set(err, ERR_IO, "'%s' is not a directory", path);
    return ERR_OK;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

bool fs_remove_tree(const char *path)
{
    return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

bool fs_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool fs_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

char *fs_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    return mem_printf("%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
}
