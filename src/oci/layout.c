#include "oci/layout.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/layout_files.h"
#include "oci/layout_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STALE_PARTIAL_S = 24 * 3600 };

/* What comes in small pieces is written in large ones, and sent on its way to the disk in larger ones. */
enum { GATHER_BYTES = 128 << 10, WRITE_BACK_BYTES = 8 << 20 };

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

static enum err_kind make_layout(const struct oci_layout *l, struct err *err)
{
    enum err_kind r = fs_make_dirs(l->dir, l->dir_mode, err);
    autofree char *above = fs_join(l->dir, "blobs");
    if (r == ERR_OK)
        r = fs_make_dirs(above, l->dir_mode, err);
    if (r == ERR_OK)
        r = fs_make_dirs(l->blobs, l->dir_mode, err);
    if (r == ERR_OK)
        r = fs_make_dirs(l->ingest, l->dir_mode, err);
    if (r == ERR_OK)
        r = layout_index_init(l->dir, l->file_mode, err);
    return r == ERR_OK ? r : err_wrap(err, "making an image layout");
}

/* Whoever may write to the store decides what runs: that is its owner, and nobody else. */
static enum err_kind check_private(const struct oci_layout *l, struct err *err)
{
    struct stat st;
    if (stat(l->dir, &st) != 0)
        return errno == ENOENT ? ERR_OK : err_errno(err, errno, "'%s'", l->dir);
    if ((st.st_mode & 022) != 0)
        return err_set(
            err, ERR_DENIED,
            "'%s' may be written by others (mode %04o): 'chmod go-w' it, or name a directory of "
            "your own",
            l->dir, (unsigned)st.st_mode & 07777);
    if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0)
        return err_set(
            err, ERR_DENIED, "'%s' belongs to another user (%u): name a directory of your own",
            l->dir, (unsigned)st.st_uid);
    return ERR_OK;
}

static struct oci_layout *layout_new(const char *dir, bool create, bool is_private)
{
    struct oci_layout *l = mem_new(struct oci_layout);
    l->dir = mem_strdup(dir);
    l->blobs = fs_join(dir, "blobs/sha256");
    l->ingest = fs_join(dir, ".ingest");
    l->pins = fs_join(dir, ".pins");
    l->used = fs_join(dir, ".used");
    l->dir_mode = is_private ? 0700 : 0777;
    l->file_mode = is_private ? 0600 : 0666;
    l->is_private = is_private;
    l->pin = create || is_private ? layout_pin_new() : NULL;
    return l;
}

enum err_kind oci_layout_open(
    const char *dir, bool create, bool is_private, struct oci_layout **ret, struct err *err)
{
    autorelease(oci_layout_close) struct oci_layout *l = layout_new(dir, create, is_private);
    enum err_kind r = is_private ? check_private(l, err) : ERR_OK;
    if (r == ERR_OK && create)
        r = make_layout(l, err);
    if (r == ERR_OK)
        r = check_marker(dir, err);
    if (r != ERR_OK)
        return r;
    if (create) {
        layout_sweep(l->ingest, STALE_PARTIAL_S, false);
        layout_sweep(l->pins, 0, false);
    }
    *ret = steal(&l);
    return ERR_OK;
}

struct oci_layout *oci_layout_close(struct oci_layout *l)
{
    if (l == NULL)
        return NULL;
    layout_pin_free(l->pin);
    free(l->dir);
    free(l->blobs);
    free(l->ingest);
    free(l->pins);
    free(l->used);
    free(l);
    return NULL;
}

/* --- names ---------------------------------------------------------------------------------------- */

enum err_kind oci_layout_resolve(
    struct oci_layout *l, const char *name, struct oci_layout_entry *ret, struct err *err)
{
    struct layout_entry entry;
    enum err_kind r = layout_index_find(l->dir, name, &entry, err);
    /* What it needs stays while this handle is open; that it was not just taken away is seen by looking
     * again. A store that cannot be written to has no prune either. */
    if (r == ERR_OK && layout_pin(l, entry.digest, NULL) == ERR_OK && l->pin != NULL)
        r = layout_index_find(l->dir, name, &entry, err);
    if (r != ERR_OK)
        return r;
    layout_note_use(l, entry.digest);
    ret->size = entry.size;
    memcpy(ret->digest, entry.digest, sizeof(ret->digest));
    memcpy(ret->media_type, entry.said_type, sizeof(ret->media_type));
    return ERR_OK;
}

