/* Content of open files: read from the tree when it is first needed, copied when it is first written. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

enum wasi_errno wasi_from_err(struct wasi *w, const struct err *err)
{
    static const struct {
        enum err_kind kind;
        enum wasi_errno number;
    } rows[] = {
        {ERR_NOT_FOUND, WASI_NOENT},
        {ERR_EXISTS, WASI_EXIST},
        {ERR_INVALID, WASI_INVAL},
        {ERR_DENIED, WASI_ACCES},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (err->kind == rows[i].kind)
            return rows[i].number;
    }
    /* A limit, or a repository that cannot be read: not something a guest could mend. */
    if (!w->is_ended)
        w->err = *err;
    w->is_ended = true;
    return WASI_IO;
}

/* Names of one node are one file. */
struct wasi_file *wasi_file_find(struct wasi *w, struct str path)
{
    if (w->files == NULL)
        return NULL;
    const struct wasi_node *node = wasi_node_find(w, path);
    struct wasi_file *f = w->files;
    while (f != NULL) {
        if (node != NULL ? f->node == node
                         : f->node == NULL && f->path != NULL && str_eqz(path, f->path))
            break;
        f = f->next;
    }
    return f;
}

/* From now on it has times of its own. NULL ends the call. */
struct wasi_node *wasi_file_node(struct wasi *w, struct wasi_file *f)
{
    if (f->node == NULL)
        (void)wasi_node_make(w, str_from(f->path)); /* tells the file */
    return f->node;
}

static enum wasi_errno mark_changed(struct wasi *w, struct wasi_file *f)
{
    struct wasi_node *node = wasi_file_node(w, f);
    f->is_dirty = true;
    if (node == NULL)
        return WASI_IO;
    wasi_node_modified(w, node);
    return WASI_OK;
}

struct wasi_file *wasi_file_open(struct wasi *w, struct str path, bool is_executable)
{
    struct wasi_file *f = wasi_file_find(w, path);
    if (f == NULL) {
        f = mem_new(struct wasi_file);
        f->path = mem_strdup_str(path);
        f->ino = wasi_ino_of(w, path);
        f->node = wasi_node_find(w, path);
        f->is_executable = is_executable;
        f->next = w->files;
        w->files = f;
    }
    f->refs++;
    return f;
}

void wasi_file_forget(struct wasi *w, struct wasi_file *f)
{
    struct wasi_node *node = f->node;
    struct wasi_file **at = &w->files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    wasi_node_release(w, node);
    w->written -= f->bytes.n;
    vfs_data_release(&f->base);
    buf_deinit(&f->bytes);
    free(f->path);
    free(f);
}

enum wasi_errno wasi_file_unref(struct wasi *w, struct wasi_file *f)
{
    enum wasi_errno e = WASI_OK;
    if (--f->refs > 0)
        return WASI_OK;
    e = wasi_file_flush(w, f);
    wasi_file_forget(w, f);
    return e;
}

enum wasi_errno wasi_file_bytes(struct wasi *w, struct wasi_file *f, struct str *ret)
{
    struct err err;
    if (f->is_loaded) {
        *ret = buf_view(&f->bytes);
        return WASI_OK;
    }
    if (!f->has_base) {
        if (f->path == NULL)
            return WASI_NOENT;
        if (vfs_read(w->tree, str_from(f->path), &f->base, &err) != ERR_OK)
            return wasi_from_err(w, &err);
        f->has_base = true;
    }
    *ret = f->base.bytes;
    return WASI_OK;
}

static enum wasi_errno load(struct wasi *w, struct wasi_file *f)
{
    struct str now = {NULL, 0};
    if (f->is_loaded)
        return WASI_OK;
    enum wasi_errno e = wasi_file_bytes(w, f, &now);
    if (e != WASI_OK)
        return e;
    if (now.n > w->limits.written_bytes - w->written)
        return wasi_fail(w, ERR_LIMIT, "bytes written", w->limits.written_bytes);
    buf_init(&f->bytes, w->limits.written_bytes);
    buf_str(&f->bytes, now);
    w->written += now.n;
    vfs_data_release(&f->base);
    f->has_base = false;
    f->is_loaded = true;
    return WASI_OK;
}

