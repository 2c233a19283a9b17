/*
 * Which row of a route table answers a method and a path. Matching is exact and case-sensitive,
 * nothing is cleaned; a parameter takes one segment. The first pattern that matches owns the path,
 * so the special ones stand above the general ones in the table.
 */
#pragma once

#include "http/server.h"

#define HTTP_ALLOW_MAX 64

struct http_route_match {
    const struct http_route *route; /* NULL: no row for this method, or none for this path */
    bool is_known_path;
    /* Methods of this path as an Allow header: "DELETE, GET, HEAD"; of all rows where none matches. */
    char allow[HTTP_ALLOW_MAX];
    struct http_param params[HTTP_PARAMS_MAX]; /* not decoded */
    size_t param_count;
};

void http_route_find(
    const struct http_route *routes,
    size_t count,
    struct str method,
    struct str path,
    struct http_route_match *ret);

/* One of the methods of RFC 9110 and PATCH? */
bool http_method_is_known(struct str method);
