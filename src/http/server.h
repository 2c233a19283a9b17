/*
 * The HTTP server: an event loop and a pool of workers over the HTTP library (its only user). Routes
 * are table rows; 404, 405, limits and hostile requests are answered here, before a handler.
 * HEAD is served as GET without the body. Not for what a route does: api/.
 */
#pragma once

#include "base/err.h"
#include "http/message.h"

struct http_route {
    const char *method;
    /* "/apis/{group}/{version}/namespaces/{ns}/{plural}": exact segments; {x} takes one segment; with
     * {x*} it may be empty. Matching as upstream does: case-sensitive, no cleaning. */
    const char *pattern;
    /* Runs on a worker with the whole body. */
    void (*handle)(void *context, const struct http_request *q, struct http_response *p);
    /* Optional: runs on one of the event threads and must not block. true: answered; false: goes to a worker. */
    bool (*handle_fast)(void *context, const struct http_request *q, struct http_response *p);
    size_t body_max; /* bytes; 0: the server's default */
    const char *summary;
};

struct http_server_options {
    const char *address; /* "127.0.0.1:8181", ":8181", "[::1]:0"; port 0 picks a free one */
    const struct http_route *routes;
    size_t route_count;
    void *context;
    unsigned workers;           /* 0: 8 + 2 × cores */
    size_t body_max;            /* 0: 3 MiB */
    int64_t request_timeout_ms; /* from the first byte to the whole body; 0: 60 s */
    unsigned connections_max;   /* 0: 1,024 */
    /* Answers a Host or absolute-form target that this listener does not serve (421): on a loopback
     * listener only loopback names and addresses are let in, plus these (NULL-terminated). */
    const char *const *extra_hosts;
    /* Origins that may read and write from a browser (NULL-terminated; "*": any). Others: no CORS
     * headers; a state-changing request with a foreign Origin is 403. */
    const char *const *cors_origins;
    /* Optional: asked once the head of a request is there that has a route, before its body is read; on an
     * event thread, must not block. Sets p->status where it refuses: that is the answer. */
    void (*judge)(
        void *context,
        const struct http_route *route,
        const struct http_request *q,
        struct http_response *p);
    /* Make the body of an error the server itself answers (404, 405, 413, 421 …). */
    void (*write_error)(void *context, struct http_response *p, int status, const char *message);
    /* Before a request goes to a worker, on an event thread; may be NULL. */
    void (*log_start)(void *context, const struct http_request *q);
    /* After each request whose head could be read, on an event thread; may be NULL. is_started: log_start
     * was told of it, too. status 0: nothing was sent. */
    void (*log_request)(
        void *context,
        const struct http_request *q,
        bool is_started,
        int status,
        size_t bytes,
        int64_t elapsed_us);
};

/* Does this address listen for this machine only? MALFORMED; NOT_FOUND: no such host name. */
enum err_kind
http_address_is_loopback(const char *address, bool *ret_is_loopback, struct err *err) MUST_USE;

struct http_server;
/*
 * Listens when it returns. The options are borrowed until http_server_stop.
 * fails  MALFORMED (address), NOT_FOUND (host name), DENIED or IO (cannot bind: names the address)
 */
enum err_kind http_server_start(
    const struct http_server_options *options, struct http_server **ret, struct err *err) MUST_USE;
const char *http_server_address(const struct http_server *s); /* "127.0.0.1:41234": the real one */
/*
 * Take no new connections, let requests under way finish for at most drain_ms, then close what is
 * open; frees s. A handler that runs on past drain_ms is waited for, since what it works on is about
 * to be freed: whoever has handlers without a time limit ends the process instead.
 */
void http_server_stop(struct http_server *s, int64_t drain_ms);
