/*
 * The content layer: gzip, tar and the module in it. Two forms, by the first byte: 0: the rest is the layer
 * as it travels; else the rest is the archive, stored without compression, so that what is behind gzip's
 * checksum is reached.
 */
#include "base/mem.h"
#include "fuzz.h"
#include "oci/content.h"

#include <zlib.h>

static bool count(void *data, const char *p, size_t n, struct err *err)
{
    (void)err;
    HOLDS(n > 0 && p != NULL);
    *(uint64_t *)data += n;
    return true;
}

static enum err_kind
unpack_in(struct str layer, size_t piece, bool has_others, uint64_t *ret_bytes, struct err *err)
{
    autorelease(oci_unpacker_free) struct oci_unpacker *u =
        oci_unpacker_new(OCI_ARCHIVE_ENTRY, has_others, 0, count, ret_bytes);
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && layer.n > 0) {
        struct str part = str_take(layer, piece);
        layer = str_skip(layer, piece);
        r = oci_unpacker_add(u, part.p, part.n, err);
    }
    return r == ERR_OK ? oci_unpacker_end(u, err) : r;
}

static void unpack(struct str layer, size_t piece, bool has_others)
{
    struct err whole = {0}, pieces = {0};
    uint64_t bytes = 0, again = 0;
    enum err_kind r = unpack_in(layer, layer.n, has_others, &bytes, &whole);
    HOLDS(r == ERR_OK || r == ERR_INVALID || r == ERR_LIMIT);
    HOLDS(unpack_in(layer, piece, has_others, &again, &pieces) == r);
    HOLDS(r != ERR_OK || bytes == again);
}

static void read_content(struct str layer)
{
    struct oci_image image = {0};
    char digest[OCI_DIGEST_MAX];
    struct err err = {0};
    autorelease(oci_content_free) struct oci_content *c = oci_content_new(&image, NULL, NULL);
    if (oci_content_write(c, layer.p, layer.n, &err) &&
        oci_content_end(c, digest, NULL, &err) == ERR_OK)
        return;
    HOLDS(err.text[0] != '\0');
}

static void deflate_stored(struct str tar, struct buf *to)
{
    z_stream z = {0};
    HOLDS(deflateInit2(&z, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    uLong bound = deflateBound(&z, (uLong)tar.n);
    z.next_out = (Bytef *)buf_reserve(to, bound);
    z.avail_out = (uInt)bound;
    z.next_in = (Bytef *)(uintptr_t)tar.p;
    z.avail_in = (uInt)tar.n;
    HOLDS(deflate(&z, Z_FINISH) == Z_STREAM_END);
    to->n = z.total_out;
    deflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    autobuf struct buf made = {0};
    if (n == 0)
        return 0;
    struct str layer = str_of((const char *)data + 1, n - 1);
    if (data[0] != 0) {
        deflate_stored(layer, &made);
        layer = buf_view(&made);
    }
    unpack(layer, (size_t)data[0] + 1, false);
    unpack(layer, (size_t)data[0] + 1, true);
    read_content(layer);
    return 0;
}
