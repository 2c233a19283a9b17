/* The tree as this guest may see it: what no read glob matches does not exist. */
#include "base/glob.h"
#include "base/mem.h"
#include "wasmhost/wasi.h"

static bool matches(const struct str *globs, size_t count, struct str path, enum vfs_type type)
{
    if (count == 0 || path.n == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (glob_match(globs[i], path) || (type == VFS_DIR && glob_may_match_below(globs[i], path)))
            return true;
    }
    return false;
}

bool wasi_is_visible(const struct wasi *w, struct str path, enum vfs_type type)
{
    const struct wasmhost_call *c = w->call;
    return matches(c->read_globs, c->read_glob_count, path, type) &&
        matches(c->narrow_globs, c->narrow_glob_count, path, type);
}

enum wasi_errno wasi_stat(struct wasi *w, struct str path, struct vfs_stat *ret)
{
    struct err err;
    if (vfs_stat(w->tree, path, VFS_STAT_SIZE, ret, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    if (!wasi_is_visible(w, path, ret->type))
        return WASI_NOENT;
    const struct wasi_file *open = ret->type == VFS_FILE ? wasi_file_find(w, path) : NULL;
    if (open != NULL && open->is_loaded)
        ret->size = open->bytes.n;
    return WASI_OK;
}

static void keep_visible(struct wasi *w, struct str dir, struct vfs_listing *l)
{
    autobuf struct buf path = {0};
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        buf_clear(&path);
        buf_str(&path, dir);
        if (dir.n > 0)
            buf_char(&path, '/');
        buf_text(&path, l->entries[i].name);
        if (wasi_is_visible(w, buf_view(&path), l->entries[i].type))
            l->entries[kept++] = l->entries[i];
    }
    l->count = kept;
}

enum wasi_errno wasi_list(struct wasi *w, struct str path, struct vfs_listing *ret)
{
    struct err err;
    if (vfs_list(w->tree, path, ret, &err) != ERR_OK)
        return err.kind == ERR_INVALID ? WASI_NOTDIR : wasi_from_err(w, &err);
    if (w->call->read_glob_count > 0 || w->call->narrow_glob_count > 0)
        keep_visible(w, path, ret);
    return WASI_OK;
}

uint8_t wasi_type_of(enum vfs_type type)
{
    static const uint8_t types[] = {
        [VFS_FILE] = WASI_TYPE_REGULAR,
        [VFS_DIR] = WASI_TYPE_DIRECTORY,
        [VFS_LINK] = WASI_TYPE_LINK,
        [VFS_OTHER] = WASI_TYPE_UNKNOWN,
    };
    return types[type];
}

enum wasi_errno wasi_write_filestat(
    struct wasi *w,
    const struct vfs_stat *st,
    uint64_t ino,
    const struct wasi_node *node,
    uint32_t at)
{
    uint8_t *to = wasi_at(w, at, 64);
    if (to == NULL)
        return WASI_FAULT;
    memset(to, 0, 64);
    wasi_put_u64(to, 1); /* one device */
    wasi_put_u64(to + 8, ino);
    to[16] = wasi_type_of(st->type);
    wasi_put_u64(to + 24, node != NULL ? node->link_count : 1);
    wasi_put_u64(to + 32, st->size);
    wasi_put_u64(to + 40, node != NULL ? node->accessed_ns : WASI_START_NS);
    wasi_put_u64(to + 48, node != NULL ? node->modified_ns : WASI_START_NS);
    wasi_put_u64(to + 56, node != NULL ? node->changed_ns : WASI_START_NS);
    return WASI_OK;
}

enum { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8 };

enum wasi_errno wasi_check_times(const struct wasi *w, uint32_t flags)
{
    bool is_both_a = (flags & ATIM) && (flags & ATIM_NOW);
    bool is_both_m = (flags & MTIM) && (flags & MTIM_NOW);
    if (is_both_a || is_both_m || flags > (ATIM | ATIM_NOW | MTIM | MTIM_NOW))
        return WASI_INVAL;
    return w->call->overlay == NULL ? WASI_ROFS : WASI_OK;
}

void wasi_set_times(
    const struct wasi *w, struct wasi_node *node, uint64_t atim, uint64_t mtim, uint32_t flags)
{
    if (flags & (ATIM | ATIM_NOW))
        node->accessed_ns = flags & ATIM ? atim : w->realtime_ns;
    if (flags & (MTIM | MTIM_NOW))
        node->modified_ns = flags & MTIM ? mtim : w->realtime_ns;
    node->changed_ns = w->realtime_ns;
}
