#include "oci/archive.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/tar.h"

#include <inttypes.h>
#include <libdeflate.h>

#define ZLIB_CONST /* zlib then takes what it reads as const */
#include <zlib.h>

/* Part of an image's digest: neither is changed without a new format version. */
enum { COMPRESSION_LEVEL = 9, END_BLOCKS = 2 };

/* What the archive may be larger than the module: header, padding, tar's record padding. */
#define ARCHIVE_EXTRA ((uint64_t)64 << 10)

enum err_kind oci_archive_gzip(struct str tar, const char *what, struct buf *ret, struct err *err)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(COMPRESSION_LEVEL);
    if (c == NULL)
        return err_set(err, ERR_LIMIT, "no memory for the compressor");
    char *to = buf_reserve(ret, libdeflate_gzip_compress_bound(c, tar.n));
    size_t n = 0;
    if (to != NULL)
        n = libdeflate_gzip_compress(c, tar.p, tar.n, to, libdeflate_gzip_compress_bound(c, tar.n));
    libdeflate_free_compressor(c);
    ret->n += n;
    return buf_check(ret, what, err);
}

enum err_kind
oci_archive_pack(struct str wasm, int64_t mtime_unix_s, struct buf *ret, struct err *err)
{
    static const char zeros[TAR_BLOCK * END_BLOCKS];
    char header[TAR_BLOCK];
    if (wasm.n > OCI_WASM_MAX)
        return err_set(
            err, ERR_LIMIT, "a module of %zu bytes is over the limit of %" PRIu64, wasm.n,
            OCI_WASM_MAX);
    autobuf struct buf tar = {.max = OCI_WASM_MAX + ARCHIVE_EXTRA};
    tar_write_header(header, OCI_ARCHIVE_ENTRY, wasm.n, mtime_unix_s);
    buf_add(&tar, header, sizeof(header));
    buf_str(&tar, wasm);
    buf_add(&tar, zeros, tar_padding(wasm.n));
    buf_add(&tar, zeros, sizeof(zeros));
    enum err_kind r = buf_check(&tar, "the archive", err);
    if (r != ERR_OK)
        return r;
    buf_clear(ret);
    ret->max = OCI_LAYER_MAX + ARCHIVE_EXTRA;
    return oci_archive_gzip(buf_view(&tar), "the content layer", ret, err);
}

enum unpack_state { IN_HEADER, IN_DATA, IN_PADDING, IN_END };

struct oci_unpacker {
    z_stream z;
    bool is_inflating; /* until the end of the gzip stream */
    uint64_t expanded;
    enum unpack_state state;
    char block[TAR_BLOCK];
    size_t block_n;
    uint64_t left; /* of data or padding */
    unsigned zero_blocks;
    bool has_file;
    bool is_passed_over; /* the entry whose data comes */
    const char *entry;
    bool has_others;
    uint64_t wasm_bytes; /* what it must be; 0: unknown */
    uint64_t file_bytes; /* what its header says */
    bool (*write)(void *data, const char *p, size_t n, struct err *err);
    void *data;
};

struct oci_unpacker *oci_unpacker_new(
    const char *entry,
    bool has_others,
    uint64_t wasm_bytes,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data)
{
    struct oci_unpacker *u = mem_new(struct oci_unpacker);
    u->entry = entry;
    u->has_others = has_others;
    u->wasm_bytes = wasm_bytes;
    u->write = write;
    u->data = data;
    /* 16: a gzip header and trailer, nothing else (zlib.h, inflateInit2) */
    if (inflateInit2(&u->z, 15 + 16) != Z_OK)
        abort();
    u->is_inflating = true;
    return u;
}

struct oci_unpacker *oci_unpacker_free(struct oci_unpacker *u)
{
    if (u != NULL)
        inflateEnd(&u->z);
    free(u);
    return NULL;
}

/* An absolute name, or one with a ".." in it. */
static bool leaves_archive(struct str name)
{
    if (name.n > 0 && name.p[0] == '/')
        return true;
    while (name.p != NULL) {
        if (str_eqz(str_cut(&name, '/'), ".."))
            return true;
    }
    return false;
}

static bool is_the_entry(const struct oci_unpacker *u, struct str name)
{
    if (u->has_others && str_starts(name, STR("./")))
        name = str_skip(name, 2);
    return str_eqz(name, u->entry);
}

static enum err_kind refuse_type(const struct tar_header *h, const char *name, struct err *err)
{
    if (h->type == '1' || h->type == '2')
        return err_set(
            err, ERR_INVALID, "entry \"%s\" is a link; links are not allowed in a wasm layer",
            name);
    return err_set(err, ERR_INVALID, "entry \"%s\" is not a regular file", name);
}

static enum err_kind check_size(
    const struct oci_unpacker *u, const struct tar_header *h, const char *name, struct err *err)
{
    if (h->size > OCI_WASM_MAX)
        return err_set(
            err, ERR_LIMIT, "entry \"%s\" expands past %" PRIu64 " MiB", name, OCI_WASM_MAX >> 20);
    if (u->wasm_bytes != 0 && !u->is_passed_over && h->size != u->wasm_bytes)
        return err_set(
            err, ERR_UNVERIFIED,
            "entry \"%s\": size mismatch: annotation %" PRIu64 ", archive %" PRIu64, name,
            u->wasm_bytes, h->size);
    return ERR_OK;
}

