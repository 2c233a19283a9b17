#include "oci/layout.h"
#include "base/fs.h"
#include "base/ids.h"
#include "base/mem.h"
#include "oci/layout_index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_INGEST_S = 3600, STALE_PARTIAL_S = 24 * 3600 };

#define PARTIAL_SUFFIX ".part"

struct oci_layout {
    char *dir;
    char *blobs;  /* DIR/blobs/sha256 */
    char *ingest; /* DIR/.ingest: temporary files, on the same file system as blobs */
    unsigned dir_mode;
    unsigned file_mode;
};

/* --- opening -------------------------------------------------------------------------------------- */

static enum err_kind check_marker(const char *dir, struct err *err)
{
    autofree char *path = fs_join(dir, "oci-layout");
    autobuf struct buf text = {0};
    enum err_kind r = fs_read_file(path, 4096, &text, NULL);
    if (r != ERR_OK)
        return err_set(err, ERR_NOT_FOUND, "'%s' is not an OCI image layout", dir);
    auto_json struct json_doc doc = {0};
    r = json_parse(buf_view(&text), JSON_STRICT, &doc, err);
    if (r != ERR_OK)
        return err_wrap(err, "'%s/oci-layout'", dir);
    if (!str_starts(json_str(json_get(doc.root, "imageLayoutVersion")), STR("1.")))
        return err_set(err, ERR_UNSUPPORTED, "'%s' is not of image layout version 1", dir);
    return ERR_OK;
}

static enum err_kind make_layout(struct oci_layout *l, struct err *err)
{
    enum err_kind r = fs_make_dirs(l->dir, l->dir_mode, err);
    autofree char *above = fs_join(l->dir, "blobs");
    if (r == ERR_OK)
        r = fs_make_dirs(above, l->dir_mode, err);
    if (r == ERR_OK)
        r = fs_make_dirs(l->blobs, l->dir_mode, err);
    if (r == ERR_OK)
        r = fs_make_dirs(l->ingest, l->dir_mode, err);
    autofree char *marker = fs_join(l->dir, "oci-layout");
    if (r == ERR_OK && !fs_exists(marker))
        r = fs_write_atomic(marker, STR("{\"imageLayoutVersion\":\"1.0.0\"}"), l->file_mode, err);
    if (r != ERR_OK)
        return err_wrap(err, "making an image layout");
    return layout_index_init(l->dir, l->file_mode, err);
}

