#include "oci/tests_layer.h"
#include "base/mem.h"
#include "oci/archive.h"
#include "oci/internal.h"
#include "oci/tar.h"

#define ZLIB_CONST
#include <zlib.h>

enum { END_BLOCKS = 2 };

/* Slash path below the root: no empty, "." or ".." segment, UTF-8, no control characters. */
static enum err_kind check_path(struct str path, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str rest = path;
    bool is_good = path.n > 0 && str_is_utf8(path);
    for (size_t i = 0; i < path.n; i++)
        is_good &= (unsigned char)path.p[i] >= ' ' && path.p[i] != 0x7F;
    while (rest.p != NULL) {
        struct str segment = str_cut(&rest, '/');
        is_good &= segment.n > 0 && !str_eqz(segment, ".") && !str_eqz(segment, "..");
    }
    return is_good ? ERR_OK
                   : err_set(err, ERR_INVALID, "'%s' is no path of a file", oci_show(path, shown));
}

/* --- packing ----------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
    const struct oci_test_file *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

static enum err_kind add_file(
    struct buf *tar,
    const struct oci_test_file *file,
    const char *previous,
    int64_t mtime_unix_s,
    struct err *err)
{
    static const char zeros[TAR_BLOCK];
    char header[TAR_BLOCK];
    enum err_kind r = check_path(str_from(file->path), err);
    if (r != ERR_OK)
        return r;
    if (previous != NULL && strcmp(previous, file->path) == 0)
        return err_set(err, ERR_INVALID, "'%s' is there twice", file->path);
    if (!tar_name_fits(file->path))
        return err_set(err, ERR_INVALID, "the path '%s' is too long for an archive", file->path);
    tar_write_header(header, file->path, file->n, mtime_unix_s);
    buf_add(tar, header, sizeof(header));
    buf_add(tar, file->bytes, file->n);
    buf_add(tar, zeros, tar_padding(file->n));
    return buf_check(tar, "the archive", err);
}

enum err_kind oci_tests_pack(
    const struct oci_test_file *files,
    size_t count,
    int64_t mtime_unix_s,
    struct buf *ret,
    struct err *err)
{
    static const char zeros[TAR_BLOCK * END_BLOCKS];
    autobuf struct buf tar = {.max = OCI_TESTS_BYTES_MAX};
    enum err_kind r = ERR_OK;
    if (count > OCI_TESTS_FILES_MAX)
        return err_set(err, ERR_LIMIT, "%zu files are more than %d", count, OCI_TESTS_FILES_MAX);
    autofree const struct oci_test_file **order =
        mem_alloc((count + 1) * sizeof(const struct oci_test_file *));
    for (size_t i = 0; i < count; i++)
        order[i] = &files[i];
    qsort(order, count, sizeof(*order), by_path);
    for (size_t i = 0; r == ERR_OK && i < count; i++)
        r = add_file(&tar, order[i], i == 0 ? NULL : order[i - 1]->path, mtime_unix_s, err);
    buf_add(&tar, zeros, sizeof(zeros));
    if (r == ERR_OK)
        r = buf_check(&tar, "the archive", err);
    return r == ERR_OK ? oci_archive_gzip(buf_view(&tar), "the layer of tests", ret, err) : r;
}

/* --- unpacking --------------------------------------------------------------------------------------------- */

/* All of it, or LIMIT: its size is bounded before any of it is looked at. */
static enum err_kind inflate_all(struct str layer, struct buf *tar, struct err *err)
{
    z_stream z = {0};
    int end = Z_OK;
    if (inflateInit2(&z, 15 + 16) != Z_OK) /* gzip alone (zlib.h) */
        abort();
    z.next_in = (const Bytef *)layer.p;
    z.avail_in = (uInt)layer.n;
    while (end == Z_OK) {
        char piece[16 << 10];
        z.next_out = (Bytef *)piece;
        z.avail_out = sizeof(piece);
        end = inflate(&z, Z_NO_FLUSH);
        buf_add(tar, piece, sizeof(piece) - z.avail_out);
        if (tar->is_failed)
            break;
    }
    bool is_whole = end == Z_STREAM_END && z.avail_in == 0;
    inflateEnd(&z);
    enum err_kind r = buf_check(tar, "the archive", err);
    if (r != ERR_OK || is_whole)
        return r;
    return err_set(
        err, ERR_INVALID, "it is not good gzip%s",
        end == Z_STREAM_END ? ": there is data after its end" : "");
}

