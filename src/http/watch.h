/*
 * The clock over all connections: ends those whose request does not arrive in time, however often a
 * byte of it drips in (the HTTP library's own limit is about silence only), sees whose client hung up
 * while a worker has its request (the library does not look then), and lingers on those that were
 * answered before their body was read, so that the client sees the answer and not a reset.
 */
#pragma once

#include "base/buf.h"
#include "http/listen.h"

#include <stdatomic.h>

enum http_phase {
    HTTP_PHASE_IDLE,   /* no request line yet */
    HTTP_PHASE_HEAD,   /* headers arrive */
    HTTP_PHASE_BODY,   /* the body arrives */
    HTTP_PHASE_ANSWER, /* the request is complete: a handler or the client's reading takes its time */
    HTTP_PHASE_WORK,   /* the same while a worker has it: has the client gone? */
    HTTP_PHASE_ENDED, /* we ended it */
};

struct http_connection {
    struct http_connection *previous;
    struct http_connection *next;
    int fd; /* the HTTP library's; valid until http_watch_remove */
    enum http_phase phase;
    int64_t since_ms;    /* monotonic: start of the request, or of the idle time */
    int64_t deadline_ms; /* monotonic; 0: none */
    atomic_bool is_gone; /* the client hung up, seen in the phase WORK */
    bool lingers;        /* set by the event thread: the answer went out before the body was read */
    char remote[HTTP_ADDRESS_MAX];
};

struct http_watch;
struct http_watch_options {
    unsigned connections_max;
    int64_t request_timeout_ms; /* from the start of a request to the end of its body */
    /* The bytes that tell a client that its request took too long. */
    void (*write_timeout)(void *data, struct buf *to);
    void *data;
};
enum err_kind http_watch_start(
    const struct http_watch_options *options, struct http_watch **ret, struct err *err) MUST_USE;
void http_watch_stop(struct http_watch *w); /* after the last connection; frees w */

struct http_connection *http_watch_add(struct http_watch *w, int fd);
/* Before the library closes the descriptor; frees c. */
void http_watch_remove(struct http_watch *w, struct http_connection *c);
/* The connection enters a phase; HEAD starts the clock of a request. false: it has been ended. */
bool http_watch_enter(struct http_watch *w, struct http_connection *c, enum http_phase phase);
/* An answer of so many bytes goes out: the time that a client may take to read it. */
void http_watch_answer(struct http_watch *w, struct http_connection *c, size_t bytes);
