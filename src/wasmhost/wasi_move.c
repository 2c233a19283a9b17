/* Names that change while what they stand for stays: rename and link. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

static struct wasi_where
where_of(uint32_t fd, uint32_t at, uint32_t n, uint64_t rights, enum wasi_last last)
{
    return (struct wasi_where){.fd = fd, .at = at, .n = n, .rights = rights, .last = last};
}

/* The same content under another name. */
static enum err_kind copy_leaf(
    struct wasi *w, struct str from, struct str to, const struct vfs_stat *st, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    struct overlay *o = w->call->overlay;
    enum err_kind r = vfs_read(w->tree, from, &data, err);
    if (r != ERR_OK)
        return r;
    return st->type == VFS_LINK ? overlay_link(o, to, data.bytes, err)
                                : overlay_write(o, to, data.bytes, st->is_executable, err);
}

static enum wasi_errno flush_open(struct wasi *w, struct str path)
{
    struct wasi_file *open = wasi_file_find(w, path);
    return open == NULL ? WASI_OK : wasi_file_flush(w, open);
}

/* --- rename ---------------------------------------------------------------------------------------- */

/* All that a rename moves, each before what is below it; paths relative to what is renamed. */
struct moves {
    struct move {
        char *path; /* "" is what is renamed itself, else it begins with a slash */
        struct vfs_stat stat;
    } * items;
    size_t count;
    size_t cap;
    struct str from;
    struct str to;
};

static void moves_deinit(struct moves *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->items[i].path);
    free(m->items);
}

static char *path_from(const struct moves *m, size_t i)
{
    return mem_printf(STR_FMT "%s", STR_ARG(m->from), m->items[i].path);
}

static char *path_to(const struct moves *m, size_t i)
{
    return mem_printf(STR_FMT "%s", STR_ARG(m->to), m->items[i].path);
}

