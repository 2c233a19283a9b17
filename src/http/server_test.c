/* The server over real sockets: what is sent is written out, byte by byte. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/testing.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 100000, WAIT_MS = 5000 };

struct fixture {
    struct http_server *server;
    struct http_server_options options;
    atomic_int writes;  /* PUT and DELETE that reached a handler */
    atomic_int started; /* slow handlers under way */
    atomic_int freed;   /* handlers that saw their client go */
    atomic_int logged;
    atomic_int last_status;
};

/* --- handlers ---------------------------------------------------------------------------------------- */

static void echo(void *context, const struct http_request *q, struct http_response *p)
{
    struct fixture *f = context;
    if (!str_eqz(q->method, "GET") && !str_eqz(q->method, "HEAD"))
        atomic_fetch_add(&f->writes, 1);
    p->status = 200;
    p->content_type = "text/plain";
    struct str name = http_param(q, "name");
    buf_printf(&p->body, STR_FMT "|", STR_ARG(name));
    buf_str(&p->body, http_query(q, "q"));
    buf_char(&p->body, '|');
    buf_str(&p->body, http_header(q, "x-test"));
    buf_printf(&p->body, "|%zu", q->body.n);
    http_response_header(p, "X-Bad", "a\r\nX-Forged: 1");
    http_response_header(p, "ETag", "\"1\"");
}

static void slow(void *context, const struct http_request *q, struct http_response *p)
{
    (void)q;
    struct fixture *f = context;
    atomic_fetch_add(&f->started, 1);
    usleep(400 * 1000);
    p->status = 200;
    buf_text(&p->body, "slow but done");
}

/* Until its client has hung up; gives up after five seconds. */
static void patient(void *context, const struct http_request *q, struct http_response *p)
{
    struct fixture *f = context;
    atomic_fetch_add(&f->started, 1);
    for (int i = 0; i < 500 && !atomic_load(q->is_gone); i++)
        usleep(10 * 1000);
    if (atomic_load(q->is_gone))
        atomic_fetch_add(&f->freed, 1);
    p->status = 200;
}

static void no_change(void *context, const struct http_request *q, struct http_response *p)
{
    (void)context;
    (void)q;
    p->status = 204;
}

static void silent(void *context, const struct http_request *q, struct http_response *p)
{
    (void)context;
    (void)q;
    (void)p;
}

static void large(void *context, const struct http_request *q, struct http_response *p)
{
    (void)context;
    (void)q;
    p->status = 200;
    for (int i = 0; i < 32 << 20; i += 16)
        buf_text(&p->body, "0123456789abcdef");
}

static bool fast(void *context, const struct http_request *q, struct http_response *p)
{
    (void)context;
    (void)q;
    p->status = 200;
    p->shared = STR("shared bytes");
    return true;
}

/* Bytes that somebody keeps, each with its tag: /kept/3 is the fourth. */
static struct keeper {
    atomic_int refs;
    char bytes[8];
    char etag[8];
} keepers[600];

static void release_keeper(void *owner)
{
    atomic_fetch_sub(&((struct keeper *)owner)->refs, 1);
}

static bool kept(void *context, const struct http_request *q, struct http_response *p)
{
    uint64_t i = 0;
    (void)context;
    assert_true(str_to_u64(http_param(q, "i"), &i) && i < ARRAY_LEN(keepers));
    struct keeper *k = &keepers[i];
    atomic_fetch_add(&k->refs, 1);
    snprintf(k->bytes, sizeof(k->bytes), "<%d>", (int)i);
    snprintf(k->etag, sizeof(k->etag), "e%d", (int)i);
    *p = (struct http_response){
        .status = 200,
        .content_type = "text/plain",
        .etag = k->etag,
        .shared = str_from(k->bytes),
        .shared_owner = k,
        .shared_release = release_keeper};
    return true;
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/fast", .handle_fast = fast},
    {.method = "GET", .pattern = "/kept/{i}", .handle_fast = kept},
    {.method = "GET", .pattern = "/slow", .handle = slow},
    {.method = "GET", .pattern = "/patient", .handle = patient},
    {.method = "GET", .pattern = "/large", .handle = large},
    {.method = "GET", .pattern = "/silent", .handle = silent},
    {.method = "PUT", .pattern = "/same", .handle = no_change},
    {.method = "GET", .pattern = "/o/{name}", .handle = echo},
    {.method = "PUT", .pattern = "/o/{name}", .handle = echo},
    {.method = "DELETE", .pattern = "/o/{name}", .handle = echo},
};

