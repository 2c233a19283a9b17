#include "oci/content.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/wasm.h"

#include <inttypes.h>

struct oci_content {
    const struct oci_image *image;
    struct oci_unpacker *unpacker; /* NULL: the layer is the module itself */
    struct buf *wasm;
};

struct oci_content *oci_content_new(const struct oci_image *image, struct buf *ret_wasm)
{
    struct oci_content *c = mem_new(struct oci_content);
    c->image = image;
    c->wasm = ret_wasm;
    buf_clear(ret_wasm);
    ret_wasm->max = OCI_WASM_MAX;
    if (!image->is_plain_wasm)
        c->unpacker = oci_unpacker_new(image->wasm_bytes, ret_wasm);
    return c;
}

bool oci_content_write(void *data, const char *p, size_t n, struct err *err)
{
    struct oci_content *c = data;
    enum err_kind r;
    if (c->unpacker != NULL) {
        r = oci_unpacker_add(c->unpacker, p, n, err);
    } else {
        buf_add(c->wasm, p, n);
        r = buf_check(c->wasm, "the module", err);
    }
    if (r != ERR_OK)
        err_wrap(err, "layer %s", c->image->content_digest);
    return r == ERR_OK;
}

static enum err_kind
check_module(struct oci_content *c, char ret_wasm_digest[OCI_DIGEST_MAX], struct err *err)
{
    enum err_kind r = c->unpacker != NULL ? oci_unpacker_end(c->unpacker, err) : ERR_OK;
    if (r != ERR_OK)
        return r;
    oci_digest_of(buf_view(c->wasm), ret_wasm_digest);
    if (c->image->wasm_digest[0] != '\0' && strcmp(ret_wasm_digest, c->image->wasm_digest) != 0)
        return err_set(
            err, ERR_UNVERIFIED, "digest mismatch: the module is %s, the annotation says %s",
            ret_wasm_digest, c->image->wasm_digest);
    if (c->image->wasm_bytes != 0 && c->wasm->n != c->image->wasm_bytes)
        return err_set(
            err, ERR_UNVERIFIED, "size mismatch: annotation %" PRIu64 ", module %zu",
            c->image->wasm_bytes, c->wasm->n);
    return oci_wasm_check(buf_view(c->wasm), err);
}

enum err_kind
oci_content_end(struct oci_content *c, char ret_wasm_digest[OCI_DIGEST_MAX], struct err *err)
{
    enum err_kind r = check_module(c, ret_wasm_digest, err);
    return r == ERR_OK ? r : err_wrap(err, "layer %s", c->image->content_digest);
}

struct oci_content *oci_content_free(struct oci_content *c)
{
    if (c != NULL)
        oci_unpacker_free(c->unpacker);
    free(c);
    return NULL;
}
