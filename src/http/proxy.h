/*
 * Which proxy a request goes through: what the environment says (http_proxy, https_proxy, all_proxy,
 * no_proxy), decided here and not by libcurl, so that it is known who resolves a name and that nothing
 * for this machine leaves it.
 */
#pragma once

#include "base/err.h"
#include "http/url.h"

/* URLs or host:port; NULL: none. http, https, socks4, socks4a, socks5, socks5h. They may hold a password:
 * never shown. */
struct http_proxies {
    const char *http;
    const char *https;
    const char *all; /* where the one of the scheme is not set */
    /* Hosts that are asked directly, by commas or blanks: "*", a name with all below it, an address, a
     * network (10.0.0.0/8), each with a port behind it where only that is meant. */
    const char *no;
};

/* From variables in lower case, else in upper case; HTTP_PROXY not in a CGI program, where a client
 * could set it (httpoxy). The texts are those that `variable` gives; NULL: not set. */
void http_proxies_read(struct http_proxies *ret, const char *(*variable)(const char *name));

/* The proxy for that URL, or NULL: none. Loopback hosts never have one. */
const char *http_proxy_for(const struct http_proxies *p, const struct http_url *url);
/* Its "host:port" without what could be secret. INVALID: no proxy that we can use. */
#define HTTP_PROXY_SHOWN_MAX 270
enum err_kind
http_proxy_check(const char *proxy, char ret_shown[HTTP_PROXY_SHOWN_MAX], struct err *err) MUST_USE;
