#include "http/server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/prebuilt.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTION_BYTES = 80 << 10, /* head of a request and of its answer: a name of 64 KiB fits */
    CONNECTIONS_MAX = 1024,
    REQUEST_TIMEOUT_MS = 60000,
    EVENT_THREADS_MAX = 4,
    CONNECTIONS_A_THREAD = 100,
    /* beside those for the cores: for handlers that wait, for a guest's turn or for somebody else */
    WORKERS_MIN = 8,
};

static const char TOO_LARGE[] = "the body of the request is larger than the server takes";

/* --- one request, on the event thread -------------------------------------------------------------- */

static void begin_active(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->active++;
    pthread_mutex_unlock(&s->lock);
}

static void end_active(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    if (--s->active == 0)
        pthread_cond_signal(&s->is_idle);
    pthread_mutex_unlock(&s->lock);
}

/* The request line has arrived; what is returned comes back as *context of the other callbacks. */
static void *on_request_line(void *data, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *s = data;
    struct http_exchange *x = mem_new(struct http_exchange);
    size_t n = strlen(target);
    x->server = s;
    x->mhd = mhd;
    x->connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    /* the target with a NUL, then room for what is decoded of it */
    x->text = mem_alloc(2 * n + 2);
    memcpy(x->text, target, n);
    x->q.target = str_of(x->text, n);
    x->q.path = x->q.target;
    x->started_us = clock_monotonic_us();
    x->q.remote_addr = str_from(x->connection->remote);
    x->q.is_gone = &x->connection->is_gone;
    http_watch_enter(s->watch, x->connection, HTTP_PHASE_HEAD);
    begin_active(s);
    return x;
}

static enum MHD_Result begin(struct http_exchange *x, const char *method, const char *protocol)
{
    x->q.method = str_from(method);
    x->q.protocol = str_from(protocol);
    http_exchange_judge(x);
    bool is_refused = x->p.status != 0;
    if (!is_refused || (!x->has_body && !x->is_bad_framing)) {
        x->stage = HTTP_STAGE_READING;
        return http_watch_enter(x->server->watch, x->connection, HTTP_PHASE_BODY) ? MHD_YES
                                                                                  : MHD_NO;
    }
    /* before "100 Continue" is sent and the body is read */
    if (!http_watch_enter(x->server->watch, x->connection, HTTP_PHASE_ANSWER))
        return MHD_NO;
    return http_exchange_answer(x);
}

/*
 * In the middle of a body the library takes no answer. Nothing of ours is on its way on this
 * connection then, so the bytes can go out directly before it is closed.
 */
static enum MHD_Result refuse_in_body(struct http_exchange *x, int status, const char *message)
{
    if (!http_watch_enter(x->server->watch, x->connection, HTTP_PHASE_ANSWER))
        return MHD_NO;
    autobuf struct buf answer = {0};
    http_raw_answer(x->server, &answer, status, message);
    ssize_t n = send(x->connection->fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    x->sent_status = n == (ssize_t)answer.n ? status : 0;
    x->sent_bytes = answer.n;
    x->connection->lingers = true;
    return MHD_NO;
}

static enum MHD_Result read_body(struct http_exchange *x, const char *p, size_t *n)
{
    if (x->body.max == 0)
        buf_init(&x->body, x->body_max + 1);
    if (*n > x->body_max - x->body.n)
        return refuse_in_body(x, 413, TOO_LARGE);
    buf_add(&x->body, p, *n);
    *n = 0;
    return MHD_YES;
}

static void run(struct http_job *job)
{
    struct http_exchange *x = (struct http_exchange *)job;
    x->route->handle(x->server->options.context, &x->q, &x->p);
    x->stage = HTTP_STAGE_HANDLED;
    MHD_resume_connection(x->mhd); /* x belongs to the event thread from here on */
}

static void drop(struct http_job *job)
{
    struct http_exchange *x = (struct http_exchange *)job;
    http_exchange_refuse(x, 503, "the server is stopping");
    x->stage = HTTP_STAGE_HANDLED;
    MHD_resume_connection(x->mhd);
}

static void hand_over(struct http_exchange *x)
{
    if (x->server->options.log_start != NULL)
        x->server->options.log_start(x->server->options.context, &x->q);
    x->is_start_logged = true;
    x->stage = HTTP_STAGE_RUNNING;
    http_watch_enter(x->server->watch, x->connection, HTTP_PHASE_WORK);
    /* before the worker may see it: a resume must find the connection suspended */
    MHD_suspend_connection(x->mhd);
    if (http_workers_submit(x->server->workers, &x->job))
        return;
    http_exchange_refuse(x, 429, "too many requests are waiting; try again");
    http_response_header(&x->p, "Retry-After", "1");
    x->stage = HTTP_STAGE_HANDLED;
    MHD_resume_connection(x->mhd);
}

static enum MHD_Result finish(struct http_exchange *x)
{
    const struct http_server *s = x->server;
    if (!http_watch_enter(s->watch, x->connection, HTTP_PHASE_ANSWER))
        return MHD_NO;
    x->q.body = buf_view(&x->body);
    if (x->p.status != 0)
        return http_exchange_answer(x);
    if (x->route->handle_fast != NULL && x->route->handle_fast(s->options.context, &x->q, &x->p))
        return http_exchange_answer(x);
    hand_over(x);
    return MHD_YES;
}

/* Called for the head, for each piece of the body, for its end, and after a resume. */
static enum MHD_Result on_request(
    void *data,
    struct MHD_Connection *mhd,
    const char *url,
    const char *method,
    const char *version,
    const char *upload,
    size_t *upload_bytes,
    void **context)
{
    (void)data;
    (void)mhd;
    (void)url;
    struct http_exchange *x = *context;
    switch (x->stage) {
    case HTTP_STAGE_NEW:
        return begin(x, method, version);
    case HTTP_STAGE_READING:
        return *upload_bytes > 0 ? read_body(x, upload, upload_bytes) : finish(x);
    case HTTP_STAGE_HANDLED:
        return http_watch_enter(x->server->watch, x->connection, HTTP_PHASE_ANSWER)
            ? http_exchange_answer(x)
            : MHD_NO;
    case HTTP_STAGE_RUNNING:
    case HTTP_STAGE_ANSWERED:
        break;
    }
    return MHD_YES;
}

static void on_completed(
    void *data, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how)
{
    (void)mhd;
    struct http_server *s = data;
    struct http_exchange *x = *context;
    *context = NULL;
    if (x == NULL)
        return;
    if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK && x->stage == HTTP_STAGE_ANSWERED)
        x->sent_status = 0;
    if (s->options.log_request != NULL && x->q.method.p != NULL)
        s->options.log_request(
            s->options.context, &x->q, x->is_start_logged, x->sent_status, x->sent_bytes,
            clock_monotonic_us() - x->started_us);
    http_watch_enter(s->watch, x->connection, HTTP_PHASE_IDLE);
    http_response_deinit(&x->p);
    buf_deinit(&x->body);
    free(x->headers);
    free(x->q.query);
    free(x->text);
    free(x);
    end_active(s);
}