/* Truncated as a whole: what was in it need not be looked at, however large. */
static enum wasi_errno empty(struct wasi *w, struct wasi_file *f)
{
    if (!f->is_loaded) {
        vfs_data_release(&f->base);
        f->has_base = false;
        buf_init(&f->bytes, w->limits.written_bytes);
        f->is_loaded = true;
    }
    return WASI_OK;
}

enum wasi_errno wasi_file_resize(struct wasi *w, struct wasi_file *f, uint64_t size)
{
    enum wasi_errno e = size == 0 ? empty(w, f) : load(w, f);
    if (e != WASI_OK)
        return e;
    uint64_t others = w->written - f->bytes.n;
    if (size > w->limits.written_bytes - others)
        return wasi_fail(w, ERR_LIMIT, "bytes written", w->limits.written_bytes);
    if (size > f->bytes.n) {
        size_t more = (size_t)size - f->bytes.n;
        char *to = buf_reserve(&f->bytes, more);
        if (to == NULL)
            return wasi_fail(w, ERR_LIMIT, "bytes written", w->limits.written_bytes);
        memset(to, 0, more);
    }
    f->bytes.n = (size_t)size;
    w->written = others + size;
    return mark_changed(w, f);
}

enum wasi_errno
wasi_file_write(struct wasi *w, struct wasi_file *f, uint64_t at, const void *p, size_t n)
{
    enum wasi_errno e = load(w, f);
    if (e != WASI_OK || n == 0)
        return e;
    if (at > UINT64_MAX - n)
        return WASI_FBIG;
    if (at + n > f->bytes.n) {
        e = wasi_file_resize(w, f, at + n);
        if (e != WASI_OK)
            return e;
    }
    memcpy(f->bytes.p + at, p, n);
    return mark_changed(w, f);
}

/* To each of its names: the tree knows no hard links. */
static enum err_kind flush(struct wasi *w, struct wasi_file *f, struct err *err)
{
    enum err_kind r = ERR_OK;
    if (!f->is_dirty || f->path == NULL || w->call->overlay == NULL)
        return ERR_OK;
    f->is_dirty = false;
    for (const struct wasi_name *at = f->node->names; r == ERR_OK && at != NULL; at = at->next)
        r = overlay_write(
            w->call->overlay, str_of(at->path, at->n), buf_view(&f->bytes), f->is_executable, err);
    return r;
}

enum wasi_errno wasi_file_unlinked(struct wasi *w, struct str path)
{
    struct wasi_file *f = wasi_file_find(w, path);
    struct str bytes;
    enum wasi_errno e = WASI_OK;
    if (f == NULL)
        return wasi_name_drop(w, path);
    if (wasi_file_node(w, f) == NULL)
        return WASI_IO;
    if (f->node->link_count == 1)
        e = wasi_file_bytes(w, f, &bytes); /* while they can be had */
    if (e == WASI_OK)
        e = wasi_name_drop(w, path);
    if (e != WASI_OK)
        return e;
    free(f->path);
    f->path = f->node->names == NULL ? NULL : mem_strdup(f->node->names->path);
    return WASI_OK;
}

enum wasi_errno wasi_file_flush(struct wasi *w, struct wasi_file *f)
{
    struct err err;
    return flush(w, f, &err) == ERR_OK ? WASI_OK : wasi_from_err(w, &err);
}

enum err_kind wasi_flush_all(struct wasi *w, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (struct wasi_file *f = w->files; r == ERR_OK && f != NULL; f = f->next)
        r = flush(w, f, err);
    return r;
}
