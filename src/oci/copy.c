#include "oci/copy.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "oci/referrers.h"
#include "oci/sig_tag.h"
#include "oci/signature.h"
#include "oci/trust.h"

#include <inttypes.h>
#include <stdio.h>

/* A manifest that goes along. */
struct node {
    struct oci_raw raw;
    struct oci_manifest manifest; /* of raw's bytes */
    char *subject;                /* it came as a referrer of that digest; else NULL */
    char *tag;                    /* it came under such a tag ("sha256-….sig"); else NULL */
};

struct graph {
    const struct oci_graph_copy *copy;
    struct node **nodes; /* children before parents */
    size_t count;
    size_t cap;
    size_t bytes;
    struct oci_descriptor *blobs; /* each digest once; views into the nodes */
    size_t blob_count;
    size_t blob_cap;
    struct oci_transfer transfer;
};

static void node_free(struct node *n)
{
    oci_manifest_deinit(&n->manifest);
    oci_raw_deinit(&n->raw);
    free(n->subject);
    free(n->tag);
    free(n);
}

static void graph_deinit(struct graph *g)
{
    for (size_t i = 0; i < g->count; i++)
        node_free(g->nodes[i]);
    free(g->nodes);
    free(g->blobs);
}

/* --- looking up ----------------------------------------------------------------------------------------- */

static bool has_node(const struct graph *g, const char *digest)
{
    for (size_t i = 0; i < g->count; i++) {
        if (strcmp(g->nodes[i]->raw.digest, digest) == 0)
            return true;
    }
    return false;
}

