/*
 * From a guest's path to a path of the tree. Links are resolved here, one at a time, and never lead out
 * of the directory that the guest was given: a step above it, or an absolute target, is NOTCAPABLE.
 */
#include "base/mem.h"
#include "wasmhost/wasi.h"

static const unsigned LINKS_MAX = 32;

struct lookup {
    struct wasi *w;
    size_t floor;        /* length of the directory's own path: `..` may not go below it */
    struct buf rest;     /* the text that is walked; links put their targets in front */
    struct str rest_now; /* what is left of it */
    unsigned links;
    enum wasi_last last;
};

/* Append a name to what is resolved so far. */
static enum wasi_errno push(struct wasi_path *p, struct str name)
{
    size_t lead = p->n > 0 ? 1 : 0;
    if (name.n > WASI_NAME_MAX || p->n + lead + name.n > WASI_PATH_MAX)
        return WASI_NAMETOOLONG;
    if (lead > 0)
        p->text[p->n] = '/';
    memcpy(p->text + p->n + lead, name.p, name.n);
    p->n += lead + name.n;
    p->text[p->n] = '\0';
    return WASI_OK;
}

static void pop(struct wasi_path *p)
{
    while (p->n > 0 && p->text[p->n - 1] != '/')
        p->n--;
    if (p->n > 0)
        p->n--;
    p->text[p->n] = '\0';
}

static enum wasi_errno go_up(struct lookup *l, struct wasi_path *p)
{
    if (p->n <= l->floor)
        return WASI_NOTCAPABLE;
    pop(p);
    return WASI_OK;
}

/* Put the target of the link at p in front of what is left, and step back to its directory. */
static enum wasi_errno
follow_link(struct lookup *l, struct wasi_path *p, struct str rest, bool had_slash)
{
    auto_vfs_data struct vfs_data target = {0};
    struct buf joined = {.max = WASI_PATH_MAX};
    struct err err;
    if (++l->links > LINKS_MAX)
        return WASI_LOOP;
    if (vfs_read(l->w->tree, wasi_path_str(p), &target, &err) != ERR_OK)
        return wasi_from_err(l->w, &err);
    if (target.bytes.n == 0)
        return WASI_NOENT;
    if (target.bytes.p[0] == '/')
        return WASI_NOTCAPABLE;
    pop(p);
    p->stat.type = VFS_DIR;
    buf_str(&joined, target.bytes);
    if (had_slash)
        buf_char(&joined, '/');
    buf_str(&joined, rest);
    bool is_long = joined.is_failed;
    buf_deinit(&l->rest);
    l->rest = joined;
    l->rest_now = buf_view(&l->rest);
    return is_long ? WASI_NAMETOOLONG : WASI_OK;
}

/* One name of the path; `rest` is what follows it. */
static enum wasi_errno
step(struct lookup *l, struct wasi_path *p, struct str name, struct str rest, bool had_slash)
{
    bool is_last = rest.n == 0;
    if (!p->exists)
        return WASI_NOENT;
    if (p->stat.type != VFS_DIR)
        return WASI_NOTDIR;
    if (str_eq(name, STR(".")))
        return WASI_OK;
    if (str_eq(name, STR(".."))) {
        enum wasi_errno up = go_up(l, p);
        return up == WASI_OK ? wasi_stat(l->w, wasi_path_str(p), &p->stat) : up;
    }
    enum wasi_errno e = push(p, name);
    if (e == WASI_OK)
        e = wasi_stat(l->w, wasi_path_str(p), &p->stat);
    p->exists = e == WASI_OK;
    if (e == WASI_NOENT && is_last)
        return WASI_OK;
    bool is_kept =
        is_last && (l->last == WASI_LAST_NAME || (l->last == WASI_LAST_KEEP && !had_slash));
    if (e == WASI_OK && p->stat.type == VFS_LINK && !is_kept)
        return follow_link(l, p, rest, had_slash);
    return e;
}

