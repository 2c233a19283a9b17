/*
 * SIGTERM and SIGINT ask cupd to stop. A thread of its own takes them, so that a start that waits for a
 * remote can be ended as well.
 */
#pragma once

#include "base/err.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct stop {
    atomic_bool is_asked; /* for whoever can end early: core_options.cancel */
    sigset_t signals;
    pthread_t thread;
    pthread_mutex_t lock; /* guards signal */
    pthread_cond_t changed;
    int signal; /* 0: none yet */
};

/* Before any other thread starts, as these inherit that the signals are not theirs. */
enum err_kind stop_begin(struct stop *s, struct err *err) MUST_USE;
/* Until there was a signal: its number. */
int stop_wait(struct stop *s);
void stop_end(struct stop *s);
