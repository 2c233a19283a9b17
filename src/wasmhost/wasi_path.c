/* What is done to names: open, make, remove, rename, link, look. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

/* A change is possible at all: the tree is writable, and the guest would see what it made. */
static enum wasi_errno
check_change(const struct wasi *w, const struct wasi_path *p, enum vfs_type type)
{
    if (w->call->overlay == NULL)
        return WASI_ROFS;
    return wasi_is_visible(w, wasi_path_str(p), type) ? WASI_OK : WASI_ACCES;
}

static enum wasi_errno from_kind(struct wasi *w, enum err_kind kind, const struct err *err)
{
    return kind == ERR_OK ? WASI_OK : wasi_from_err(w, err);
}

/* --- open ------------------------------------------------------------------------------------------ */

struct open_request {
    uint32_t oflags;
    uint64_t rights;
    uint64_t inheriting;
    uint16_t fdflags;
};

static enum wasi_errno create(struct wasi *w, const struct wasi_path *p, struct err *err)
{
    enum wasi_errno e = check_change(w, p, VFS_FILE);
    if (e != WASI_OK)
        return e;
    return from_kind(
        w, overlay_write(w->call->overlay, wasi_path_str(p), STR(""), false, err), err);
}

static enum wasi_errno open_dir(
    struct wasi *w, const struct wasi_path *p, const struct open_request *q, struct wasi_fd *fd)
{
    (void)w;
    if (q->oflags & WASI_OFLAG_TRUNC)
        return WASI_ISDIR;
    if (q->rights & WASI_RIGHT_WRITE)
        return WASI_ISDIR;
    *fd = (struct wasi_fd){
        .kind = WASI_FD_DIR,
        .rights = q->rights & WASI_RIGHTS_DIR,
        .inheriting = q->inheriting & WASI_RIGHTS_ALL,
        .flags = q->fdflags,
        .path = mem_strdup(p->text),
    };
    return WASI_OK;
}

/* On a tree that can only be read, opening for writing succeeds without the right (as upstream). */
static enum wasi_errno open_file(
    struct wasi *w, const struct wasi_path *p, const struct open_request *q, struct wasi_fd *fd)
{
    uint64_t rights = q->rights & WASI_RIGHTS_FILE;
    if (w->call->overlay == NULL) {
        if (q->oflags & WASI_OFLAG_TRUNC)
            return WASI_ROFS;
        rights &= ~WASI_RIGHT_WRITE;
    }
    *fd = (struct wasi_fd){
        .kind = WASI_FD_FILE,
        .rights = rights,
        .flags = q->fdflags,
        .file = wasi_file_open(w, p->text, p->stat.is_executable),
    };
    return q->oflags & WASI_OFLAG_TRUNC ? wasi_file_resize(w, fd->file, 0) : WASI_OK;
}

/* What stands at p now, made where that was asked for. */
static enum wasi_errno settle(struct wasi *w, struct wasi_path *p, const struct open_request *q)
{
    struct err err;
    if (p->exists) {
        if ((q->oflags & WASI_OFLAG_CREAT) && (q->oflags & WASI_OFLAG_EXCL))
            return WASI_EXIST;
        if (p->stat.type == VFS_LINK)
            return WASI_LOOP;
        if (p->stat.type == VFS_OTHER)
            return WASI_ACCES;
        return (q->oflags & WASI_OFLAG_DIRECTORY) && p->stat.type != VFS_DIR ? WASI_NOTDIR
                                                                             : WASI_OK;
    }
    if (!(q->oflags & WASI_OFLAG_CREAT))
        return WASI_NOENT;
    if (p->must_be_dir || (q->oflags & WASI_OFLAG_DIRECTORY))
        return p->must_be_dir ? WASI_ISDIR : WASI_INVAL;
    enum wasi_errno e = create(w, p, &err);
    p->stat = (struct vfs_stat){.type = VFS_FILE};
    return e;
}

