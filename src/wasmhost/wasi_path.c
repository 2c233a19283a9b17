/* What is done to names: open, look, make, remove. Moving them is wasi_move.c. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

enum wasi_errno
wasi_check_change(const struct wasi *w, const struct wasi_path *p, enum vfs_type type)
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
    enum wasi_errno e = wasi_check_change(w, p, VFS_FILE);
    if (e == WASI_OK)
        e = from_kind(
            w, overlay_write(w->call->overlay, wasi_path_str(p), STR(""), false, err), err);
    return e == WASI_OK ? wasi_node_created(w, wasi_path_str(p)) : e;
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
        rights &= ~WASI_RIGHTS_CHANGE;
    }
    *fd = (struct wasi_fd){
        .kind = WASI_FD_FILE,
        .rights = rights,
        .flags = q->fdflags,
        .file = wasi_file_open(w, wasi_path_str(p), p->stat.is_executable),
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

/* What the directory must allow. */
static uint64_t rights_to_open(uint32_t oflags)
{
    uint64_t rights = WASI_RIGHT_PATH_OPEN;
    if (oflags & WASI_OFLAG_CREAT)
        rights |= WASI_RIGHT_PATH_CREATE_FILE;
    if (oflags & WASI_OFLAG_TRUNC)
        rights |= WASI_RIGHT_PATH_FILESTAT_SET_SIZE;
    return rights;
}

static enum wasi_last last_by_flags(uint32_t lookup_flags)
{
    return lookup_flags & WASI_LOOKUP_FOLLOW ? WASI_LAST_FOLLOW : WASI_LAST_KEEP;
}

/* Rights that the directory does not pass on are left out: toolchains ask for all of them. */
static enum wasi_errno read_request(
    struct wasi *w, const wasmtime_val_raw_t *a, struct open_request *q, struct wasi_path *ret)
{
    *q = (struct open_request){.oflags = wasi_u32(a, 4), .fdflags = (uint16_t)wasi_u32(a, 7)};
    const struct wasi_where where = {
        .fd = wasi_u32(a, 0),
        .at = wasi_u32(a, 2),
        .n = wasi_u32(a, 3),
        .rights = rights_to_open(q->oflags),
        .last = last_by_flags(wasi_u32(a, 1)),
    };
    if (q->oflags > 15 || wasi_u32(a, 7) > 31)
        return WASI_INVAL;
    enum wasi_errno e = wasi_lookup(w, &where, ret);
    if (e != WASI_OK)
        return e;
    uint64_t passed_on = w->fds[where.fd].inheriting;
    q->rights = wasi_u64(a, 5) & passed_on;
    q->inheriting = wasi_u64(a, 6) & passed_on;
    return WASI_OK;
}

static enum wasi_errno path_open(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    struct open_request q;
    uint32_t number;
    if (wasi_at(w, wasi_u32(a, 8), 4) == NULL)
        return WASI_FAULT;
    enum wasi_errno e = read_request(w, a, &q, &p);
    if (e == WASI_OK)
        e = settle(w, &p, &q);
    if (e == WASI_OK)
        e = wasi_fd_new(w, &number);
    if (e != WASI_OK)
        return e;
    e = p.stat.type == VFS_DIR ? open_dir(w, &p, &q, &w->fds[number])
                               : open_file(w, &p, &q, &w->fds[number]);
    if (e == WASI_OK)
        return wasi_store_u32(w, wasi_u32(a, 8), number);
    if (w->fds[number].kind != WASI_FD_FREE)
        (void)wasi_fd_close(w, number);
    else
        w->open_count--;
    return e;
}

/* --- look ------------------------------------------------------------------------------------------ */

static enum wasi_errno path_filestat_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    const struct wasi_where where = {
        .fd = wasi_u32(a, 0),
        .at = wasi_u32(a, 2),
        .n = wasi_u32(a, 3),
        .rights = WASI_RIGHT_PATH_FILESTAT_GET,
        .last = last_by_flags(wasi_u32(a, 1)),
    };
    enum wasi_errno e = wasi_lookup_there(w, &where, &p);
    if (e != WASI_OK)
        return e;
    struct str path = wasi_path_str(&p);
    return wasi_write_filestat(
        w, &p.stat, wasi_ino_of(w, path), wasi_node_find(w, path), wasi_u32(a, 4));
}

static enum wasi_errno path_filestat_set_times(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    const struct wasi_where where = {
        .fd = wasi_u32(a, 0),
        .at = wasi_u32(a, 2),
        .n = wasi_u32(a, 3),
        .rights = WASI_RIGHT_PATH_FILESTAT_SET_TIMES,
        .last = last_by_flags(wasi_u32(a, 1)),
    };
    enum wasi_errno e = wasi_lookup_there(w, &where, &p);
    if (e == WASI_OK)
        e = wasi_check_times(w, wasi_u32(a, 6));
    if (e != WASI_OK)
        return e;
    struct wasi_node *node = wasi_node_make(w, wasi_path_str(&p));
    if (node == NULL)
        return WASI_IO;
    wasi_set_times(w, node, wasi_u64(a, 4), wasi_u64(a, 5), wasi_u32(a, 6));
    return WASI_OK;
}