static enum err_kind add_blob(struct graph *g, const struct oci_descriptor *d, struct err *err)
{
    for (size_t i = 0; i < g->blob_count; i++) {
        if (strcmp(g->blobs[i].digest, d->digest) != 0)
            continue;
        if (g->blobs[i].size == d->size)
            return ERR_OK;
        return err_set(
            err, ERR_INVALID, "blob %s has two sizes: %" PRIu64 " and %" PRIu64, d->digest,
            g->blobs[i].size, d->size);
    }
    if (g->blob_count == OCI_COPY_BLOBS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d blobs", OCI_COPY_BLOBS_MAX);
    mem_grow(&g->blobs, g->blob_count, &g->blob_cap);
    g->blobs[g->blob_count++] = *d;
    return ERR_OK;
}

/* A copy of what was read already, or what the place says. */
static enum err_kind
read_raw(const struct graph *g, const char *reference, struct oci_raw *ret, struct err *err)
{
    const struct oci_graph_copy *c = g->copy;
    for (size_t i = 0; i < c->known_count; i++) {
        const struct oci_raw *known = c->known[i];
        if (reference == NULL ? i > 0 : strcmp(known->digest, reference) != 0)
            continue;
        *ret = *known;
        ret->bytes = (struct buf){.max = OCI_MANIFEST_MAX};
        buf_str(&ret->bytes, buf_view(&known->bytes));
        return buf_check(&ret->bytes, "the manifest", err);
    }
    return oci_place_manifest(c->from, reference, ret, err);
}

/* d NULL: the top, whatever its size and type. */
static enum err_kind read_node(
    struct graph *g,
    const char *reference,
    const struct oci_descriptor *d,
    struct node *n,
    struct err *err)
{
    if (d != NULL && d->size > OCI_MANIFEST_MAX)
        return err_set(
            err, ERR_LIMIT, "manifest %s: %" PRIu64 " bytes are over the limit of %" PRIu64,
            d->digest, d->size, OCI_MANIFEST_MAX);
    enum err_kind r = read_raw(g, reference, &n->raw, err);
    if (r == ERR_OK && d != NULL && n->raw.bytes.n != d->size)
        r = err_set(
            err, ERR_UNVERIFIED, "%s: size mismatch: descriptor %" PRIu64 ", got %zu", d->digest,
            d->size, n->raw.bytes.n);
    if (r == ERR_OK && g->bytes + n->raw.bytes.n > OCI_COPY_MANIFEST_BYTES_MAX)
        r = err_set(
            err, ERR_LIMIT, "its manifests are larger than %zu bytes together",
            OCI_COPY_MANIFEST_BYTES_MAX);
    if (r == ERR_OK)
        r = oci_raw_parse(&n->raw, &n->manifest, err);
    if (r == ERR_OK && d != NULL && !oci_manifest_is_said(&n->manifest, d->media_type))
        r = err_set(
            err, ERR_INVALID, "ambiguous manifest: %s is another type of document than is said",
            d->digest);
    g->bytes += n->raw.bytes.n;
    return r;
}

static enum err_kind look_up(
    struct graph *g,
    const char *reference,
    const struct oci_descriptor *d,
    unsigned depth,
    struct node **ret,
    struct err *err);

static enum err_kind
add_item(struct graph *g, const struct oci_descriptor *d, unsigned depth, struct err *err)
{
    struct node *child;
    if (!oci_media_is_manifest(d->media_type) && !oci_media_is_index(d->media_type))
        return add_blob(g, d, err);
    if (has_node(g, d->digest))
        return ERR_OK;
    return look_up(g, d->digest, d, depth + 1, &child, err);
}

static enum err_kind
add_items(struct graph *g, const struct oci_manifest *m, unsigned depth, struct err *err)
{
    enum err_kind r = m->is_index ? ERR_OK : add_blob(g, &m->config, err);
    for (size_t i = 0; r == ERR_OK && i < m->count; i++)
        r = m->is_index ? add_item(g, &m->items[i], depth, err) : add_blob(g, &m->items[i], err);
    return r;
}

static enum err_kind add_node(struct graph *g, struct node *n, unsigned depth, struct err *err)
{
    if (n->manifest.is_index && depth >= OCI_NESTING_MAX)
        return err_set(
            err, ERR_INVALID, "index nesting > %d: %s is one index too deep", OCI_NESTING_MAX,
            n->raw.digest);
    enum err_kind r = add_items(g, &n->manifest, depth, err);
    if (r != ERR_OK)
        return r;
    if (g->count >= OCI_COPY_MANIFESTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d manifests", OCI_COPY_MANIFESTS_MAX);
    mem_grow(&g->nodes, g->count, &g->cap);
    g->nodes[g->count++] = n;
    return ERR_OK;
}

/* A manifest and all below it. A digest cannot hold itself, so there is no circle; how deep it goes is
 * bounded all the same, and each manifest is looked up once. */
static enum err_kind look_up(
    struct graph *g,
    const char *reference,
    const struct oci_descriptor *d,
    unsigned depth,
    struct node **ret,
    struct err *err)
{
    struct node *n = mem_new(struct node);
    enum err_kind r = read_node(g, reference, d, n, err);
    if (r == ERR_OK)
        r = add_node(g, n, depth, err);
    if (r != ERR_OK) {
        node_free(n);
        return r;
    }
    *ret = n;
    return ERR_OK;
}

/* --- referrers ------------------------------------------------------------------------------------------ */

/* Lists outlive what they list: fallback indexes are not changed by whoever deletes a referrer. */
static void note_gone(const struct graph *g, const char *digest, const char *subject)
{
    char text[2 * OCI_DIGEST_MAX + 64];
    const struct oci_session *s = g->copy->session;
    snprintf(text, sizeof(text), "%s is listed as a referrer of %s and is gone", digest, subject);
    if (s->note != NULL)
        s->note(s->note_data, text);
}

/* Is it one that goes along? What cannot be read is no signature that anybody could count. */
static bool is_wanted(const struct graph *g, enum err_kind r, const struct node *n)
{
    if (r == ERR_NOT_FOUND)
        return false;
    if (!g->copy->only_signatures)
        return true;
    return r == ERR_OK ? oci_manifest_is_only_signatures(&n->manifest) : !oci_err_is_about_bytes(r);
}

static enum err_kind
add_referrer(struct graph *g, const struct oci_referrer *ref, const char *subject, struct err *err)
{
    struct oci_descriptor d = {.size = ref->size};
    if (has_node(g, ref->digest))
        return ERR_OK;
    memcpy(d.digest, ref->digest, sizeof(d.digest));
    struct node *n = mem_new(struct node);
    enum err_kind r = read_node(g, ref->digest, &d, n, err);
    if (r == ERR_NOT_FOUND)
        note_gone(g, ref->digest, subject);
    if (!is_wanted(g, r, n)) {
        node_free(n);
        return ERR_OK;
    }
    if (r == ERR_OK)
        r = add_node(g, n, 0, err);
    if (r != ERR_OK) {
        node_free(n);
        return err_wrap(err, "referrer of %s", subject);
    }
    n->subject = mem_strdup(subject);
    n->tag = mem_strdup(ref->tag);
    return ERR_OK;
}

static enum err_kind add_referrers_of(struct graph *g, const struct node *n, struct err *err)
{
    char subject[OCI_DIGEST_MAX]; /* the nodes move as they become more */
    auto_oci_referrers struct oci_referrers found = {0};
    memcpy(subject, n->raw.digest, sizeof(subject));
    enum err_kind r = oci_referrers_list(g->copy->from, subject, &found, err);
    for (size_t i = 0; r == ERR_OK && i < found.count; i++)
        r = add_referrer(g, &found.items[i], subject, err);
    return r;
}

/* Of every manifest that goes along, and of those that are found by it: signatures of attachments. Whoever
 * wants signatures alone wants those of what the reference means, which are those that a policy counts. */
static enum err_kind add_referrers(struct graph *g, const struct node *top, struct err *err)
{
    if (g->copy->only_signatures)
        return add_referrers_of(g, top, err);
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < g->count; i++)
        r = add_referrers_of(g, g->nodes[i], err);
    return r;
}

/* --- bringing ------------------------------------------------------------------------------------------- */

static enum err_kind bring_blob(void *data, size_t i, struct err *err)
{
    struct graph *g = data;
    const struct oci_graph_copy *c = g->copy;
    bool is_done = false;
    enum err_kind r = ERR_OK;
    if (c->bring != NULL)
        r = c->bring(c->data, &g->transfer, &g->blobs[i], &is_done, err);
    return r == ERR_OK && !is_done ? oci_transfer_blob(&g->transfer, &g->blobs[i], NULL, NULL, err)
                                   : r;
}

static char *media_type(const struct node *n)
{
    const struct oci_manifest *m = &n->manifest;
    return mem_strdup_str(
        m->media_type.p != NULL            ? m->media_type
            : n->raw.media_type[0] != '\0' ? str_from(n->raw.media_type)
            : m->is_index                  ? STR(OCI_MEDIA_INDEX)
                                           : STR(OCI_MEDIA_MANIFEST));
}

/* reference: a tag or name; NULL: by its digest alone. */
static enum err_kind
put_node(struct graph *g, const struct node *n, const char *reference, struct err *err)
{
    struct oci_place *to = g->copy->to;
    autofree char *type = media_type(n);
    autofree char *artifact =
        n->manifest.artifact_type.p == NULL ? NULL : mem_strdup_str(n->manifest.artifact_type);
    struct oci_manifest_put put = {
        .reference = reference != NULL ? reference : n->raw.digest,
        .media_type = type,
        .bytes = buf_view(&n->raw.bytes),
        .digest = n->raw.digest};
    char digest[OCI_DIGEST_MAX];
    if (to->registry != NULL)
        return oci_registry_put_manifest(to->registry, &put, NULL, err);
    enum err_kind r = oci_layout_put(to->layout, put.bytes, digest, err);
    if (r == ERR_OK && reference != NULL)
        r = oci_layout_name(to->layout, reference, type, artifact, digest, n->raw.bytes.n, err);
    return r;
}

static enum err_kind put_referrer(struct graph *g, const struct node *n, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autofree char *type = media_type(n);
    /* Signatures under a tag: those that others made there stay. */
    if (n->tag != NULL && !n->manifest.is_index)
        return sig_tag_add(g->copy->to, n->tag, buf_view(&n->raw.bytes), digest, err);
    if (n->tag != NULL)
        return put_node(g, n, n->tag, err);
    return oci_referrers_put(g->copy->to, n->subject, buf_view(&n->raw.bytes), type, digest, err);
}

/* Children, then what points at them, and the top with its name: a failure leaves the old name in place,
 * and a new name is never without its signatures. */
static enum err_kind put_nodes(struct graph *g, const struct node *top, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < g->count; i++) {
        const struct node *n = g->nodes[i];
        if (n != top)
            r = n->subject != NULL ? put_referrer(g, n, err) : put_node(g, n, NULL, err);
    }
    return r == ERR_OK ? put_node(g, top, g->copy->to->name, err) : r;
}

