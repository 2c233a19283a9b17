#include "base/mem.h"
#include "wasmhost/wasi.h"

struct wasi_fd *wasi_fd_get(struct wasi *w, uint32_t fd)
{
    return fd < w->fd_count && w->fds[fd].kind != WASI_FD_FREE ? &w->fds[fd] : NULL;
}

uint16_t wasi_fd_new(struct wasi *w, const struct wasi_fd *take_fd, uint32_t *ret_fd)
{
    size_t at = 0;

    if (w->fd_open >= w->limits.open_files) {
        if (take_fd->node != NULL)
            wasi_inode_close(w, take_fd->node);
        return wasi_fail(w, ERR_LIMIT, "more than the limit of %u open files", w->limits.open_files);
    }
    while (at < w->fd_count && w->fds[at].kind != WASI_FD_FREE)
        at++;
    if (at == w->fd_count) {
        mem_grow(&w->fds, w->fd_count, &w->fd_cap);
        w->fd_count++;
    }
    w->fds[at] = *take_fd;
    w->fd_open++;
    *ret_fd = (uint32_t)at;
    return WASI_OK;
}

void wasi_fd_close(struct wasi *w, struct wasi_fd *f)
{
    wasi_listing_unref(w, f->listing);
    if (f->node != NULL)
        wasi_inode_close(w, f->node);
    *f = (struct wasi_fd){0};
    if (w->fd_open > 0)
        w->fd_open--;
}

uint16_t wasi_fd_file(struct wasi *w, uint32_t fd, uint64_t right, struct wasi_fd **ret)
{
    struct wasi_fd *f = wasi_fd_get(w, fd);

    *ret = f;
    if (f == NULL)
        return WASI_BADF;
    if (f->kind == WASI_FD_DIR)
        return WASI_ISDIR;
    if (f->kind != WASI_FD_FILE)
        return WASI_SPIPE;
    return (f->rights & right) == right ? WASI_OK : WASI_BADF;
}
