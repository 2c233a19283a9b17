#include "oci/store_graph.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/layout_index.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- blobs on disk -------------------------------------------------------------------------------- */

static int by_digest(const void *a, const void *b)
{
    const struct store_blob *x = a, *y = b;
    return strcmp(x->digest, y->digest);
}

size_t store_graph_find(const struct store_graph *g, const char *digest)
{
    struct store_blob key = {0};
    snprintf(key.digest, sizeof(key.digest), "%s", digest);
    const struct store_blob *found = g->blob_count == 0
        ? NULL
        : bsearch(&key, g->blobs, g->blob_count, sizeof(*g->blobs), by_digest);
    return found == NULL ? STORE_NONE : (size_t)(found - g->blobs);
}

/* Files of other names are not ours ("image-layout.md": unknown files are ignored). */
static void add_blob(struct store_graph *g, const char *file_name)
{
    struct stat st;
    autofree char *digest = mem_printf("sha256:%s", file_name);
    if (oci_digest_check(str_from(digest), NULL) != ERR_OK)
        return;
    autofree char *path = layout_blob_path(g->layout, digest);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    mem_grow(&g->blobs, g->blob_count, &g->blob_cap);
    struct store_blob *b = &g->blobs[g->blob_count++];
    *b = (struct store_blob){.bytes = (uint64_t)st.st_size, .mtime_unix_s = st.st_mtime};
    memcpy(b->digest, digest, strlen(digest) + 1);
}

static enum err_kind read_blobs(struct store_graph *g, struct err *err)
{
    DIR *dir = opendir(g->layout->blobs);
    if (dir == NULL && errno == ENOENT)
        return ERR_OK;
    if (dir == NULL)
        return err_errno(err, errno, "reading '%s'", g->layout->blobs);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        add_blob(g, e->d_name);
    closedir(dir);
    if (g->blob_count > 0)
        qsort(g->blobs, g->blob_count, sizeof(*g->blobs), by_digest);
    return ERR_OK;
}

/* --- what a manifest needs ------------------------------------------------------------------------ */

static void set_edge(
    const struct store_graph *g,
    struct store_edge *e,
    const struct oci_descriptor *d,
    bool is_manifest)
{
    memcpy(e->digest, d->digest, sizeof(e->digest));
    e->blob = store_graph_find(g, d->digest);
    e->is_manifest = is_manifest;
}

static void take_edges(struct store_graph *g, struct store_blob *b, const struct oci_manifest *m)
{
    struct oci_descriptor subject;
    b->edges = mem_realloc_array(NULL, m->count + 1, sizeof(*b->edges));
    if (!m->is_index)
        set_edge(g, &b->edges[b->edge_count++], &m->config, false);
    for (size_t i = 0; i < m->count; i++) {
        /* An index may list anything; what is said to be a manifest is looked into. */
        bool is_manifest = m->is_index &&
            (oci_media_is_manifest(m->items[i].media_type) ||
             oci_media_is_index(m->items[i].media_type));
        set_edge(g, &b->edges[b->edge_count++], &m->items[i], is_manifest);
    }
    yyjson_val *val = json_get(m->json.root, "subject");
    if (val != NULL && oci_descriptor_parse(val, "subject", &subject, NULL) == ERR_OK)
        set_edge(g, &b->subject, &subject, true);
}

static enum err_kind parse_blob(struct store_graph *g, struct store_blob *b, struct err *err)
{
    if (b->is_parsed)
        return ERR_OK;
    autobuf struct buf text = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = b->bytes > OCI_MANIFEST_MAX
        ? err_set(err, ERR_LIMIT, "manifest %s is larger than the limit", b->digest)
        : oci_layout_read_all(g->layout, b->digest, b->bytes, OCI_MANIFEST_MAX, &text, err);
    if (r == ERR_OK)
        r = oci_manifest_parse(buf_view(&text), &m, err);
    if (r != ERR_OK)
        return r;
    b->is_parsed = true;
    b->is_manifest = true;
    take_edges(g, b, &m);
    return ERR_OK;
}

/* --- walking -------------------------------------------------------------------------------------- */

/* A walk goes by a list of what is still to be looked at, so that depth costs no stack. */
struct walk {
    struct store_graph *g;
    struct store_root *root;
    size_t keep_cap;
    size_t next; /* of root->keeps: not looked into yet */
    bool *looks; /* beside root->keeps: is it to be looked into as a manifest? */
    size_t look_cap;
    bool tolerant;
};

static void visit(struct walk *w, size_t blob, bool is_manifest)
{
    struct store_root *root = w->root;
    if (blob == STORE_NONE) {
        root->missing++;
        return;
    }
    if (w->g->blobs[blob].visited == w->g->walks)
        return;
    w->g->blobs[blob].visited = w->g->walks;
    size_t count = root->keep_count;
    mem_grow(&root->keeps, count, &w->keep_cap);
    mem_grow(&w->looks, count, &w->look_cap);
    root->keeps[count] = blob;
    w->looks[count] = is_manifest;
    root->keep_count++;
}

