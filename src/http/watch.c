#include "http/watch.h"

#include "base/clock.h"
#include "base/mem.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 100,
    LINGER_MS = 2000,
    LINGER_MAX = 128, /* connections */
    LINGER_BYTES_A_TICK = 8 << 20,
    CROWDED_TIMEOUT_MS = 3000, /* for a request to arrive while connections run short */
    SLOWEST_READER = 16,       /* bytes a millisecond */
};

struct lingering {
    int fd;
    int64_t deadline_ms;
};

struct http_watch {
    struct http_watch_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below and of the connections */
    pthread_cond_t wake;
    struct http_connection *first;
    unsigned count;
    struct lingering lingers[LINGER_MAX];
    size_t linger_count;
    bool is_stopping;
};

static bool is_arriving(const struct http_connection *c)
{
    return c->phase == HTTP_PHASE_IDLE || c->phase == HTTP_PHASE_HEAD ||
        c->phase == HTTP_PHASE_BODY;
}

/* Slow clients must not lock out the others: when connections run short, those whose request has not
 * arrived get much less time. */
static bool is_overdue(const struct http_watch *w, const struct http_connection *c, int64_t now_ms)
{
    if (c->phase == HTTP_PHASE_ENDED)
        return false;
    bool is_crowded = w->count >= w->options.connections_max - w->options.connections_max / 4;
    if (is_crowded && is_arriving(c) && now_ms - c->since_ms >= CROWDED_TIMEOUT_MS)
        return true;
    return c->deadline_ms != 0 && now_ms >= c->deadline_ms;
}

/* The event thread writes nothing while a request arrives, and finds out at the phase's end that the
 * connection has been ended; so this answer cannot mix with another one. */
static void end_connection(struct http_watch *w, struct http_connection *c)
{
    if (c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY) {
        autobuf struct buf answer = {0};
        w->options.write_timeout(w->options.data, &answer);
        ssize_t ignored = send(c->fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)ignored;
    }
    c->phase = HTTP_PHASE_ENDED;
    shutdown(c->fd, SHUT_RDWR);
}

/* Read and drop what still comes; true when there is nothing more to wait for. */
static bool drain(const struct lingering *l, int64_t now_ms)
{
    char piece[64 << 10];
    size_t total = 0;
    while (total < LINGER_BYTES_A_TICK) {
        ssize_t n = recv(l->fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (n == 0)
            return true;
        if (n < 0)
            break;
        total += (size_t)n;
    }
    return now_ms >= l->deadline_ms;
}

static void tick_lingers(struct http_watch *w, int64_t now_ms)
{
    for (size_t i = 0; i < w->linger_count;) {
        if (drain(&w->lingers[i], now_ms)) {
            close(w->lingers[i].fd);
            w->lingers[i] = w->lingers[--w->linger_count];
        } else {
            i++;
        }
    }
}

static void wait_a_tick(struct http_watch *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

/* A client that only closed its own direction is gone, too: who waits for an answer keeps the line, as
 * all proxies have it. */
static void look_for_client(struct http_connection *c)
{
    struct pollfd line = {.fd = c->fd, .events = POLLRDHUP};
    if (poll(&line, 1, 0) == 1 && (line.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
        atomic_store(&c->is_gone, true);
}

static void *watch(void *data)
{
    struct http_watch *w = data;
    pthread_mutex_lock(&w->lock);
    while (!w->is_stopping) {
        if (w->first == NULL && w->linger_count == 0)
            pthread_cond_wait(&w->wake, &w->lock);
        else
            wait_a_tick(w);
        int64_t now_ms = clock_monotonic_ms();
        for (struct http_connection *c = w->first; c != NULL; c = c->next) {
            if (c->phase == HTTP_PHASE_WORK)
                look_for_client(c);
            else if (is_overdue(w, c, now_ms))
                end_connection(w, c);
        }
        tick_lingers(w, now_ms);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void destroy(struct http_watch *w)
{
    for (size_t i = 0; i < w->linger_count; i++)
        close(w->lingers[i].fd);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

enum err_kind
http_watch_start(const struct http_watch_options *options, struct http_watch **ret, struct err *err)
{
    struct http_watch *w = mem_new(struct http_watch);
    w->options = *options;
    pthread_mutex_init(&w->lock, NULL);
    init_wake(&w->wake);
    int status = pthread_create(&w->thread, NULL, watch, w);
    if (status != 0) {
        destroy(w);
        return err_errno(err, status, "cannot start the thread that watches connections");
    }
    *ret = w;
    return ERR_OK;
}

void http_watch_stop(struct http_watch *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    destroy(w);
}

static void arm(struct http_watch *w, struct http_connection *c)
{
    c->since_ms = clock_monotonic_ms();
    c->deadline_ms = c->since_ms + w->options.request_timeout_ms;
}

struct http_connection *http_watch_add(struct http_watch *w, int fd)
{
    struct http_connection *c = mem_new(struct http_connection);
    struct sockaddr_storage peer = {0};
    socklen_t n = sizeof(peer);
    getpeername(fd, (struct sockaddr *)&peer, &n);
    http_address_show((struct sockaddr *)&peer, c->remote);
    c->fd = fd;
    pthread_mutex_lock(&w->lock);
    arm(w, c);
    c->next = w->first;
    if (c->next != NULL)
        c->next->previous = c;
    w->first = c;
    w->count++;
    if (w->count == 1)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return c;
}

/* RFC 9112 section 9.6: closing while data of the client is unread may reset the connection before
 * the client has read the answer; so a duplicate of the socket stays open for a while. */
static void linger(struct http_watch *w, const struct http_connection *c)
{
    if (w->linger_count == LINGER_MAX)
        return;
    int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return;
    shutdown(fd, SHUT_WR);
    w->lingers[w->linger_count++] = (struct lingering){fd, clock_monotonic_ms() + LINGER_MS};
    pthread_cond_signal(&w->wake);
}

void http_watch_remove(struct http_watch *w, struct http_connection *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    if (c->lingers && c->phase != HTTP_PHASE_ENDED)
        linger(w, c);
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        w->first = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    w->count--;
    pthread_mutex_unlock(&w->lock);
    free(c);
}

bool http_watch_enter(struct http_watch *w, struct http_connection *c, enum http_phase phase)
{
    pthread_mutex_lock(&w->lock);
    bool is_open = c->phase != HTTP_PHASE_ENDED;
    if (is_open) {
        c->phase = phase;
        if (phase == HTTP_PHASE_HEAD || phase == HTTP_PHASE_IDLE)
            arm(w, c);
        else if (phase == HTTP_PHASE_ANSWER || phase == HTTP_PHASE_WORK)
            c->deadline_ms = 0;
    }
    pthread_mutex_unlock(&w->lock);
    return is_open;
}

void http_watch_answer(struct http_watch *w, struct http_connection *c, size_t bytes)
{
    pthread_mutex_lock(&w->lock);
    c->deadline_ms =
        clock_monotonic_ms() + w->options.request_timeout_ms + (int64_t)(bytes / SLOWEST_READER);
    pthread_mutex_unlock(&w->lock);
}
