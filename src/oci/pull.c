#include "base/mem.h"
#include "oci/aside.h"
#include "oci/content.h"
#include "oci/copy.h"
#include "oci/trust.h"

#include <pthread.h>

/* Everything of one pull; nothing is named in the store before all of it is there and checked. */
struct pull {
    struct oci_session *session;
    struct oci_layout *store;
    const struct oci_image *image;
    pthread_mutex_t lock; /* guards schemas */
    struct apart *schemas;
    struct err verdict; /* on them, when they are waited for */
};

/* --- the content layer: looked into on its way -------------------------------------------------------- */

struct look {
    const struct oci_image *image;
    struct oci_content *content;
    struct oci_aside *aside; /* of a download: who feeds content; NULL: it is fed right here */
    struct err err;          /* what is wrong with the bytes so far */
};

static void look_restart(void *data)
{
    struct look *l = data;
    l->aside = oci_aside_free(l->aside);
    oci_content_free(l->content);
    l->content = oci_content_new(l->image, NULL, NULL);
    l->err = (struct err){0};
}

/* The same, and what comes is looked into beside the download. */
static void look_restart_aside(void *data)
{
    struct look *l = data;
    look_restart(l);
    l->aside = oci_aside_new(oci_content_write, l->content);
}

static bool look_write(void *data, const char *p, size_t n, struct err *err)
{
    struct look *l = data;
    return l->aside != NULL ? oci_aside_write(l->aside, p, n, err)
                            : oci_content_write(l->content, p, n, err);
}

static enum err_kind look_end(void *data, struct err *err)
{
    struct look *l = data;
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = l->aside != NULL ? oci_aside_end(l->aside, err) : ERR_OK;
    return r == ERR_OK ? oci_content_end(l->content, digest, NULL, err) : r;
}

static void look_deinit(struct look *l)
{
    oci_aside_free(l->aside);
    oci_content_free(l->content);
}
#define auto_look CLEANUP(look_deinit)

/* A failure is kept, not told: whether the blob has rotted comes first. */
static bool look_on(void *data, const char *p, size_t n, struct err *err)
{
    struct look *l = data;
    (void)err;
    if (l->err.kind == ERR_OK)
        (void)oci_content_write(l->content, p, n, &l->err);
    return true;
}

/* The layer is there: one reading tells whether it has rotted (then it is as if it were not there) and
 * what is in it. */
static enum err_kind look_into_stored(
    struct pull *p,
    const struct oci_descriptor *d,
    struct look *l,
    bool *ret_is_there,
    struct err *err)
{
    *ret_is_there = oci_layout_has(p->store, d->digest, d->size) &&
        oci_layout_read(p->store, d->digest, d->size, look_on, l, NULL) == ERR_OK;
    if (!*ret_is_there || l->err.kind == ERR_OK)
        return *ret_is_there ? look_end(l, err) : ERR_OK;
    if (err != NULL)
        *err = l->err;
    return l->err.kind;
}

static enum err_kind bring_content(
    struct pull *p, struct oci_transfer *t, const struct oci_descriptor *d, struct err *err)
{
    auto_look struct look l = {.image = p->image};
    bool is_there = false;
    look_restart(&l);
    enum err_kind r = look_into_stored(p, d, &l, &is_there, err);
    if (r != ERR_OK || is_there)
        return r;
    look_restart_aside(&l);
    const struct oci_onlooker also = {
        .write = look_write, .restart = look_restart_aside, .end = look_end, .data = &l};
    return oci_transfer_blob(t, d, &also, NULL, err);
}

/* --- the others ---------------------------------------------------------------------------------------- */

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

/* All of them together: one that is no schema, and none is kept. */
static enum err_kind
bring_definition(struct pull *p, const struct oci_definition *def, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    pthread_mutex_lock(&p->lock);
    if (p->verdict.kind == ERR_OK)
        p->verdict.kind = apart_end(p->schemas, &p->verdict);
    pthread_mutex_unlock(&p->lock);
    if (p->verdict.kind == ERR_OK)
        return oci_layout_put(p->store, str_of(def->bytes, def->n), digest, err);
    if (err != NULL)
        *err = p->verdict;
    return p->verdict.kind;
}

static enum err_kind bring(
    void *data,
    struct oci_transfer *t,
    const struct oci_descriptor *d,
    bool *ret_is_done,
    struct err *err)
{
    struct pull *p = data;
    char digest[OCI_DIGEST_MAX];
    const struct oci_definition *def = find_definition(p->image, d->digest);
    *ret_is_done = true;
    if (d->size > OCI_LAYER_MAX)
        return err_set(err, ERR_LIMIT, "layer %s is over the size limit", d->digest);
    if (strcmp(d->digest, p->image->content_digest) == 0)
        return bring_content(p, t, d, err);
    if (def != NULL)
        return bring_definition(p, def, err);
    if (strcmp(d->digest, OCI_EMPTY_DIGEST) == 0 && d->size == strlen(OCI_EMPTY_BYTES))
        return oci_layout_put(p->store, STR(OCI_EMPTY_BYTES), digest, err);
    *ret_is_done = false;
    return ERR_OK;
}

/* --- a pull ---------------------------------------------------------------------------------------------- */

static enum err_kind bring_image(
    struct pull *p,
    struct oci_place *from,
    const struct oci_ref *ref,
    const struct oci_read_image *read,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    auto_oci_place struct oci_place to = {.layout = p->store, .name = oci_ref_store_name(ref)};
    const struct oci_raw *known[] = {&read->raw, &read->child};
    struct oci_graph_copy copy = {
        .session = p->session,
        .verb = "pull",
        .from = from,
        .to = &to,
        /* What a policy was satisfied with stays beside the image. */
        .with_referrers = p->session->trust != NULL,
        .only_signatures = true,
        .known = known,
        .known_count = read->has_index ? 2 : 1,
        .bring = bring,
        .data = p};
    return oci_copy_graph(&copy, digest, err);
}

enum err_kind
oci_pull(struct oci_session *s, const struct oci_ref *ref, struct oci_image *ret, struct err *err)
{
    auto_oci_place struct oci_place from = {0};
    auto_oci_read_image struct oci_read_image read = {0};
    struct oci_verdict verdict;
    struct oci_image image = {0};
    if (ref->kind == OCI_REF_STORE)
        return err_set(
            err, ERR_INVALID,
            "'%s' is a name of the local store and has no registry to pull from (Docker Hub is "
            "written docker.io/%s)",
            ref->repository, ref->repository);
    struct pull p = {.session = s, .image = &image, .schemas = &read.schemas};
    enum err_kind r = oci_session_store(s, true, &p.store, err);
    if (r == ERR_OK)
        r = oci_session_place(s, ref, false, false, &from, err);
    if (r == ERR_OK)
        r = oci_image_read_ahead(&from, &read, &image, err);
    if (r != ERR_OK)
        return r;
    pthread_mutex_init(&p.lock, NULL);
    r = oci_trust_check(s->trust, ref, &from, image.digest, &verdict, err);
    if (r == ERR_OK)
        r = bring_image(&p, &from, ref, &read, err);
    pthread_mutex_destroy(&p.lock);
    if (r != ERR_OK) {
        oci_image_deinit(&image);
        return err_wrap(err, "%s", from.shown);
    }
    oci_image_name_after(&image, ref);
    *ret = image;
    return ERR_OK;
}
