/* Threads that run the handlers of requests, in order of arrival, with a bound on what may wait. */
#pragma once

#include "base/err.h"

struct http_job { /* first member of what is to be run */
    struct http_job *next;
};

struct http_workers;
/* run is called on a worker for each job; drop, on the stopping thread, for those never started. */
enum err_kind http_workers_start(
    unsigned count,
    void (*run)(struct http_job *job),
    void (*drop)(struct http_job *job),
    struct http_workers **ret,
    struct err *err) MUST_USE;
/* false: as many jobs wait as may. Any thread. */
bool http_workers_submit(struct http_workers *w, struct http_job *job) MUST_USE;
/* Drops what waits, waits for what runs; frees w. */
void http_workers_stop(struct http_workers *w);
