#include "http/proxy.h"
#include "http/address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>

void http_proxies_read(struct http_proxies *ret, const char *(*variable)(const char *name))
{
    *ret = (struct http_proxies){
        .http = variable("http_proxy"),
        .https = variable("https_proxy"),
        .all = variable("all_proxy"),
        .no = variable("no_proxy")};
    if (ret->http == NULL && variable("REQUEST_METHOD") == NULL)
        ret->http = variable("HTTP_PROXY");
    ret->https = ret->https != NULL ? ret->https : variable("HTTPS_PROXY");
    ret->all = ret->all != NULL ? ret->all : variable("ALL_PROXY");
    ret->no = ret->no != NULL ? ret->no : variable("NO_PROXY");
}

/* --- no_proxy ------------------------------------------------------------------------------------------ */

/* Bytes of an address, 4 or 16; 0: it is a name. */
static size_t address_bytes(const char *bare, uint8_t ret[16])
{
    if (inet_pton(AF_INET, bare, ret) == 1)
        return 4;
    return inet_pton(AF_INET6, bare, ret) == 1 ? 16 : 0;
}

static bool is_in_network(struct str network, const char *bare)
{
    uint8_t ours[16], theirs[16];
    char text[HTTP_BARE_HOST_MAX];
    uint64_t bits;
    struct str net = str_cut(&network, '/');
    if (network.p == NULL || !str_to_u64(network, &bits) || net.n >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(net));
    size_t bytes = address_bytes(text, theirs);
    if (bytes == 0 || bytes != address_bytes(bare, ours) || bits > bytes * 8)
        return false;
    size_t whole = bits / 8;
    uint8_t mask = (uint8_t)(0xFF00 >> bits % 8);
    return memcmp(ours, theirs, whole) == 0 &&
        (bits % 8 == 0 || ((ours[whole] ^ theirs[whole]) & mask) == 0);
}

/* "example.com" and ".example.com" mean that name and all below it. */
static bool is_name_or_below(struct str host, struct str name)
{
    if (str_starts(name, STR("*.")))
        name = str_skip(name, 1);
    if (str_starts(name, STR(".")))
        name = str_skip(name, 1);
    if (name.n == 0 || name.n > host.n)
        return false;
    struct str tail = str_skip(host, host.n - name.n);
    return str_eq_nocase(tail, name) && (host.n == name.n || host.p[host.n - name.n - 1] == '.');
}

static bool is_meant(struct str entry, const char *bare, const char *port)
{
    char text[HTTP_BARE_HOST_MAX + 16], name[HTTP_BARE_HOST_MAX];
    if (str_eqz(entry, "*"))
        return true;
    if (str_find(entry, '/') >= 0)
        return is_in_network(entry, bare);
    if (entry.n >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(entry));
    http_host_bare(text, name);
    ptrdiff_t colon = str_rfind(entry, ':');
    bool has_port = colon > 0 && (str_find(entry, ':') == colon || entry.p[colon - 1] == ']');
    if (has_port && !str_eqz(str_skip(entry, (size_t)colon + 1), port))
        return false;
    uint8_t ours[16], theirs[16];
    size_t bytes = address_bytes(name, theirs);
    if (bytes > 0)
        return address_bytes(bare, ours) == bytes && memcmp(ours, theirs, bytes) == 0;
    return address_bytes(bare, ours) == 0 && is_name_or_below(str_from(bare), str_from(name));
}

static bool is_direct(const char *list, const struct http_url *url)
{
    char bare[HTTP_BARE_HOST_MAX];
    struct str rest = str_from(list);
    http_host_bare(url->host, bare);
    while (rest.p != NULL) {
        struct str part = str_cut(&rest, ',');
        while (part.p != NULL) {
            struct str entry = str_trim(str_cut(&part, ' '));
            if (entry.n > 0 && is_meant(entry, bare, url->port))
                return true;
        }
    }
    return false;
}

const char *http_proxy_for(const struct http_proxies *p, const struct http_url *url)
{
    const char *proxy = strcmp(url->scheme, "https") == 0 ? p->https : p->http;
    if (proxy == NULL)
        proxy = p->all;
    if (proxy == NULL || http_host_nearness(url->host) == HTTP_NEAR_LOOPBACK)
        return NULL;
    return is_direct(p->no, url) ? NULL : proxy;
}

/* --- the proxy itself ------------------------------------------------------------------------------------ */

static bool is_known_scheme(const char *scheme)
{
    static const char *const KNOWN[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++) {
        if (str_eq_nocase(str_from(scheme), str_from(KNOWN[i])))
            return true;
    }
    return false;
}

enum err_kind
http_proxy_check(const char *proxy, char ret_shown[HTTP_PROXY_SHOWN_MAX], struct err *err)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_DEFAULT_SCHEME;
    CURLU *u = curl_url();
    bool is_whole = strstr(proxy, "://") != NULL;
    char text[1024];
    snprintf(text, sizeof(text), "%s%s", is_whole ? "" : "http://", proxy);
    bool is_good = u != NULL && strlen(proxy) < sizeof(text) - 8 &&
        curl_url_set(u, CURLUPART_URL, text, flags) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && is_known_scheme(scheme) &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && strlen(host) < 256;
    if (is_good) {
        (void)curl_url_get(u, CURLUPART_PORT, &port, 0);
        snprintf(ret_shown, HTTP_PROXY_SHOWN_MAX, "%s:%.6s", host, port != NULL ? port : "1080");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    if (is_good)
        return ERR_OK;
    /* Its text may hold a password. */
    return err_set(
        err, ERR_INVALID,
        "the proxy that the environment names is not a URL of http, https, socks4, socks4a, socks5 "
        "or "
        "socks5h with a host");
}
