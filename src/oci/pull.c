#include "base/mem.h"
#include "oci/content.h"
#include "oci/internal.h"

/* Everything of one pull; nothing is named in the store before all of it is there and checked. */
struct pull {
    struct oci_session *session;
    struct oci_place *from;
    struct oci_layout *store;
    const struct oci_read_image *read;
    const struct oci_image *image;
};

/* A blob on its way into the store; `also` sees the same bytes, may be NULL. */
struct tee {
    struct oci_session *session;
    struct oci_blob_writer writer;
    struct oci_content *also;
    /* What is wrong with the content waits for the digest: of a layer that was damaged on its way the
     * damage is to be told, not what the unpacker made of it. */
    struct err content_err;
};

static bool write_tee(void *data, const char *p, size_t n, struct err *err)
{
    struct tee *t = data;
    struct oci_verifier *v = &t->writer.verifier;
    if (oci_blob_add(&t->writer, p, n, err) != ERR_OK)
        return false;
    if (t->session->progress != NULL)
        t->session->progress(t->session->progress_data, "pull", v->digest, v->got, v->size);
    if (t->also != NULL && t->content_err.kind == ERR_OK)
        (void)oci_content_write(t->also, p, n, &t->content_err);
    return true;
}

static enum err_kind fetch_blob(struct pull *p, const char *digest, uint64_t size, struct err *err)
{
    struct tee t = {.session = p->session, .writer = {.fd = -1}};
    enum err_kind r = oci_blob_begin(p->store, digest, size, &t.writer, err);
    if (r == ERR_OK)
        r = oci_place_read(p->from, digest, size, write_tee, &t, err);
    if (r == ERR_OK)
        r = oci_blob_commit(&t.writer, err);
    oci_blob_deinit(&t.writer);
    return r;
}

static enum err_kind ensure_blob(struct pull *p, const struct oci_descriptor *d, struct err *err)
{
    if (d->size > OCI_LAYER_MAX)
        return err_set(err, ERR_LIMIT, "layer %s is over the size limit", d->digest);
    /* What has rotted in the store is fetched again. */
    if (oci_layout_has(p->store, d->digest, d->size) &&
        oci_layout_read(p->store, d->digest, d->size, NULL, NULL, NULL) == ERR_OK)
        return ERR_OK;
    return fetch_blob(p, d->digest, d->size, err);
}

static enum err_kind check_stored_content(struct pull *p, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autorelease(oci_content_free) struct oci_content *c = oci_content_new(p->image, NULL, NULL);
    enum err_kind r = oci_layout_read(
        p->store, p->image->content_digest, p->image->content_bytes, oci_content_write, c, err);
    return r == ERR_OK ? oci_content_end(c, digest, NULL, err) : r;
}

/* The content layer: into the store and looked into on the way. Bad content is not kept. */
static enum err_kind ensure_content(struct pull *p, struct err *err)
{
    const char *digest = p->image->content_digest;
    uint64_t size = p->image->content_bytes;
    if (oci_layout_has(p->store, digest, size) &&
        oci_layout_read(p->store, digest, size, NULL, NULL, NULL) == ERR_OK)
        return check_stored_content(p, err);
    char wasm_digest[OCI_DIGEST_MAX];
    autorelease(oci_content_free) struct oci_content *c = oci_content_new(p->image, NULL, NULL);
    struct tee t = {.session = p->session, .writer = {.fd = -1}, .also = c};
    enum err_kind r = oci_blob_begin(p->store, digest, size, &t.writer, err);
    if (r == ERR_OK)
        r = oci_place_read(p->from, digest, size, write_tee, &t, err);
    if (r == ERR_OK && t.content_err.kind != ERR_OK) {
        if (err != NULL)
            *err = t.content_err;
        r = t.content_err.kind;
    }
    if (r == ERR_OK)
        r = oci_content_end(c, wasm_digest, NULL, err);
    if (r == ERR_OK)
        r = oci_blob_commit(&t.writer, err);
    oci_blob_deinit(&t.writer);
    return r;
}

/* Definitions came with reading the image: no second request for them. */
static const struct oci_definition *
find_definition(const struct oci_image *image, const char *digest)
{
    for (size_t i = 0; i < image->definition_count; i++) {
        if (strcmp(image->definitions[i].digest, digest) == 0)
            return &image->definitions[i];
    }
    return NULL;
}

static enum err_kind ensure_item(struct pull *p, const struct oci_descriptor *d, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    const struct oci_definition *def = find_definition(p->image, d->digest);
    if (strcmp(d->digest, p->image->content_digest) == 0)
        return ensure_content(p, err);
    if (def != NULL)
        return oci_layout_put(p->store, str_of(def->bytes, def->n), digest, err);
    if (strcmp(d->digest, OCI_EMPTY_DIGEST) == 0 && d->size == strlen(OCI_EMPTY_BYTES))
        return oci_layout_put(p->store, STR(OCI_EMPTY_BYTES), digest, err);
    return ensure_blob(p, d, err);
}

static enum err_kind bring(struct pull *p, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    const struct oci_manifest *m = &p->read->manifest;
    enum err_kind r = ensure_item(p, &m->config, err);
    for (size_t i = 0; r == ERR_OK && i < m->count; i++)
        r = ensure_item(p, &m->items[i], err);
    if (r == ERR_OK && p->read->has_index)
        r = oci_layout_put(p->store, buf_view(&p->read->child.bytes), digest, err);
    if (r == ERR_OK)
        r = oci_layout_put(p->store, buf_view(&p->read->raw.bytes), digest, err);
    return r;
}

static enum err_kind name_it(struct pull *p, const char *name, struct err *err)
{
    const struct oci_raw *raw = &p->read->raw;
    const struct oci_manifest *top = p->read->has_index ? &p->read->index : &p->read->manifest;
    autofree char *type = mem_strdup_str(
        top->media_type.p != NULL        ? top->media_type
            : raw->media_type[0] != '\0' ? str_from(raw->media_type)
            : top->is_index              ? STR(OCI_MEDIA_INDEX)
                                         : STR(OCI_MEDIA_MANIFEST));
    autofree char *artifact =
        top->artifact_type.p == NULL ? NULL : mem_strdup_str(top->artifact_type);
    return oci_layout_name(p->store, name, type, artifact, raw->digest, raw->bytes.n, err);
}

enum err_kind
oci_pull(struct oci_session *s, const struct oci_ref *ref, struct oci_image *ret, struct err *err)
{
    auto_oci_place struct oci_place from = {0};
    auto_oci_read_image struct oci_read_image read = {0};
    struct oci_image image = {0};
    if (ref->kind == OCI_REF_STORE)
        return err_set(
            err, ERR_INVALID,
            "'%s' is a name of the local store and has no registry to pull from (Docker Hub is "
            "written docker.io/%s)",
            ref->repository, ref->repository);
    struct pull p = {.session = s, .from = &from, .read = &read, .image = &image};
    enum err_kind r = oci_session_store(s, true, &p.store, err);
    if (r == ERR_OK)
        r = oci_session_place(s, ref, false, false, &from, err);
    if (r == ERR_OK)
        r = oci_image_read(&from, &read, &image, err);
    if (r != ERR_OK)
        return r;
    autofree char *name = oci_ref_store_name(ref);
    r = bring(&p, err);
    if (r == ERR_OK)
        r = name_it(&p, name, err);
    if (r != ERR_OK) {
        oci_image_deinit(&image);
        return err_wrap(err, "%s", from.shown);
    }
    oci_image_name_after(&image, ref);
    *ret = image;
    return ERR_OK;
}
