/*
 * Work done in a copy of this process: the memory that it takes, and the code that it brings in, are gone
 * when it ends, and what it crashes is not us. Only a verdict comes back. For work that looks at something
 * and changes nothing; another program is run by base/child.h.
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>

typedef enum err_kind (*apart_fn)(const void *data, struct err *err);

struct apart {
    apart_fn work; /* NULL: nothing is to be waited for */
    const void *data;
    pid_t pid; /* 0: there is no copy, the work is done when it is waited for */
    int fd;    /* the verdict comes from there */
};

/*
 * Begin it. A copy of a process that has other threads may call next to nothing (POSIX, fork): where
 * there are some, or no copy is to be had, apart_end does the work itself.
 *
 * data     must live, and not change, until apart_end
 * threads  the caller's process must not reap children that it does not know
 */
void apart_begin(struct apart *a, apart_fn work, const void *data);
/* The work's verdict, once; ERR_OK where nothing was begun. INTERNAL: it crashed. */
enum err_kind apart_end(struct apart *a, struct err *err) MUST_USE;
/* Nobody wants to know any more: it is ended. */
void apart_deinit(struct apart *a);
#define auto_apart CLEANUP(apart_deinit)
