/*
 * Who may talk to this listener: the Host that was asked for (against DNS rebinding) and the web page
 * that asks (Origin). Plain questions about texts; what is answered is server.c's.
 */
#pragma once

#include "base/str.h"

/* "name", "name:port", "1.2.3.4:80", "[::1]:80": well-formed, nothing else in it? */
bool http_host_is_wellformed(struct str host);
/* A name or address that always is this machine: localhost, *.localhost, 127.0.0.0/8, ::1. */
bool http_host_is_loopback(struct str host);
/* Is host (port ignored where the entry has none) one of a NULL-terminated list? */
bool http_host_is_listed(struct str host, const char *const *hosts);
/* Is origin the page of this very host: "http://HOST" or "https://HOST"? */
bool http_origin_is_host(struct str origin, struct str host);
/* Is origin in the NULL-terminated list, or "*" in it? ret_any: it was "*". */
bool http_origin_is_listed(struct str origin, const char *const *origins, bool *ret_any);
