#include "repo/wire_pkt.h"

#include <stdarg.h>
#include <stdio.h>

enum { HEAD = 4 };

void wire_pkt_printf(struct buf *to, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        to->is_failed = true; /* nothing that we send is that long */
        return;
    }
    buf_printf(to, "%04x", (unsigned)n + HEAD);
    buf_add(to, text, (size_t)n);
}

void wire_pkt_flush(struct buf *to)
{
    buf_text(to, "0000");
}

void wire_pkt_delim(struct buf *to)
{
    buf_text(to, "0001");
}

static enum err_kind read_length(struct str head, size_t *ret, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < HEAD; i++) {
        int digit = str_hex_digit(head.p[i]);
        if (digit < 0)
            return err_set(err, ERR_FAILED, "the answer is not Git's protocol");
        n = n * 16 + (size_t)digit;
    }
    if (n == 3 || n > WIRE_PKT_MAX + HEAD)
        return err_set(err, ERR_FAILED, "the answer has a pkt-line of impossible length");
    *ret = n;
    return ERR_OK;
}

/* The first pkt of `bytes`, where it is there as a whole: *ret_n is how long it is, else 0. */
static enum err_kind
take_one(struct wire_reader *r, struct str bytes, size_t *ret_n, struct err *err)
{
    static const enum wire_pkt_kind special[] = {WIRE_PKT_FLUSH, WIRE_PKT_DELIM, WIRE_PKT_END};
    size_t n = 0;
    *ret_n = 0;
    if (bytes.n < HEAD)
        return ERR_OK;
    enum err_kind kind = read_length(bytes, &n, err);
    if (kind != ERR_OK)
        return kind;
    if (n < HEAD) {
        *ret_n = HEAD;
        return r->take(r->data, special[n], STR(""), err);
    }
    if (bytes.n < n)
        return ERR_OK;
    *ret_n = n;
    return r->take(r->data, WIRE_PKT_DATA, str_of(bytes.p + HEAD, n - HEAD), err);
}

/* Every whole pkt of `bytes`; what is left over is in *bytes. */
static enum err_kind take_all(struct wire_reader *r, struct str *bytes, struct err *err)
{
    size_t n = 0;
    enum err_kind kind;
    do {
        kind = take_one(r, *bytes, &n, err);
        if (kind == ERR_OK)
            *bytes = str_skip(*bytes, n);
    } while (kind == ERR_OK && n > 0);
    return kind;
}

enum err_kind wire_reader_feed(struct wire_reader *r, struct str piece, struct err *err)
{
    struct str rest = piece;
    enum err_kind kind;
    if (r->held.n == 0) {
        kind = take_all(r, &rest, err);
        if (kind == ERR_OK)
            buf_str(&r->held, rest);
        return kind;
    }
    buf_str(&r->held, piece);
    rest = buf_view(&r->held);
    kind = take_all(r, &rest, err);
    if (kind != ERR_OK)
        return kind;
    memmove(r->held.p, rest.p, rest.n);
    r->held.n = rest.n;
    return buf_check(&r->held, "the answer", err);
}

enum err_kind wire_reader_finish(const struct wire_reader *r, struct err *err)
{
    return r->held.n == 0 ? ERR_OK
                          : err_set(err, ERR_UNAVAILABLE, "the answer ended in the middle");
}

void wire_reader_deinit(struct wire_reader *r)
{
    buf_deinit(&r->held);
}
