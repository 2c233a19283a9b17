#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->p);
    *b = (struct buf){.max = b->max};
}

static size_t next_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        cap += cap < ((size_t)1 << 24) ? cap : (size_t)1 << 24;
    return cap;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t max = b->max == 0 ? BUF_DEFAULT_MAX : b->max;
    size_t need;
    if (b->is_failed || __builtin_add_overflow(b->n, n, &need) || need > max) {
        b->is_failed = true;
        return NULL;
    }
    if (need + 1 > b->cap) {
        size_t cap = next_cap(b, need + 1);
        char *p = realloc(b->p, cap);
        if (p == NULL) {
            b->is_failed = true;
            return NULL;
        }
        b->p = p;
        b->cap = cap;
    }
    b->p[b->n] = '\0';
    return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    char *to = buf_reserve(b, n);
    if (to == NULL)
        return;
    if (n > 0)
        memcpy(to, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0) {
        b->is_failed = true;
        return;
    }
    buf_add(b, text, (size_t)n);
    free(text);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->is_failed = false;
    if (b->p != NULL)
        b->p[0] = '\0';
}

enum err_kind buf_check(const struct buf *b, const char *what, struct err *err)
{
    if (!b->is_failed)
        return ERR_OK;
    size_t max = b->max == 0 ? BUF_DEFAULT_MAX : b->max;
    return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", what, max);
}

char *buf_steal(struct buf *b)
{
    buf_reserve(b, 0);
    char *p = b->p != NULL ? b->p : calloc(1, 1);
    if (p == NULL)
        abort();
    *b = (struct buf){.max = b->max};
    return p;
}
