/*
 * repo_commit: a list of changes onto a tree. Only the trees above changed paths are read and written,
 * so the cost depends on their depth and width, not on the repository. libgit2's
 * git_tree_create_updated() does the same on its own trees, but reports a clash of file and directory
 * without the path, keeps no executable bit, and reads trees past our cache.
 */
#include "base/mem.h"
#include "repo/trees.h"

/* The changes below one directory: those of `items` from..to, whose paths share the first `depth`
 * bytes. */
struct span {
    const struct vfs_change *const *items;
    size_t from;
    size_t to;
    size_t depth;
};

/* What happens to one name of a directory. */
struct edit {
    struct str name;
    const struct vfs_change *leaf; /* the change of this very path, or NULL */
    struct span below;             /* changes of paths below it; may be empty */
    size_t drop;                   /* index of the entry that goes away; SIZE_MAX: none */
    bool is_kept;                  /* there is an entry of this name afterwards: */
    uint32_t mode;
    git_oid id;
};

struct edits {
    struct edit *items;
    size_t count;
};

static void edits_cleanup(struct edits *e)
{
    free(e->items);
}
#define auto_edits CLEANUP(edits_cleanup)

static enum err_kind apply(
    struct repo *r,
    const struct tree *base,
    const struct span *span,
    git_oid *ret,
    bool *ret_is_empty,
    struct err *err);

