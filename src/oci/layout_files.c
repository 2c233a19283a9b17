#include "oci/layout_files.h"
#include "base/fs.h"
#include "base/ids.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEX(digest) ((digest) + strlen("sha256:"))
#define PINS_MAX ((size_t)16 << 20)

char *layout_blob_path(const struct oci_layout *l, const char *digest)
{
    return fs_join(l->blobs, HEX(digest));
}

/* --- the lock ------------------------------------------------------------------------------------- */

static enum err_kind lock_file(int fd, int how, const char *path, struct err *err)
{
    while (flock(fd, how) != 0) {
        if (errno != EINTR)
            return err_errno(err, errno, "locking '%s'", path);
    }
    return ERR_OK;
}

static enum err_kind
open_locked(const char *path, int flags, unsigned mode, int how, int *ret_fd, struct err *err)
{
    autoclose int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(err, errno, "opening the lock file '%s'", path);
    enum err_kind r = lock_file(fd, how, path, err);
    if (r != ERR_OK)
        return r;
    *ret_fd = fd;
    fd = -1;
    return ERR_OK;
}

enum err_kind
layout_lock(const char *dir, unsigned mode, enum layout_lock how, int *ret_fd, struct err *err)
{
    autofree char *path = fs_join(dir, "index.json.lock");
    return open_locked(
        path, O_RDWR | O_CREAT, mode, how == LAYOUT_SHARED ? LOCK_SH : LOCK_EX, ret_fd, err);
}

enum err_kind layout_edit_lock(const char *dir, int *ret_fd, struct err *err)
{
    autofree char *path = fs_join(dir, "oci-layout");
    return open_locked(path, O_RDONLY, 0, LOCK_EX, ret_fd, err);
}

/* --- temporary files ------------------------------------------------------------------------------ */

/* Does the name still mean the file that is open? Between open and flock a sweeper may have taken it. */
static bool still_means(const char *path, int fd)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && (S_ISREG(here.st_mode) || S_ISDIR(here.st_mode)) &&
        lstat(path, &there) == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static bool try_lock(int fd)
{
    int code;
    while ((code = flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR)
        ;
    return code == 0;
}

static int create_temp(const char *path, unsigned mode)
{
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}

enum err_kind layout_temp_new(
    const char *dir,
    unsigned dir_mode,
    unsigned mode,
    char **ret_path,
    int *ret_fd,
    struct err *err)
{
    for (int tries = 0; tries < 10; tries++) {
        char id[ID_CHARS + 1];
        id_new(id);
        autofree char *path = fs_join(dir, id);
        autoclose int fd = create_temp(path, mode);
        if (fd < 0 && errno == ENOENT) {
            enum err_kind r = fs_make_dirs(dir, dir_mode, err);
            if (r != ERR_OK)
                return r;
            fd = create_temp(path, mode);
        }
        if (fd < 0)
            return err_errno(err, errno, "making a temporary file in '%s'", dir);
        if (!try_lock(fd) || !still_means(path, fd))
            continue;
        *ret_path = steal(&path);
        *ret_fd = fd;
        fd = -1;
        return ERR_OK;
    }
    return err_set(err, ERR_IO, "making a temporary file in '%s': it is taken away each time", dir);
}

enum err_kind
layout_temp_dir(const struct oci_layout *l, char **ret_path, int *ret_fd, struct err *err)
{
    for (int tries = 0; tries < 10; tries++) {
        char id[ID_CHARS + 1];
        id_new(id);
        autofree char *path = mem_printf("%s/%s" LAYOUT_BUNDLE_SUFFIX, l->ingest, id);
        enum err_kind r = fs_make_dirs(path, l->dir_mode, err);
        if (r != ERR_OK)
            return r;
        autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || !try_lock(fd) || !still_means(path, fd))
            continue;
        *ret_path = steal(&path);
        *ret_fd = fd;
        fd = -1;
        return ERR_OK;
    }
    return err_set(err, ERR_IO, "making a folder in '%s': it is taken away each time", l->ingest);
}

int layout_temp_open(const char *path, unsigned mode)
{
    for (int tries = 0; tries < 3; tries++) {
        autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0 || !try_lock(fd))
            return -1;
        if (still_means(path, fd)) {
            int mine = fd;
            fd = -1;
            return mine;
        }
    }
    return -1;
}

static bool is_dead(const char *path, int64_t partial_age_s)
{
    struct stat st;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    if (S_ISDIR(st.st_mode) && !str_ends(str_from(path), STR(LAYOUT_BUNDLE_SUFFIX)))
        return false;
    bool is_partial = str_ends(str_from(path), STR(LAYOUT_PARTIAL_SUFFIX));
    if (is_partial && time(NULL) - st.st_mtime < partial_age_s)
        return false;
    return try_lock(fd) && still_means(path, fd);
}

size_t layout_sweep(const char *dir_path, int64_t partial_age_s, bool only_count)
{
    size_t swept = 0;
    DIR *dir = opendir(dir_path);
    if (dir == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        autofree char *path = fs_join(dir_path, e->d_name);
        if (is_dead(path, partial_age_s) && (only_count || fs_remove_tree(path)))
            swept++;
    }
    closedir(dir);
    return swept;
}

