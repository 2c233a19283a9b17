/* Where a token may be asked for, and which hosts are the machine itself (oci/auth.h). */
#include "http/url.h"
#include "oci/auth.h"
#include "oci/digest.h"

#include <arpa/inet.h>
#include <stdio.h>

/* host or host:port without the port; IPv6 without its brackets, a name without the dot of the root. */
static void bare_host(const char *host, char ret[256])
{
    struct str s = str_from(host);
    if (s.n > 0 && s.p[0] == '[') {
        s = str_skip(s, 1);
        s = str_cut(&s, ']');
    } else {
        s = str_cut(&s, ':');
        while (str_ends(s, STR(".")))
            s.n--;
    }
    snprintf(ret, 256, STR_FMT, STR_ARG(s));
}

static bool is_loopback_name(const char *bare)
{
    struct str s = str_from(bare);
    return str_eq_nocase(s, STR("localhost")) || str_ends(s, STR(".localhost"));
}

bool oci_host_is_loopback(const char *host)
{
    char bare[256];
    struct in_addr v4;
    struct in6_addr v6;
    bare_host(host, bare);
    if (is_loopback_name(bare))
        return true;
    if (inet_pton(AF_INET, bare, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Loopback, private, link-local, carrier-grade NAT, multicast, unspecified (RFC 6890). */
static bool is_inner_v4(uint32_t address)
{
    static const struct {
        uint32_t net;
        unsigned bits;
    } NETS[] = {
        {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
        {0xAC100000, 12}, {0xC0000000, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xE0000000, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(NETS); i++) {
        if ((address ^ NETS[i].net) >> (32 - NETS[i].bits) == 0)
            return true;
    }
    return false;
}

static bool is_inner_v6(const struct in6_addr *a)
{
    uint32_t last;
    memcpy(&last, a->s6_addr + 12, sizeof(last));
    if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a))
        return is_inner_v4(ntohl(last));
    return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LINKLOCAL(a) ||
        IN6_IS_ADDR_MULTICAST(a) || (a->s6_addr[0] & 0xFE) == 0xFC;
}

/* Names are judged as written; an address also where it is spelled as a number (inet_aton). */
static bool is_inner_host(const char *host)
{
    char bare[256];
    struct in_addr v4;
    struct in6_addr v6;
    bare_host(host, bare);
    if (is_loopback_name(bare))
        return true;
    if (inet_pton(AF_INET6, bare, &v6) == 1)
        return is_inner_v6(&v6);
    return inet_aton(bare, &v4) != 0 && is_inner_v4(ntohl(v4.s_addr));
}

/* What stands before an @ could be a password: it is not shown. */
static enum err_kind refuse(const char *realm, const char *why, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str text = str_from(realm);
    ptrdiff_t at = str_rfind(text, '@');
    oci_show(str_skip(text, (size_t)(at + 1)), shown);
    return err_set(
        err, ERR_DENIED, "token realm '%s%s' not allowed: %s", at < 0 ? "" : "…@", shown, why);
}

enum err_kind oci_realm_check(
    const char *realm, const char *registry_host, bool is_registry_plain, struct err *err)
{
    struct http_url url;
    char own[256], theirs[256];
    if (http_url_parse(realm, &url, NULL) != ERR_OK)
        return refuse(realm, "it is not an http or https URL without credentials", err);
    bare_host(registry_host, own);
    bare_host(url.host, theirs);
    bool is_same = str_eq_nocase(str_from(own), str_from(theirs));
    bool is_plain = strcmp(url.scheme, "http") == 0;
    if (is_plain && !(is_same && is_registry_plain))
        return refuse(realm, "it is plain HTTP", err);
    if (!is_same && is_inner_host(url.host))
        return refuse(realm, "it lies inside a private network, and is not the registry", err);
    return ERR_OK;
}
