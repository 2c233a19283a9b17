/*
 * The few questions about URLs that outgoing requests ask; over libcurl's parser, so that what is
 * checked is what is then asked. Not for the targets of incoming requests: the server's.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct http_url {
    char scheme[8]; /* "http" or "https" */
    char host[256]; /* lower case, IPv6 in brackets */
    char port[6];   /* the scheme's own where none is written */
};
/* INVALID: no absolute http or https URL, or one with user name or password in it. */
enum err_kind http_url_parse(const char *url, struct http_url *ret, struct err *err) MUST_USE;
bool http_url_is_same_origin(const struct http_url *a, const struct http_url *b);
/* "host:port" without what could be secret, for errors; into ret of 270 bytes. Never fails. */
#define HTTP_URL_SHOWN_MAX 270
const char *http_url_show(const char *url, char ret[HTTP_URL_SHOWN_MAX]);
/* `reference` (absolute, or relative to base) as an absolute URL on the heap; INVALID. */
enum err_kind
http_url_join(const char *base, const char *reference, char **ret, struct err *err) MUST_USE;
