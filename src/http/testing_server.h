/*
 * A server of the test's own for requests of this folder: a thread a connection, one answer a
 * connection, made by a function of the test. Tests only.
 */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct test_server {
    /* The answer to a request (its head and body), bytes as they go out; any thread. */
    void (*answer)(void *data, struct str request, struct buf *ret);
    void *data;
    int fd;
    pthread_t thread;
    atomic_int running; /* connections */
    char host[32];      /* "127.0.0.1:port" */
};

struct test_connection {
    struct test_server *server;
    int fd;
};

static void read_test_request(int fd, struct buf *ret)
{
    char piece[4096];
    size_t wanted = SIZE_MAX;
    while (ret->n < wanted) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n <= 0)
            return;
        buf_add(ret, piece, (size_t)n);
        ptrdiff_t end = str_search(buf_view(ret), STR("\r\n\r\n"));
        if (end < 0 && ret->p[0] != 0x16) /* no TLS record, which is answered at once */
            continue;
        uint64_t length = 0;
        ptrdiff_t at = str_search(buf_view(ret), STR("Content-Length: "));
        if (at >= 0) {
            struct str rest = str_skip(buf_view(ret), (size_t)at + 16);
            str_to_u64(str_trim(str_cut(&rest, '\n')), &length);
        }
        wanted = (size_t)(end < 0 ? 0 : end + 4) + length;
    }
}

static void *serve_test_connection(void *data)
{
    struct test_connection *c = data;
    autobuf struct buf request = {0};
    autobuf struct buf text = {0};
    read_test_request(c->fd, &request);
    c->server->answer(c->server->data, buf_view(&request), &text);
    if (text.n > 0)
        (void)!send(c->fd, text.p, text.n, MSG_NOSIGNAL);
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    atomic_fetch_sub(&c->server->running, 1);
    free(c);
    return NULL;
}

static void *accept_test_connections(void *data)
{
    struct test_server *s = data;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct test_connection *c = mem_new(struct test_connection);
        *c = (struct test_connection){.server = s, .fd = fd};
        atomic_fetch_add(&s->running, 1);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, serve_test_connection, c), 0);
        pthread_detach(thread);
    }
}

__attribute__((unused)) static void test_server_start(
    struct test_server *s,
    void (*answer)(void *data, struct str request, struct buf *ret),
    void *data)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    *s = (struct test_server){
        .answer = answer, .data = data, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(s->fd, 64), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    snprintf(s->host, sizeof(s->host), "127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, accept_test_connections, s), 0);
}

__attribute__((unused)) static void test_server_stop(struct test_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    while (atomic_load(&s->running) > 0)
        usleep(1000);
}

/* "HTTP/1.1 200 X" with these further header lines (each ended by CR LF) and body. */
__attribute__((unused)) static void
test_answer(struct buf *to, int status, const char *headers, const char *body)
{
    buf_printf(
        to, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s", status,
        strlen(body), headers, body);
}
