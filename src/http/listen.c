#include "http/listen.h"

#include "base/fs.h"
#include "base/mem.h"
#include "http/guard.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

enum { BACKLOG = 1024 };

static void addrinfo_release(struct addrinfo **p)
{
    if (*p != NULL)
        freeaddrinfo(*p);
}

/* Host and port as C strings; the host is empty for "all interfaces". */
static enum err_kind split(const char *address, char **ret_host, char **ret_port, struct err *err)
{
    struct str whole = str_from(address);
    ptrdiff_t colon = str_rfind(whole, ':');
    struct str host = colon < 0 ? whole : str_take(whole, (size_t)colon);
    struct str port = colon < 0 ? str_of(NULL, 0) : str_skip(whole, (size_t)colon + 1);
    bool is_bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (is_bracketed)
        host = str_of(host.p + 1, host.n - 2);
    uint64_t number;
    if (!str_to_u64(port, &number) || number > 65535 || (!is_bracketed && str_find(host, ':') >= 0))
        return err_set(
            err, ERR_MALFORMED, "'%s' is not an address to listen on; write HOST:PORT or :PORT",
            address);
    *ret_host = mem_strdup_str(host);
    *ret_port = mem_printf("%u", (unsigned)number);
    return ERR_OK;
}

static enum err_kind resolve(const char *address, struct addrinfo **ret, struct err *err)
{
    autofree char *host = NULL;
    autofree char *port = NULL;
    enum err_kind r = split(address, &host, &port, err);
    if (r != ERR_OK)
        return r;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int status = getaddrinfo(host == NULL || host[0] == '\0' ? NULL : host, port, &hints, ret);
    if (status != 0)
        return err_set(
            err, ERR_NOT_FOUND, "cannot resolve '%s': %s", address, gai_strerror(status));
    return ERR_OK;
}

void http_address_show(const struct sockaddr *a, char ret_text[HTTP_ADDRESS_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in v4 = {0};
    struct sockaddr_in6 v6 = {0};
    if (a->sa_family == AF_INET) {
        memcpy(&v4, a, sizeof(v4));
        inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
        snprintf(ret_text, HTTP_ADDRESS_MAX, "%s:%u", host, ntohs(v4.sin_port));
    } else if (a->sa_family == AF_INET6) {
        memcpy(&v6, a, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        snprintf(
            ret_text, HTTP_ADDRESS_MAX, is_mapped ? "%s:%u" : "[%s]:%u",
            is_mapped ? host + strlen("::ffff:") : host, ntohs(v6.sin6_port));
    } else {
        snprintf(ret_text, HTTP_ADDRESS_MAX, "unknown");
    }
}

static bool is_loopback(const struct sockaddr *a)
{
    char text[HTTP_ADDRESS_MAX];
    http_address_show(a, text);
    return http_host_is_loopback(str_from(text));
}

enum err_kind http_address_is_loopback(const char *address, bool *ret_is_loopback, struct err *err)
{
    CLEANUP(addrinfo_release) struct addrinfo *found = NULL;
    enum err_kind r = resolve(address, &found, err);
    if (r != ERR_OK)
        return r;
    *ret_is_loopback = true;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next)
        *ret_is_loopback = *ret_is_loopback && is_loopback(a->ai_addr);
    return ERR_OK;
}

/* ":8181" is one dual-stack socket where the machine has IPv6, so both families are tried with the
 * IPv6 wildcard first; a named host takes its first address. */
static const struct addrinfo *preferred(const struct addrinfo *found, const char *address)
{
    for (const struct addrinfo *a = found; a != NULL && address[0] == ':'; a = a->ai_next) {
        if (a->ai_family == AF_INET6)
            return a;
    }
    return found;
}

static int open_socket(const struct addrinfo *a)
{
    autoclose int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    int off = 0;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        return -1;
    int opened = fd;
    fd = -1;
    return opened;
}

enum err_kind http_listen(
    const char *address,
    int *ret_fd,
    char ret_address[HTTP_ADDRESS_MAX],
    bool *ret_is_loopback,
    struct err *err)
{
    CLEANUP(addrinfo_release) struct addrinfo *found = NULL;
    enum err_kind r = resolve(address, &found, err);
    if (r != ERR_OK)
        return r;
    const struct addrinfo *first = preferred(found, address);
    int fd = open_socket(first);
    if (fd < 0 && first != found && errno == EAFNOSUPPORT)
        fd = open_socket(found);
    if (fd < 0)
        return err_errno(err, errno, "cannot listen on '%s'", address);
    struct sockaddr_storage bound = {0};
    socklen_t n = sizeof(bound);
    getsockname(fd, (struct sockaddr *)&bound, &n);
    http_address_show((struct sockaddr *)&bound, ret_address);
    *ret_is_loopback = is_loopback((struct sockaddr *)&bound);
    *ret_fd = fd;
    return ERR_OK;
}
