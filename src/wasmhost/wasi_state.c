#include "base/clock.h"
#include "base/mem.h"
#include "wasmhost/wasi.h"

/* Any value will do, as long as it stays: controllers may rely on the same bytes in each call. */
static const uint64_t RANDOM_SEED = 0x6375702d77617369ull;

static void set_std(struct wasi *w, uint32_t fd, enum wasi_fd_kind kind, uint64_t rights)
{
    w->fds[fd] = (struct wasi_fd){.kind = kind, .rights = rights};
}

void wasi_init(struct wasi *w, const struct wasmhost_call *call, struct wasmhost_result *result)
{
    *w = (struct wasi){
        .call = call,
        .limits = call->limits,
        .result = result,
        .profile = call->profile,
        .tree = call->overlay != NULL ? overlay_vfs(call->overlay) : call->tree,
        .realtime_ns = WASI_START_NS,
        .random_state = RANDOM_SEED,
        .fd_cap = 16,
        .fd_count = WASI_ROOT_FD,
    };
    w->fds = mem_alloc(w->fd_cap * sizeof(*w->fds));
    set_std(w, 0, WASI_FD_STDIN, WASI_RIGHT_READ | WASI_RIGHTS_STREAM);
    set_std(w, 1, WASI_FD_STDOUT, WASI_RIGHT_WRITE | WASI_RIGHTS_STREAM);
    set_std(w, 2, WASI_FD_STDERR, WASI_RIGHT_WRITE | WASI_RIGHTS_STREAM);
    if (w->tree != NULL)
        w->fds[w->fd_count++] = (struct wasi_fd){
            .kind = WASI_FD_DIR,
            .rights = WASI_RIGHTS_DIR,
            .inheriting = WASI_RIGHTS_ALL,
            .path = mem_strdup(""),
            .is_preopen = true,
        };
    w->open_count = w->fd_count;
}

static void fd_deinit(struct wasi_fd *fd)
{
    free(fd->path);
    vfs_listing_deinit(&fd->listing);
    *fd = (struct wasi_fd){0};
}

void wasi_deinit(struct wasi *w)
{
    for (size_t i = 0; i < w->fd_count; i++)
        fd_deinit(&w->fds[i]);
    free(w->fds);
    while (w->files != NULL)
        wasi_file_forget(w, w->files);
    wasi_names_deinit(w);
}

enum wasi_errno wasi_fail(struct wasi *w, enum err_kind kind, const char *what, uint64_t limit)
{
    if (!w->is_ended)
        err_set(&w->err, kind, "%s: more than the limit of %llu", what, (unsigned long long)limit);
    w->is_ended = true;
    return WASI_IO;
}

enum wasi_errno wasi_check_time(struct wasi *w)
{
    if (w->is_ended)
        return WASI_IO;
    if (w->call->cancel != NULL && atomic_load_explicit(w->call->cancel, memory_order_relaxed))
        err_set(&w->err, ERR_CANCELLED, "nobody waits for it any more: it was stopped");
    else if (w->deadline_ms == 0 || clock_monotonic_ms() < w->deadline_ms)
        return WASI_OK;
    else
        err_set(
            &w->err, ERR_TIMEOUT, "it ran longer than the time limit of %lld ms",
            (long long)w->limits.timeout_ms);
    w->is_ended = true;
    return WASI_IO;
}

struct wasi_fd *wasi_fd_get(struct wasi *w, uint32_t fd)
{
    if (fd >= w->fd_count || w->fds[fd].kind == WASI_FD_FREE)
        return NULL;
    return &w->fds[fd];
}

enum wasi_errno wasi_fd_with(struct wasi *w, uint32_t fd, uint64_t rights, struct wasi_fd **ret)
{
    *ret = wasi_fd_get(w, fd);
    if (*ret == NULL)
        return WASI_BADF;
    return ((*ret)->rights & rights) == rights ? WASI_OK : WASI_NOTCAPABLE;
}

enum wasi_errno wasi_fd_new(struct wasi *w, uint32_t *ret)
{
    if (w->open_count >= w->limits.open_files)
        return wasi_fail(w, ERR_LIMIT, "open files", w->limits.open_files);
    size_t at = 0;
    while (at < w->fd_count && w->fds[at].kind != WASI_FD_FREE)
        at++;
    if (at == w->fd_count) {
        mem_grow(&w->fds, w->fd_count, &w->fd_cap);
        w->fds[w->fd_count++] = (struct wasi_fd){0};
    }
    w->open_count++;
    *ret = (uint32_t)at;
    return WASI_OK;
}

enum wasi_errno wasi_fd_close(struct wasi *w, uint32_t fd)
{
    struct wasi_fd *d = wasi_fd_get(w, fd);
    if (d == NULL)
        return WASI_BADF;
    struct wasi_file *file = d->file;
    fd_deinit(d);
    w->open_count--;
    return file == NULL ? WASI_OK : wasi_file_unref(w, file);
}

enum wasi_errno wasi_store_u32(struct wasi *w, uint32_t at, uint32_t value)
{
    uint8_t *to = wasi_at(w, at, sizeof(value));
    if (to == NULL)
        return WASI_FAULT;
    wasi_put_u32(to, value);
    return WASI_OK;
}

enum wasi_errno wasi_store_u64(struct wasi *w, uint32_t at, uint64_t value)
{
    uint8_t *to = wasi_at(w, at, sizeof(value));
    if (to == NULL)
        return WASI_FAULT;
    wasi_put_u64(to, value);
    return WASI_OK;
}
