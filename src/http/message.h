/*
 * A request as a handler sees it and the response it makes. Independent of the HTTP library.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>

#define HTTP_PARAMS_MAX 6

struct http_param {
    struct str name;  /* of the route's pattern, or of the query */
    struct str value; /* decoded */
};

struct http_request {
    struct str method;
    struct str protocol;                       /* "HTTP/1.1" */
    struct str target;                         /* as on the wire, with the query: for log lines */
    struct str path;                           /* raw, as on the wire, without the query */
    struct http_param params[HTTP_PARAMS_MAX]; /* {name} segments of the pattern */
    size_t param_count;
    struct http_param *query; /* decoded, in order */
    size_t query_count;
    const struct http_param *headers; /* in order; http_header finds them without regard to case */
    size_t header_count;
    struct str body; /* whole; empty on the event thread's fast path */
    struct str remote_addr;
    const atomic_bool *is_gone; /* set once the client has hung up; valid while the handler runs */
};

/* Param of the route; {NULL, 0} when the pattern has none of this name. */
struct str http_param(const struct http_request *r, const char *name);
/* First query value of this name; {NULL, 0} when absent, {"", 0} when present and empty. */
struct str http_query(const struct http_request *r, const char *name);
/* Header, or {NULL, 0}; borrowed for the request's life. */
struct str http_header(const struct http_request *r, const char *name);

struct http_response_header {
    char *name;
    char *value;
};

/* Starts zeroed: status 0 means that the handler set none (the server answers 500). */
struct http_response {
    int status;
    struct http_response_header *headers;
    size_t header_count;
    size_t header_cap;
    const char *content_type; /* static text; NULL: none */
    const char *etag;         /* without quotes, as long as shared_owner or static; NULL: none */
    /* The body: `body` grows as the handler writes, or `shared` is bytes that somebody owns. */
    struct buf body;
    struct str shared;
    void *shared_owner;
    void (*shared_release)(void *owner);
};
void http_response_deinit(struct http_response *r);
/* Copies. A value with CR, LF or NUL is dropped rather than sent. */
void http_response_header(struct http_response *r, const char *name, const char *value);