static void write_error(void *context, struct http_response *p, int status, const char *message)
{
    (void)context;
    p->content_type = "application/json";
    buf_printf(&p->body, "{\"code\":%d,\"message\":\"%s\"}", status, message);
}

static void log_request(
    void *context,
    const struct http_request *q,
    bool is_started,
    int status,
    size_t bytes,
    int64_t elapsed_us)
{
    (void)q;
    (void)is_started;
    (void)bytes;
    struct fixture *f = context;
    assert_true(elapsed_us >= 0);
    atomic_store(&f->last_status, status);
    atomic_fetch_add(&f->logged, 1);
}

static void start(struct fixture *f)
{
    struct err err = {0};
    f->options.routes = routes;
    f->options.route_count = ARRAY_LEN(routes);
    f->options.context = f;
    f->options.write_error = write_error;
    f->options.log_request = log_request;
    f->options.body_max = BODY_MAX;
    if (f->options.address == NULL)
        f->options.address = "127.0.0.1:0";
    if (http_server_start(&f->options, &f->server, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

/* --- a client ---------------------------------------------------------------------------------------- */

static int dial(const struct fixture *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    uint64_t port;
    struct str address = str_from(http_server_address(f->server));
    assert_true(str_to_u64(str_skip(address, (size_t)str_rfind(address, ':') + 1), &port));
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* false: the server has closed. */
static bool put_bytes(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* Until the server closes, `wanted` stands in it, or WAIT_MS are over. */
static char *read_answer(int fd, const char *wanted)
{
    struct buf got = {0};
    int64_t end_ms = clock_monotonic_ms() + WAIT_MS;
    while (wanted == NULL || got.n == 0 || strstr(got.p, wanted) == NULL) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_ms = end_ms - clock_monotonic_ms();
        if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0)
            break;
        char piece[65536];
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        if (n <= 0)
            break;
        buf_add(&got, piece, (size_t)n);
    }
    return buf_steal(&got);
}

static char *ask_bytes(const struct fixture *f, const char *text, size_t n)
{
    int fd = dial(f);
    put_bytes(fd, text, n);
    char *answer = read_answer(fd, NULL);
    close(fd);
    return answer;
}

/* The request must make the server close: Connection: close, or an error that does. */
static char *ask(const struct fixture *f, const char *text)
{
    return ask_bytes(f, text, strlen(text));
}

static int status_of(const char *answer)
{
    uint64_t status;
    struct str text = str_from(answer);
    if (!str_starts(text, STR("HTTP/1.")) || !str_to_u64(str_take(str_skip(text, 9), 3), &status))
        return 0;
    return (int)status;
}

static void expect_status(const char *what, const char *answer, int status)
{
    if (status_of(answer) != status)
        fail_msg("%s: wanted %d, got '%.300s'", what, status, answer);
}

static void wait_for(const atomic_int *counter, int least)
{
    int64_t end_ms = clock_monotonic_ms() + WAIT_MS;
    while (atomic_load(counter) < least && clock_monotonic_ms() < end_ms)
        usleep(1000);
    assert_true(atomic_load(counter) >= least);
}

#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n\r\n"

/* --- what holds -------------------------------------------------------------------------------------- */

struct row {
    const char *what;
    const char *request;
    int status;
    const char *holds;     /* NULL, or what stands in the answer */
    const char *holds_not; /* NULL, or what must not */
};

static void run_rows(const struct fixture *f, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        autofree char *answer = ask(f, rows[i].request);
        expect_status(rows[i].what, answer, rows[i].status);
        if (rows[i].holds != NULL && strstr(answer, rows[i].holds) == NULL)
            fail_msg("%s: no '%s' in '%.600s'", rows[i].what, rows[i].holds, answer);
        if (rows[i].holds_not != NULL && strstr(answer, rows[i].holds_not) != NULL)
            fail_msg("%s: '%s' in '%.600s'", rows[i].what, rows[i].holds_not, answer);
    }
}

static void test_http_server__answers_requests(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"get", "GET /o/a%20b?q=1+2 HTTP/1.1\r\nX-Test:  v \r\n" HOST CLOSE, 200, "a b|1 2|v|0",
         "X-Forged"},
        {"etag", "GET /o/a HTTP/1.1\r\n" HOST CLOSE, 200, "ETag: \"1\"", NULL},
        {"vary", "GET /o/a HTTP/1.1\r\n" HOST CLOSE, 200, "Vary: Origin", "Access-Control"},
        {"head", "HEAD /o/a HTTP/1.1\r\n" HOST CLOSE, 200, "Content-Length: 5", "a|||0"},
        {"put", "PUT /o/a HTTP/1.1\r\nContent-Length: 3\r\n" HOST CLOSE "xyz", 200, "a|||3", NULL},
        {"chunked",
         "PUT /o/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST CLOSE
         "3\r\nxyz\r\n2\r\nab\r\n0\r\n\r\n",
         200, "a|||5", NULL},
        {"expect",
         "PUT /o/a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n" HOST CLOSE "xyz", 100,
         "a|||3", NULL},
        {"fast", "GET /fast HTTP/1.1\r\n" HOST CLOSE, 200, "shared bytes", NULL},
        {"unchanged", "PUT /same HTTP/1.1\r\nContent-Length: 1\r\n" HOST CLOSE "x", 204, NULL,
         "\nContent-Type"},
        {"1.0", "GET /o/a HTTP/1.0\r\n\r\n", 200, "a|||0", NULL},
        {"no answer", "GET /silent HTTP/1.1\r\n" HOST CLOSE, 500, "\"code\":500", NULL},
        {"404", "GET /nope HTTP/1.1\r\n" HOST CLOSE, 404, "\"code\":404", NULL},
        {"404 slash", "GET /o/a/ HTTP/1.1\r\n" HOST CLOSE, 404, NULL, NULL},
        {"405", "PATCH /o/a HTTP/1.1\r\n" HOST CLOSE, 405, "Allow: DELETE, GET, HEAD, PUT\r\n",
         NULL},
        {"405 brew", "BREW /nope HTTP/1.1\r\n" HOST CLOSE, 405, "Allow: ", NULL},
        {"options", "OPTIONS /o/a HTTP/1.1\r\n" HOST CLOSE, 405, NULL, NULL},
    };
    struct fixture f = {0};
    start(&f);
    run_rows(&f, rows, ARRAY_LEN(rows));
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.logged), ARRAY_LEN(rows));
}

