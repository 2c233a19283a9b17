/*
 * Outgoing HTTP requests: the only user of libcurl. Bodies are streamed, sizes bounded, time limits
 * set, redirects left to the caller unless asked for, credentials never sent on to another host.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/address.h"

#include <stdatomic.h>

struct http_proxies;
struct http_client; /* keeps connections for reuse; any number of threads at once */

struct http_tls_options {
    const char *ca_file;   /* PEM; NULL: the system's */
    const char *cert_file; /* client certificate, PEM */
    const char *key_file;
    bool is_insecure; /* no verification at all: only where the user asked for it */
};

struct http_client_options {
    struct http_tls_options tls;
    int64_t connect_timeout_ms; /* 0 = 10 s */
    /* The request ends when it stands still for that long: next to no byte came or went; 0 = 30 s. */
    int64_t stall_timeout_ms;
    const struct http_proxies *proxies; /* copied; NULL: none. The environment is not looked at. */
    const char *user_agent;             /* NULL: cup/<version> */
    /* Asked at least once a second while a request runs; true ends it (CANCELLED). May be NULL. */
    bool (*is_cancelled)(void *data);
    void *cancel_data;
};

struct http_header {
    const char *name;
    const char *value;
};

struct http_client_response;
struct http_client_request {
    const char *method;
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    /* Body: none, bytes, or read by the callback (returns bytes put, 0 at the end, -1 to give up). */
    struct str body;
    ptrdiff_t (*read_body)(void *data, char *to, size_t n);
    int64_t body_bytes; /* with read_body; -1: unknown, sent chunked */
    /* Where the answer's body goes. Without write_body: into response.body, at most body_max bytes
     * (0 = 4 MiB; LIMIT above; of an error from status 400 on the rest is left out: is_body_cut). With it: each piece; return false to give up (the error it set in
     * `err` is returned). Called only for a 2xx status; other bodies go to response.body. */
    bool (*write_body)(void *data, const char *p, size_t n, struct err *err);
    /* Called before the first write_body of an answer, to look at status and headers; as write_body,
     * false gives up. May be NULL. */
    bool (*begin_body)(void *data, const struct http_client_response *head, struct err *err);
    void *data; /* of the callbacks */
    size_t body_max;
    const atomic_bool *cancel; /* true ends it (CANCELLED), looked at once a second; may be NULL */
    int64_t timeout_ms;        /* whole request; 0: none but the stall timeout */
    bool with_client_cert;     /* shown to this origin, and to no other that a redirect leads to */
    /* No connection to an address that lies nearer (DENIED), unless a proxy makes it; UNKNOWN: any. */
    enum http_nearness nearest;
    bool
        follow_redirects; /* up to 5, GET and HEAD only, Authorization dropped when the host, port or
                                scheme changes, never from https to http */
};

/* How far a request came that failed. */
enum http_step {
    HTTP_STEP_NONE, /* it did not fail on the way */
    HTTP_STEP_NAME, /* the host's name, or the proxy's, does not resolve */
    HTTP_STEP_CONNECT,
    HTTP_STEP_TLS,
    HTTP_STEP_ANSWER, /* connected, but no whole answer came */
};

struct http_client_response {
    int status;
    struct buf headers; /* raw lines of the final answer, for http_client_header */
    struct buf body;
    char *effective_url;
    enum http_nearness peer; /* who answered; UNKNOWN behind a proxy */
    bool is_body_cut;        /* of a status from 400 on: the body was larger than body_max */
    bool has_begun;          /* begin_body or write_body was called */
    bool is_broken;          /* the connection timed out or broke: another try may go through */
    enum http_step failed_at;
    unsigned attempts; /* set by those who try again; 0: once */
};
void http_client_response_deinit(struct http_client_response *r);

enum err_kind http_client_new(
    const struct http_client_options *options, struct http_client **ret, struct err *err) MUST_USE;
struct http_client *http_client_free(struct http_client *c);

/*
 * One request. ERR_OK for any status that arrived whole. UNAVAILABLE (name, connection, TLS: the text
 * says which and names host and port), TIMEOUT, LIMIT, CANCELLED. Fill ret in either case; always deinit it.
 * is_not_tls  (may be NULL) set when an https connection failed because the peer does not speak TLS
 */
enum err_kind http_client_do(
    struct http_client *c,
    const struct http_client_request *request,
    struct http_client_response *ret,
    bool *is_not_tls,
    struct err *err) MUST_USE;

/* Value of the first header of this name, blanks trimmed, or {NULL, 0}; borrowed from r. With `nth`
 * further ones (several WWW-Authenticate lines). */
struct str http_client_header(const struct http_client_response *r, const char *name, size_t nth);