static enum wasi_errno path_open(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    uint32_t number;
    struct open_request q = {
        .oflags = wasi_u32(a, 4),
        .rights = wasi_u64(a, 5),
        .inheriting = wasi_u64(a, 6),
        .fdflags = (uint16_t)wasi_u32(a, 7),
    };
    bool follow = (wasi_u32(a, 1) & WASI_LOOKUP_FOLLOW) != 0;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 2), wasi_u32(a, 3), follow, &p);
    if (e == WASI_OK)
        e = settle(w, &p, &q);
    if (e == WASI_OK)
        e = wasi_fd_new(w, &number);
    if (e != WASI_OK)
        return e;
    e = p.stat.type == VFS_DIR ? open_dir(w, &p, &q, &w->fds[number])
                               : open_file(w, &p, &q, &w->fds[number]);
    if (e == WASI_OK)
        e = wasi_store_u32(w, wasi_u32(a, 8), number);
    if (e != WASI_OK && w->fds[number].kind != WASI_FD_FREE)
        (void)wasi_fd_close(w, number);
    else if (e != WASI_OK)
        w->open_count--;
    return e;
}

/* --- look ------------------------------------------------------------------------------------------ */

static enum wasi_errno path_filestat_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    bool follow = (wasi_u32(a, 1) & WASI_LOOKUP_FOLLOW) != 0;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 2), wasi_u32(a, 3), follow, &p);
    if (e != WASI_OK)
        return e;
    if (!p.exists)
        return WASI_NOENT;
    struct str path = wasi_path_str(&p);
    return wasi_write_filestat(w, path, &p.stat, wasi_ino_of(w, path), wasi_u32(a, 4));
}

static enum wasi_errno path_filestat_set_times(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    bool follow = (wasi_u32(a, 1) & WASI_LOOKUP_FOLLOW) != 0;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 2), wasi_u32(a, 3), follow, &p);
    if (e != WASI_OK)
        return e;
    if (!p.exists)
        return WASI_NOENT;
    return wasi_set_times(w, wasi_path_str(&p), wasi_u64(a, 4), wasi_u64(a, 5), wasi_u32(a, 6));
}

static enum wasi_errno path_readlink(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    auto_vfs_data struct vfs_data target = {0};
    struct err err;
    uint32_t room = wasi_u32(a, 4);
    uint8_t *to = wasi_at(w, wasi_u32(a, 3), room);
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 1), wasi_u32(a, 2), false, &p);
    if (e != WASI_OK)
        return e;
    if (!p.exists)
        return WASI_NOENT;
    if (p.stat.type != VFS_LINK)
        return WASI_INVAL;
    if (to == NULL)
        return WASI_FAULT;
    if (vfs_read(w->tree, wasi_path_str(&p), &target, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    uint32_t n = target.bytes.n < room ? (uint32_t)target.bytes.n : room;
    wasi_put(to, target.bytes.p, n);
    return wasi_store_u32(w, wasi_u32(a, 5), n);
}

/* --- make and remove ------------------------------------------------------------------------------- */

static enum wasi_errno path_create_directory(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    struct err err;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 1), wasi_u32(a, 2), false, &p);
    if (e == WASI_OK && p.exists)
        e = WASI_EXIST;
    if (e == WASI_OK)
        e = check_change(w, &p, VFS_DIR);
    if (e != WASI_OK)
        return e;
    return from_kind(w, overlay_make_dir(w->call->overlay, wasi_path_str(&p), &err), &err);
}

/* Whoever has the file open goes on with it, without a name. */
static enum wasi_errno detach(struct wasi *w, const char *path)
{
    struct wasi_file *f = wasi_file_find(w, path);
    struct str bytes;
    if (f == NULL)
        return WASI_OK;
    enum wasi_errno e = wasi_file_bytes(w, f, &bytes);
    free(f->path);
    f->path = NULL;
    return e;
}

/* Descriptors of a directory go where it goes: to a new path, or, with NULL, nowhere. */
static void move_dir_fds(struct wasi *w, struct str from, const char *to)
{
    for (size_t i = 0; i < w->fd_count; i++) {
        struct wasi_fd *fd = &w->fds[i];
        if (fd->kind != WASI_FD_DIR || fd->is_gone || !str_eqz(from, fd->path))
            continue;
        fd->is_gone = to == NULL;
        if (to != NULL) {
            free(fd->path);
            fd->path = mem_strdup(to);
        }
    }
}

static enum wasi_errno remove_node(struct wasi *w, const struct wasi_path *p)
{
    struct err err;
    enum wasi_errno e = check_change(w, p, p->stat.type);
    if (e == WASI_OK && p->stat.type == VFS_FILE)
        e = detach(w, p->text);
    if (e != WASI_OK)
        return e;
    if (p->stat.type == VFS_DIR)
        move_dir_fds(w, wasi_path_str(p), NULL);
    return from_kind(w, overlay_remove(w->call->overlay, wasi_path_str(p), &err), &err);
}

