/*
 * struct buf: bytes that grow up to a maximum. Failures stick: append as often as you like and ask
 * once at the end. Always NUL-terminated behind its n bytes, so that p is usable as a C string.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *p; /* NULL while empty */
    size_t n;
    size_t cap;
    size_t max;     /* bytes; 0 = BUF_DEFAULT_MAX */
    bool is_failed; /* an append did not fit under max, or there was no memory */
};

#define BUF_DEFAULT_MAX ((size_t)64 << 20)

/* A zeroed struct buf is a good empty one with the default maximum. */
void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b);
static inline void buf_deinit_cleanup(struct buf *b)
{
    buf_deinit(b);
}
/* `autobuf struct buf b = {0};` */
#define autobuf CLEANUP(buf_deinit_cleanup)

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Make room for n more bytes and return where they go, NULL when they do not fit; then add n to b->n. */
char *buf_reserve(struct buf *b, size_t n);
void buf_clear(struct buf *b); /* empty again; keeps its memory, forgets a failure */

static inline struct str buf_view(const struct buf *b)
{
    return str_of(b->p == NULL ? "" : b->p, b->n);
}
/* ERR_LIMIT "<what> is larger than N bytes" if an append failed. */
enum err_kind buf_check(const struct buf *b, const char *what, struct err *err) MUST_USE;
/* The bytes as a heap string that the caller frees; the buf is empty afterwards. Never NULL. */
char *buf_steal(struct buf *b);