static void test_http_server__refuses_what_is_malformed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"escape", "GET /o/%zz HTTP/1.1\r\n" HOST CLOSE, 400, "escape", NULL},
        {"nul", "GET /o/a%00b HTTP/1.1\r\n" HOST CLOSE, 400, "NUL", NULL},
        {"query escape", "GET /o/a?q=%f HTTP/1.1\r\n" HOST CLOSE, 400, NULL, NULL},
        {"blank", "GET /o/a b HTTP/1.1\r\n" HOST CLOSE, 400, NULL, NULL},
        {"no host", "GET /o/a HTTP/1.1\r\n" CLOSE, 400, "Host", NULL},
        {"two hosts", "GET /o/a HTTP/1.1\r\n" HOST HOST CLOSE, 400, "Host", NULL},
        {"blank before colon", "PUT /o/a HTTP/1.1\r\nContent-Length : 3\r\n" HOST CLOSE "xyz", 400,
         "header", NULL},
        {"two lengths",
         "PUT /o/a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" HOST CLOSE "xyz", 400,
         "two ways", NULL},
        {"length and chunked",
         "PUT /o/a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" HOST CLOSE
         "0\r\n\r\n",
         400, "two ways", NULL},
        {"gzip", "PUT /o/a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" HOST CLOSE "0\r\n\r\n",
         501, NULL, NULL},
        {"negative", "PUT /o/a HTTP/1.1\r\nContent-Length: -1\r\n" HOST CLOSE, 400, NULL, NULL},
        {"bare CR", "GET /o/a HTTP/1.1\r\nX-A: b\rX-C: d\r\n" HOST CLOSE, 400, "header", NULL},
        {"chunk size", "PUT /o/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST CLOSE "zz\r\n",
         400, NULL, NULL},
        {"version", "GET /o/a HTTP/3.0\r\n" HOST CLOSE, 505, NULL, NULL},
    };
    struct fixture f = {0};
    start(&f);
    run_rows(&f, rows, ARRAY_LEN(rows));
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.writes), 0);
}

