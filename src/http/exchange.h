/*
 * One request on its way through the server: what arrived of it, what is answered. The judging of its
 * head (judge.c) and the making of the answer (answer.c) are apart from the event loop (server.c).
 * Inside http/ only.
 */
#pragma once

#include "http/message.h"
#include "http/server.h"
#include "http/watch.h"
#include "http/workers.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#define HTTP_BODY_MAX ((size_t)3 << 20) /* as the API server of Kubernetes */
#define HTTP_HEADERS_MAX 100

struct http_server {
    struct http_server_options options; /* defaults filled in */
    struct MHD_Daemon *daemon;
    struct http_workers *workers;
    struct http_watch *watch;
    struct http_prebuilt *prebuilt;
    int listen_fd;
    char address[HTTP_ADDRESS_MAX];
    bool is_loopback;
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* of active */
    pthread_cond_t is_idle;
    unsigned active; /* requests between their first line and the end of their answer */
};

enum http_stage {
    HTTP_STAGE_NEW,     /* the request line is there */
    HTTP_STAGE_READING, /* the head is judged, the body arrives */
    HTTP_STAGE_RUNNING, /* suspended, a worker has it */
    HTTP_STAGE_HANDLED, /* the worker is done */
    HTTP_STAGE_ANSWERED,
};

struct http_exchange {
    struct http_job job; /* first */
    struct http_request q;
    struct http_response p;
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    const struct http_route *route;
    enum http_stage stage;
    bool has_body;       /* one is announced */
    bool has_huge_body;  /* announced as larger than body_max */
    bool is_bad_framing; /* where the request ends is unsure: the connection must not be reused */
    bool is_origin_allowed;
    bool is_any_origin;
    size_t body_max;
    struct http_param *headers;
    size_t header_cap;
    bool is_start_logged;
    char *text; /* the target, and room for what is decoded of it */
    struct str host;
    struct str origin;
    struct buf body;
    int64_t started_us;
    int sent_status; /* 0: nothing was sent */
    size_t sent_bytes;
};

/* Read the head: fills q, the route and the flags; where it must be refused, p holds the answer. */
void http_exchange_judge(struct http_exchange *x);

/* The server's own answer: status and a body by options.write_error. Replaces what p holds. */
void http_exchange_refuse(struct http_exchange *x, int status, const char *message);
/* Hand p to the library; the connection then is busy with sending. */
enum MHD_Result http_exchange_answer(struct http_exchange *x);
/* p as the library sends it, with all headers; takes p's body. NULL: no memory. */
struct MHD_Response *http_exchange_response(struct http_exchange *x);
/* A whole answer as bytes, for where the library takes none any more: in the middle of a body. */
void http_raw_answer(struct http_server *s, struct buf *to, int status, const char *message);