static enum wasi_errno path_unlink_file(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 1), wasi_u32(a, 2), false, &p);
    if (e != WASI_OK)
        return e;
    if (!p.exists)
        return WASI_NOENT;
    if (p.stat.type == VFS_DIR)
        return WASI_ISDIR;
    if (p.must_be_dir)
        return WASI_NOTDIR;
    return remove_node(w, &p);
}

static enum wasi_errno is_empty_dir(struct wasi *w, const struct wasi_path *p)
{
    auto_vfs_listing struct vfs_listing l = {0};
    enum wasi_errno e = wasi_list(w, wasi_path_str(p), &l);
    return e == WASI_OK && l.count > 0 ? WASI_NOTEMPTY : e;
}

static enum wasi_errno path_remove_directory(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 1), wasi_u32(a, 2), false, &p);
    if (e != WASI_OK)
        return e;
    if (!p.exists)
        return WASI_NOENT;
    if (p.stat.type != VFS_DIR)
        return WASI_NOTDIR;
    if (p.n == 0)
        return WASI_PERM;
    e = is_empty_dir(w, &p);
    return e == WASI_OK ? remove_node(w, &p) : e;
}

static enum wasi_errno path_symlink(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    struct err err;
    uint32_t n = wasi_u32(a, 1);
    const uint8_t *target = wasi_at(w, wasi_u32(a, 0), n);
    if (target == NULL)
        return WASI_FAULT;
    if (n == 0 || n > WASI_PATH_MAX)
        return n == 0 ? WASI_NOENT : WASI_NAMETOOLONG;
    if (target[0] == '/')
        return WASI_NOTCAPABLE;
    enum wasi_errno e = wasi_lookup(w, wasi_u32(a, 2), wasi_u32(a, 3), wasi_u32(a, 4), false, &p);
    if (e == WASI_OK && p.exists)
        e = WASI_EXIST;
    if (e == WASI_OK && p.must_be_dir)
        e = WASI_NOENT;
    if (e == WASI_OK)
        e = check_change(w, &p, VFS_LINK);
    if (e != WASI_OK)
        return e;
    struct str text = str_of((const char *)target, n);
    return from_kind(w, overlay_link(w->call->overlay, wasi_path_str(&p), text, &err), &err);
}

/* Git has no hard links: two names would be two files. */
static enum wasi_errno path_link(struct wasi *w, const wasmtime_val_raw_t *a)
{
    if (wasi_fd_get(w, wasi_u32(a, 0)) == NULL || wasi_fd_get(w, wasi_u32(a, 4)) == NULL)
        return WASI_BADF;
    return w->call->overlay == NULL ? WASI_ROFS : WASI_NOTSUP;
}

/* --- rename ---------------------------------------------------------------------------------------- */

/* The node keeps its inode under its new name. */
static void move_note(struct wasi *w, struct str from, struct str to)
{
    uint64_t ino = wasi_ino_of(w, from);
    const struct wasi_note *old = wasi_note_of(w, from, false);
    uint64_t accessed = old != NULL ? old->accessed_ns : WASI_START_NS;
    uint64_t modified = old != NULL ? old->modified_ns : WASI_START_NS;
    struct wasi_note *note = wasi_note_of(w, to, true);
    note->ino = ino;
    note->accessed_ns = accessed;
    note->modified_ns = modified;
}

static enum wasi_errno
move_leaf(struct wasi *w, struct str from, struct str to, const struct vfs_stat *st)
{
    auto_vfs_data struct vfs_data data = {0};
    struct overlay *o = w->call->overlay;
    struct err err;
    autofree char *path = mem_strdup_str(from);
    struct wasi_file *open = wasi_file_find(w, path);
    enum wasi_errno e = open == NULL ? WASI_OK : wasi_file_flush(w, open);
    if (e != WASI_OK)
        return e;
    enum err_kind r = vfs_read(w->tree, from, &data, &err);
    if (r == ERR_OK)
        r = overlay_remove(o, from, &err);
    if (r == ERR_OK)
        r = st->type == VFS_LINK ? overlay_link(o, to, data.bytes, &err)
                                 : overlay_write(o, to, data.bytes, st->is_executable, &err);
    if (r != ERR_OK)
        return wasi_from_err(w, &err);
    move_note(w, from, to);
    if (open != NULL) {
        free(open->path);
        open->path = mem_strdup_str(to);
    }
    return WASI_OK;
}

