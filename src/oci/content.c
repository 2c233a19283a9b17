#include "oci/content.h"
#include "base/mem.h"
#include "oci/format.h"
#include "oci/internal.h"

#include <inttypes.h>
#include <stdio.h>

struct oci_content {
    const struct oci_image *image;
    struct oci_unpacker *unpacker; /* NULL: the layer is the module itself */
    struct oci_wasm_reader *reader;
    struct sha256 sha;
    uint64_t bytes; /* of the module so far */
    bool (*write)(void *data, const char *p, size_t n, struct err *err);
    void *data;
};

/* --- the module ------------------------------------------------------------------------------------- */

static bool take_module(void *data, const char *p, size_t n, struct err *err)
{
    struct oci_content *c = data;
    c->bytes += n;
    if (c->bytes > OCI_WASM_MAX) {
        err_set(err, ERR_LIMIT, "the module is over the limit of %" PRIu64 " bytes", OCI_WASM_MAX);
        return false;
    }
    sha256_add(&c->sha, p, n);
    if (oci_wasm_add(c->reader, p, n, err) != ERR_OK)
        return false;
    return c->write == NULL || c->write(c->data, p, n, err);
}

static void end_digest(struct oci_content *c, char ret_digest[OCI_DIGEST_MAX])
{
    uint8_t raw[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    sha256_end(&c->sha, raw);
    sha256_hex(raw, hex);
    snprintf(ret_digest, OCI_DIGEST_MAX, "sha256:%s", hex);
}

static enum err_kind check_module(
    struct oci_content *c,
    char ret_wasm_digest[OCI_DIGEST_MAX],
    struct oci_wasm_info *ret_info,
    struct err *err)
{
    enum err_kind r = c->unpacker != NULL ? oci_unpacker_end(c->unpacker, err) : ERR_OK;
    if (r != ERR_OK)
        return r;
    end_digest(c, ret_wasm_digest);
    if (c->image->wasm_digest[0] != '\0' && strcmp(ret_wasm_digest, c->image->wasm_digest) != 0)
        return err_set(
            err, ERR_UNVERIFIED, "digest mismatch: the module is %s, the annotation says %s",
            ret_wasm_digest, c->image->wasm_digest);
    if (c->image->wasm_bytes != 0 && c->bytes != c->image->wasm_bytes)
        return err_set(
            err, ERR_UNVERIFIED, "size mismatch: annotation %" PRIu64 ", module %" PRIu64,
            c->image->wasm_bytes, c->bytes);
    return oci_wasm_end(c->reader, ret_info, err);
}

/* --- the layer -------------------------------------------------------------------------------------- */

struct oci_content *oci_content_new(
    const struct oci_image *image,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data)
{
    struct oci_content *c = mem_new(struct oci_content);
    c->image = image;
    c->write = write;
    c->data = data;
    c->reader = oci_wasm_reader_new();
    sha256_init(&c->sha);
    const char *entry = oci_format_entry(image->format);
    bool has_others = image->format != OCI_FORMAT_CUP;
    if (entry != NULL)
        c->unpacker = oci_unpacker_new(entry, has_others, image->wasm_bytes, take_module, c);
    return c;
}

bool oci_content_write(void *data, const char *p, size_t n, struct err *err)
{
    struct oci_content *c = data;
    bool is_good = c->unpacker != NULL ? oci_unpacker_add(c->unpacker, p, n, err) == ERR_OK
                                       : take_module(c, p, n, err);
    if (!is_good)
        err_wrap(err, "layer %s", c->image->content_digest);
    return is_good;
}

enum err_kind oci_content_end(
    struct oci_content *c,
    char ret_wasm_digest[OCI_DIGEST_MAX],
    struct oci_wasm_info *ret_info,
    struct err *err)
{
    enum err_kind r = check_module(c, ret_wasm_digest, ret_info, err);
    return r == ERR_OK ? r : err_wrap(err, "layer %s", c->image->content_digest);
}

struct oci_content *oci_content_free(struct oci_content *c)
{
    if (c != NULL) {
        oci_unpacker_free(c->unpacker);
        oci_wasm_reader_free(c->reader);
        sha256_deinit(&c->sha);
    }
    free(c);
    return NULL;
}

/* --- out of any place ------------------------------------------------------------------------------- */

enum err_kind oci_inspect_module(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_image *ret,
    struct oci_wasm_info *ret_info,
    char ret_wasm_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct oci_image image = {0};
    auto_oci_place struct oci_place place = {0};
    enum err_kind r = oci_inspect(s, ref, where, &image, err);
    if (r != ERR_OK)
        return r;
    autorelease(oci_content_free) struct oci_content *c = oci_content_new(&image, NULL, NULL);
    r = oci_session_place(s, ref, where == OCI_IN_STORE, false, &place, err);
    if (r == ERR_OK)
        r = oci_place_read(
            &place, image.content_digest, image.content_bytes, oci_content_write, c, err);
    if (r == ERR_OK)
        r = oci_content_end(c, ret_wasm_digest, ret_info, err);
    if (r != ERR_OK) {
        oci_image_deinit(&image);
        return r;
    }
    *ret = image;
    return ERR_OK;
}

/* --- out of the store ------------------------------------------------------------------------------- */

enum err_kind oci_unpack_wasm(
    struct oci_session *s,
    const struct oci_image *image,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct oci_layout *store;
    enum err_kind r = oci_session_store(s, false, &store, err);
    if (r != ERR_OK)
        return r;
    autorelease(oci_content_free) struct oci_content *c = oci_content_new(image, write, data);
    r = oci_layout_read(
        store, image->content_digest, image->content_bytes, oci_content_write, c, err);
    return r == ERR_OK ? oci_content_end(c, ret_digest, NULL, err) : r;
}

enum err_kind oci_read_wasm(
    struct oci_session *s,
    const struct oci_image *image,
    struct buf *ret,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    buf_clear(ret);
    ret->max = OCI_WASM_MAX;
    return oci_unpack_wasm(s, image, oci_add_to_buf, ret, ret_digest, err);
}
