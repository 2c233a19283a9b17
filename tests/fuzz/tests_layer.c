/*
 * The layer of golden cases. Two forms, by the first byte: 0: the rest is the layer as it travels; else the
 * rest is the archive, stored without compression.
 */
#include "oci/tests_layer.h"
#include "fuzz.h"

#include <zlib.h>

static enum err_kind look(void *data, struct str path, struct str bytes, struct err *err)
{
    size_t *files = data;
    (void)err;
    HOLDS(path.n > 0 && path.p[0] != '/' && bytes.n <= OCI_TESTS_BYTES_MAX);
    while (path.p != NULL) {
        struct str segment = str_cut(&path, '/');
        HOLDS(segment.n > 0 && !str_eqz(segment, ".") && !str_eqz(segment, ".."));
    }
    for (size_t i = 0; i < bytes.n; i++)
        *files += bytes.p[i] == 'x'; /* each byte is there to be read */
    (*files)++;
    return ERR_OK;
}

static void store(struct str tar, struct buf *to)
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
    struct err err = {0};
    size_t files = 0;
    if (n == 0)
        return 0;
    struct str layer = str_of((const char *)data + 1, n - 1);
    if (data[0] != 0) {
        store(layer, &made);
        layer = buf_view(&made);
    }
    enum err_kind r = oci_tests_unpack(layer, look, &files, &err);
    HOLDS(r == ERR_OK || r == ERR_INVALID || r == ERR_LIMIT);
    HOLDS((r == ERR_OK) == (err.text[0] == '\0'));
    return 0;
}
