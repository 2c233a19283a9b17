#include "base/mem.h"
#include "oci/store_internal.h"

void oci_checked_deinit(struct oci_checked *c)
{
    for (size_t i = 0; i < c->problem_count; i++) {
        free(c->problems[i].name);
        free(c->problems[i].what);
    }
    free(c->problems);
    *c = (struct oci_checked){0};
}

static void add_problem(struct oci_checked *c, struct str name, const char *digest, char *take_what)
{
    mem_grow(&c->problems, c->problem_count, &c->problem_cap);
    struct oci_problem *p = &c->problems[c->problem_count++];
    *p = (struct oci_problem){
        .name = name.p == NULL ? NULL : mem_strdup_str(name), .what = take_what};
    memcpy(p->digest, digest, strlen(digest) + 1);
}

/* A name that keeps this blob, to say who suffers. */
static struct str owner_of(const struct store_graph *g, size_t blob)
{
    for (size_t i = 0; i < g->root_count; i++) {
        const struct store_root *root = &g->roots[i];
        for (size_t k = 0; root->name.p != NULL && k < root->keep_count; k++) {
            if (root->keeps[k] == blob)
                return root->name;
        }
    }
    return (struct str){NULL, 0};
}

static void check_blob(const struct store_graph *g, size_t at, struct oci_checked *c)
{
    struct err err = {0};
    const struct store_blob *b = &g->blobs[at];
    enum err_kind r = oci_layout_read(g->layout, b->digest, UINT64_MAX, NULL, NULL, &err);
    if (r == ERR_NOT_FOUND && b->refs == 0)
        return; /* pruned meanwhile */
    c->blob_count++;
    c->bytes += b->bytes;
    if (r != ERR_OK)
        add_problem(c, owner_of(g, at), b->digest, mem_strdup(err.text));
}

static void check_edges(const struct store_graph *g, size_t at, struct oci_checked *c)
{
    const struct store_blob *b = &g->blobs[at];
    for (size_t i = 0; b->refs > 0 && i < b->edge_count; i++) {
        if (b->edges[i].blob == STORE_NONE)
            add_problem(
                c, owner_of(g, at), b->edges[i].digest,
                mem_printf("manifest %s needs it, and it is not there", b->digest));
    }
}

static void check_root(const struct store_root *root, struct oci_checked *c)
{
    if (root->position == STORE_NONE)
        return;
    c->name_count++;
    if (root->blob == STORE_NONE)
        add_problem(c, root->name, root->digest, mem_strdup("its manifest is not there"));
}

/* Names first, so that a prune meanwhile leaves what they need. */
static enum err_kind pin_names(struct oci_layout *l, struct err *err)
{
    auto_store_graph struct store_graph g = {0};
    enum err_kind r = store_graph_read(l, true, &g, err);
    for (size_t i = 0; r == ERR_OK && i < g.root_count; i++)
        (void)layout_pin(l, g.roots[i].digest, NULL);
    return r;
}

static enum err_kind check_layout(struct oci_layout *l, struct oci_checked *ret, struct err *err)
{
    auto_store_graph struct store_graph g = {0};
    enum err_kind r = pin_names(l, err);
    if (r == ERR_OK)
        r = store_graph_read(l, true, &g, err);
    if (r != ERR_OK)
        return r;
    for (size_t i = 0; i < g.root_count; i++)
        check_root(&g.roots[i], ret);
    for (size_t i = 0; i < g.blob_count; i++) {
        check_blob(&g, i, ret);
        check_edges(&g, i, ret);
    }
    return ERR_OK;
}

enum err_kind
oci_store_check_content(struct oci_session *s, const struct oci_image *image, struct err *err)
{
    struct oci_layout *store;
    enum err_kind r = oci_session_store(s, false, &store, err);
    if (r == ERR_OK)
        r = oci_layout_read(store, image->content_digest, image->content_bytes, NULL, NULL, err);
    return r;
}

enum err_kind oci_store_check(
    struct oci_session *s, const struct oci_ref *where, struct oci_checked *ret, struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct oci_checked checked = {0};
    enum err_kind r = store_open(s, where, &place, err);
    if (r == ERR_OK && place.layout != NULL)
        r = check_layout(place.layout, &checked, err);
    if (r == ERR_OK)
        *ret = checked;
    else
        oci_checked_deinit(&checked);
    return r;
}