/* What a killed process left. A writer holds a lock on its file, so one at work is never taken. */
static void sweep_ingest(const struct oci_layout *l)
{
    DIR *dir = opendir(l->ingest);
    if (dir == NULL)
        return;
    int at = dirfd(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        autoclose int fd = openat(at, e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        bool is_partial = str_ends(str_from(e->d_name), STR(PARTIAL_SUFFIX));
        time_t stale_s = is_partial ? STALE_PARTIAL_S : STALE_INGEST_S;
        if (fd < 0 || fstat(fd, &st) != 0 || time(NULL) - st.st_mtime < stale_s)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(at, e->d_name, 0);
    }
    closedir(dir);
}

enum err_kind oci_layout_open(
    const char *dir, bool create, bool is_private, struct oci_layout **ret, struct err *err)
{
    autorelease(oci_layout_close) struct oci_layout *l = mem_new(struct oci_layout);
    l->dir = mem_strdup(dir);
    l->blobs = fs_join(dir, "blobs/sha256");
    l->ingest = fs_join(dir, ".ingest");
    l->dir_mode = is_private ? 0700 : 0777;
    l->file_mode = is_private ? 0600 : 0666;
    enum err_kind r = ERR_OK;
    if (create)
        r = make_layout(l, err);
    if (r == ERR_OK)
        r = check_marker(dir, err);
    if (r != ERR_OK)
        return r;
    if (create)
        sweep_ingest(l);
    *ret = steal(&l);
    return ERR_OK;
}

struct oci_layout *oci_layout_close(struct oci_layout *l)
{
    if (l == NULL)
        return NULL;
    free(l->dir);
    free(l->blobs);
    free(l->ingest);
    free(l);
    return NULL;
}

/* --- names ---------------------------------------------------------------------------------------- */

enum err_kind oci_layout_resolve(
    struct oci_layout *l,
    const char *name,
    char ret_digest[OCI_DIGEST_MAX],
    uint64_t *ret_size,
    struct err *err)
{
    struct layout_entry entry;
    enum err_kind r = layout_index_find(l->dir, name, &entry, err);
    if (r != ERR_OK)
        return r;
    memcpy(ret_digest, entry.digest, OCI_DIGEST_MAX);
    *ret_size = entry.size;
    return ERR_OK;
}

enum err_kind oci_layout_name(
    struct oci_layout *l,
    const char *name,
    const char *media_type,
    const char *artifact_type,
    const char *digest,
    uint64_t size,
    struct err *err)
{
    struct layout_entry entry = {
        .name = name, .media_type = media_type, .artifact_type = artifact_type, .size = size};
    snprintf(entry.digest, sizeof(entry.digest), "%s", digest);
    return layout_index_set(l->dir, &entry, l->file_mode, err);
}

enum err_kind oci_layout_rename(
    struct oci_layout *l,
    const char *name,
    const char *media_type,
    const char *digest,
    uint64_t size,
    const char *expected,
    struct err *err)
{
    struct layout_entry entry = {
        .name = name,
        .media_type = media_type,
        .size = size,
        .expected = expected == NULL ? "" : expected};
    snprintf(entry.digest, sizeof(entry.digest), "%s", digest);
    return layout_index_set(l->dir, &entry, l->file_mode, err);
}

/* --- reading -------------------------------------------------------------------------------------- */

/* The digest has passed oci_digest_check: its hexadecimal part is a plain file name. */
static char *blob_path(const struct oci_layout *l, const char *digest)
{
    return fs_join(l->blobs, digest + strlen("sha256:"));
}

bool oci_layout_has(const struct oci_layout *l, const char *digest, uint64_t size)
{
    struct stat st;
    autofree char *path = blob_path(l, digest);
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

enum err_kind
oci_layout_open_blob(struct oci_layout *l, const char *digest, int *ret_fd, struct err *err)
{
    autofree char *path = blob_path(l, digest);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "no blob %s in '%s'", digest, l->dir);
    if (fd < 0)
        return err_errno(err, errno, "opening blob %s", digest);
    *ret_fd = fd;
    return ERR_OK;
}

enum err_kind oci_layout_read(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err)
{
    autoclose int fd = -1;
    enum err_kind r = oci_layout_open_blob(l, digest, &fd, err);
    if (r != ERR_OK)
        return r;
    auto_oci_verifier struct oci_verifier v;
    oci_verifier_init(&v, digest, size);
    char piece[64 << 10];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "reading blob %s", digest);
        if (n == 0)
            break;
        r = oci_verifier_add(&v, piece, (size_t)n, err);
        if (r == ERR_OK && write != NULL && !write(data, piece, (size_t)n, err))
            r = err != NULL ? err->kind : ERR_IO;
        if (r != ERR_OK)
            return r;
    }
    r = oci_verifier_end(&v, err);
    return r == ERR_OK ? r : err_wrap(err, "blob in '%s' has rotted", l->dir);
}

static bool add_to_buf(void *data, const char *p, size_t n, struct err *err)
{
    struct buf *to = data;
    buf_add(to, p, n);
    return buf_check(to, "the blob", err) == ERR_OK;
}

enum err_kind oci_layout_read_all(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    size_t max,
    struct buf *ret,
    struct err *err)
{
    buf_clear(ret);
    ret->max = max;
    return oci_layout_read(l, digest, size, add_to_buf, ret, err);
}

/* --- writing -------------------------------------------------------------------------------------- */

enum err_kind oci_blob_begin(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    struct oci_blob_writer *ret,
    struct err *err)
{
    char id[ID_CHARS + 1];
    id_new(id);
    char *temp = fs_join(l->ingest, id);
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, l->file_mode);
    if (fd < 0) {
        enum err_kind r = err_errno(err, errno, "making a temporary file in the image layout");
        free(temp);
        return r;
    }
    flock(fd, LOCK_EX | LOCK_NB); /* tells sweep_ingest that somebody is at work */
    *ret = (struct oci_blob_writer){.layout = l, .fd = fd, .temp = temp};
    oci_verifier_init(&ret->verifier, digest, size);
    return ERR_OK;
}

/* Open and lock the partial file of a digest; -1 when somebody else is at it or it cannot be had. A file
 * that got its final name while we waited for the lock is not touched. */
