/*
 * Talking to a remote repository: its services' advertisements, and requests to them. Both transports are
 * asked alike, one whole request and one whole answer at a time: smart HTTP, and a child ssh for each
 * request. Not for what is said: fetch.c and push.c.
 *
 * source  gitprotocol-http(5), gitprotocol-pack(5), gitprotocol-v2(5)
 */
#pragma once

#include "repo/remote.h"
#include "repo/wire_pkt.h"
#include "repo/wire_url.h"

#include <pthread.h>

enum wire_service { WIRE_UPLOAD_PACK, WIRE_RECEIVE_PACK };

/* What a service says of itself. A zeroed one is empty; release with wire_advert_deinit. */
struct wire_advert {
    int version;           /* of the protocol: 0, 1 or 2 */
    char *capabilities;    /* separated by blanks; of version 2 each as its line had it */
    struct repo_refs refs; /* of version 0 and 1: those that were asked for */
};
void wire_advert_deinit(struct wire_advert *a);
#define auto_advert CLEANUP(wire_advert_deinit)
/* Is it among the capabilities? *ret_value (may be NULL) is what stands behind "=", or {NULL, 0}. */
bool wire_advert_has(const struct wire_advert *a, const char *capability, struct str *ret_value);

/* A remote place; immutable but for what is learnt of it. Any thread. */
struct wire_place {
    struct wire_url url;
    char *shown; /* without credentials */
    struct http_client *http;
    char *authorization; /* header line's value; NULL: nobody in particular */
    char *secret;        /* within it: password or token; NULL: none */
    char *ssh_command;
    char *ssh_key;
    char *ssh_known_hosts;
    int64_t timeout_ms;
    pthread_mutex_t lock; /* guards the rest */
    char *moved_to;       /* http: where the repository answered, after a redirect */
    bool is_moved_away;   /* to another origin: no credentials there */
    int upload_version;   /* of the last advertisement of upload-pack; -1: not seen */
};
enum err_kind wire_place_new(
    struct str url,
    const struct repo_remote_options *options,
    struct wire_place **ret,
    struct err *err) MUST_USE;
struct wire_place *wire_place_free(struct wire_place *p);

/* One conversation: its time and whether it is called off. */
struct wire {
    struct wire_place *place;
    int64_t end_ms; /* monotonic */
    const atomic_bool *cancel;
};
struct wire wire_begin(struct wire_place *place, const atomic_bool *cancel);

/* Which refs are wanted of an advertisement; is_wanted may be called for hostile names. */
struct wire_filter {
    bool (*is_wanted)(const void *data, struct str name);
    const void *data;
};

/*
 * Ask a service to introduce itself; version 2 is asked for where it has one.
 * fails   UNAVAILABLE, TIMEOUT, UNAUTHENTICATED, DENIED, NOT_FOUND, FAILED, LIMIT, CANCELLED; the text names
 *         the remote
 */
enum err_kind wire_advertise(
    const struct wire *w,
    enum wire_service service,
    const struct wire_filter *filter,
    struct wire_advert *ret,
    struct err *err) MUST_USE;

/*
 * Send a request and give the pkts of the answer to `reader`; over ssh the advertisement that comes before is left
 * out. As wire_advertise; and what the reader says.
 *
 * ret_is_sent   the request may have arrived: after a failure nobody knows whether it was carried out
 */
enum err_kind wire_ask(
    const struct wire *w,
    enum wire_service service,
    int version,
    struct str request,
    struct wire_reader *reader,
    bool *ret_is_sent,
    struct err *err) MUST_USE;

/* --- the two transports; wire.c alone calls them ------------------------------------------------------- */

/* A request of a transport. An empty one asks for the advertisement. */
struct wire_call {
    const struct wire *wire;
    enum wire_service service;
    int version; /* asked for */
    struct str request;
    struct wire_reader *reader;
    bool is_sent;
};
struct wire_transport {
    enum err_kind (*call)(struct wire_call *c, struct err *err);
};
extern const struct wire_transport wire_http;
extern const struct wire_transport wire_ssh;

const char *wire_service_name(enum wire_service service); /* "git-upload-pack" */
int64_t wire_left_ms(const struct wire *w);               /* 1 at least */
/* The remote's words as an error may show them: one line, no control characters, at most `max` bytes;
 * on the heap. */
char *wire_escape(struct str text, size_t max);
/* An advertisement from its pkts: what a reader's `take` needs. */
struct wire_advert_reader {
    struct wire_advert *advert;
    const struct wire_filter *filter; /* NULL: no refs are wanted */
    bool has_begun;
    bool is_done;      /* its flush has come */
    bool is_over_http; /* "# service=…" and a flush come before */
    bool has_banner;
    size_t cap;
    size_t seen; /* refs */
};
enum err_kind
wire_advert_take(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err) MUST_USE;
