#include "base/mem.h"
#include "oci/internal.h"

#include <errno.h>
#include <unistd.h>

struct push {
    struct oci_session *session;
    struct oci_place *from;
    struct oci_place *to;
};

/* --- a blob into a registry -------------------------------------------------------------------------- */

/* The blob's file as a request body; checked as it is read, for the registry is not asked to notice
 * that a blob has rotted here. */
struct blob_body {
    struct oci_session *session;
    struct oci_layout *layout;
    const struct oci_descriptor *d;
    int fd;
    struct oci_verifier verifier;
    struct err err; /* why read gave up */
};

static void body_close(struct blob_body *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    oci_verifier_deinit(&b->verifier);
}

static enum err_kind body_rewind(void *data, struct err *err)
{
    struct blob_body *b = data;
    body_close(b);
    enum err_kind r = oci_layout_open_blob(b->layout, b->d->digest, &b->fd, err);
    if (r == ERR_OK)
        oci_verifier_init(&b->verifier, b->d->digest, b->d->size);
    return r;
}

/* The last piece is only handed out after the whole blob has verified. */
static ptrdiff_t body_read(void *data, char *to, size_t n)
{
    struct blob_body *b = data;
    ssize_t got;
    do
        got = read(b->fd, to, n);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        err_errno(&b->err, errno, "reading blob %s", b->d->digest);
        return -1;
    }
    if (got == 0 && b->verifier.got == b->d->size)
        return 0;
    enum err_kind r = oci_verifier_add(&b->verifier, to, (size_t)got, &b->err);
    if (r == ERR_OK && (got == 0 || b->verifier.got == b->d->size))
        r = oci_verifier_end(&b->verifier, &b->err);
    if (r != ERR_OK)
        return -1;
    if (b->session->progress != NULL)
        b->session->progress(
            b->session->progress_data, "push", b->d->digest, b->verifier.got, b->d->size);
    return got;
}

static enum err_kind upload(struct push *p, const struct oci_descriptor *d, struct err *err)
{
    bool has = false;
    enum err_kind r = oci_registry_has_blob(p->to->registry, d->digest, &has, err);
    if (r != ERR_OK || has)
        return r;
    struct blob_body b = {.session = p->session, .layout = p->from->layout, .d = d, .fd = -1};
    struct oci_body body = {.rewind = body_rewind, .read = body_read, .data = &b};
    r = oci_registry_put_blob(p->to->registry, d->digest, d->size, &body, err);
    if (r != ERR_OK && b.err.kind != ERR_OK) {
        r = b.err.kind;
        if (err != NULL)
            *err = b.err;
    }
    body_close(&b);
    return r;
}

/* --- a blob into a layout ----------------------------------------------------------------------------- */

static bool write_blob(void *data, const char *p, size_t n, struct err *err)
{
    return oci_blob_add(data, p, n, err) == ERR_OK;
}

static enum err_kind copy_to_layout(struct push *p, const struct oci_descriptor *d, struct err *err)
{
    if (oci_layout_has(p->to->layout, d->digest, d->size) &&
        oci_layout_read(p->to->layout, d->digest, d->size, NULL, NULL, NULL) == ERR_OK)
        return ERR_OK;
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    enum err_kind r = oci_blob_begin(p->to->layout, d->digest, d->size, &w, err);
    if (r == ERR_OK)
        r = oci_place_read(p->from, d->digest, d->size, write_blob, &w, err);
    return r == ERR_OK ? oci_blob_commit(&w, err) : r;
}

static enum err_kind copy_blob(struct push *p, const struct oci_descriptor *d, struct err *err)
{
    return p->to->layout != NULL ? copy_to_layout(p, d, err) : upload(p, d, err);
}

/* --- manifests ---------------------------------------------------------------------------------------- */

static enum err_kind put_manifest(
    struct push *p,
    const struct oci_raw *raw,
    const struct oci_manifest *m,
    const char *reference,
    struct err *err)
{
    autofree char *type = mem_strdup_str(
        m->media_type.p != NULL ? m->media_type
            : m->is_index       ? STR(OCI_MEDIA_INDEX)
                                : STR(OCI_MEDIA_MANIFEST));
    struct oci_manifest_put put = {
        .reference = reference != NULL ? reference : raw->digest,
        .media_type = type,
        .bytes = buf_view(&raw->bytes),
        .digest = raw->digest};
    if (p->to->registry != NULL)
        return oci_registry_put_manifest(p->to->registry, &put, NULL, err);
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = oci_layout_put(p->to->layout, buf_view(&raw->bytes), digest, err);
    if (r != ERR_OK || reference == NULL)
        return r;
    autofree char *artifact = m->artifact_type.p == NULL ? NULL : mem_strdup_str(m->artifact_type);
    return oci_layout_name(
        p->to->layout, reference, type, artifact, raw->digest, raw->bytes.n, err);
}

static enum err_kind copy_items(struct push *p, const struct oci_manifest *m, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < m->count; i++)
        r = copy_blob(p, &m->items[i], err);
    return r == ERR_OK ? copy_blob(p, &m->config, err) : r;
}

static enum err_kind copy_child(struct push *p, const struct oci_descriptor *d, struct err *err)
{
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = oci_place_manifest(p->from, d->digest, &raw, err);
    if (r == ERR_OK)
        r = oci_manifest_parse(buf_view(&raw.bytes), &m, err);
    if (r == ERR_OK && m.is_index)
        r = err_set(err, ERR_INVALID, "index nesting > 1: %s is an index in an index", d->digest);
    if (r == ERR_OK)
        r = copy_items(p, &m, err);
    return r == ERR_OK ? put_manifest(p, &raw, &m, NULL, err) : r;
}

/* Blobs, config, manifest; what names it comes last, so that a failure leaves the old tag in place. */
static enum err_kind copy_all(struct push *p, char ret_digest[OCI_DIGEST_MAX], struct err *err)
{
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = oci_place_manifest(p->from, NULL, &raw, err);
    if (r == ERR_OK)
        r = oci_manifest_parse(buf_view(&raw.bytes), &m, err);
    if (r != ERR_OK)
        return r;
    if (m.is_index) {
        for (size_t i = 0; r == ERR_OK && i < m.count; i++)
            r = copy_child(p, &m.items[i], err);
    } else {
        r = copy_items(p, &m, err);
    }
    if (r == ERR_OK)
        r = put_manifest(p, &raw, &m, p->to->name, err);
    if (r == ERR_OK)
        memcpy(ret_digest, raw.digest, OCI_DIGEST_MAX);
    return r;
}

enum err_kind oci_push(
    struct oci_session *s,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    auto_oci_place struct oci_place from = {0}, to = {0};
    if (dst->kind == OCI_REF_STORE)
        return err_set(
            err, ERR_INVALID,
            "'%s' is a name of the local store; a destination has a registry host or is "
            "oci-layout:",
            dst->repository);
    if (dst->digest[0] != '\0')
        return err_set(err, ERR_INVALID, "an image is pushed to a tag, not to a digest");
    /* A registry reference as source means the store's copy (docs/image-format.md section 2). */
    enum err_kind r = oci_session_place(s, src, src->kind != OCI_REF_LAYOUT, false, &from, err);
    if (r == ERR_OK)
        r = oci_session_place(s, dst, false, true, &to, err);
    if (r != ERR_OK)
        return r;
    struct push p = {.session = s, .from = &from, .to = &to};
    r = copy_all(&p, ret_digest, err);
    return r == ERR_OK ? r : err_wrap(err, "pushing %s to %s", from.shown, to.shown);
}