static enum wasi_errno move(struct wasi *w, struct str from, struct str to);

static enum wasi_errno move_dir(struct wasi *w, struct str from, struct str to)
{
    auto_vfs_listing struct vfs_listing l = {0};
    struct overlay *o = w->call->overlay;
    struct err err;
    enum wasi_errno e = wasi_list(w, from, &l);
    if (e == WASI_OK && overlay_make_dir(o, to, &err) != ERR_OK)
        e = wasi_from_err(w, &err);
    for (size_t i = 0; e == WASI_OK && i < l.count; i++) {
        autofree char *below = mem_printf(STR_FMT "/%s", STR_ARG(from), l.entries[i].name);
        autofree char *target = mem_printf(STR_FMT "/%s", STR_ARG(to), l.entries[i].name);
        e = move(w, str_from(below), str_from(target));
    }
    if (e == WASI_OK && overlay_remove(o, from, &err) != ERR_OK)
        e = wasi_from_err(w, &err);
    if (e != WASI_OK)
        return e;
    autofree char *path = mem_strdup_str(to);
    move_note(w, from, to);
    move_dir_fds(w, from, path);
    return WASI_OK;
}

/* Paths are at most WASI_PATH_MAX bytes, so the recursion is at most half as deep. */
static enum wasi_errno move(struct wasi *w, struct str from, struct str to)
{
    struct vfs_stat st;
    enum wasi_errno e = wasi_stat(w, from, &st);
    if (e != WASI_OK)
        return e;
    if (to.n > WASI_PATH_MAX)
        return WASI_NAMETOOLONG;
    return st.type == VFS_DIR ? move_dir(w, from, to) : move_leaf(w, from, to, &st);
}

/* What stands at the target gives way, if it is of the same kind (and empty). */
static enum wasi_errno
clear_target(struct wasi *w, const struct wasi_path *from, const struct wasi_path *to)
{
    if (!to->exists)
        return to->must_be_dir && from->stat.type != VFS_DIR ? WASI_NOTDIR : WASI_OK;
    bool from_dir = from->stat.type == VFS_DIR;
    bool to_dir = to->stat.type == VFS_DIR;
    if (from_dir != to_dir)
        return to_dir ? WASI_ISDIR : WASI_NOTDIR;
    enum wasi_errno e = to_dir ? is_empty_dir(w, to) : WASI_OK;
    return e == WASI_OK ? remove_node(w, to) : e;
}

static bool is_below(struct str path, struct str dir)
{
    return path.n > dir.n && str_starts(path, dir) && path.p[dir.n] == '/';
}

static enum wasi_errno path_rename(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path from;
    struct wasi_path to;
    enum wasi_errno e =
        wasi_lookup(w, wasi_u32(a, 0), wasi_u32(a, 1), wasi_u32(a, 2), false, &from);
    if (e == WASI_OK)
        e = wasi_lookup(w, wasi_u32(a, 3), wasi_u32(a, 4), wasi_u32(a, 5), false, &to);
    if (e == WASI_OK && !from.exists)
        e = WASI_NOENT;
    if (e == WASI_OK)
        e = check_change(w, &from, from.stat.type);
    if (e == WASI_OK)
        e = check_change(w, &to, from.stat.type);
    if (e != WASI_OK || str_eq(wasi_path_str(&from), wasi_path_str(&to)))
        return e;
    if (from.n == 0 || is_below(wasi_path_str(&to), wasi_path_str(&from)))
        return WASI_INVAL;
    e = clear_target(w, &from, &to);
    return e == WASI_OK ? move(w, wasi_path_str(&from), wasi_path_str(&to)) : e;
}

static const struct wasi_row rows[] = {
    {"path_create_directory", "iii", path_create_directory, false},
    {"path_filestat_get", "iiiii", path_filestat_get, false},
    {"path_filestat_set_times", "iiiiIIi", path_filestat_set_times, false},
    {"path_link", "iiiiiii", path_link, false},
    {"path_open", "iiiiiIIii", path_open, false},
    {"path_readlink", "iiiiii", path_readlink, false},
    {"path_remove_directory", "iii", path_remove_directory, false},
    {"path_rename", "iiiiii", path_rename, false},
    {"path_symlink", "iiiii", path_symlink, false},
    {"path_unlink_file", "iii", path_unlink_file, false},
};
const struct wasi_family wasi_path_family = {rows, ARRAY_LEN(rows)};
