#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

static void *or_abort(void *p)
{
    if (p == NULL) {
        static const char text[] = "cup: out of memory\n";
        fwrite(text, 1, sizeof(text) - 1, stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t bytes)
{
    return or_abort(calloc(1, bytes == 0 ? 1 : bytes));
}

void *mem_realloc_array(void *p, size_t count, size_t each)
{
    return or_abort(reallocarray(p, count == 0 ? 1 : count, each));
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : or_abort(strdup(text));
}

char *mem_strdup_str(struct str s)
{
    char *copy = or_abort(malloc(s.n + 1));
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

void *mem_dup(const void *p, size_t n)
{
    void *copy = or_abort(malloc(n == 0 ? 1 : n));
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    return or_abort(n < 0 ? NULL : text);
}