/* Each entry of index.json; `see` returns false to give up, with the error that it set. */
static enum err_kind each_entry(
    struct oci_layout *l,
    bool (*see)(void *data, yyjson_val *item, struct err *err),
    void *data,
    struct err *err)
{
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    size_t i, n;
    yyjson_val *item;
    enum err_kind r = layout_index_read(l->dir, &text, &doc, err);
    if (r != ERR_OK)
        return r;
    yyjson_arr_foreach(json_get(doc.root, "manifests"), i, n, item)
    {
        struct err failed = {.kind = ERR_CANCELLED};
        if (!see(data, item, &failed))
            return err_set(err, failed.kind, "%s", failed.text);
    }
    return ERR_OK;
}

struct name_seer {
    bool (*each)(void *data, struct str name, struct err *err);
    void *data;
};

static bool see_name(void *data, yyjson_val *item, struct err *err)
{
    struct name_seer *s = data;
    struct str name = layout_index_name(item);
    return name.n == 0 || s->each(s->data, name, err);
}

enum err_kind oci_layout_names(
    struct oci_layout *l,
    bool (*each)(void *data, struct str name, struct err *err),
    void *data,
    struct err *err)
{
    struct name_seer s = {.each = each, .data = data};
    return each_entry(l, see_name, &s, err);
}

struct unnamed_seer {
    bool (*each)(void *data, const struct oci_descriptor *d, struct err *err);
    void *data;
};

/* What we cannot read is not ours to judge: ignore unknown, image-layout.md. */
static bool see_unnamed(void *data, yyjson_val *item, struct err *err)
{
    struct unnamed_seer *s = data;
    struct oci_descriptor d;
    if (layout_index_name(item).n > 0 ||
        oci_descriptor_parse(item, "the entry", &d, NULL) != ERR_OK)
        return true;
    return s->each(s->data, &d, err);
}

enum err_kind oci_layout_unnamed(
    struct oci_layout *l,
    bool (*each)(void *data, const struct oci_descriptor *d, struct err *err),
    void *data,
    struct err *err)
{
    struct unnamed_seer s = {.each = each, .data = data};
    return each_entry(l, see_unnamed, &s, err);
}

/* Names of blobs first, those that another process has just put there as well; then what needs them. */
static enum err_kind
set_name(struct oci_layout *l, const struct layout_entry *entry, struct err *err)
{
    enum err_kind r = fs_sync_dir(l->blobs, err);
    if (r == ERR_OK)
        r = layout_index_set(l->dir, entry, l->file_mode, err);
    if (r == ERR_OK)
        layout_note_use(l, entry->digest);
    return r;
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
    return set_name(l, &entry, err);
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
    return set_name(l, &entry, err);
}

enum err_kind oci_layout_edit_begin(struct oci_layout *l, int *ret_fd, struct err *err)
{
    return layout_edit_lock(l->dir, ret_fd, err);
}

/* --- reading -------------------------------------------------------------------------------------- */

