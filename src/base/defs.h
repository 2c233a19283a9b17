/*
 * Compiler words that the whole tree uses: attributes and ownership.
 * Not for anything that needs code of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Runs `type`_free(p) when the variable leaves its scope: `auto_free(vfs) struct vfs *v = NULL;` */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/*
 * Declares auto_<name>: a cleanup attribute that calls `release(ptr)` on a pointer variable that is
 * not NULL. Use once, in the header of the type.
 */
#define DEFINE_CLEANUP(type, release)                                                              \
    static inline void release##_cleanup(type **p)                                                 \
    {                                                                                              \
        if (*p != NULL)                                                                            \
            release(*p);                                                                           \
    }
#define autorelease(release) CLEANUP(release##_cleanup)

/* Hands over what an owning local holds: `return steal(&p);` leaves p NULL. */
#define steal(pp)                                                                                  \
    ({                                                                                             \
        __typeof__(*(pp)) stolen_ = *(pp);                                                         \
        *(pp) = NULL;                                                                              \
        stolen_;                                                                                   \
    })
