#include "base/mem.h"
#include "base/testing.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer that behaves badly: `talk` has the connection for itself, one connection after the other. */
struct peer {
    void (*talk)(int fd);
    int fd;
    int port;
    atomic_int connections;
    pthread_t thread;
};

static bool put(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

static void *serve(void *data)
{
    struct peer *p = data;
    int fd;
    while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
        char request[4096];
        atomic_fetch_add(&p->connections, 1);
        if (read(fd, request, sizeof(request)) > 0)
            p->talk(fd);
        close(fd);
    }
    return NULL;
}

static void peer_start(struct peer *p, void (*talk)(int fd))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    *p = (struct peer){.talk = talk, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(p->fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(p->fd, 8), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &n), 0);
    p->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void peer_stop(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n"

/* Each of these ends well after a long while, so that who waits for it passes none of the tests. */
static void drip_body(int fd)
{
    put(fd, HEAD);
    for (int i = 0; i < 2000 && put(fd, "x"); i++)
        usleep(20000);
}

static void drip_header(int fd)
{
    put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n");
    for (int i = 0; i < 100 && put(fd, "X: y\r\n"); i++)
        usleep(200000);
    put(fd, "\r\n");
}

static void drip_continue(int fd)
{
    for (int i = 0; i < 200 && put(fd, "HTTP/1.1 100 Continue\r\n\r\n"); i++)
        usleep(100000);
    put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void stand_still(int fd)
{
    char rest[16];
    struct timeval wait = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)!read(fd, rest, sizeof(rest)); /* until the other side gives up */
    put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/* Slow, and longer than the stall timeout, but it gets on. */
static void walk(int fd)
{
    char piece[401];
    memset(piece, 'x', 400);
    piece[400] = '\0';
    put(fd, HEAD);
    for (int i = 0; i < 5; i++) {
        usleep(300000);
        put(fd, piece);
    }
}

static enum err_kind
ask(const struct peer *p,
    const char *host,
    int64_t stall_ms,
    enum http_nearness nearest,
    struct http_client_response *ret,
    struct err *err)
{
    struct http_client *c = NULL;
    struct http_client_options options = {.stall_timeout_ms = stall_ms};
    assert_int_equal(http_client_new(&options, &c, NULL), ERR_OK);
    autofree char *url = mem_printf("http://%s:%d/", host, p->port);
    struct http_client_request q = {.method = "GET", .url = url, .nearest = nearest};
    enum err_kind r = http_client_do(c, &q, ret, NULL, err);
    http_client_free(c);
    return r;
}

static void t_adv_15_what_drips_or_stands_still_is_ended(void **state)
{
    (void)state;
    static void (*const TALKS[])(int) = {drip_body, drip_header, drip_continue, stand_still};
    for (size_t i = 0; i < ARRAY_LEN(TALKS); i++) {
        struct peer p;
        struct err err = {0};
        struct http_client_response response = {0};
        peer_start(&p, TALKS[i]);
        enum err_kind r = ask(&p, "127.0.0.1", 1000, HTTP_NEAR_UNKNOWN, &response, &err);
        if (r != ERR_TIMEOUT || !response.is_broken ||
            strstr(err.text, "sent next to nothing for 1000 ms") == NULL)
            fail_msg("case %zu: %d %s", i, (int)r, err.text);
        http_client_response_deinit(&response);
        peer_stop(&p);
    }
}

static void test_client__what_is_slow_but_gets_on_is_waited_for(void **state)
{
    (void)state;
    struct peer p;
    struct http_client_response response = {0};
    peer_start(&p, walk);
    assert_int_equal(ask(&p, "127.0.0.1", 1200, HTTP_NEAR_UNKNOWN, &response, NULL), ERR_OK);
    assert_int_equal(response.body.n, 2000);
    assert_int_equal(response.peer, HTTP_NEAR_LOOPBACK);
    http_client_response_deinit(&response);
    peer_stop(&p);
}

static void t_adv_13_an_address_that_lies_too_near_is_not_connected_to(void **state)
{
    (void)state;
    static const char *const HOSTS[] = {"127.0.0.1", "localhost"};
    static const enum http_nearness LIMITS[] = {HTTP_NEAR_PUBLIC, HTTP_NEAR_PRIVATE};
    struct peer p;
    peer_start(&p, walk);
    for (size_t i = 0; i < ARRAY_LEN(HOSTS); i++) {
        for (size_t k = 0; k < ARRAY_LEN(LIMITS); k++) {
            struct err err = {0};
            struct http_client_response response = {0};
            assert_int_equal(ask(&p, HOSTS[i], 1000, LIMITS[k], &response, &err), ERR_DENIED);
            assert_non_null(strstr(err.text, "leads inside a private network: not asked"));
            http_client_response_deinit(&response);
        }
    }
    assert_int_equal(atomic_load(&p.connections), 0);
    peer_stop(&p);
}

static bool yes(void *data)
{
    (void)data;
    return true;
}

static void test_client__is_broken_off_where_it_is_asked_for(void **state)
{
    (void)state;
    struct peer p;
    struct err err = {0};
    struct http_client *c = NULL;
    struct http_client_options options = {.is_cancelled = yes};
    struct http_client_response response = {0};
    peer_start(&p, stand_still);
    assert_int_equal(http_client_new(&options, &c, NULL), ERR_OK);
    autofree char *url = mem_printf("http://127.0.0.1:%d/", p.port);
    struct http_client_request q = {.method = "GET", .url = url};
    assert_int_equal(http_client_do(c, &q, &response, NULL, &err), ERR_CANCELLED);
    assert_false(response.is_broken);
    http_client_response_deinit(&response);
    http_client_free(c);
    peer_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_adv_15_what_drips_or_stands_still_is_ended),
        cmocka_unit_test(test_client__what_is_slow_but_gets_on_is_waited_for),
        cmocka_unit_test(t_adv_13_an_address_that_lies_too_near_is_not_connected_to),
        cmocka_unit_test(test_client__is_broken_off_where_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