bool oci_layout_has(const struct oci_layout *l, const char *digest, uint64_t size)
{
    struct stat st;
    autofree char *path = layout_blob_path(l, digest);
    /* Pinned first: what is found stays until this handle has named what needs it. */
    if (layout_pin(l, digest, NULL) != ERR_OK)
        return false;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

enum err_kind
oci_layout_open_blob(struct oci_layout *l, const char *digest, int *ret_fd, struct err *err)
{
    autofree char *path = layout_blob_path(l, digest);
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

bool oci_add_to_buf(void *data, const char *p, size_t n, struct err *err)
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
    return oci_layout_read(l, digest, size, oci_add_to_buf, ret, err);
}

/* --- writing -------------------------------------------------------------------------------------- */

enum err_kind oci_blob_begin(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    struct oci_blob_writer *ret,
    struct err *err)
{
    int fd = -1;
    char *temp = NULL;
    enum err_kind r = layout_temp_new(l->ingest, l->dir_mode, l->file_mode, &temp, &fd, err);
    if (r != ERR_OK)
        return r;
    *ret = (struct oci_blob_writer){.layout = l, .fd = fd, .temp = temp};
    oci_verifier_init(&ret->verifier, digest, size);
    return ERR_OK;
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
        w->written += (uint64_t)n;
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
    autofree char *path =
        mem_printf("%s/%s" LAYOUT_PARTIAL_SUFFIX, l->ingest, digest + strlen("sha256:"));
    int fd = layout_temp_open(path, l->file_mode);
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
    w->gathered = w->written = 0;
    if (ftruncate(w->fd, 0) != 0 || lseek(w->fd, 0, SEEK_SET) < 0)
        return err_errno(err, errno, "emptying a partial blob");
    oci_verifier_init(&fresh, w->verifier.digest, w->verifier.size);
    oci_verifier_deinit(&w->verifier);
    w->verifier = fresh;
    return ERR_OK;
}

/* Now and then what was written is sent on its way to the disk, so that the sync at the end has little
 * left to wait for. Whether it works does not matter here. */
static void write_back(const struct oci_blob_writer *w, size_t n)
{
    uint64_t end = w->written / WRITE_BACK_BYTES * WRITE_BACK_BYTES;
    uint64_t start = (w->written - n) / WRITE_BACK_BYTES * WRITE_BACK_BYTES;
    if (end > start)
        (void)sync_file_range(w->fd, (off_t)start, (off_t)(end - start), SYNC_FILE_RANGE_WRITE);
}

static enum err_kind
write_piece(struct oci_blob_writer *w, const void *p, size_t n, struct err *err)
{
    enum err_kind r = fs_write_all(w->fd, p, n, err);
    if (r != ERR_OK)
        return r;
    w->written += n;
    write_back(w, n);
    return ERR_OK;
}

static enum err_kind write_gathered(struct oci_blob_writer *w, struct err *err)
{
    size_t n = w->gathered;
    w->gathered = 0;
    return n == 0 ? ERR_OK : write_piece(w, w->gather, n, err);
}

enum err_kind oci_blob_add(struct oci_blob_writer *w, const void *p, size_t n, struct err *err)
{
    enum err_kind r = oci_verifier_add(&w->verifier, p, n, err);
    if (r == ERR_OK && n > GATHER_BYTES - w->gathered)
        r = write_gathered(w, err);
    if (r != ERR_OK || n >= GATHER_BYTES)
        return r == ERR_OK ? write_piece(w, p, n, err) : r;
    if (w->gather == NULL)
        w->gather = mem_alloc(w->verifier.size < GATHER_BYTES ? w->verifier.size : GATHER_BYTES);
    memcpy(w->gather + w->gathered, p, n);
    w->gathered += n;
    return ERR_OK;
}

enum err_kind oci_blob_verify(struct oci_blob_writer *w, struct err *err)
{
    enum err_kind r = w->is_verified ? ERR_OK : oci_verifier_end(&w->verifier, err);
    w->is_verified = r == ERR_OK;
    if (r != ERR_OK)
        w->is_partial = false; /* the next try must not begin with these bytes */
    return r;
}

enum err_kind oci_blob_commit(struct oci_blob_writer *w, struct err *err)
{
    enum err_kind r = oci_blob_verify(w, err);
    if (r == ERR_OK)
        r = write_gathered(w, err);
    if (r != ERR_OK)
        return r;
    autofree char *path = layout_blob_path(w->layout, w->verifier.digest);
    r = fs_sync(w->fd, "a blob", err);
    if (r == ERR_OK)
        r = layout_pin(w->layout, w->verifier.digest, err);
    if (r == ERR_OK && rename(w->temp, path) != 0)
        r = err_errno(err, errno, "naming blob %s", w->verifier.digest);
    if (r != ERR_OK)
        return r;
    free(w->temp);
    w->temp = NULL;
    return ERR_OK; /* the directory is synced before a name needs the blob: oci_layout_name */
}

void oci_blob_deinit(struct oci_blob_writer *w)
{
    if (w->layout == NULL)
        return;
    /* Whoever goes on takes what the file has; a write that fails leaves less of it. */
    if (w->temp != NULL && w->is_partial)
        (void)!write_gathered(w, NULL);
    if (w->temp != NULL && !(w->is_partial && w->verifier.got > 0))
        unlink(w->temp);
    free(w->temp);
    free(w->gather);
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
    if (oci_layout_has(l, ret_digest, bytes.n) &&
        oci_layout_read(l, ret_digest, bytes.n, NULL, NULL, NULL) == ERR_OK)
        return ERR_OK;
    enum err_kind r = oci_blob_begin(l, ret_digest, bytes.n, &w, err);
    if (r == ERR_OK)
        r = oci_blob_add(&w, bytes.p, bytes.n, err);
    return r == ERR_OK ? oci_blob_commit(&w, err) : r;
}