static bool is_all_zero(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != 0)
            return false;
    }
    return true;
}

/* *rest stands behind a header; tell of its file and go behind it. */
static enum err_kind take_entry(
    const struct tar_header *h,
    struct str *rest,
    oci_test_file_fn each,
    void *data,
    struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str path = str_from(h->name);
    bool is_dir = h->type == '5';
    uint64_t size = is_dir ? 0 : h->size; /* no bytes follow a directory (POSIX pax) */
    if (str_starts(path, STR("./")))      /* as tar(1) writes what lies in a directory */
        path = str_skip(path, 2);
    if (is_dir && str_ends(path, STR("/")))
        path.n--;
    if (is_dir && path.n == 0)
        return ERR_OK;
    enum err_kind r = check_path(path, err);
    if (r == ERR_OK && !is_dir && h->type != '0')
        r = err_set(
            err, ERR_INVALID, "'%s' is neither a file nor a directory", oci_show(path, shown));
    if (r == ERR_OK && (size > rest->n || tar_padding(size) > rest->n - size))
        r = err_set(err, ERR_INVALID, "the archive is cut at '%s'", oci_show(path, shown));
    if (r != ERR_OK)
        return r;
    struct str bytes = str_take(*rest, (size_t)size);
    *rest = str_skip(*rest, (size_t)size + tar_padding(size));
    return is_dir ? ERR_OK : each(data, path, bytes, err);
}

static enum err_kind
read_archive(struct str rest, oci_test_file_fn each, void *data, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t count = 0; r == ERR_OK && rest.n >= TAR_BLOCK; count++) {
        struct tar_header h;
        struct str block = str_take(rest, TAR_BLOCK);
        if (tar_is_zero(block.p))
            return is_all_zero(rest)
                ? ERR_OK
                : err_set(err, ERR_INVALID, "the archive goes on after its end");
        if (count == OCI_TESTS_FILES_MAX)
            return err_set(err, ERR_LIMIT, "it holds more than %d files", OCI_TESTS_FILES_MAX);
        rest = str_skip(rest, TAR_BLOCK);
        r = tar_read_header(block.p, &h, err);
        if (r == ERR_OK)
            r = take_entry(&h, &rest, each, data, err);
    }
    return r == ERR_OK ? err_set(err, ERR_INVALID, "the archive is cut: its end is missing") : r;
}

enum err_kind oci_tests_unpack(struct str layer, oci_test_file_fn each, void *data, struct err *err)
{
    autobuf struct buf tar = {.max = OCI_TESTS_BYTES_MAX};
    enum err_kind r = inflate_all(layer, &tar, err);
    return r == ERR_OK ? read_archive(buf_view(&tar), each, data, err) : r;
}

/* --- of an image ------------------------------------------------------------------------------------------- */

static enum err_kind
find_layer(const struct oci_manifest *m, const struct oci_descriptor **ret, struct err *err)
{
    *ret = NULL;
    for (size_t i = 0; i < m->count; i++) {
        if (!str_eqz(m->items[i].media_type, OCI_MEDIA_TESTS))
            continue;
        if (*ret != NULL)
            return err_set(err, ERR_INVALID, "it has more than one layer of golden cases");
        *ret = &m->items[i];
    }
    if (*ret != NULL)
        return ERR_OK;
    return err_set(err, ERR_NOT_FOUND, "it brings no golden cases (it was packed without --tests)");
}

enum err_kind oci_read_tests(
    struct oci_session *s,
    const struct oci_image *image,
    oci_test_file_fn each,
    void *data,
    struct err *err)
{
    auto_oci_manifest struct oci_manifest manifest = {0};
    autobuf struct buf layer = {0};
    const struct oci_descriptor *d = NULL;
    struct oci_layout *store = NULL;
    enum err_kind r =
        oci_manifest_parse(str_of(image->manifest, image->manifest_bytes), &manifest, err);
    if (r == ERR_OK)
        r = find_layer(&manifest, &d, err);
    if (r == ERR_OK)
        r = oci_session_store(s, false, &store, err);
    if (r == ERR_OK)
        r = oci_layout_read_all(store, d->digest, d->size, OCI_TESTS_BYTES_MAX, &layer, err);
    if (r != ERR_OK)
        return r;
    r = oci_tests_unpack(buf_view(&layer), each, data, err);
    return r == ERR_OK ? r : err_wrap(err, "its golden cases (layer %s)", d->digest);
}