/* --- pins ----------------------------------------------------------------------------------------- */

struct layout_pin {
    pthread_mutex_t mutex; /* guards all below; held while the layout's lock is waited for */
    int fd;                /* -1: nothing is pinned yet */
    char *path;
    struct buf text; /* what the file holds */
};

struct layout_pin *layout_pin_new(void)
{
    struct layout_pin *p = mem_new(struct layout_pin);
    pthread_mutex_init(&p->mutex, NULL);
    p->fd = -1;
    p->text.max = PINS_MAX;
    return p;
}

struct layout_pin *layout_pin_free(struct layout_pin *p)
{
    if (p == NULL)
        return NULL;
    if (p->path != NULL)
        unlink(p->path);
    if (p->fd >= 0)
        close(p->fd);
    free(p->path);
    buf_deinit(&p->text);
    pthread_mutex_destroy(&p->mutex);
    free(p);
    return NULL;
}

/* What `remove` made old for the next prune is wanted again: see store.c. */
static void renew(const struct oci_layout *l, const char *digest)
{
    struct stat st;
    autofree char *path = layout_blob_path(l, digest);
    if (stat(path, &st) == 0 && st.st_mtime == 0)
        utimensat(AT_FDCWD, path, NULL, 0);
}

/* The line goes behind those that are there; one that a full disk cut short is written over next time. */
static enum err_kind write_pin(struct layout_pin *p, const char *digest, struct err *err)
{
    char line[OCI_DIGEST_MAX + 1];
    size_t n = (size_t)snprintf(line, sizeof(line), "%s\n", digest);
    if (lseek(p->fd, (off_t)p->text.n, SEEK_SET) < 0)
        return err_errno(err, errno, "writing '%s'", p->path);
    enum err_kind r = fs_write_all(p->fd, line, n, err);
    if (r != ERR_OK)
        return err_wrap(err, "'%s'", p->path);
    buf_add(&p->text, line, n);
    return buf_check(&p->text, "the list of pinned blobs", err);
}

static enum err_kind pin_locked(const struct oci_layout *l, const char *digest, struct err *err)
{
    struct layout_pin *p = l->pin;
    autoclose int lock = -1;
    if (str_search(buf_view(&p->text), str_from(digest)) >= 0)
        return ERR_OK;
    enum err_kind r = layout_lock(l->dir, l->file_mode, LAYOUT_SHARED, &lock, err);
    if (r == ERR_OK && p->fd < 0)
        r = layout_temp_new(l->pins, l->dir_mode, l->file_mode, &p->path, &p->fd, err);
    if (r == ERR_OK)
        r = write_pin(p, digest, err);
    if (r == ERR_OK)
        renew(l, digest);
    return r;
}

enum err_kind layout_pin(const struct oci_layout *l, const char *digest, struct err *err)
{
    if (l->pin == NULL)
        return ERR_OK;
    pthread_mutex_lock(&l->pin->mutex);
    enum err_kind r = pin_locked(l, digest, err);
    pthread_mutex_unlock(&l->pin->mutex);
    return r;
}

static bool is_alive(int fd)
{
    int code;
    while ((code = flock(fd, LOCK_SH | LOCK_NB)) != 0 && errno == EINTR)
        ;
    return code != 0;
}

static void read_pins(const char *path, void (*each)(void *data, const char *digest), void *data)
{
    autobuf struct buf text = {0};
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || !is_alive(fd) || fs_read_file(path, PINS_MAX, &text, NULL) != ERR_OK)
        return;
    for (struct str rest = buf_view(&text); rest.p != NULL;) {
        char digest[OCI_DIGEST_MAX] = "";
        struct str line = str_cut(&rest, '\n');
        if (oci_digest_check(line, NULL) != ERR_OK)
            continue;
        memcpy(digest, line.p, line.n);
        each(data, digest);
    }
}

void layout_pinned(
    const struct oci_layout *l, void (*each)(void *data, const char *digest), void *data)
{
    const char *own = l->pin == NULL ? NULL : l->pin->path;
    DIR *dir = opendir(l->pins);
    if (dir == NULL)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        autofree char *path = fs_join(l->pins, e->d_name);
        if (e->d_name[0] != '.' && (own == NULL || strcmp(own, path) != 0))
            read_pins(path, each, data);
    }
    closedir(dir);
}

/* --- last use ------------------------------------------------------------------------------------- */

void layout_note_use(const struct oci_layout *l, const char *digest)
{
    if (!l->is_private)
        return;
    autofree char *path = fs_join(l->used, HEX(digest));
    if (utimensat(AT_FDCWD, path, NULL, 0) == 0 || errno != ENOENT)
        return;
    if (fs_make_dirs(l->used, l->dir_mode, NULL) != ERR_OK)
        return;
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, l->file_mode);
    (void)fd; /* made now: that is its time */
}

int64_t layout_used_unix_s(const struct oci_layout *l, const char *digest)
{
    struct stat st;
    autofree char *path = fs_join(l->used, HEX(digest));
    return stat(path, &st) == 0 ? (int64_t)st.st_mtime : 0;
}

void layout_forget_use(const struct oci_layout *l, const char *digest)
{
    autofree char *path = fs_join(l->used, HEX(digest));
    unlink(path);
}