/* hardening: a loopback listener serves loopback names only */
static void test_t_adv_21__a_foreign_host_is_misdirected(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"host", "PUT /o/a HTTP/1.1\r\nHost: evil.example:8181\r\nContent-Length: 1\r\n" CLOSE "x",
         421, "\"code\":421", NULL},
        {"get", "GET /o/a HTTP/1.1\r\nHost: evil.example\r\n" CLOSE, 421, NULL, NULL},
        {"absolute form", "GET http://evil.example/o/a HTTP/1.1\r\n" HOST CLOSE, 421, NULL, NULL},
        {"absolute form with port", "DELETE http://evil.example:8181/o/a HTTP/1.1\r\n" HOST CLOSE,
         421, NULL, NULL},
        {"user", "GET http://localhost@evil.example/o/a HTTP/1.1\r\n" HOST CLOSE, 400, NULL, NULL},
        {"empty", "GET /o/a HTTP/1.1\r\nHost:\r\n" CLOSE, 421, NULL, NULL},
        {"preflight",
         "OPTIONS /o/a HTTP/1.1\r\nHost: evil.example\r\nOrigin: "
         "http://a\r\nAccess-Control-Request-Method: PUT\r\n" CLOSE,
         421, NULL, "Access-Control-Allow"},
        {"ours", "GET http://127.0.0.1:1/o/a HTTP/1.1\r\n" HOST CLOSE, 200, "a|||0", NULL},
        {"listed", "GET /o/a HTTP/1.1\r\nHost: api.example:99\r\n" CLOSE, 200, "a|||0", NULL},
    };
    static const char *const hosts[] = {"api.example", NULL};
    struct fixture f = {.options = {.extra_hosts = hosts}};
    start(&f);
    run_rows(&f, rows, ARRAY_LEN(rows));
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.writes), 0);
}

static void test_t_adv_22__a_foreign_page_changes_nothing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"put",
         "PUT /o/a HTTP/1.1\r\nOrigin: http://evil.example\r\nContent-Length: 1\r\n" HOST CLOSE "x",
         403, NULL, "Access-Control-Allow"},
        {"delete", "DELETE /o/a HTTP/1.1\r\nOrigin: http://evil.example\r\n" HOST CLOSE, 403, NULL,
         "Access-Control-Allow"},
        {"null", "PUT /o/a HTTP/1.1\r\nOrigin: null\r\nContent-Length: 1\r\n" HOST CLOSE "x", 403,
         NULL, NULL},
        {"other port", "DELETE /o/a HTTP/1.1\r\nOrigin: http://localhost:1\r\n" HOST CLOSE, 403,
         NULL, NULL},
        {"read", "GET /o/a HTTP/1.1\r\nOrigin: http://evil.example\r\n" HOST CLOSE, 200,
         "Vary: Origin", "Access-Control-Allow"},
        {"preflight",
         "OPTIONS /o/a HTTP/1.1\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: "
         "PUT\r\n" HOST CLOSE,
         200, NULL, "Access-Control-Allow"},
    };
    static const struct row allowed[] = {
        {"allowed put",
         "PUT /o/a HTTP/1.1\r\nOrigin: https://ui.example\r\nContent-Length: 1\r\n" HOST CLOSE "x",
         200, "Access-Control-Allow-Origin: https://ui.example\r\n", NULL},
        {"allowed preflight",
         "OPTIONS /o/a HTTP/1.1\r\nOrigin: https://ui.example\r\nAccess-Control-Request-Method: "
         "PUT\r\nAccess-Control-Request-Headers: content-type\r\n" HOST CLOSE,
         200, "Access-Control-Allow-Methods: PUT\r\n", "Access-Control-Allow-Origin: *"},
        {"own page", "DELETE /o/a HTTP/1.1\r\nOrigin: http://localhost\r\n" HOST CLOSE, 200, NULL,
         "Access-Control-Allow"},
    };
    static const char *const origins[] = {"https://ui.example", NULL};
    struct fixture f = {.options = {.cors_origins = origins}};
    start(&f);
    run_rows(&f, rows, ARRAY_LEN(rows));
    assert_int_equal(atomic_load(&f.writes), 0);
    run_rows(&f, allowed, ARRAY_LEN(allowed));
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.writes), 2);
}

