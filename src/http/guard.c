#include "http/guard.h"

#include <arpa/inet.h>

/* The host without port and brackets; {NULL, 0} when it is not well-formed. */
static struct str split_host(struct str host, struct str *ret_port)
{
    *ret_port = str_of(NULL, 0);
    struct str rest = host;
    struct str name;
    if (host.n > 0 && host.p[0] == '[') {
        ptrdiff_t end = str_find(host, ']');
        if (end < 0)
            return str_of(NULL, 0);
        name = str_of(host.p + 1, (size_t)end - 1);
        rest = str_skip(host, (size_t)end + 1);
        if (rest.n > 0 && rest.p[0] != ':')
            return str_of(NULL, 0);
    } else {
        ptrdiff_t colon = str_find(host, ':');
        name = colon < 0 ? host : str_take(host, (size_t)colon);
        rest = str_skip(host, name.n);
    }
    if (rest.n > 0)
        *ret_port = str_skip(rest, 1);
    return name;
}

static bool is_port(struct str port)
{
    uint64_t value;
    return port.p == NULL || port.n == 0 || (str_to_u64(port, &value) && value <= 65535);
}

bool http_host_is_wellformed(struct str host)
{
    struct str port;
    struct str name = split_host(host, &port);
    bool is_v6 = host.n > 0 && host.p[0] == '[';
    if (name.n == 0 || name.n > 255 || !is_port(port))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && c != '.' && !(is_v6 ? c == ':' : c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool is_loopback_address(struct str name)
{
    char text[INET6_ADDRSTRLEN];
    if (name.n >= sizeof(text))
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* RFC 6761 section 6.3: localhost and all names below it are this machine. */
static bool is_localhost(struct str name)
{
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    struct str tail = name.n > 10 ? str_skip(name, name.n - 10) : str_of(NULL, 0);
    return str_eq_nocase(name, STR("localhost")) || str_eq_nocase(tail, STR(".localhost"));
}

bool http_host_is_loopback(struct str host)
{
    struct str port;
    struct str name = split_host(host, &port);
    return name.n > 0 && (is_localhost(name) || is_loopback_address(name));
}

bool http_host_is_listed(struct str host, const char *const *hosts)
{
    struct str port;
    struct str name = split_host(host, &port);
    for (; hosts != NULL && *hosts != NULL; hosts++) {
        struct str entry = str_from(*hosts);
        if (str_eq_nocase(entry, host) || str_eq_nocase(entry, name))
            return true;
    }
    return false;
}

bool http_origin_is_host(struct str origin, struct str host)
{
    struct str secure = STR("https://");
    struct str plain = STR("http://");
    if (host.n == 0)
        return false;
    struct str scheme = str_starts(origin, secure) ? secure : plain;
    return str_starts(origin, scheme) && str_eq_nocase(str_skip(origin, scheme.n), host);
}

bool http_origin_is_listed(struct str origin, const char *const *origins, bool *ret_any)
{
    *ret_any = false;
    for (; origins != NULL && *origins != NULL; origins++) {
        if (strcmp(*origins, "*") == 0) {
            *ret_any = true;
            return true;
        }
        if (str_eqz(origin, *origins))
            return true;
    }
    return false;
}