static void on_connection(
    void *data,
    struct MHD_Connection *mhd,
    void **socket_context,
    enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = data;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = http_watch_add(s->watch, fd);
    } else {
        http_watch_remove(s->watch, *socket_context);
        *socket_context = NULL;
    }
}

/* Escapes are decoded by target.c, segment by segment; the library's own decoding is not used. */
static size_t keep_escapes(void *data, struct MHD_Connection *mhd, char *text)
{
    (void)data;
    (void)mhd;
    return strlen(text);
}

/* --- start and stop ----------------------------------------------------------------------------------- */

static void fill_defaults(struct http_server_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->workers == 0)
        o->workers = WORKERS_MIN + 2 * (unsigned)(cores > 0 ? cores : 1);
    if (o->body_max == 0)
        o->body_max = HTTP_BODY_MAX;
    if (o->request_timeout_ms == 0)
        o->request_timeout_ms = REQUEST_TIMEOUT_MS;
    if (o->connections_max == 0)
        o->connections_max = CONNECTIONS_MAX;
}

static void write_timeout(void *data, struct buf *to)
{
    http_raw_answer(data, to, 408, "the request did not arrive in time");
}

/* The limit of connections is shared out among them, so a small one leaves no room for several. 0: the
 * library's single one. */
static unsigned event_threads(const struct http_server *s)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cores < EVENT_THREADS_MAX ? (unsigned)(cores < 1 ? 1 : cores) : EVENT_THREADS_MAX;
    return n > 1 && s->options.connections_max / n >= CONNECTIONS_A_THREAD ? n : 0;
}

static enum err_kind start_threads(struct http_server *s, struct err *err)
{
    struct http_watch_options watch = {
        .connections_max = s->options.connections_max,
        .request_timeout_ms = s->options.request_timeout_ms,
        .write_timeout = write_timeout,
        .data = s,
    };
    s->prebuilt = http_prebuilt_new();
    enum err_kind r = http_watch_start(&watch, &s->watch, err);
    if (r == ERR_OK)
        r = http_workers_start(s->options.workers, run, drop, &s->workers, err);
    if (r != ERR_OK)
        return r;
    /* of a client that reads nothing of its answer; all else is ended by the watch, before that */
    unsigned stall_s = (unsigned)(s->options.request_timeout_ms / 1000) + 2;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, s->options.connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, stall_s,
        MHD_OPTION_THREAD_POOL_SIZE, event_threads(s), MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, s, MHD_OPTION_END);
    if (s->daemon == NULL)
        return err_set(err, ERR_INTERNAL, "cannot start the HTTP server on '%s'", s->address);
    return ERR_OK;
}

static void init_locks(struct http_server *s)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->is_idle, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&s->lock, NULL);
}

static void destroy(struct http_server *s)
{
    http_workers_stop(s->workers);
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    http_prebuilt_free(s->prebuilt);
    http_watch_stop(s->watch);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    pthread_cond_destroy(&s->is_idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum err_kind http_server_start(
    const struct http_server_options *options, struct http_server **ret, struct err *err)
{
    struct http_server *s = mem_new(struct http_server);
    s->options = *options;
    s->listen_fd = -1;
    fill_defaults(&s->options);
    init_locks(s);
    enum err_kind r =
        http_listen(options->address, &s->listen_fd, s->address, &s->is_loopback, err);
    if (r == ERR_OK)
        r = start_threads(s, err);
    if (r != ERR_OK) {
        destroy(s);
        return r;
    }
    *ret = s;
    return ERR_OK;
}

const char *http_server_address(const struct http_server *s)
{
    return s->address;
}

static void wait_until_idle(struct http_server *s, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (wait_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&s->lock);
    int status = 0;
    while (s->active > 0 && status == 0)
        status = pthread_cond_timedwait(&s->is_idle, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

void http_server_stop(struct http_server *s, int64_t drain_ms)
{
    if (s == NULL)
        return;
    atomic_store(&s->is_stopping, true);
    /* From here on the socket is ours to close. A shut-down one refuses new clients at once, instead
     * of letting them wait in its queue for an accept that never comes. */
    MHD_quiesce_daemon(s->daemon);
    shutdown(s->listen_fd, SHUT_RDWR);
    wait_until_idle(s, drain_ms);
    destroy(s);
}