static char *with_body(const char *head, size_t body_bytes, size_t *ret_n)
{
    struct buf text = {0};
    buf_text(&text, head);
    memset(buf_reserve(&text, body_bytes), 'x', body_bytes);
    text.n += body_bytes;
    *ret_n = text.n;
    return buf_steal(&text);
}

static void test_t_adv_23__a_large_body_is_413(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t body_bytes;
        int status;
    } rows[] = {
        {"PUT /o/a HTTP/1.1\r\nContent-Length: 10737418240\r\n" HOST "\r\n", 0, 413},
        {"PUT /o/a HTTP/1.1\r\nContent-Length: 10737418240\r\n" HOST "\r\n", 4 << 20, 413},
        {"PUT /o/a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n" HOST "\r\n", 0,
         413},
        {"PUT /o/a HTTP/1.1\r\nContent-Length: 100000\r\n" HOST CLOSE, 100000, 200},
        {"PUT /o/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST "\r\n40000000\r\n", 4 << 20,
         413},
        {"PUT /o/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST "\r\n186A1\r\n", 100001, 413},
        {"PUT /o/a HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" HOST "\r\n", 0, 413},
    };
    struct fixture f = {0};
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n;
        autofree char *request = with_body(rows[i].head, rows[i].body_bytes, &n);
        autofree char *answer = ask_bytes(&f, request, n);
        expect_status(rows[i].head, answer, rows[i].status);
    }
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.writes), 1);
}

static void no_strangers(
    void *context,
    const struct http_route *route,
    const struct http_request *q,
    struct http_response *p)
{
    (void)context;
    if (route->handle == echo && str_eqz(http_header(q, "X-Test"), "stranger")) {
        p->status = 401;
        buf_text(&p->body, "no strangers");
    }
}

static void test_http_server_judge__refuses_before_the_body_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"PUT /o/a HTTP/1.1\r\nX-Test: friend\r\nContent-Length: 1\r\n" HOST CLOSE "x", 200},
        {"PUT /o/a HTTP/1.1\r\nX-Test: stranger\r\nContent-Length: 1\r\n" HOST CLOSE "x", 401},
        {"PUT /same HTTP/1.1\r\nX-Test: stranger\r\n" HOST CLOSE, 204},
        {"PUT /nothing HTTP/1.1\r\nX-Test: stranger\r\n" HOST CLOSE, 404},
        /* these never send their body */
        {"PUT /o/a HTTP/1.1\r\nX-Test: stranger\r\nContent-Length: 99999\r\n" HOST "\r\n", 401},
        {"PUT /o/a HTTP/1.1\r\nX-Test: stranger\r\nExpect: 100-continue\r\nContent-Length: "
         "9\r\n" HOST "\r\n",
         401},
        {"PUT /o/a HTTP/1.1\r\nX-Test: stranger\r\nTransfer-Encoding: chunked\r\n" HOST "\r\n",
         401},
    };
    struct fixture f = {.options = {.judge = no_strangers}};
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autofree char *answer = ask(&f, rows[i].request);
        expect_status(rows[i].request, answer, rows[i].status);
    }
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.writes), 1);
}

/* A name of 64 KiB must reach the handler, whose grammar then refuses it (422). */
static void test_http_server__lets_long_names_through_to_the_handler(void **state)
{
    (void)state;
    struct fixture f = {0};
    start(&f);
    struct buf request = {0};
    buf_text(&request, "GET /o/");
    for (int i = 0; i < 65536; i++)
        buf_char(&request, 'n');
    buf_text(&request, " HTTP/1.1\r\n" HOST CLOSE);
    autofree char *answer = ask(&f, request.p);
    expect_status("64 KiB", answer, 200);
    buf_clear(&request);
    buf_text(&request, "GET /o/");
    for (int i = 0; i < 200000; i++)
        buf_char(&request, 'n');
    buf_text(&request, " HTTP/1.1\r\n" HOST CLOSE);
    autofree char *refused = ask(&f, request.p);
    expect_status("200 kB", refused, 414);
    buf_deinit(&request);
    http_server_stop(f.server, 1000);
}