static enum err_kind look_into(struct walk *w, size_t blob, struct err *err)
{
    enum err_kind r = parse_blob(w->g, &w->g->blobs[blob], err);
    /* A pin is of any blob: that it is no manifest says nothing. */
    if (r != ERR_OK && (w->tolerant || w->root->kind == STORE_PIN)) {
        w->root->missing++;
        return ERR_OK;
    }
    if (r != ERR_OK)
        return r;
    const struct store_blob *b = &w->g->blobs[blob];
    for (size_t i = 0; i < b->edge_count; i++)
        visit(w, b->edges[i].blob, b->edges[i].is_manifest);
    /* That a subject is not here is no fault: it may be in the registry alone. */
    if (b->subject.digest[0] != '\0' && b->subject.blob != STORE_NONE)
        visit(w, b->subject.blob, true);
    return ERR_OK;
}

static enum err_kind go_on(struct walk *w, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (; r == ERR_OK && w->next < w->root->keep_count; w->next++) {
        if (w->looks[w->next])
            r = look_into(w, w->root->keeps[w->next], err);
    }
    return r;
}

/* Referrers of what was found; what they bring may have referrers as well. */
static bool visit_referrers(struct walk *w)
{
    bool has_more = false;
    for (size_t i = 0; i < w->g->root_count; i++) {
        const struct store_root *r = &w->g->roots[i];
        size_t subject =
            r->kind == STORE_REFERRER ? store_graph_find(w->g, r->subject) : STORE_NONE;
        if (subject == STORE_NONE || r->blob == STORE_NONE ||
            w->g->blobs[subject].visited != w->g->walks ||
            w->g->blobs[r->blob].visited == w->g->walks)
            continue;
        visit(w, r->blob, true);
        has_more = true;
    }
    return has_more;
}

static enum err_kind
walk_root(struct store_graph *g, struct store_root *root, bool tolerant, struct err *err)
{
    struct walk w = {.g = g, .root = root, .tolerant = tolerant};
    g->walks++;
    visit(&w, root->blob, true);
    enum err_kind r;
    do
        r = go_on(&w, err);
    while (r == ERR_OK && visit_referrers(&w));
    free(w.looks);
    for (size_t i = 0; i < root->keep_count; i++)
        g->blobs[root->keeps[i]].refs++;
    return r;
}

/* --- roots ---------------------------------------------------------------------------------------- */

/* "sha256-<64 hex>" with any short suffix, alone or as the tag of a name: the digest that it is about. */
static bool referrer_subject(struct str name, char ret_digest[OCI_DIGEST_MAX])
{
    struct str tag = str_skip(name, (size_t)(str_rfind(name, ':') + 1));
    if (!str_starts(tag, STR("sha256-")) || tag.n < 71 || (tag.n > 71 && tag.p[71] != '.'))
        return false;
    snprintf(ret_digest, OCI_DIGEST_MAX, "sha256:%.64s", tag.p + strlen("sha256-"));
    return oci_digest_check(str_from(ret_digest), NULL) == ERR_OK;
}

static struct store_root *add_root(struct store_graph *g)
{
    mem_grow(&g->roots, g->root_count, &g->root_cap);
    struct store_root *root = &g->roots[g->root_count++];
    *root = (struct store_root){.position = STORE_NONE, .blob = STORE_NONE};
    return root;
}

/* An entry without a name may be an attachment: its manifest says so. */
static void judge_nameless(struct store_graph *g, struct store_root *root)
{
    if (root->blob == STORE_NONE || parse_blob(g, &g->blobs[root->blob], NULL) != ERR_OK)
        return;
    const struct store_edge *subject = &g->blobs[root->blob].subject;
    if (subject->digest[0] == '\0' || subject->blob == STORE_NONE)
        return;
    root->kind = STORE_REFERRER;
    memcpy(root->subject, subject->digest, sizeof(root->subject));
}

static void add_entry(struct store_graph *g, yyjson_val *item, size_t position)
{
    struct str digest = json_str(json_get(item, "digest"));
    if (oci_digest_check(digest, NULL) != ERR_OK)
        return; /* of an algorithm that we do not read: none of our blobs */
    struct store_root *root = add_root(g);
    root->position = position;
    root->name = layout_index_name(item);
    memcpy(root->digest, digest.p, digest.n);
    root->blob = store_graph_find(g, root->digest);
    if (root->name.p == NULL)
        judge_nameless(g, root);
    else if (referrer_subject(root->name, root->subject))
        root->kind = STORE_REFERRER;
}

