/*
 * Another program run to its end: bytes in, bytes out, within a time and a size. What it prints on
 * standard error is not looked at. Nothing of what goes in stands in its arguments or environment.
 */
#pragma once

#include "base/buf.h"

struct child {
    const char *program;     /* a path, or, without a slash, a name looked for on PATH */
    const char *const *args; /* NULL-terminated, the first is the program's own name */
    struct str input;        /* of its standard input */
    size_t output_max;       /* bytes of standard output; more is LIMIT */
    int64_t timeout_ms;      /* from start to end; then it is killed: TIMEOUT */
};

struct child_end {
    int exit_code; /* 0 to 255; -1: it was ended by `signal` */
    int signal;
};

/*
 * ret_output  cleared first; what came before a failure is in it too
 * fails       NOT_FOUND: no such program; TIMEOUT; LIMIT; IO. Killed and waited for in any case.
 * threads     any; the caller's process must not reap children that it does not know
 */
enum err_kind
child_run(const struct child *c, struct buf *ret_output, struct child_end *ret_end, struct err *err)
    MUST_USE;
