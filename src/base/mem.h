/*
 * Small allocations: they abort when there is no memory, so callers need no error path.
 * Anything whose size comes from input has a maximum and goes through base/buf.h, which fails.
 */
#pragma once

#include "base/str.h"

#include <stdlib.h>

void *mem_alloc(size_t bytes); /* zeroed; never NULL; release with free() */
void *mem_realloc_array(void *p, size_t count, size_t each); /* aborts on overflow as well */
char *mem_strdup(const char *text);                          /* NULL stays NULL */
char *mem_strdup_str(struct str s);                          /* NUL-terminated copy */
void *mem_dup(const void *p, size_t n);
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))

static inline void mem_autofree_cleanup(void *p)
{
    free(*(void **)p);
}
/* `autofree char *text = mem_printf(…);` */
#define autofree CLEANUP(mem_autofree_cleanup)

/*
 * Make room for one more element at the end of a growing array: `*items` of `count` elements with
 * room for `*cap`. Typical: `mem_grow(&v->items, v->count, &v->cap); v->items[v->count++] = x;`
 */
#define mem_grow(items, count, cap)                                                                \
    do {                                                                                           \
        if ((count) == *(cap)) {                                                                   \
            *(cap) = *(cap) == 0 ? 8 : *(cap)*2;                                                   \
            *(items) = mem_realloc_array(*(items), *(cap), sizeof(**(items)));                     \
        }                                                                                          \
    } while (0)
