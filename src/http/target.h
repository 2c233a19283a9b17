/*
 * The target of an incoming request (RFC 9112 section 3.2): its parts, and percent-decoding of path
 * segments and of the query. Not for URLs that we ask: url.h.
 */
#pragma once

#include "base/err.h"
#include "http/message.h"

#define HTTP_QUERY_MAX 64

struct http_target {
    struct str authority; /* of the absolute form, "host:port"; {NULL, 0} in the origin form */
    struct str path;      /* starts with '/'; not decoded */
    struct str query;     /* without '?'; {NULL, 0} when there is none; not decoded */
};

/* MALFORMED: neither origin form nor an absolute http(s) URL, or a byte that no target holds. */
enum err_kind
http_target_parse(struct str target, struct http_target *ret, struct err *err) MUST_USE;

/*
 * Where decoded text goes: room of as many bytes as the target has is always enough, since decoding
 * never makes text longer.
 */
struct http_decoder {
    char *space;
    size_t used;
};

/* %XX decoded, and '+' as a blank where asked. MALFORMED: a broken escape, or %00. */
enum err_kind http_decode(
    struct http_decoder *d,
    struct str text,
    bool plus_is_blank,
    struct str *ret,
    struct err *err) MUST_USE;

/* All of path is well-formed escapes without %00? MALFORMED else. */
enum err_kind http_decode_check(struct str path, struct err *err) MUST_USE;

/* "a=1&b" as decoded pairs. MALFORMED (an escape); LIMIT (more than HTTP_QUERY_MAX pairs). */
enum err_kind http_query_parse(
    struct http_decoder *d,
    struct str query,
    struct http_param ret_items[HTTP_QUERY_MAX],
    size_t *ret_count,
    struct err *err) MUST_USE;