static void add_pin(void *data, const char *digest)
{
    struct store_graph *g = data;
    size_t blob = store_graph_find(g, digest);
    if (blob == STORE_NONE)
        return; /* not written yet */
    struct store_root *root = add_root(g);
    root->kind = STORE_PIN;
    memcpy(root->digest, digest, strlen(digest) + 1);
    root->blob = blob;
}

static bool says_manifest(const struct store_graph *g, const struct store_root *root)
{
    yyjson_val *item = yyjson_arr_get(json_get(g->index.root, "manifests"), root->position);
    struct str type = json_str(json_get(item, "mediaType"));
    return oci_media_is_manifest(type) || oci_media_is_index(type);
}

static enum err_kind
walk_entry(struct store_graph *g, struct store_root *root, bool tolerant, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    /* "image-layout.md" lets index.json list what is no manifest. */
    bool is_open = tolerant || root->kind == STORE_PIN || !says_manifest(g, root);
    enum err_kind r = ERR_OK;
    if (root->blob == STORE_NONE && !is_open)
        r = err_set(err, ERR_NOT_FOUND, "there is no blob %s", root->digest);
    if (r == ERR_OK)
        r = walk_root(g, root, is_open, err);
    if (r == ERR_OK)
        return ERR_OK;
    struct str name = root->name.p != NULL ? root->name : str_from(root->digest);
    return err_wrap(err, "what '%s' needs cannot be read", oci_show(name, shown));
}

static enum err_kind walk_roots(struct store_graph *g, bool tolerant, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < g->root_count; i++) {
        if (g->roots[i].kind != STORE_REFERRER)
            r = walk_entry(g, &g->roots[i], tolerant, err);
    }
    for (size_t i = 0; i < g->blob_count; i++)
        g->blobs[i].was_kept = g->blobs[i].refs > 0;
    return r;
}

enum err_kind
store_graph_read(struct oci_layout *l, bool tolerant, struct store_graph *ret, struct err *err)
{
    struct store_graph g = {.layout = l};
    size_t i, n;
    yyjson_val *item;
    enum err_kind r = layout_index_read(l->dir, &g.text, &g.index, err);
    if (r == ERR_OK)
        r = read_blobs(&g, err);
    if (r == ERR_OK) {
        yyjson_arr_foreach(json_get(g.index.root, "manifests"), i, n, item) add_entry(&g, item, i);
        layout_pinned(l, add_pin, &g);
        r = walk_roots(&g, tolerant, err);
    }
    if (r != ERR_OK) {
        store_graph_deinit(&g);
        return r;
    }
    *ret = g;
    return ERR_OK;
}

void store_graph_deinit(struct store_graph *g)
{
    for (size_t i = 0; i < g->blob_count; i++)
        free(g->blobs[i].edges);
    for (size_t i = 0; i < g->root_count; i++)
        free(g->roots[i].keeps);
    free(g->blobs);
    free(g->roots);
    json_doc_deinit(&g->index);
    buf_deinit(&g->text);
    *g = (struct store_graph){0};
}

/* --- changing it ---------------------------------------------------------------------------------- */

void store_graph_drop(struct store_graph *g, struct store_root *root)
{
    if (root->is_dropped)
        return;
    root->is_dropped = true;
    for (size_t i = 0; i < root->keep_count; i++)
        g->blobs[root->keeps[i]].refs--;
}

size_t store_graph_drop_orphans(struct store_graph *g)
{
    size_t count = 0;
    for (size_t i = 0; i < g->root_count; i++) {
        struct store_root *root = &g->roots[i];
        if (root->kind != STORE_REFERRER || root->is_dropped)
            continue;
        size_t subject = store_graph_find(g, root->subject);
        if (subject != STORE_NONE && g->blobs[subject].refs > 0)
            continue;
        store_graph_drop(g, root);
        count++;
    }
    return count;
}

enum err_kind store_graph_write_index(struct store_graph *g, struct err *err)
{
    size_t n = yyjson_arr_size(json_get(g->index.root, "manifests"));
    autofree bool *is_dropped = mem_alloc((n + 1) * sizeof(bool));
    bool has_change = false;
    for (size_t i = 0; i < g->root_count; i++) {
        if (!g->roots[i].is_dropped || g->roots[i].position == STORE_NONE)
            continue;
        is_dropped[g->roots[i].position] = true;
        has_change = true;
    }
    if (!has_change)
        return ERR_OK;
    return layout_index_drop(g->layout->dir, g->index.root, is_dropped, g->layout->file_mode, err);
}

bool store_graph_is_pinned(const struct store_graph *g, const struct store_root *root)
{
    for (size_t i = 0; i < g->root_count; i++) {
        if (g->roots[i].kind == STORE_PIN && strcmp(g->roots[i].digest, root->digest) == 0)
            return true;
    }
    return false;
}
