#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/layout_index.h"
#include "oci/store_internal.h"

#include <errno.h>
#include <unistd.h>

struct prune {
    struct store_graph g;
    const struct oci_prune_options *options;
    int64_t now_unix_s;
};

void oci_pruned_deinit(struct oci_pruned *p)
{
    for (size_t i = 0; i < p->name_count; i++)
        free(p->names[i]);
    free(p->names);
    free(p->blobs);
    *p = (struct oci_pruned){0};
}

/* --- which names go ------------------------------------------------------------------------------- */

static bool may_go(const struct prune *p, const struct store_root *root)
{
    return root->kind == STORE_NAME && !root->is_dropped && !store_graph_is_pinned(&p->g, root);
}

static bool is_too_old(const struct prune *p, const struct store_root *root)
{
    int64_t max_age_s = p->options->max_age_s;
    return max_age_s >= 0 && p->now_unix_s - store_used_unix_s(&p->g, root) >= max_age_s;
}

static void drop_by_age(struct prune *p)
{
    for (size_t i = 0; i < p->g.root_count; i++) {
        struct store_root *root = &p->g.roots[i];
        if (may_go(p, root) && (p->options->removes_all || is_too_old(p, root)))
            store_graph_drop(&p->g, root);
    }
}

/* Blobs that a name held until now go at once; others may belong to a tool that is not done yet. */
static bool is_garbage(const struct prune *p, const struct store_blob *b)
{
    if (b->refs > 0)
        return false;
    return b->was_kept || b->mtime_unix_s == 0 ||
        p->now_unix_s - b->mtime_unix_s >= p->options->grace_s;
}

static uint64_t bytes_that_stay(const struct prune *p)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->g.blob_count; i++) {
        if (!is_garbage(p, &p->g.blobs[i]))
            bytes += p->g.blobs[i].bytes;
    }
    return bytes;
}

static struct store_root *least_recently_used(struct prune *p)
{
    struct store_root *oldest = NULL;
    int64_t oldest_used = 0;
    for (size_t i = 0; i < p->g.root_count; i++) {
        struct store_root *root = &p->g.roots[i];
        if (!may_go(p, root))
            continue;
        int64_t used = store_used_unix_s(&p->g, root);
        if (oldest == NULL || used < oldest_used) {
            oldest = root;
            oldest_used = used;
        }
    }
    return oldest;
}

/* An image with all its names: as long as one is there, nothing would be won. */
static void drop_by_size(struct prune *p)
{
    while (bytes_that_stay(p) > p->options->max_bytes) {
        const struct store_root *oldest = least_recently_used(p);
        if (oldest == NULL)
            return;
        for (size_t i = 0; i < p->g.root_count; i++) {
            struct store_root *root = &p->g.roots[i];
            if (root->kind == STORE_NAME && strcmp(root->digest, oldest->digest) == 0)
                store_graph_drop(&p->g, root);
        }
    }
}

/* --- what goes with them -------------------------------------------------------------------------- */

static void note_names(const struct prune *p, struct oci_pruned *ret)
{
    ret->names = mem_alloc((p->g.root_count + 1) * sizeof(*ret->names));
    for (size_t i = 0; i < p->g.root_count; i++) {
        const struct store_root *root = &p->g.roots[i];
        if (root->is_dropped)
            ret->names[ret->name_count++] =
                root->name.p != NULL ? mem_strdup_str(root->name) : mem_strdup(root->digest);
    }
}

static enum err_kind remove_blob(const struct prune *p, const struct store_blob *b, struct err *err)
{
    if (p->options->is_dry_run)
        return ERR_OK;
    autofree char *path = layout_blob_path(p->g.layout, b->digest);
    if (unlink(path) != 0 && errno != ENOENT)
        return err_errno(err, errno, "removing blob %s", b->digest);
    layout_forget_use(p->g.layout, b->digest);
    return ERR_OK;
}

static enum err_kind remove_blobs(const struct prune *p, struct oci_pruned *ret, struct err *err)
{
    ret->blobs = mem_alloc((p->g.blob_count + 1) * sizeof(*ret->blobs));
    for (size_t i = 0; i < p->g.blob_count; i++) {
        const struct store_blob *b = &p->g.blobs[i];
        if (!is_garbage(p, b)) {
            ret->kept_bytes += b->bytes;
            ret->kept_count++;
            continue;
        }
        enum err_kind r = remove_blob(p, b, err);
        if (r != ERR_OK)
            return r;
        memcpy(ret->blobs[ret->blob_count++], b->digest, OCI_DIGEST_MAX);
        ret->freed_bytes += b->bytes;
    }
    return ERR_OK;
}

static void remove_leftovers(const struct prune *p, struct oci_pruned *ret)
{
    const struct oci_layout *l = p->g.layout;
    bool is_dry = p->options->is_dry_run;
    ret->leftovers = layout_sweep(l->ingest, p->options->grace_s, is_dry);
    layout_sweep(l->pins, 0, is_dry);
    if (!is_dry)
        layout_index_sweep(l->dir);
}

static enum err_kind carry_out(struct prune *p, struct oci_pruned *ret, struct err *err)
{
    drop_by_age(p);
    drop_by_size(p);
    store_graph_drop_orphans(&p->g);
    note_names(p, ret);
    /* The names first: a name never stands without its blobs, wherever this is broken off. */
    enum err_kind r = p->options->is_dry_run ? ERR_OK : store_graph_write_index(&p->g, err);
    if (r == ERR_OK)
        r = remove_blobs(p, ret, err);
    if (r == ERR_OK)
        remove_leftovers(p, ret);
    return r;
}

static enum err_kind prune_layout(
    struct oci_layout *l,
    const struct oci_prune_options *options,
    struct oci_pruned *ret,
    struct err *err)
{
    autoclose int lock = -1;
    struct oci_pruned pruned = {0};
    struct prune p = {.options = options, .now_unix_s = clock_unix_ms() / 1000};
    enum err_kind r = layout_lock(l->dir, l->file_mode, LAYOUT_EXCLUSIVE, &lock, err);
    if (r == ERR_OK) {
        r = store_graph_read(l, false, &p.g, err);
        if (r != ERR_OK)
            err_wrap(err, "nothing is removed while it is not known what is needed");
    }
    if (r == ERR_OK)
        r = carry_out(&p, &pruned, err);
    store_graph_deinit(&p.g);
    if (r != ERR_OK) {
        oci_pruned_deinit(&pruned);
        return r;
    }
    *ret = pruned;
    return ERR_OK;
}

enum err_kind oci_store_prune(
    struct oci_session *s,
    const struct oci_ref *where,
    const struct oci_prune_options *options,
    struct oci_pruned *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    enum err_kind r = store_open(s, where, &place, err);
    if (r == ERR_OK && place.layout == NULL)
        *ret = (struct oci_pruned){0};
    else if (r == ERR_OK)
        r = prune_layout(place.layout, options, ret, err);
    return r;
}