/* Nothing has been changed yet: whatever could stand in the way is found here. */
static enum wasi_errno add_move(struct wasi *w, struct moves *m, char *take_path)
{
    mem_grow(&m->items, m->count, &m->cap);
    m->items[m->count++] = (struct move){.path = take_path};
    struct move *added = &m->items[m->count - 1];
    autofree char *from = path_from(m, m->count - 1);
    autofree char *to = path_to(m, m->count - 1);
    if (strlen(to) > WASI_PATH_MAX)
        return WASI_NAMETOOLONG;
    struct err err;
    if (vfs_stat(w->tree, str_from(from), 0, &added->stat, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    enum vfs_type type = added->stat.type;
    bool may_move = type != VFS_OTHER && wasi_is_visible(w, str_from(from), type) &&
        wasi_is_visible(w, str_from(to), type);
    return may_move ? wasi_check_time(w) : WASI_ACCES;
}

static enum wasi_errno add_below(struct wasi *w, struct moves *m, size_t at)
{
    auto_vfs_listing struct vfs_listing l = {0};
    autofree char *dir = path_from(m, at);
    struct err err;
    enum wasi_errno e = WASI_OK;
    if (vfs_list(w->tree, str_from(dir), &l, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    for (size_t i = 0; e == WASI_OK && i < l.count; i++)
        e = add_move(w, m, mem_printf("%s/%s", m->items[at].path, l.entries[i].name));
    return e;
}

/* A list instead of a recursion: guests choose how deep directories go. */
static enum wasi_errno collect(struct wasi *w, struct moves *m)
{
    enum wasi_errno e = add_move(w, m, mem_strdup(""));
    for (size_t i = 0; e == WASI_OK && i < m->count; i++) {
        if (m->items[i].stat.type == VFS_DIR)
            e = add_below(w, m, i);
    }
    return e;
}

/* Directories are made on the way down; leaves go at once. */
static enum wasi_errno move_down(struct wasi *w, const struct moves *m, size_t i)
{
    autofree char *from_text = path_from(m, i);
    autofree char *to_text = path_to(m, i);
    struct str from = str_from(from_text);
    struct str to = str_from(to_text);
    struct err err;
    if (m->items[i].stat.type == VFS_DIR)
        return overlay_make_dir(w->call->overlay, to, &err) == ERR_OK ? WASI_OK
                                                                      : wasi_from_err(w, &err);
    struct wasi_file *open = wasi_file_find(w, from);
    enum wasi_errno e = flush_open(w, from);
    if (e != WASI_OK)
        return e;
    if (copy_leaf(w, from, to, &m->items[i].stat, &err) != ERR_OK ||
        overlay_remove(w->call->overlay, from, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    e = wasi_name_move(w, from, to);
    if (e == WASI_OK && open != NULL && str_eqz(from, open->path)) {
        free(open->path);
        open->path = mem_strdup(to_text);
    }
    return e;
}

/* And removed on the way up, when they are empty. */
static enum wasi_errno leave_dir(struct wasi *w, const struct moves *m, size_t i)
{
    autofree char *from = path_from(m, i);
    autofree char *to = path_to(m, i);
    struct err err;
    if (m->items[i].stat.type != VFS_DIR)
        return WASI_OK;
    if (overlay_remove(w->call->overlay, str_from(from), &err) != ERR_OK)
        return wasi_from_err(w, &err);
    wasi_move_dir_fds(w, str_from(from), to);
    return wasi_name_move(w, str_from(from), str_from(to));
}

static enum wasi_errno move_all(struct wasi *w, const struct moves *m)
{
    enum wasi_errno e = WASI_OK;
    for (size_t i = 0; e == WASI_OK && i < m->count; i++) {
        e = move_down(w, m, i);
        if (e == WASI_OK)
            e = wasi_check_time(w);
    }
    for (size_t i = m->count; e == WASI_OK && i-- > 0;)
        e = leave_dir(w, m, i);
    return e;
}

/* What stands at the target gives way, if it is of the same kind (and empty). */
static enum wasi_errno
check_target(struct wasi *w, const struct wasi_path *from, const struct wasi_path *to)
{
    bool from_dir = from->stat.type == VFS_DIR;
    if (!from_dir && (from->must_be_dir || to->must_be_dir))
        return WASI_NOTDIR;
    if (!to->exists)
        return WASI_OK;
    bool to_dir = to->stat.type == VFS_DIR;
    if (from_dir != to_dir)
        return to_dir ? WASI_ISDIR : WASI_NOTDIR;
    return to_dir ? wasi_is_empty_dir(w, to) : WASI_OK;
}

static bool is_below(struct str path, struct str dir)
{
    return path.n > dir.n && str_starts(path, dir) && path.p[dir.n] == '/';
}

/* Two names of one node: there is nothing to do, POSIX says. */
static bool is_same(struct wasi *w, struct str from, struct str to)
{
    const struct wasi_node *node = wasi_node_find(w, from);
    return str_eq(from, to) || (node != NULL && node == wasi_node_find(w, to));
}

static enum wasi_errno
rename_to(struct wasi *w, const struct wasi_path *from, const struct wasi_path *to)
{
    struct moves m = {.from = wasi_path_str(from), .to = wasi_path_str(to)};
    enum wasi_errno e = collect(w, &m);
    if (e == WASI_OK && to->exists)
        e = wasi_remove_node(w, to);
    if (e == WASI_OK)
        e = move_all(w, &m);
    moves_deinit(&m);
    return e;
}

static enum wasi_errno path_rename(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path from;
    struct wasi_path to;
    const struct wasi_where source = where_of(
        wasi_u32(a, 0), wasi_u32(a, 1), wasi_u32(a, 2), WASI_RIGHT_PATH_RENAME_SOURCE,
        WASI_LAST_NAME);
    const struct wasi_where target = where_of(
        wasi_u32(a, 3), wasi_u32(a, 4), wasi_u32(a, 5), WASI_RIGHT_PATH_RENAME_TARGET,
        WASI_LAST_NAME);
    enum wasi_errno e = wasi_lookup_there(w, &source, &from);
    if (e == WASI_OK)
        e = wasi_lookup(w, &target, &to);
    if (e == WASI_OK)
        e = wasi_check_change(w, &from, from.stat.type);
    if (e == WASI_OK)
        e = wasi_check_change(w, &to, from.stat.type);
    if (e != WASI_OK)
        return e;
    if (from.n == 0 || to.n == 0 || is_below(wasi_path_str(&to), wasi_path_str(&from)))
        return WASI_INVAL;
    e = check_target(w, &from, &to);
    if (e != WASI_OK || is_same(w, wasi_path_str(&from), wasi_path_str(&to)))
        return e;
    return rename_to(w, &from, &to);
}

/* --- link ------------------------------------------------------------------------------------------ */

/* One node under two names until the call ends. Git has no hard links: what is kept are two files. */
static enum wasi_errno
link_to(struct wasi *w, const struct wasi_path *from, const struct wasi_path *to)
{
    struct err err;
    enum wasi_errno e = wasi_check_change(w, to, from->stat.type);
    if (e == WASI_OK)
        e = flush_open(w, wasi_path_str(from));
    if (e != WASI_OK)
        return e;
    struct wasi_node *node = wasi_node_make(w, wasi_path_str(from));
    if (node == NULL)
        return WASI_IO;
    if (copy_leaf(w, wasi_path_str(from), wasi_path_str(to), &from->stat, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    return wasi_name_add(w, wasi_path_str(to), node);
}

static enum wasi_errno path_link(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path from;
    struct wasi_path to;
    const struct wasi_where source = where_of(
        wasi_u32(a, 0), wasi_u32(a, 2), wasi_u32(a, 3), WASI_RIGHT_PATH_LINK_SOURCE,
        wasi_u32(a, 1) & WASI_LOOKUP_FOLLOW ? WASI_LAST_FOLLOW : WASI_LAST_NAME);
    const struct wasi_where target = where_of(
        wasi_u32(a, 4), wasi_u32(a, 5), wasi_u32(a, 6), WASI_RIGHT_PATH_LINK_TARGET,
        WASI_LAST_NAME);
    enum wasi_errno e = wasi_lookup_there(w, &source, &from);
    if (e == WASI_OK)
        e = wasi_lookup(w, &target, &to);
    if (e != WASI_OK)
        return e;
    if (to.exists)
        return WASI_EXIST;
    if (from.stat.type == VFS_DIR)
        return WASI_PERM;
    if (to.must_be_dir)
        return WASI_NOENT;
    return from.stat.type == VFS_OTHER ? WASI_ACCES : link_to(w, &from, &to);
}

static const struct wasi_row rows[] = {
    {"path_link", "iiiiiii", path_link, false},
    {"path_rename", "iiiiii", path_rename, false},
};
const struct wasi_family wasi_move_family = {rows, ARRAY_LEN(rows)};