/* By path with "/" below all else, so that what is below one directory stands together. */
static int cmp_changes(const void *pa, const void *pb)
{
    struct str a = (*(const struct vfs_change *const *)pa)->path;
    struct str b = (*(const struct vfs_change *const *)pb)->path;
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        if (a.p[i] == b.p[i])
            continue;
        int x = a.p[i] == '/' ? 0 : (unsigned char)a.p[i];
        int y = b.p[i] == '/' ? 0 : (unsigned char)b.p[i];
        return x - y;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

static struct str name_at(const struct vfs_change *c, size_t depth)
{
    struct str rest = str_skip(c->path, depth);
    return str_cut(&rest, '/');
}

/* Cut a span into one edit a name. */
static struct edits cut(const struct span *span)
{
    struct edits edits = {0};
    size_t cap = 0;
    for (size_t i = span->from; i < span->to;) {
        const struct vfs_change *first = span->items[i];
        struct edit e = {.name = name_at(first, span->depth), .drop = SIZE_MAX};
        if (span->depth + e.name.n == first->path.n) {
            e.leaf = first;
            i++;
        }
        e.below =
            (struct span){.items = span->items, .from = i, .depth = span->depth + e.name.n + 1};
        while (i < span->to && str_eq(name_at(span->items[i], span->depth), e.name))
            i++;
        e.below.to = i;
        mem_grow(&edits.items, edits.count, &cap);
        edits.items[edits.count++] = e;
    }
    return edits;
}

static bool has_put(const struct span *s)
{
    for (size_t i = s->from; i < s->to; i++)
        if (s->items[i]->kind == VFS_CHANGE_PUT)
            return true;
    return false;
}

static enum err_kind clash(const struct vfs_change *c, const char *why, struct err *err)
{
    return err_set(
        err, ERR_CONFLICT, "path '" STR_FMT "' conflicts with what is there: it cannot be %s: %s",
        STR_ARG(c->path), c->kind == VFS_CHANGE_PUT ? "written" : "deleted", why);
}

static enum err_kind apply_below(
    struct repo *r,
    const struct tree *base,
    const struct tree_entry *entry,
    struct edit *e,
    struct err *err)
{
    auto_tree struct tree *dir = NULL;
    enum err_kind kind = ERR_OK;
    const struct vfs_change *first = e->below.items[e->below.from];
    if (entry != NULL && tree_mode_is_dir(entry->mode)) {
        git_oid id = tree_entry_id(base, entry);
        kind = trees_get(r, &id, &dir, err);
    } else if (entry != NULL && e->leaf == NULL) {
        kind = clash(first, "a file stands where its directory should be", err);
    }
    bool is_empty = false;
    if (kind == ERR_OK)
        kind = apply(r, dir, &e->below, &e->id, &is_empty, err);
    e->is_kept = !is_empty;
    e->mode = TREE_MODE_DIR;
    return kind;
}

static uint32_t mode_of(const struct vfs_change *c, const struct tree_entry *before)
{
    if (c->type == VFS_LINK)
        return TREE_MODE_LINK;
    bool was_executable =
        before != NULL && tree_mode_is_file(before->mode) && (before->mode & 0100u) != 0;
    return c->is_executable || was_executable ? TREE_MODE_EXEC : TREE_MODE_FILE;
}

static enum err_kind
put_leaf(struct repo *r, const struct tree_entry *before, struct edit *e, struct err *err)
{
    if (e->is_kept ||
        (before != NULL && tree_mode_is_dir(before->mode) && e->below.from == e->below.to))
        return clash(e->leaf, "a directory stands there", err);
    struct str bytes = e->leaf->bytes;
    int code =
        git_odb_write(&e->id, r->odb, bytes.p == NULL ? "" : bytes.p, bytes.n, GIT_OBJECT_BLOB);
    if (code < 0)
        return repo_failed(r, code, err, "writing file '" STR_FMT "'", STR_ARG(e->leaf->path));
    e->mode = mode_of(e->leaf, before);
    e->is_kept = true;
    return ERR_OK;
}

static enum err_kind
delete_leaf(const struct tree_entry *before, const struct edit *e, struct err *err)
{
    if (before == NULL)
        return clash(e->leaf, "it is not there", err);
    if (tree_mode_is_dir(before->mode))
        return clash(e->leaf, "a directory stands there", err);
    return ERR_OK;
}

static enum err_kind
resolve(struct repo *r, const struct tree *base, struct edit *e, struct err *err)
{
    const struct tree_entry *before = tree_find(base, e->name);
    enum err_kind kind = ERR_OK;
    if (before != NULL)
        e->drop = tree_index(base, before);
    if (e->leaf != NULL && e->leaf->kind == VFS_CHANGE_PUT && has_put(&e->below))
        return clash(e->leaf, "the same change needs a directory there", err);
    if (e->below.from < e->below.to)
        kind = apply_below(r, base, before, e, err);
    if (kind != ERR_OK || e->leaf == NULL)
        return kind;
    return e->leaf->kind == VFS_CHANGE_PUT ? put_leaf(r, before, e, err)
                                           : delete_leaf(before, e, err);
}

static int cmp_edits(const void *pa, const void *pb)
{
    const struct edit *a = pa;
    const struct edit *b = pb;
    return tree_cmp(a->name, tree_mode_is_dir(a->mode), b->name, tree_mode_is_dir(b->mode));
}

static int cmp_drops(const void *pa, const void *pb)
{
    size_t a = *(const size_t *)pa;
    size_t b = *(const size_t *)pb;
    return a < b ? -1 : a > b;
}

/* Where the first entry of base stands that comes behind the edit's. */
static size_t place_of(const struct tree *base, const struct edit *e)
{
    size_t low = 0;
    size_t high = tree_count(base);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct tree_entry *at = tree_at(base, middle);
        if (tree_cmp(
                tree_name(base, at), tree_mode_is_dir(at->mode), e->name,
                tree_mode_is_dir(e->mode)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Entries [from, to) of base but the dropped ones, which are sorted; *next is the first of them that
 * is not passed yet. */
static void copy_without(
    struct tree_writer *w,
    const struct tree *base,
    size_t from,
    size_t to,
    const size_t *drops,
    size_t *next)
{
    while (drops[*next] < to) {
        size_t drop = drops[(*next)++];
        tree_writer_copy(w, base, from, drop);
        from = drop + 1;
    }
    tree_writer_copy(w, base, from, to);
}

static void splice(struct tree_writer *w, const struct tree *base, struct edits *edits)
{
    autofree size_t *drops = mem_realloc_array(NULL, edits->count + 1, sizeof(*drops));
    for (size_t i = 0; i < edits->count; i++)
        drops[i] = edits->items[i].drop;
    drops[edits->count] = SIZE_MAX;
    if (edits->count > 1) {
        qsort(drops, edits->count, sizeof(*drops), cmp_drops);
        qsort(edits->items, edits->count, sizeof(*edits->items), cmp_edits);
    }
    size_t at = 0;
    size_t next_drop = 0;
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *e = &edits->items[i];
        if (!e->is_kept)
            continue;
        size_t to = place_of(base, e);
        copy_without(w, base, at, to, drops, &next_drop);
        tree_writer_add(w, e->mode, e->name, &e->id);
        at = to;
    }
    copy_without(w, base, at, tree_count(base), drops, &next_drop);
}

static enum err_kind apply(
    struct repo *r,
    const struct tree *base,
    const struct span *span,
    git_oid *ret,
    bool *ret_is_empty,
    struct err *err)
{
    auto_edits struct edits edits = cut(span);
    for (size_t i = 0; i < edits.count; i++) {
        enum err_kind kind = resolve(r, base, &edits.items[i], err);
        if (kind != ERR_OK)
            return kind;
    }
    auto_tree_writer struct tree_writer w;
    tree_writer_init(&w);
    splice(&w, base, &edits);
    *ret_is_empty = w.count == 0;
    /* an empty directory has no entry; only an empty root is written, see repo_commit */
    if (w.count == 0 && span->depth > 0)
        return ERR_OK;
    return tree_writer_finish(r, &w, ret, err);
}

static enum err_kind
check_changes(const struct vfs_change *const *items, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct vfs_change *c = items[i];
        enum err_kind kind = repo_check_path(c->path, err);
        if (kind == ERR_OK && c->kind == VFS_CHANGE_PUT && c->type == VFS_LINK)
            kind = repo_check_link(c->path, err);
        if (kind != ERR_OK)
            return kind;
        if (i > 0 && str_eq(items[i - 1]->path, c->path))
            return err_set(
                err, ERR_INVALID, "path '" STR_FMT "' occurs twice in one change",
                STR_ARG(c->path));
    }
    return ERR_OK;
}

static enum err_kind
base_tree(struct repo *r, const struct repo_commit_spec *spec, struct tree **ret, struct err *err)
{
    git_oid id;
    if (spec->parent_count == 0)
        return ERR_OK;
    enum err_kind kind = repo_commit_tree(r, &spec->parents[spec->base], &id, err);
    return kind == ERR_OK ? trees_get(r, &id, ret, err) : kind;
}

enum err_kind repo_commit(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const struct vfs_changes *changes,
    struct repo_id *ret_commit,
    bool *ret_is_same,
    struct err *err)
{
    autofree const struct vfs_change **items =
        mem_realloc_array(NULL, changes->count + 1, sizeof(*items));
    for (size_t i = 0; i < changes->count; i++)
        items[i] = &changes->items[i];
    qsort(items, changes->count, sizeof(*items), cmp_changes);
    struct span all = {.items = items, .to = changes->count};
    auto_tree struct tree *base = NULL;
    enum err_kind kind = check_changes(items, changes->count, err);
    if (kind == ERR_OK)
        kind = base_tree(r, spec, &base, err);
    git_oid tree;
    bool is_empty = false;
    if (kind == ERR_OK)
        kind = apply(r, base, &all, &tree, &is_empty, err);
    if (kind != ERR_OK)
        return kind;
    *ret_is_same = base != NULL && spec->parent_count == 1 && git_oid_equal(&tree, tree_id(base));
    if (!*ret_is_same)
        return repo_write_commit(r, spec, &tree, ret_commit, err);
    *ret_commit = spec->parents[0];
    return ERR_OK;
}
