#include "base/child.h"

#include "base/clock.h"
#include "base/defs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_POLL_MS = 2, READ_BYTES = 64 << 10 };

/* A child under way. */
struct run {
    const struct child *child;
    pid_t pid;
    int fd; /* its standard input and output */
    struct str input;
    int64_t end_ms; /* monotonic */
    struct buf *output;
};

static enum err_kind start(struct run *r, int fd, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int code = posix_spawnp(
        &r->pid, r->child->program, &actions, NULL, (char *const *)(uintptr_t)r->child->args,
        environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "there is no such program");
    return code == 0 ? ERR_OK : err_errno(err, code, "it does not start");
}

/* A program that does not read what it is given has its own reasons: its answer says more. */
static void send_some(struct run *r)
{
    /* MSG_NOSIGNAL: it must not end us by SIGPIPE */
    ssize_t n = send(r->fd, r->input.p, r->input.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        r->input = str_skip(r->input, (size_t)n);
    else if (n < 0 && errno != EINTR && errno != EAGAIN)
        r->input.n = 0;
    if (r->input.n == 0)
        shutdown(r->fd, SHUT_WR);
}

static enum err_kind read_some(struct run *r, bool *ret_is_end, struct err *err)
{
    if (r->output->n >= r->child->output_max + 1)
        return err_set(err, ERR_LIMIT, "it printed more than %zu bytes", r->child->output_max);
    char *to = buf_reserve(r->output, READ_BYTES);
    if (to == NULL)
        return buf_check(r->output, "its output", err);
    ssize_t n = recv(r->fd, to, READ_BYTES, MSG_DONTWAIT);
    *ret_is_end = n == 0 || (n < 0 && errno == ECONNRESET);
    if (n < 0 && !*ret_is_end && errno != EINTR && errno != EAGAIN)
        return err_errno(err, errno, "reading its output");
    r->output->n += n > 0 ? (size_t)n : 0;
    return ERR_OK;
}

/* Both ways at once, until it closes its end. */
static enum err_kind talk(struct run *r, struct err *err)
{
    bool is_end = false;
    enum err_kind kind = ERR_OK;
    buf_clear(r->output);
    r->output->max = r->child->output_max + READ_BYTES + 1;
    if (r->input.n == 0)
        shutdown(r->fd, SHUT_WR);
    while (kind == ERR_OK && !is_end) {
        short wanted = (short)(POLLIN | (r->input.n > 0 ? POLLOUT : 0));
        struct pollfd p = {.fd = r->fd, .events = wanted};
        int64_t left_ms = r->end_ms - clock_monotonic_ms();
        int ready = left_ms <= 0 ? 0 : poll(&p, 1, (int)left_ms);
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "it did not end in time");
        if (ready < 0 && errno != EINTR)
            return err_errno(err, errno, "waiting for it");
        if (ready > 0 && (p.revents & POLLOUT) != 0)
            send_some(r);
        if (ready > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            kind = read_some(r, &is_end, err);
    }
    return kind;
}

/* Until it has ended, or its time has. */
static enum err_kind reap(struct run *r, bool must_end, struct child_end *ret, struct err *err)
{
    int status = 0;
    bool is_late = must_end;
    for (;;) {
        if (is_late)
            kill(r->pid, SIGKILL);
        pid_t got = waitpid(r->pid, &status, is_late ? 0 : WNOHANG);
        if (got == r->pid || (got < 0 && errno != EINTR))
            break;
        if (got == 0)
            poll(NULL, 0, REAP_POLL_MS);
        is_late = is_late || clock_monotonic_ms() >= r->end_ms;
    }
    bool is_signal = WIFSIGNALED(status);
    *ret = (struct child_end){
        .exit_code = is_signal ? -1 : WEXITSTATUS(status),
        .signal = is_signal ? WTERMSIG(status) : 0};
    return is_late && !must_end ? err_set(err, ERR_TIMEOUT, "it did not end in time") : ERR_OK;
}

enum err_kind
child_run(const struct child *c, struct buf *ret_output, struct child_end *ret_end, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(err, errno, "starting it");
    struct run run = {
        .child = c,
        .fd = pair[0],
        .input = c->input,
        .end_ms = clock_monotonic_ms() + c->timeout_ms,
        .output = ret_output};
    enum err_kind r = start(&run, pair[1], err);
    close(pair[1]);
    if (r == ERR_OK) {
        r = talk(&run, err);
        if (r == ERR_OK && ret_output->n > c->output_max)
            r = err_set(err, ERR_LIMIT, "it printed more than %zu bytes", c->output_max);
        enum err_kind ended = reap(&run, r != ERR_OK, ret_end, r == ERR_OK ? err : NULL);
        r = r == ERR_OK ? ended : r;
    }
    close(pair[0]);
    return r;
}
