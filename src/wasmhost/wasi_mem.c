#include "wasmhost/wasi.h"

#include <endian.h>

uint32_t wasi_get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

uint64_t wasi_get64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

void wasi_put16(uint8_t *p, uint16_t v)
{
    v = htole16(v);
    memcpy(p, &v, sizeof(v));
}

void wasi_put32(uint8_t *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof(v));
}

void wasi_put64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof(v));
}

uint16_t wasi_ret32(struct wasi *w, uint32_t at, uint32_t v)
{
    uint8_t *p = wasi_mem(w, at, 4);

    if (p == NULL)
        return WASI_FAULT;
    wasi_put32(p, v);
    return WASI_OK;
}

uint16_t wasi_ret64(struct wasi *w, uint32_t at, uint64_t v)
{
    uint8_t *p = wasi_mem(w, at, 8);

    if (p == NULL)
        return WASI_FAULT;
    wasi_put64(p, v);
    return WASI_OK;
}

#define IOV_BYTES 8u /* struct iovec of witx: address and length, 32 bits each */

uint16_t wasi_iov_open(struct wasi *w, uint32_t iovs, uint32_t count, struct wasi_iov *ret)
{
    const uint8_t *p = wasi_mem(w, iovs, (uint64_t)count * IOV_BYTES);

    if (p == NULL)
        return WASI_FAULT;
    *ret = (struct wasi_iov){.at = p, .left = count};
    for (uint32_t i = 0; i < count; i++, p += IOV_BYTES) {
        uint32_t n = wasi_get32(p + 4);

        if (wasi_mem(w, wasi_get32(p), n) == NULL)
            return WASI_FAULT;
        ret->total += n;
        if (ret->total > UINT32_MAX)
            return WASI_INVAL;
    }
    return WASI_OK;
}

/* Checked again: a buffer that was filled meanwhile may hold the list itself. */
bool wasi_iov_next(struct wasi *w, struct wasi_iov *v, uint8_t **ret_p, uint32_t *ret_n)
{
    if (v->left == 0)
        return false;
    *ret_n = wasi_get32(v->at + 4);
    *ret_p = wasi_mem(w, wasi_get32(v->at), *ret_n);
    v->at += IOV_BYTES;
    v->left--;
    return *ret_p != NULL;
}
