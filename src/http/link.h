/*
 * Lists that come in pages: the Link header of an answer says where the next one is (RFC 8288
 * section 3). Following it is the caller's, with a bound: pages may go round in a circle.
 */
#pragma once

#include "http/client.h"

/* The URL of a Link header's rel="next", or {NULL, 0}. */
struct str http_link_next_of(struct str header);
/*
 * The page behind this one as an absolute URL, NULL for none; ret_url is the caller's. DENIED: it lies on
 * another origin, where our credentials must not go; INVALID: no URL.
 */
enum err_kind
http_link_next(const struct http_client_response *p, char **ret_url, struct err *err) MUST_USE;
