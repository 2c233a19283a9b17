/* The tree as this guest may see it: what no read glob matches does not exist. */
#include "base/glob.h"
#include "base/mem.h"
#include "wasmhost/wasi.h"

#include <xxhash.h>

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
    autofree char *text = mem_strdup_str(path);
    const struct wasi_file *open = ret->type == VFS_FILE ? wasi_file_find(w, text) : NULL;
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

struct wasi_note *wasi_note_of(struct wasi *w, struct str path, bool create)
{
    for (size_t i = 0; i < w->note_count; i++) {
        if (str_eqz(path, w->notes[i].path))
            return &w->notes[i];
    }
    if (!create)
        return NULL;
    mem_grow(&w->notes, w->note_count, &w->note_cap);
    w->notes[w->note_count] = (struct wasi_note){
        .path = mem_strdup_str(path), .accessed_ns = WASI_START_NS, .modified_ns = WASI_START_NS};
    return &w->notes[w->note_count++];
}

/* The hash of the path where a node was first seen (docs/image-format.md section 4). */
uint64_t wasi_ino_of(struct wasi *w, struct str path)
{
    const struct wasi_note *note = wasi_note_of(w, path, false);
    if (note != NULL && note->ino != 0)
        return note->ino;
    uint64_t hash = XXH3_64bits(path.p == NULL ? "" : path.p, path.n);
    return hash == 0 ? 1 : hash;
}

enum wasi_errno wasi_write_filestat(
    struct wasi *w, struct str path, const struct vfs_stat *st, uint64_t ino, uint32_t at)
{
    uint8_t *to = wasi_at(w, at, 64);
    if (to == NULL)
        return WASI_FAULT;
    const struct wasi_note *note = wasi_note_of(w, path, false);
    uint64_t modified = note != NULL ? note->modified_ns : WASI_START_NS;
    memset(to, 0, 64);
    wasi_put_u64(to, 1); /* one device */
    wasi_put_u64(to + 8, ino);
    to[16] = wasi_type_of(st->type);
    wasi_put_u64(to + 24, 1); /* links */
    wasi_put_u64(to + 32, st->size);
    wasi_put_u64(to + 40, note != NULL ? note->accessed_ns : WASI_START_NS);
    wasi_put_u64(to + 48, modified);
    wasi_put_u64(to + 56, modified);
    return WASI_OK;
}

enum wasi_errno
wasi_set_times(struct wasi *w, struct str path, uint64_t atim, uint64_t mtim, uint32_t flags)
{
    enum { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8 };
    bool is_both_a = (flags & ATIM) && (flags & ATIM_NOW);
    bool is_both_m = (flags & MTIM) && (flags & MTIM_NOW);
    if (is_both_a || is_both_m)
        return WASI_INVAL;
    if (w->call->overlay == NULL)
        return WASI_ROFS;
    struct wasi_note *note = wasi_note_of(w, path, true);
    if (flags & (ATIM | ATIM_NOW))
        note->accessed_ns = flags & ATIM ? atim : w->realtime_ns;
    if (flags & (MTIM | MTIM_NOW))
        note->modified_ns = flags & MTIM ? mtim : w->realtime_ns;
    return WASI_OK;
}