static void test_http_server__takes_a_request_in_any_pieces(void **state)
{
    (void)state;
    static const char request[] =
        "PUT /o/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST CLOSE "2\r\nab\r\n0\r\n\r\n";
    struct fixture f = {0};
    start(&f);
    int fd = dial(&f);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        assert_true(put_bytes(fd, request + i, 1));
        usleep(300);
    }
    autofree char *answer = read_answer(fd, NULL);
    close(fd);
    expect_status("pieces", answer, 200);
    assert_non_null(strstr(answer, "a|||2"));
    http_server_stop(f.server, 1000);
}

static void test_http_server__answers_a_pipeline_in_order(void **state)
{
    (void)state;
    struct fixture f = {0};
    start(&f);
    autofree char *answer =
        ask(&f,
            "GET /slow HTTP/1.1\r\n" HOST "\r\n"
            "PUT /o/b HTTP/1.1\r\nContent-Length: 2\r\n" HOST "\r\nxy"
            "GET /nope HTTP/1.1\r\n" HOST "\r\n"
            "GET /fast HTTP/1.1\r\n" HOST CLOSE);
    const char *first = strstr(answer, "slow but done");
    const char *second = strstr(answer, "b|||2");
    const char *third = strstr(answer, "\"code\":404");
    const char *fourth = strstr(answer, "shared bytes");
    assert_true(first != NULL && first < second && second < third && third < fourth);
    http_server_stop(f.server, 1000);
}

static void test_http_server__ends_slow_requests(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "GET /o/a HTTP/1.1\r\nX-Test: ",
        "PUT /o/a HTTP/1.1\r\nContent-Length: 50000\r\n" HOST "\r\n",
    };
    struct fixture f = {.options = {.request_timeout_ms = 600}};
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = dial(&f);
        int64_t begin_ms = clock_monotonic_ms();
        put_bytes(fd, rows[i], strlen(rows[i]));
        /* a byte now and then must not prolong it */
        struct pollfd p = {.fd = fd, .events = POLLIN};
        while (poll(&p, 1, 50) == 0 && clock_monotonic_ms() - begin_ms < WAIT_MS)
            put_bytes(fd, "x", 1);
        int64_t took_ms = clock_monotonic_ms() - begin_ms;
        autofree char *answer = read_answer(fd, NULL);
        close(fd);
        expect_status(rows[i], answer, 408);
        assert_true(took_ms >= 500 && took_ms < 2500);
    }
    http_server_stop(f.server, 1000);
    assert_int_equal(atomic_load(&f.writes), 0);
}

static void test_http_server__ends_idle_connections(void **state)
{
    (void)state;
    struct fixture f = {.options = {.request_timeout_ms = 300}};
    start(&f);
    int fd = dial(&f);
    int64_t begin_ms = clock_monotonic_ms();
    autofree char *answer = read_answer(fd, NULL);
    assert_string_equal(answer, "");
    assert_true(clock_monotonic_ms() - begin_ms < 2000);
    close(fd);
    http_server_stop(f.server, 1000);
}

static void test_http_server__drops_a_client_that_does_not_read(void **state)
{
    (void)state;
    struct fixture f = {.options = {.request_timeout_ms = 500}};
    start(&f);
    int fd = dial(&f);
    static const char request[] = "GET /large HTTP/1.1\r\n" HOST "\r\n";
    put_bytes(fd, request, sizeof(request) - 1);
    wait_for(&f.logged, 1);
    assert_int_equal(atomic_load(&f.last_status), 0);
    close(fd);
    http_server_stop(f.server, 1000);
}

/* More answers than are kept ready, twice, and from a page that may read them: each is whole and its own,
 * and nothing is held in the end. */
