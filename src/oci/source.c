#include "oci/source.h"
#include "base/mem.h"

#include <stdio.h>

void oci_raw_deinit(struct oci_raw *raw)
{
    buf_deinit(&raw->bytes);
}

void oci_place_deinit(struct oci_place *p)
{
    if (p->owns_layout)
        oci_layout_close(p->layout);
    oci_registry_close(p->registry);
    free(p->name);
    free(p->shown);
    *p = (struct oci_place){0};
}

/* A layout keeps manifests as blobs; it says their media type in index.json, and they say it themselves. */
static enum err_kind
layout_manifest(struct oci_place *p, const char *reference, struct oci_raw *ret, struct err *err)
{
    struct oci_layout_entry entry = {.size = UINT64_MAX};
    enum err_kind r = ERR_OK;
    if (reference != NULL && oci_digest_check(str_from(reference), NULL) == ERR_OK)
        snprintf(entry.digest, sizeof(entry.digest), "%s", reference);
    else
        r = oci_layout_resolve(p->layout, reference, &entry, err);
    if (r != ERR_OK)
        return r;
    memcpy(ret->digest, entry.digest, sizeof(ret->digest));
    memcpy(ret->media_type, entry.media_type, sizeof(ret->media_type));
    return oci_layout_read_all(
        p->layout, entry.digest, entry.size, OCI_MANIFEST_MAX, &ret->bytes, err);
}

static enum err_kind
registry_manifest(struct oci_place *p, const char *reference, struct oci_raw *ret, struct err *err)
{
    struct oci_manifest_head head = {0};
    enum err_kind r = oci_registry_manifest(p->registry, reference, &ret->bytes, &head, err);
    memcpy(ret->digest, head.digest, sizeof(ret->digest));
    memcpy(ret->media_type, head.media_type, sizeof(ret->media_type));
    memcpy(ret->etag, head.etag, sizeof(ret->etag));
    return r;
}

enum err_kind
oci_place_manifest(struct oci_place *p, const char *reference, struct oci_raw *ret, struct err *err)
{
    struct oci_raw raw = {0};
    const char *wanted = reference != NULL ? reference : p->name;
    enum err_kind r = p->layout != NULL ? layout_manifest(p, wanted, &raw, err)
                                        : registry_manifest(p, wanted, &raw, err);
    if (r != ERR_OK) {
        oci_raw_deinit(&raw);
        return r;
    }
    *ret = raw;
    return ERR_OK;
}

enum err_kind oci_place_read(
    struct oci_place *p,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err)
{
    if (p->layout != NULL)
        return oci_layout_read(p->layout, digest, size, write, data, err);
    return oci_registry_read_blob(p->registry, digest, size, write, data, err);
}

enum err_kind oci_place_read_all(
    struct oci_place *p, const struct oci_descriptor *d, struct buf *ret, struct err *err)
{
    buf_clear(ret);
    ret->max = (size_t)d->size + 1;
    return oci_place_read(p, d->digest, d->size, oci_add_to_buf, ret, err);
}
