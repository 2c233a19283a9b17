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

struct wasi_file *wasi_file_find(struct wasi *w, const char *path)
{
    struct wasi_file *f = w->files;
    while (f != NULL && (f->path == NULL || strcmp(f->path, path) != 0))
        f = f->next;
    return f;
}

struct wasi_file *wasi_file_open(struct wasi *w, const char *path, bool is_executable)
{
    struct wasi_file *f = wasi_file_find(w, path);
    if (f == NULL) {
        f = mem_new(struct wasi_file);
        f->path = mem_strdup(path);
        f->ino = wasi_ino_of(w, str_from(path));
        f->is_executable = is_executable;
        f->next = w->files;
        w->files = f;
    }
    f->refs++;
    return f;
}

static void forget(struct wasi *w, struct wasi_file *f)
{
    struct wasi_file **at = &w->files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
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
    forget(w, f);
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
    f->is_dirty = true;
    return WASI_OK;
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
    f->is_dirty = true;
    return WASI_OK;
}

static enum err_kind flush(struct wasi *w, struct wasi_file *f, struct err *err)
{
    if (!f->is_dirty || f->path == NULL || w->call->overlay == NULL)
        return ERR_OK;
    f->is_dirty = false;
    return overlay_write(
        w->call->overlay, str_from(f->path), buf_view(&f->bytes), f->is_executable, err);
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