static void test_http_server__sends_kept_bytes_with_what_belongs_to_them(void **state)
{
    (void)state;
    static const char *const extra[] = {"", "", "Origin: http://page.example\r\n"};
    struct fixture f = {.options = {.cors_origins = (const char *const[]){"*", NULL}}};
    start(&f);
    for (size_t n = 0; n < ARRAY_LEN(keepers) * ARRAY_LEN(extra); n++) {
        size_t i = n % ARRAY_LEN(keepers);
        const char *headers = extra[n / ARRAY_LEN(keepers)];
        autofree char *request = mem_printf("GET /kept/%zu HTTP/1.1\r\n%s" HOST CLOSE, i, headers);
        autofree char *answer = ask(&f, request);
        autofree char *etag = mem_printf("ETag: \"e%zu\"", i);
        autofree char *body = mem_printf("\r\n\r\n<%zu>", i);
        assert_non_null(strstr(answer, etag));
        assert_true(str_ends(str_from(answer), str_from(body)));
        bool is_cors = strstr(answer, "Access-Control-Allow-Origin: *") != NULL;
        assert_true(is_cors == (headers[0] != '\0'));
    }
    http_server_stop(f.server, 5000);
    for (size_t i = 0; i < ARRAY_LEN(keepers); i++)
        assert_int_equal(keepers[i].refs, 0);
}

/* One closes, one closes its own direction only, one stays. */
static void t_adv_47_hang_up__tells_the_handler_and_frees_the_worker(void **state)
{
    (void)state;
    static const char request[] = "GET /patient HTTP/1.1\r\n" HOST CLOSE;
    struct fixture f = {.options = {.workers = 3}};
    int fds[3];
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = dial(&f);
        assert_true(put_bytes(fds[i], request, sizeof(request) - 1));
    }
    wait_for(&f.started, 3);
    close(fds[0]);
    shutdown(fds[1], SHUT_WR);
    wait_for(&f.freed, 2);
    autofree char *answer = ask(&f, "GET /o/x HTTP/1.1\r\n" HOST CLOSE);
    expect_status("a neighbour", answer, 200);
    assert_int_equal(f.freed, 2);
    close(fds[1]);
    close(fds[2]);
    http_server_stop(f.server, 5000);
    assert_int_equal(f.freed, 3);
}

static void test_http_server__has_a_limit_of_connections(void **state)
{
    (void)state;
    struct fixture f = {.options = {.connections_max = 4}};
    start(&f);
    int idle[4];
    for (size_t i = 0; i < ARRAY_LEN(idle); i++)
        idle[i] = dial(&f);
    /* the slow ones are ended before their time when connections run short */
    autofree char *answer = ask(&f, "GET /fast HTTP/1.1\r\n" HOST CLOSE);
    expect_status("crowded", answer, 200);
    for (size_t i = 0; i < ARRAY_LEN(idle); i++)
        close(idle[i]);
    http_server_stop(f.server, 1000);
}

static void *stop_in_thread(void *data)
{
    http_server_stop(data, WAIT_MS);
    return NULL;
}

static void test_http_server__stop_lets_requests_finish(void **state)
{
    (void)state;
    struct fixture f = {0};
    start(&f);
    int fd = dial(&f);
    int idle = dial(&f);
    static const char request[] = "GET /slow HTTP/1.1\r\n" HOST "\r\n";
    put_bytes(fd, request, sizeof(request) - 1);
    wait_for(&f.started, 1);
    int64_t begin_ms = clock_monotonic_ms();
    pthread_t stopper;
    pthread_create(&stopper, NULL, stop_in_thread, f.server);
    autofree char *answer = read_answer(fd, NULL);
    pthread_join(stopper, NULL);
    expect_status("slow", answer, 200);
    assert_non_null(strstr(answer, "slow but done"));
    assert_non_null(strstr(answer, "Connection: close"));
    /* not prolonged by the idle connection */
    assert_true(clock_monotonic_ms() - begin_ms < WAIT_MS / 2);
    close(idle);
    close(fd);
}

static void test_http_server__stop_ends_what_takes_too_long(void **state)
{
    (void)state;
    struct fixture f = {0};
    start(&f);
    int fd = dial(&f);
    static const char request[] = "PUT /o/a HTTP/1.1\r\nContent-Length: 9\r\n" HOST "\r\nx";
    put_bytes(fd, request, sizeof(request) - 1);
    usleep(100 * 1000);
    int64_t begin_ms = clock_monotonic_ms();
    http_server_stop(f.server, 200);
    assert_true(clock_monotonic_ms() - begin_ms < 1500);
    close(fd);
    assert_int_equal(atomic_load(&f.writes), 0);
}

