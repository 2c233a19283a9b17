#include "wasmhost/wasi.h"

WASI_FN(args_sizes_get)
{
    uint64_t bytes = 0;
    uint16_t r;

    for (size_t i = 0; i < w->call->arg_count; i++)
        bytes += strlen(w->call->args[i]) + 1;
    if (bytes > UINT32_MAX)
        return WASI_OVERFLOW;
    r = wasi_ret32(w, A32(0), (uint32_t)w->call->arg_count);
    return r == WASI_OK ? wasi_ret32(w, A32(1), (uint32_t)bytes) : r;
}

WASI_FN(args_get)
{
    uint32_t at = A32(1);
    uint8_t *pointers = wasi_mem(w, A32(0), (uint64_t)w->call->arg_count * 4);

    if (pointers == NULL)
        return WASI_FAULT;
    for (size_t i = 0; i < w->call->arg_count; i++) {
        size_t n = strlen(w->call->args[i]) + 1;
        uint8_t *p = wasi_mem(w, at, n);

        if (p == NULL)
            return WASI_FAULT;
        memcpy(p, w->call->args[i], n);
        wasi_put32(pointers + i * 4, at);
        at += (uint32_t)n;
    }
    return WASI_OK;
}

WASI_FN(environ_sizes_get) /* empty by contract: image-format.md section 4 */
{
    uint16_t r = wasi_ret32(w, A32(0), 0);

    return r == WASI_OK ? wasi_ret32(w, A32(1), 0) : r;
}

WASI_FN(environ_get)
{
    (void)w;
    (void)args;
    return WASI_OK;
}

WASI_FN(proc_exit)
{
    w->result->exit_code = (int)A32(0);
    w->has_exited = true;
    return WASI_OK;
}

WASI_FN(proc_raise)
{
    (void)w;
    (void)args;
    return WASI_NOTSUP;
}

WASI_FN(sched_yield)
{
    (void)w;
    (void)args;
    return WASI_OK;
}

/* There are no sockets: no descriptor is one. */
static uint16_t no_socket(struct wasi *w, uint32_t fd)
{
    return wasi_fd_get(w, fd) == NULL ? WASI_BADF : WASI_NOTSOCK;
}

WASI_FN(sock_accept)
{
    return no_socket(w, A32(0));
}

WASI_FN(sock_recv)
{
    return no_socket(w, A32(0));
}

WASI_FN(sock_send)
{
    return no_socket(w, A32(0));
}

WASI_FN(sock_shutdown)
{
    return no_socket(w, A32(0));
}
