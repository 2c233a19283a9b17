#include "base/mem.h"
#include "oci/store_internal.h"

void oci_stored_list_deinit(struct oci_stored_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct oci_stored *item = &list->items[i];
        free(item->name);
        free(item->media_type);
        free(item->artifact_type);
        free(item->controller);
        free(item->kinds);
    }
    free(list->items);
    *list = (struct oci_stored_list){0};
}

static char *dup_or_null(struct str text)
{
    return text.p == NULL ? NULL : mem_strdup_str(text);
}

/* The manifest of an index that has our type, else its first. */
static const struct oci_descriptor *child_of(const struct oci_manifest *index)
{
    for (size_t i = 0; i < index->count; i++) {
        if (str_eqz(index->items[i].artifact_type, OCI_ARTIFACT_TYPE))
            return &index->items[i];
    }
    return index->count > 0 ? &index->items[0] : NULL;
}

/* What a manifest says of itself; nothing where it cannot be read. */
static void
describe(struct oci_layout *l, const char *digest, bool follows_index, struct oci_stored *item)
{
    autobuf struct buf text = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    if (oci_layout_read_all(l, digest, UINT64_MAX, OCI_MANIFEST_MAX, &text, NULL) != ERR_OK ||
        oci_manifest_parse(buf_view(&text), &m, NULL) != ERR_OK)
        return;
    const struct oci_descriptor *child = m.is_index && follows_index ? child_of(&m) : NULL;
    if (child != NULL) {
        describe(l, child->digest, false, item);
        return;
    }
    item->artifact_type = m.artifact_type.p != NULL || m.is_index
        ? dup_or_null(m.artifact_type)
        : dup_or_null(m.config.media_type);
    item->controller = dup_or_null(oci_annotation(m.annotations, OCI_ANNOTATION_NAME));
    item->kinds = dup_or_null(oci_annotation(m.annotations, OCI_ANNOTATION_KINDS));
}

static void
fill(const struct store_graph *g, const struct store_root *root, struct oci_stored *item)
{
    yyjson_val *entry = yyjson_arr_get(json_get(g->index.root, "manifests"), root->position);
    item->name = dup_or_null(root->name);
    memcpy(item->digest, root->digest, sizeof(item->digest));
    item->media_type = dup_or_null(json_str(json_get(entry, "mediaType")));
    for (size_t i = 0; i < root->keep_count; i++)
        item->bytes += g->blobs[root->keeps[i]].bytes;
    item->added_unix_s = root->blob == STORE_NONE ? 0 : g->blobs[root->blob].mtime_unix_s;
    item->used_unix_s = store_used_unix_s(g, root);
    item->is_whole = root->blob != STORE_NONE && root->missing == 0;
    item->is_in_use = store_graph_is_pinned(g, root);
    item->is_referrer = root->kind == STORE_REFERRER;
    if (root->kind == STORE_REFERRER && root->blob != STORE_NONE)
        item->bytes = g->blobs[root->blob].bytes;
    describe(g->layout, root->digest, true, item);
}

enum err_kind oci_store_list(
    struct oci_session *s,
    const struct oci_ref *where,
    struct oci_stored_list *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    auto_store_graph struct store_graph g = {0};
    enum err_kind r = store_open(s, where, &place, err);
    if (r == ERR_OK && place.layout != NULL)
        r = store_graph_read(place.layout, true, &g, err);
    if (r != ERR_OK)
        return r;
    *ret = (struct oci_stored_list){.items = mem_alloc((g.root_count + 1) * sizeof(*ret->items))};
    for (size_t i = 0; i < g.root_count; i++) {
        if (g.roots[i].position != STORE_NONE)
            fill(&g, &g.roots[i], &ret->items[ret->count++]);
    }
    return ERR_OK;
}