static enum wasi_errno path_readlink(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    auto_vfs_data struct vfs_data target = {0};
    struct err err;
    const struct wasi_where where = {
        .fd = wasi_u32(a, 0),
        .at = wasi_u32(a, 1),
        .n = wasi_u32(a, 2),
        .rights = WASI_RIGHT_PATH_READLINK,
    };
    uint32_t room = wasi_u32(a, 4);
    uint8_t *to = wasi_at(w, wasi_u32(a, 3), room);
    enum wasi_errno e = wasi_lookup_there(w, &where, &p);
    if (e != WASI_OK)
        return e;
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

/* Most of them take a descriptor and a path first. */
static struct wasi_where name_at(const wasmtime_val_raw_t *a, size_t first, uint64_t rights)
{
    return (struct wasi_where){
        .fd = wasi_u32(a, first),
        .at = wasi_u32(a, first + 1),
        .n = wasi_u32(a, first + 2),
        .rights = rights,
        .last = WASI_LAST_NAME,
    };
}

static enum wasi_errno path_create_directory(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    struct err err;
    const struct wasi_where where = name_at(a, 0, WASI_RIGHT_PATH_CREATE_DIRECTORY);
    enum wasi_errno e = wasi_lookup(w, &where, &p);
    if (e == WASI_OK && p.exists)
        e = WASI_EXIST;
    if (e == WASI_OK)
        e = wasi_check_change(w, &p, VFS_DIR);
    if (e == WASI_OK)
        e = from_kind(w, overlay_make_dir(w->call->overlay, wasi_path_str(&p), &err), &err);
    return e == WASI_OK ? wasi_node_created(w, wasi_path_str(&p)) : e;
}

void wasi_move_dir_fds(struct wasi *w, struct str from, const char *to)
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

enum wasi_errno wasi_remove_node(struct wasi *w, const struct wasi_path *p)
{
    struct err err;
    struct str path = wasi_path_str(p);
    enum wasi_errno e = wasi_check_change(w, p, p->stat.type);
    if (e == WASI_OK)
        e = p->stat.type == VFS_FILE ? wasi_file_unlinked(w, path) : wasi_name_drop(w, path);
    if (e != WASI_OK)
        return e;
    if (p->stat.type == VFS_DIR)
        wasi_move_dir_fds(w, path, NULL);
    return from_kind(w, overlay_remove(w->call->overlay, path, &err), &err);
}

static enum wasi_errno path_unlink_file(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    const struct wasi_where where = name_at(a, 0, WASI_RIGHT_PATH_UNLINK_FILE);
    enum wasi_errno e = wasi_lookup_there(w, &where, &p);
    if (e == WASI_OK && p.stat.type == VFS_DIR)
        e = WASI_ISDIR;
    return e == WASI_OK ? wasi_remove_node(w, &p) : e;
}

/* What the guest is not shown keeps a directory as well as all else does. */
enum wasi_errno wasi_is_empty_dir(struct wasi *w, const struct wasi_path *p)
{
    auto_vfs_listing struct vfs_listing l = {0};
    struct err err;
    if (vfs_list(w->tree, wasi_path_str(p), &l, &err) != ERR_OK)
        return wasi_from_err(w, &err);
    return l.count > 0 ? WASI_NOTEMPTY : WASI_OK;
}

static enum wasi_errno path_remove_directory(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    const struct wasi_where where = name_at(a, 0, WASI_RIGHT_PATH_REMOVE_DIRECTORY);
    enum wasi_errno e = wasi_lookup_there(w, &where, &p);
    if (e != WASI_OK)
        return e;
    if (p.stat.type != VFS_DIR)
        return WASI_NOTDIR;
    if (p.n == 0)
        return WASI_PERM;
    e = wasi_check_change(w, &p, VFS_DIR);
    if (e == WASI_OK)
        e = wasi_is_empty_dir(w, &p);
    return e == WASI_OK ? wasi_remove_node(w, &p) : e;
}

/* An absolute target could mean nothing but the host's root. */
static enum wasi_errno check_target(const uint8_t *target, uint32_t n)
{
    if (target == NULL)
        return WASI_FAULT;
    struct str text = str_of((const char *)target, n);
    if (n == 0 || n > WASI_PATH_MAX)
        return n == 0 ? WASI_NOENT : WASI_NAMETOOLONG;
    if (memchr(target, '\0', n) != NULL)
        return WASI_INVAL;
    if (!str_is_utf8(text))
        return WASI_ILSEQ;
    return target[0] == '/' ? WASI_NOTCAPABLE : WASI_OK;
}

static enum wasi_errno path_symlink(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_path p;
    struct err err;
    uint32_t n = wasi_u32(a, 1);
    const uint8_t *target = wasi_at(w, wasi_u32(a, 0), n);
    const struct wasi_where where = name_at(a, 2, WASI_RIGHT_PATH_SYMLINK);
    enum wasi_errno e = check_target(target, n);
    if (e == WASI_OK)
        e = wasi_lookup(w, &where, &p);
    if (e == WASI_OK && p.exists)
        e = WASI_EXIST;
    if (e == WASI_OK && p.must_be_dir)
        e = WASI_NOENT;
    if (e == WASI_OK)
        e = wasi_check_change(w, &p, VFS_LINK);
    if (e != WASI_OK)
        return e;
    struct str text = str_of((const char *)target, n);
    e = from_kind(w, overlay_link(w->call->overlay, wasi_path_str(&p), text, &err), &err);
    return e == WASI_OK ? wasi_node_created(w, wasi_path_str(&p)) : e;
}

static const struct wasi_row rows[] = {
    {"path_create_directory", "iii", path_create_directory, false},
    {"path_filestat_get", "iiiii", path_filestat_get, false},
    {"path_filestat_set_times", "iiiiIIi", path_filestat_set_times, false},
    {"path_open", "iiiiiIIii", path_open, false},
    {"path_readlink", "iiiiii", path_readlink, false},
    {"path_remove_directory", "iii", path_remove_directory, false},
    {"path_symlink", "iiiii", path_symlink, false},
    {"path_unlink_file", "iii", path_unlink_file, false},
};
const struct wasi_family wasi_path_family = {rows, ARRAY_LEN(rows)};