static enum err_kind bring_all(struct graph *g, const struct node *top, struct err *err)
{
    const struct oci_graph_copy *c = g->copy;
    g->transfer =
        (struct oci_transfer){.session = c->session, .verb = c->verb, .from = c->from, .to = c->to};
    enum err_kind r = ERR_OK;
    if (!oci_transfer_is_within(c->from, c->to))
        r = parallel_run(c->session->concurrency, g->blob_count, bring_blob, g, err);
    return r == ERR_OK ? put_nodes(g, top, err) : r;
}

enum err_kind
oci_copy_graph(const struct oci_graph_copy *copy, char ret_digest[OCI_DIGEST_MAX], struct err *err)
{
    struct graph g = {.copy = copy};
    struct node *top = NULL;
    enum err_kind r = look_up(&g, NULL, NULL, 0, &top, err);
    if (r == ERR_OK && copy->with_referrers)
        r = add_referrers(&g, top, err);
    if (r == ERR_OK)
        r = bring_all(&g, top, err);
    if (r == ERR_OK)
        memcpy(ret_digest, top->raw.digest, OCI_DIGEST_MAX);
    graph_deinit(&g);
    return r;
}

/* --- between two references ------------------------------------------------------------------------------- */

/* The policy of the session that it is read by. What was looked at is what is copied, even if the tag moves
 * meanwhile. */
