/*
 * Another program run to its end: bytes in, bytes out, within a time and a size. Nothing of what goes
 * in stands in its arguments or environment.
 */
#pragma once

#include "base/buf.h"

#include <stdatomic.h>

#define CHILD_ERRORS_MAX 4096

struct child {
    const char *program;     /* a path, or, without a slash, a name looked for on PATH */
    const char *const *args; /* NULL-terminated, the first is the program's own name */
    const char *const
        *env;           /* "NAME=value" beside what we have ourselves; NULL-terminated, or NULL */
    struct str input;   /* of its standard input */
    size_t output_max;  /* bytes of standard output; more is LIMIT */
    int64_t timeout_ms; /* from start to end; then it is killed: TIMEOUT */
    const atomic_bool
        *cancel; /* true ends it (CANCELLED), looked at ten times a second; may be NULL */
    /* Told of each piece of output instead of having it collected; an error ends the child and is what
     * child_run returns. May be NULL. */
    enum err_kind (*take)(void *data, struct str piece, struct err *err);
    void *take_data;
    /* What it prints on standard error, the last CHILD_ERRORS_MAX bytes; NULL: not looked at. */
    struct buf *errors;
    /* When it is ended before its time, so is what it started. It then reads no terminal, and Ctrl-C there
     * does not reach it. */
    bool has_own_group;
};

struct child_end {
    int exit_code; /* 0 to 255; -1: it was ended by `signal` */
    int signal;
};

/*
 * ret_output  cleared first; what came before a failure is in it too. NULL with `take`
 * fails       NOT_FOUND: no such program; TIMEOUT; LIMIT; CANCELLED; IO; what `take` says. Killed and
 *             waited for in any case.
 * threads     any; the caller's process must not reap children that it does not know
 */
enum err_kind
child_run(const struct child *c, struct buf *ret_output, struct child_end *ret_end, struct err *err)
    MUST_USE;
