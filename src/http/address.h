/*
 * How near an address is: this machine, a private network, the world. For who must not be led inside by
 * what a stranger wrote (token realms) and for what never goes through a proxy.
 * source: RFC 6890 and the IANA registries of special-purpose addresses
 */
#pragma once

#include "base/str.h"

struct sockaddr;

/* From far to near. */
enum http_nearness {
    HTTP_NEAR_UNKNOWN, /* a name, or an address behind a proxy */
    HTTP_NEAR_PUBLIC,
    HTTP_NEAR_PRIVATE,  /* private and shared networks */
    HTTP_NEAR_LOOPBACK, /* this machine */
    HTTP_NEAR_LINK,     /* link-local (cloud metadata), multicast, unspecified, reserved */
};

enum http_nearness http_address_nearness(const struct sockaddr *address);
/* Of a host as written, with or without a port: "localhost" and names below it, and addresses in any
 * spelling that inet_aton takes; any other name is UNKNOWN. */
enum http_nearness http_host_nearness(const char *host);
/* host or host:port without the port: IPv6 without its brackets, a name without the dot of the root. */
#define HTTP_BARE_HOST_MAX 256
void http_host_bare(const char *host, char ret[HTTP_BARE_HOST_MAX]);
