#include "core/treeglob.h"
#include "base/buf.h"
#include "core/pathmatch.h"

/* How far the walk has come: what is left of the pattern, and where that applies. */
struct level {
    struct str dir;
    struct str pattern;
    size_t segment;
};

static enum err_kind
walk_level(const struct core_treeglob *g, const struct level *at, struct err *err);

enum err_kind core_treeglob_check(struct str pattern, struct err *err)
{
    while (pattern.p != NULL) {
        if (core_pathmatch_check(str_cut(&pattern, '/'), err) != ERR_OK)
            return err == NULL ? ERR_INVALID : err->kind;
    }
    return ERR_OK;
}

static void join(struct buf *to, struct str dir, struct str name)
{
    buf_str(to, dir);
    if (dir.n > 0)
        buf_char(to, '/');
    buf_str(to, name);
}

/* `rest.p` NULL: that was the last segment. */
static enum err_kind descend(
    const struct core_treeglob *g,
    const struct level *at,
    struct str path,
    enum vfs_type type,
    struct str rest,
    struct err *err)
{
    struct level below = {.dir = path, .pattern = rest, .segment = at->segment + 1};
    if (rest.p == NULL)
        return g->visit(g->data, path, type, err);
    return type == VFS_DIR ? walk_level(g, &below, err) : ERR_OK;
}

/* A segment without marks needs no listing: a directory may hold 100,000 files. */
static enum err_kind walk_literal(
    const struct core_treeglob *g,
    const struct level *at,
    struct str name,
    struct str rest,
    struct err *err)
{
    autobuf struct buf path = {0};
    struct vfs_stat st;
    join(&path, at->dir, name);
    enum err_kind r = vfs_stat(g->tree, buf_view(&path), 0, &st, err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    return r == ERR_OK ? descend(g, at, buf_view(&path), st.type, rest, err) : r;
}

static bool is_wanted(
    const struct core_treeglob *g, const struct level *at, struct str segment, struct str name)
{
    if (str_eq_nocase(name, STR(".git")) || !core_pathmatch(segment, name))
        return false;
    return at->segment != g->filtered_segment || g->filter(name);
}

static enum err_kind
walk_level(const struct core_treeglob *g, const struct level *at, struct err *err)
{
    struct str rest = at->pattern;
    struct str segment = str_cut(&rest, '/');
    if (core_pathmatch_is_literal(segment))
        return walk_literal(g, at, segment, rest, err);
    auto_vfs_listing struct vfs_listing listing = {0};
    enum err_kind r = vfs_list(g->tree, at->dir, &listing, err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < listing.count; i++) {
        struct str name = str_from(listing.entries[i].name);
        if (!is_wanted(g, at, segment, name))
            continue;
        autobuf struct buf path = {0};
        join(&path, at->dir, name);
        r = descend(g, at, buf_view(&path), listing.entries[i].type, rest, err);
    }
    return r;
}

enum err_kind core_treeglob_walk(const struct core_treeglob *g, struct err *err)
{
    struct level root = {.dir = STR(""), .pattern = g->pattern};
    return walk_level(g, &root, err);
}