static void test_http_server__refuses_past_the_limit_of_waiting_requests(void **state)
{
    (void)state;
    enum { CLIENTS = 80 };
    /* few connections: one event thread, so that the last request is the last in line */
    struct fixture f = {.options = {.workers = 1, .connections_max = 150}};
    start(&f);
    int fds[CLIENTS];
    static const char request[] = "GET /slow HTTP/1.1\r\n" HOST CLOSE;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(&f);
        put_bytes(fds[i], request, sizeof(request) - 1);
    }
    autofree char *last = read_answer(fds[CLIENTS - 1], NULL);
    expect_status("last of 80", last, 429);
    assert_non_null(strstr(last, "Retry-After: 1"));
    http_server_stop(f.server, 0);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

static void test_http_address__knows_loopback_and_refuses_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        enum err_kind kind;
        bool is_loopback;
    } rows[] = {
        {"127.0.0.1:8181", ERR_OK, true},
        {"[::1]:0", ERR_OK, true},
        {":8181", ERR_OK, false},
        {"0.0.0.0:1", ERR_OK, false},
        {"[::]:1", ERR_OK, false},
        {"192.0.2.1:1", ERR_OK, false},
        {"", ERR_MALFORMED, false},
        {"127.0.0.1", ERR_MALFORMED, false},
        {"127.0.0.1:", ERR_MALFORMED, false},
        {"127.0.0.1:x", ERR_MALFORMED, false},
        {"127.0.0.1:65536", ERR_MALFORMED, false},
        {"::1:80", ERR_MALFORMED, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool is_loopback = false;
        enum err_kind r = http_address_is_loopback(rows[i].address, &is_loopback, NULL);
        if (r != rows[i].kind || (r == ERR_OK && is_loopback != rows[i].is_loopback))
            fail_msg("'%s': kind %d, loopback %d", rows[i].address, (int)r, is_loopback);
    }
}

static void test_http_server_start__says_why_it_cannot_listen(void **state)
{
    (void)state;
    struct fixture f = {0};
    start(&f);
    struct http_server_options again = f.options;
    again.address = http_server_address(f.server);
    struct http_server *second = NULL;
    struct err err = {0};
    assert_int_equal(http_server_start(&again, &second, &err), ERR_IO);
    assert_non_null(strstr(err.text, again.address));
    http_server_stop(f.server, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_server__answers_requests),
        cmocka_unit_test(test_http_server__refuses_what_is_malformed),
        cmocka_unit_test(test_t_adv_21__a_foreign_host_is_misdirected),
        cmocka_unit_test(test_t_adv_22__a_foreign_page_changes_nothing),
        cmocka_unit_test(test_t_adv_23__a_large_body_is_413),
        cmocka_unit_test(test_http_server_judge__refuses_before_the_body_is_sent),
        cmocka_unit_test(test_http_server__lets_long_names_through_to_the_handler),
        cmocka_unit_test(test_http_server__takes_a_request_in_any_pieces),
        cmocka_unit_test(test_http_server__answers_a_pipeline_in_order),
        cmocka_unit_test(test_http_server__ends_slow_requests),
        cmocka_unit_test(test_http_server__ends_idle_connections),
        cmocka_unit_test(test_http_server__drops_a_client_that_does_not_read),
        cmocka_unit_test(test_http_server__sends_kept_bytes_with_what_belongs_to_them),
        cmocka_unit_test(t_adv_47_hang_up__tells_the_handler_and_frees_the_worker),
        cmocka_unit_test(test_http_server__has_a_limit_of_connections),
        cmocka_unit_test(test_http_server__stop_lets_requests_finish),
        cmocka_unit_test(test_http_server__stop_ends_what_takes_too_long),
        cmocka_unit_test(test_http_server__refuses_past_the_limit_of_waiting_requests),
        cmocka_unit_test(test_http_address__knows_loopback_and_refuses_what_is_none),
        cmocka_unit_test(test_http_server_start__says_why_it_cannot_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