static enum err_kind
check_entry(struct oci_unpacker *u, const struct tar_header *h, struct err *err)
{
    char name[OCI_SHOWN_MAX];
    struct str path = str_from(h->name);
    oci_show(path, name);
    if (leaves_archive(path))
        return err_set(err, ERR_INVALID, "entry \"%s\" leaves the archive", name);
    /* '5' a directory; 'x', 'g' records of pax about what follows */
    bool is_aside = u->has_others && (h->type == '5' || h->type == 'x' || h->type == 'g');
    if (h->type != '0' && !is_aside)
        return refuse_type(h, name, err);
    u->is_passed_over = is_aside || (u->has_others && !is_the_entry(u, path));
    if (!u->is_passed_over && (u->has_file || !is_the_entry(u, path)))
        return err_set(
            err, ERR_INVALID, "entry \"%s\" is not expected: the layer holds one file, %s", name,
            u->entry);
    u->has_file |= !u->is_passed_over;
    return check_size(u, h, name, err);
}

/* A whole block where a header (or the end) is due. */
static enum err_kind take_block(struct oci_unpacker *u, struct err *err)
{
    struct tar_header h;
    u->block_n = 0;
    if (tar_is_zero(u->block)) {
        u->zero_blocks++;
        if (u->zero_blocks == END_BLOCKS)
            u->state = IN_END;
        return ERR_OK;
    }
    if (u->zero_blocks > 0)
        return err_set(err, ERR_INVALID, "the archive goes on after its end");
    enum err_kind r = tar_read_header(u->block, &h, err);
    if (r == ERR_OK)
        r = check_entry(u, &h, err);
    if (r != ERR_OK)
        return r;
    /* a directory's size is no count of bytes that follow (POSIX pax, "ustar Interchange Format") */
    u->file_bytes = h.type == '5' ? 0 : h.size;
    u->left = u->file_bytes;
    u->state = IN_DATA;
    return ERR_OK;
}

static enum err_kind take_data(struct oci_unpacker *u, const char *p, size_t n, struct err *err)
{
    struct err why = {0};
    u->left -= n;
    if (u->left == 0) {
        u->left = tar_padding(u->file_bytes);
        u->state = u->left > 0 ? IN_PADDING : IN_HEADER;
    }
    if (n == 0 || u->is_passed_over || u->write(u->data, p, n, &why))
        return ERR_OK;
    if (err != NULL)
        *err = why;
    return why.kind;
}

static size_t min_size(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* The next archive bytes: take some of them, return how many in *ret_n (at least one when n > 0,
 * except on a change of state). */
static enum err_kind
take_some(struct oci_unpacker *u, const char *p, size_t n, size_t *ret_n, struct err *err)
{
    size_t take = 0;
    enum err_kind r = ERR_OK;
    switch (u->state) {
    case IN_HEADER:
        take = min_size(TAR_BLOCK - u->block_n, n);
        memcpy(u->block + u->block_n, p, take);
        u->block_n += take;
        if (u->block_n == TAR_BLOCK)
            r = take_block(u, err);
        break;
    case IN_DATA:
        take = min_size(u->left, n);
        r = take_data(u, p, take, err);
        break;
    case IN_PADDING:
        take = min_size(u->left, n);
        u->left -= take;
        if (u->left == 0)
            u->state = IN_HEADER;
        break;
    case IN_END:
        for (take = 0; take < n; take++) {
            if (p[take] != 0)
                return err_set(err, ERR_INVALID, "the archive goes on after its end");
        }
        break;
    }
    *ret_n = take;
    return r;
}

static enum err_kind take_archive(struct oci_unpacker *u, const char *p, size_t n, struct err *err)
{
    u->expanded += n;
    if (u->expanded > OCI_WASM_MAX + ARCHIVE_EXTRA)
        return err_set(err, ERR_LIMIT, "layer expands past %" PRIu64 " MiB", OCI_WASM_MAX >> 20);
    while (n > 0) {
        size_t took = 0;
        enum err_kind r = take_some(u, p, n, &took, err);
        if (r != ERR_OK)
            return r;
        p += took;
        n -= took;
    }
    return ERR_OK;
}

enum err_kind oci_unpacker_add(struct oci_unpacker *u, const char *p, size_t n, struct err *err)
{
    unsigned char out[16 << 10];
    if (n > UINT32_MAX)
        return err_set(err, ERR_INTERNAL, "a piece of a layer is larger than 4 GiB");
    u->z.next_in = (const Bytef *)p;
    u->z.avail_in = (uInt)n;
    while (u->is_inflating) {
        u->z.next_out = out;
        u->z.avail_out = sizeof(out);
        int z = inflate(&u->z, Z_NO_FLUSH);
        if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
            return err_set(
                err, ERR_INVALID, "it is not good gzip: %s",
                u->z.msg != NULL ? u->z.msg : "unknown data");
        enum err_kind r = take_archive(u, (const char *)out, sizeof(out) - u->z.avail_out, err);
        if (r != ERR_OK)
            return r;
        u->is_inflating = z != Z_STREAM_END;
        if (z == Z_BUF_ERROR || (u->z.avail_in == 0 && u->z.avail_out > 0))
            break;
    }
    if (u->z.avail_in > 0 && !u->is_inflating)
        return err_set(err, ERR_INVALID, "there is data after the end of the gzip stream");
    return ERR_OK;
}

enum err_kind oci_unpacker_end(struct oci_unpacker *u, struct err *err)
{
    if (u->is_inflating)
        return err_set(err, ERR_INVALID, "the gzip stream is cut");
    if (u->state == IN_DATA || u->state == IN_PADDING || u->block_n > 0)
        return err_set(err, ERR_INVALID, "the archive ends in the middle of an entry");
    if (!u->has_file)
        return err_set(err, ERR_INVALID, "the archive holds no %s", u->entry);
    if (u->state != IN_END)
        return err_set(err, ERR_INVALID, "the archive is cut: its end is missing");
    return ERR_OK;
}