static enum err_kind check_trust(const struct oci_copy *c, struct oci_place *from, struct err *err)
{
    struct oci_verdict verdict;
    auto_oci_raw struct oci_raw top = {0};
    if (c->from->trust == NULL)
        return ERR_OK;
    enum err_kind r = oci_place_manifest(from, NULL, &top, err);
    if (r == ERR_OK)
        r = oci_trust_check(c->from->trust, c->src, from, top.digest, &verdict, err);
    if (r != ERR_OK)
        return r;
    free(from->name);
    from->name = mem_strdup(top.digest);
    return ERR_OK;
}

static enum err_kind check_destination(const struct oci_copy *c, struct err *err)
{
    if (c->dst->digest[0] != '\0')
        return err_set(err, ERR_INVALID, "an image is copied to a tag, not to a digest");
    return ERR_OK;
}

enum err_kind
oci_copy(const struct oci_copy *copy, char ret_digest[OCI_DIGEST_MAX], struct err *err)
{
    auto_oci_place struct oci_place from = {0}, to = {0};
    enum err_kind r = check_destination(copy, err);
    if (r == ERR_OK)
        r = oci_session_place(copy->from, copy->src, copy->src_in_store, false, &from, err);
    if (r == ERR_OK)
        r = check_trust(copy, &from, err);
    if (r == ERR_OK)
        r = oci_session_place(copy->to, copy->dst, copy->dst_in_store, true, &to, err);
    if (r != ERR_OK)
        return r;
    struct oci_graph_copy graph = {
        .session = copy->to,
        .verb = "copy",
        .from = &from,
        .to = &to,
        .with_referrers = copy->with_referrers};
    r = oci_copy_graph(&graph, ret_digest, err);
    return r == ERR_OK ? r : err_wrap(err, "copying %s to %s", from.shown, to.shown);
}