static enum wasi_errno walk(struct lookup *l, struct wasi_path *p)
{
    enum wasi_errno e = WASI_OK;
    l->rest_now = buf_view(&l->rest);
    while (e == WASI_OK && l->rest_now.n > 0) {
        struct str rest = l->rest_now;
        struct str name = str_cut(&rest, '/');
        bool had_slash = rest.p != NULL;
        while (rest.n > 0 && rest.p[0] == '/')
            rest = str_skip(rest, 1);
        p->must_be_dir = had_slash && rest.n == 0;
        l->rest_now = rest;
        e = step(l, p, name, rest, had_slash);
    }
    return e;
}

/* Most paths are plain: no dots to resolve and no link at the end. As a vfs never follows links, one
 * look at the whole path then says that there is none on the way. */
static bool is_plain(struct str path)
{
    while (path.p != NULL) {
        struct str name = str_cut(&path, '/');
        if (name.n == 0 || name.n > WASI_NAME_MAX || str_eq(name, STR(".")) ||
            str_eq(name, STR("..")))
            return false;
    }
    return true;
}

static bool try_whole(struct wasi *w, struct str path, struct wasi_path *ret)
{
    size_t n = ret->n;
    size_t lead = n > 0 ? 1 : 0;
    if (!is_plain(path) || n + lead + path.n > WASI_PATH_MAX)
        return false;
    if (lead > 0)
        ret->text[n] = '/';
    memcpy(ret->text + n + lead, path.p, path.n);
    ret->n = n + lead + path.n;
    ret->text[ret->n] = '\0';
    if (wasi_stat(w, wasi_path_str(ret), &ret->stat) == WASI_OK && ret->stat.type != VFS_LINK) {
        ret->exists = true;
        return true;
    }
    ret->n = n;
    ret->text[n] = '\0';
    return false;
}

static enum wasi_errno check_text(struct str path)
{
    if (path.n == 0)
        return WASI_NOENT;
    if (path.n > WASI_PATH_MAX)
        return WASI_NAMETOOLONG;
    if (memchr(path.p, '\0', path.n) != NULL)
        return WASI_INVAL;
    if (!str_is_utf8(path))
        return WASI_ILSEQ;
    return path.p[0] == '/' ? WASI_NOTCAPABLE : WASI_OK;
}

/* The directory that the path is below of. */
static enum wasi_errno start(struct wasi *w, const struct wasi_where *where, struct wasi_path *ret)
{
    const struct wasi_fd *dir = wasi_fd_get(w, where->fd);
    ret->n = 0;
    ret->must_be_dir = false;
    ret->exists = true;
    if (dir == NULL)
        return WASI_BADF;
    if (dir->kind != WASI_FD_DIR)
        return WASI_NOTDIR;
    if ((dir->rights & where->rights) != where->rights)
        return WASI_NOTCAPABLE;
    if (dir->is_gone)
        return WASI_NOENT;
    ret->n = strlen(dir->path);
    memcpy(ret->text, dir->path, ret->n + 1);
    return WASI_OK;
}

enum wasi_errno wasi_lookup(struct wasi *w, const struct wasi_where *where, struct wasi_path *ret)
{
    const uint8_t *text = wasi_at(w, where->at, where->n);
    struct str path = str_of((const char *)text, where->n);
    enum wasi_errno e = start(w, where, ret);
    if (e == WASI_OK)
        e = text == NULL ? WASI_FAULT : check_text(path);
    if (e != WASI_OK)
        return e;
    if (try_whole(w, path, ret))
        return WASI_OK;
    struct lookup l = {
        .w = w, .floor = ret->n, .last = where->last, .rest = {.max = WASI_PATH_MAX + 1}};
    e = wasi_stat(w, wasi_path_str(ret), &ret->stat);
    buf_str(&l.rest, path);
    if (e == WASI_OK)
        e = walk(&l, ret);
    buf_deinit(&l.rest);
    if (e == WASI_OK && ret->exists && ret->must_be_dir && ret->stat.type != VFS_DIR)
        return WASI_NOTDIR;
    return e;
}

enum wasi_errno
wasi_lookup_there(struct wasi *w, const struct wasi_where *where, struct wasi_path *ret)
{
    enum wasi_errno e = wasi_lookup(w, where, ret);
    return e == WASI_OK && !ret->exists ? WASI_NOENT : e;
}
