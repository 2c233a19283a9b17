/*
 * What the tests of this folder share: runs of cup within the process, a temporary home, and a server
 * that gives prepared answers. Tests only.
 */
#pragma once

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/testing.h"
#include "cli/run.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* --- a home and runs in it ------------------------------------------------------------------------ */

struct test_run {
    char *home;
    struct cli_env env;
    const char *input; /* standard input; NULL: empty */
    bool is_terminal;
    char *out;
    char *notes;
    int code;
};

UNUSED static void test_run_init(struct test_run *t)
{
    char path[] = "/tmp/cup-cli-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    *t = (struct test_run){.home = mem_strdup(path)};
    t->env.home = t->home;
    t->env.tmpdir = t->home;
}

UNUSED static void test_run_deinit(struct test_run *t)
{
    fs_remove_tree(t->home);
    free(t->home);
    free(t->out);
    free(t->notes);
}
#define auto_run CLEANUP(test_run_deinit)

UNUSED static char *test_file(const struct test_run *t, const char *name, const char *text)
{
    char *path = fs_join(t->home, name);
    assert_int_equal(fs_write_atomic(path, str_from(text), 0644, NULL), ERR_OK);
    return path;
}

static int input_of(const struct test_run *t)
{
    int ends[2];
    size_t n = t->input == NULL ? 0 : strlen(t->input);
    assert_int_equal(pipe(ends), 0);
    assert_true(n < 60000); /* what a pipe takes without a reader */
    assert_int_equal(write(ends[1], t->input, n), (ssize_t)n);
    close(ends[1]);
    return ends[0];
}

/* Runs cup with these arguments, ended by NULL; fills out, notes and code. */
UNUSED static void test_run_cup(struct test_run *t, const char *const *args)
{
    char *argv[32] = {0};
    int argc = 0;
    argv[argc++] = mem_strdup("cup");
    while (*args != NULL)
        argv[argc++] = mem_strdup(*args++);
    free(t->out);
    free(t->notes);
    size_t n;
    struct cli_streams streams = {
        .in = input_of(t),
        .out = open_memstream(&t->out, &n),
        .notes = open_memstream(&t->notes, &n),
        .is_out_tty = t->is_terminal,
        .is_notes_tty = t->is_terminal,
    };
    t->code = cli_run(&t->env, &streams, argc, argv);
    fclose(streams.out);
    fclose(streams.notes);
    close(streams.in);
    while (argc > 0)
        free(argv[--argc]);
}
#define test_cup(t, ...) test_run_cup((t), (const char *const[]){__VA_ARGS__, NULL})

/* --- a server of prepared answers ----------------------------------------------------------------- */

struct test_route {
    const char *request; /* "GET /apis"; NULL ends the table */
    int status;
    const char *body;
};

struct test_server {
    const struct test_route *routes;
    int fd;
    pthread_t thread;
    struct buf log; /* "METHOD path\nbody\n" of each request; read it after test_server_stop */
    char url[32];
};

static void read_request(int fd, struct buf *ret)
{
    char piece[4096];
    size_t wanted = SIZE_MAX;
    while (ret->n < wanted) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n <= 0)
            return;
        buf_add(ret, piece, (size_t)n);
        ptrdiff_t end = str_search(buf_view(ret), STR("\r\n\r\n"));
        if (end < 0)
            continue;
        uint64_t length = 0;
        struct str head = str_take(buf_view(ret), (size_t)end);
        ptrdiff_t at = str_search(head, STR("Content-Length: "));
        if (at >= 0) {
            struct str rest = str_skip(head, (size_t)at + 16);
            str_to_u64(str_trim(str_cut(&rest, '\n')), &length);
        }
        wanted = (size_t)end + 4 + length;
    }
}

static void answer(struct test_server *s, int fd)
{
    autobuf struct buf request = {0};
    read_request(fd, &request);
    struct str rest = buf_view(&request);
    struct str line = str_cut(&rest, '\n');
    line = str_take(line, (size_t)str_rfind(line, ' ')); /* without the protocol */
    ptrdiff_t body = str_search(buf_view(&request), STR("\r\n\r\n"));
    buf_str(&s->log, line);
    buf_char(&s->log, '\n');
    if (body > 0 && request.n > (size_t)body + 4) {
        buf_str(&s->log, str_skip(buf_view(&request), (size_t)body + 4));
        buf_char(&s->log, '\n');
    }
    const struct test_route *r = s->routes;
    while (r->request != NULL && !str_eqz(line, r->request))
        r++;
    const char *text = r->request == NULL ? "{\"message\":\"no such route\"}" : r->body;
    dprintf(
        fd, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
        r->request == NULL ? 404 : r->status, strlen(text), text);
}

static void *serve(void *data)
{
    struct test_server *s = data;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        answer(s, fd);
        close(fd);
    }
}

/* Listens on a free loopback port and makes it the server of the run. */
UNUSED static void
test_server_start(struct test_server *s, const struct test_route *routes, struct test_run *t)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    *s = (struct test_server){.routes = routes, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    t->env.address = s->url;
}

/* What was asked, as text that the caller frees. */
UNUSED static char *test_server_stop(struct test_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    return buf_steal(&s->log);
}