static int open_partial(const struct oci_layout *l, const char *path)
{
    for (int tries = 0; tries < 3; tries++) {
        struct stat here, there;
        autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, l->file_mode);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
            return -1;
        if (fstat(fd, &here) != 0 || !S_ISREG(here.st_mode))
            return -1;
        if (lstat(path, &there) == 0 && here.st_ino == there.st_ino &&
            here.st_dev == there.st_dev) {
            int mine = fd;
            fd = -1;
            return mine;
        }
    }
    return -1;
}

/* What is there counts as added; more than the blob has is of no use. */
static enum err_kind take_partial(
    struct oci_blob_writer *w,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err)
{
    struct stat st;
    char piece[64 << 10];
    if (fstat(w->fd, &st) != 0)
        return err_errno(err, errno, "reading a partial blob");
    if ((uint64_t)st.st_size > w->verifier.size)
        return oci_blob_restart(w, err);
    for (;;) {
        ssize_t n = read(w->fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "reading a partial blob");
        if (n == 0)
            return ERR_OK;
        enum err_kind r = oci_verifier_add(&w->verifier, piece, (size_t)n, err);
        if (r == ERR_OK && write != NULL && !write(data, piece, (size_t)n, err))
            r = err != NULL ? err->kind : ERR_IO;
        if (r != ERR_OK)
            return r;
    }
}

enum err_kind oci_blob_begin_partial(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct oci_blob_writer *ret,
    struct err *err)
{
    autofree char *path = mem_printf("%s/%s" PARTIAL_SUFFIX, l->ingest, digest + strlen("sha256:"));
    int fd = open_partial(l, path);
    if (fd < 0)
        return oci_blob_begin(l, digest, size, ret, err);
    *ret =
        (struct oci_blob_writer){.layout = l, .fd = fd, .temp = steal(&path), .is_partial = true};
    oci_verifier_init(&ret->verifier, digest, size);
    return take_partial(ret, write, data, err);
}

enum err_kind oci_blob_restart(struct oci_blob_writer *w, struct err *err)
{
    struct oci_verifier fresh;
    if (ftruncate(w->fd, 0) != 0 || lseek(w->fd, 0, SEEK_SET) < 0)
        return err_errno(err, errno, "emptying a partial blob");
    oci_verifier_init(&fresh, w->verifier.digest, w->verifier.size);
    oci_verifier_deinit(&w->verifier);
    w->verifier = fresh;
    return ERR_OK;
}

enum err_kind oci_blob_add(struct oci_blob_writer *w, const void *p, size_t n, struct err *err)
{
    enum err_kind r = oci_verifier_add(&w->verifier, p, n, err);
    return r == ERR_OK ? fs_write_all(w->fd, p, n, err) : r;
}

enum err_kind oci_blob_commit(struct oci_blob_writer *w, struct err *err)
{
    enum err_kind r = oci_verifier_end(&w->verifier, err);
    if (r != ERR_OK) {
        w->is_partial = false; /* the next try must not begin with these bytes */
        return r;
    }
    if (fsync(w->fd) != 0)
        return err_errno(err, errno, "syncing blob %s", w->verifier.digest);
    autofree char *path = blob_path(w->layout, w->verifier.digest);
    if (rename(w->temp, path) != 0)
        return err_errno(err, errno, "naming blob %s", w->verifier.digest);
    free(w->temp);
    w->temp = NULL;
    return fs_sync_dir(w->layout->blobs, err);
}

void oci_blob_deinit(struct oci_blob_writer *w)
{
    if (w->layout == NULL)
        return;
    if (w->temp != NULL && !(w->is_partial && w->verifier.got > 0))
        unlink(w->temp);
    free(w->temp);
    if (w->fd >= 0)
        close(w->fd);
    oci_verifier_deinit(&w->verifier);
    *w = (struct oci_blob_writer){.fd = -1};
}

enum err_kind oci_layout_put(
    struct oci_layout *l, struct str bytes, char ret_digest[OCI_DIGEST_MAX], struct err *err)
{
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    oci_digest_of(bytes, ret_digest);
    enum err_kind r = oci_blob_begin(l, ret_digest, bytes.n, &w, err);
    if (r == ERR_OK)
        r = oci_blob_add(&w, bytes.p, bytes.n, err);
    return r == ERR_OK ? oci_blob_commit(&w, err) : r;
}
