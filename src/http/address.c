#include "http/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

static enum http_nearness of_v4(uint32_t address)
{
    static const struct {
        uint32_t net;
        unsigned bits;
        enum http_nearness nearness;
    } NETS[] = {
        {0x7F000000, 8, HTTP_NEAR_LOOPBACK}, /* 127.0.0.0 */
        {0x0A000000, 8, HTTP_NEAR_PRIVATE},  /* 10.0.0.0 */
        {0xAC100000, 12, HTTP_NEAR_PRIVATE}, /* 172.16.0.0 */
        {0xC0A80000, 16, HTTP_NEAR_PRIVATE}, /* 192.168.0.0 */
        {0x64400000, 10, HTTP_NEAR_PRIVATE}, /* 100.64.0.0: shared by a provider */
        {0xC6120000, 15, HTTP_NEAR_PRIVATE}, /* 198.18.0.0: benchmarks */
        {0x00000000, 8, HTTP_NEAR_LINK},     /* this network */
        {0xA9FE0000, 16, HTTP_NEAR_LINK},    /* 169.254.0.0 */
        {0xC0000000, 24, HTTP_NEAR_LINK},    /* 192.0.0.0: protocols */
        {0xE0000000, 3, HTTP_NEAR_LINK},     /* multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < ARRAY_LEN(NETS); i++) {
        if ((address ^ NETS[i].net) >> (32 - NETS[i].bits) == 0)
            return NETS[i].nearness;
    }
    return HTTP_NEAR_PUBLIC;
}

static uint32_t v4_at(const struct in6_addr *a, size_t offset)
{
    uint32_t v4;
    memcpy(&v4, a->s6_addr + offset, sizeof(v4));
    return ntohl(v4);
}

static enum http_nearness of_v6(const struct in6_addr *a)
{
    static const uint8_t NAT64[12] = {0x00, 0x64, 0xFF, 0x9B};
    if (IN6_IS_ADDR_LOOPBACK(a))
        return HTTP_NEAR_LOOPBACK;
    if (IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MULTICAST(a))
        return HTTP_NEAR_LINK;
    /* Addresses that stand for one of IPv4: mapped, compatible, NAT64, 6to4. */
    if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) || memcmp(a, NAT64, sizeof(NAT64)) == 0)
        return of_v4(v4_at(a, 12));
    if (a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x02)
        return of_v4(v4_at(a, 2));
    bool is_site = a->s6_addr[0] == 0xFE && (a->s6_addr[1] & 0xC0) == 0xC0;
    if ((a->s6_addr[0] & 0xFE) == 0xFC || is_site)
        return HTTP_NEAR_PRIVATE;
    return HTTP_NEAR_PUBLIC;
}

enum http_nearness http_address_nearness(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        return of_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        return of_v6(&v6.sin6_addr);
    }
    return HTTP_NEAR_LINK;
}

void http_host_bare(const char *host, char ret[HTTP_BARE_HOST_MAX])
{
    struct str s = str_from(host);
    struct str rest = s;
    if (s.n > 0 && s.p[0] == '[') {
        rest = str_skip(s, 1);
        s = str_cut(&rest, ']');
    } else if (str_find(s, ':') == str_rfind(s, ':')) { /* several: IPv6 without brackets */
        s = str_cut(&rest, ':');
        while (str_ends(s, STR(".")))
            s.n--;
    }
    snprintf(ret, HTTP_BARE_HOST_MAX, STR_FMT, STR_ARG(s));
}

enum http_nearness http_host_nearness(const char *host)
{
    char bare[HTTP_BARE_HOST_MAX];
    struct in_addr v4;
    struct in6_addr v6;
    http_host_bare(host, bare);
    struct str s = str_from(bare);
    struct str tail = str_skip(s, s.n > 10 ? s.n - 10 : 0);
    if (str_eq_nocase(s, STR("localhost")) || str_eq_nocase(tail, STR(".localhost")))
        return HTTP_NEAR_LOOPBACK;
    if (inet_pton(AF_INET6, bare, &v6) == 1)
        return of_v6(&v6);
    return inet_aton(bare, &v4) != 0 ? of_v4(ntohl(v4.s_addr)) : HTTP_NEAR_UNKNOWN;
}
