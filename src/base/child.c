#include "base/child.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_POLL_MS = 2, CANCEL_POLL_MS = 100, READ_BYTES = 64 << 10 };

/* A child under way. */
struct run {
    const struct child *child;
    pid_t pid;
    int fd;        /* its standard input and output */
    int errors_fd; /* its standard error; -1: not looked at, or at its end */
    struct str input;
    int64_t end_ms; /* monotonic */
    struct buf *output;
    size_t taken; /* bytes of output that came */
};

/* Ours and what is added; the strings are borrowed. */
static char **environment(const char *const *added)
{
    size_t own = 0;
    size_t more = 0;
    while (environ[own] != NULL)
        own++;
    while (added != NULL && added[more] != NULL)
        more++;
    char **all = mem_alloc((own + more + 1) * sizeof(*all));
    for (size_t i = 0; i < own; i++)
        all[i] = environ[i];
    for (size_t i = 0; i < more; i++)
        all[own + i] = (char *)(uintptr_t)added[i];
    return all;
}

static enum err_kind start(struct run *r, int fd, int errors_fd, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    if (errors_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, errors_fd, STDERR_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes; /* the group is its own by default, once the flag is set */
    posix_spawnattr_init(&attributes);
    if (r->child->has_own_group)
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    autofree char **env = environment(r->child->env);
    int code = posix_spawnp(
        &r->pid, r->child->program, &actions, &attributes, (char *const *)(uintptr_t)r->child->args,
        env);
    posix_spawnattr_destroy(&attributes);
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

static enum err_kind too_much(const struct run *r, struct err *err)
{
    return err_set(err, ERR_LIMIT, "it printed more than %zu bytes", r->child->output_max);
}

/* One piece to whoever takes them, or behind what came before. */
static enum err_kind deliver(struct run *r, struct str piece, struct err *err)
{
    r->taken += piece.n;
    if (r->child->take == NULL)
        buf_str(r->output, piece);
    if (r->taken > r->child->output_max)
        return too_much(r, err);
    return r->child->take == NULL ? buf_check(r->output, "its output", err)
                                  : r->child->take(r->child->take_data, piece, err);
}

static enum err_kind read_some(struct run *r, bool *ret_is_end, struct err *err)
{
    char piece[READ_BYTES];
    ssize_t n = recv(r->fd, piece, sizeof(piece), MSG_DONTWAIT);
    *ret_is_end = n == 0 || (n < 0 && errno == ECONNRESET);
    if (n < 0 && !*ret_is_end && errno != EINTR && errno != EAGAIN)
        return err_errno(err, errno, "reading its output");
    return n > 0 ? deliver(r, str_of(piece, (size_t)n), err) : ERR_OK;
}

/* The end says most, so the beginning is what is let go. false: there is nothing now. */
static bool read_errors(struct run *r)
{
    char piece[CHILD_ERRORS_MAX];
    struct buf *to = r->child->errors;
    ssize_t n = read(r->errors_fd, piece, sizeof(piece));
    if (n <= 0) {
        if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            close(r->errors_fd);
            r->errors_fd = -1;
        }
        return false;
    }
    size_t keep = CHILD_ERRORS_MAX - (size_t)n;
    if (to->n > keep) {
        memmove(to->p, to->p + (to->n - keep), keep);
        to->n = keep;
    }
    buf_add(to, piece, (size_t)n);
    return true;
}

static enum err_kind wait_ready(struct run *r, struct pollfd p[2], struct err *err)
{
    int64_t left_ms = r->end_ms - clock_monotonic_ms();
    if (left_ms <= 0)
        return err_set(err, ERR_TIMEOUT, "it did not end in time");
    if (r->child->cancel != NULL && atomic_load(r->child->cancel))
        return err_set(err, ERR_CANCELLED, "interrupted");
    if (r->child->cancel != NULL && left_ms > CANCEL_POLL_MS)
        left_ms = CANCEL_POLL_MS;
    p[0] = (struct pollfd){.fd = r->fd, .events = (short)(POLLIN | (r->input.n > 0 ? POLLOUT : 0))};
    p[1] = (struct pollfd){.fd = r->errors_fd, .events = POLLIN};
    if (poll(p, 2, (int)left_ms) < 0 && errno != EINTR)
        return err_errno(err, errno, "waiting for it");
    return ERR_OK;
}

/* All ways at once, until it closes its end. */
static enum err_kind talk(struct run *r, struct err *err)
{
    bool is_end = false;
    enum err_kind kind = ERR_OK;
    if (r->input.n == 0)
        shutdown(r->fd, SHUT_WR);
    while (kind == ERR_OK && !is_end) {
        struct pollfd p[2] = {{0}};
        kind = wait_ready(r, p, err);
        if (kind == ERR_OK && (p[0].revents & POLLOUT) != 0)
            send_some(r);
        if (kind == ERR_OK && p[1].revents != 0)
            read_errors(r);
        if (kind == ERR_OK && (p[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            kind = read_some(r, &is_end, err);
    }
    while (kind == ERR_OK && r->errors_fd >= 0 && read_errors(r))
        continue;
    return kind;
}

/* Until it has ended, or its time has. */
static enum err_kind reap(struct run *r, bool must_end, struct child_end *ret, struct err *err)
{
    int status = 0;
    bool is_late = must_end;
    for (;;) {
        if (is_late)
            kill(r->child->has_own_group ? -r->pid : r->pid, SIGKILL);
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

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

enum err_kind
child_run(const struct child *c, struct buf *ret_output, struct child_end *ret_end, struct err *err)
{
    int pair[2] = {-1, -1};
    int errors[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(err, errno, "starting it");
    if (c->errors != NULL && pipe2(errors, O_CLOEXEC) != 0) {
        int code = errno;
        close_pair(pair);
        return err_errno(err, code, "starting it");
    }
    if (errors[0] >= 0)
        fcntl(errors[0], F_SETFL, O_NONBLOCK); /* our end alone: the child's must block */
    struct run run = {
        .child = c,
        .fd = pair[0],
        .errors_fd = errors[0],
        .input = c->input,
        .end_ms = clock_monotonic_ms() + c->timeout_ms,
        .output = ret_output};
    if (ret_output != NULL) {
        buf_clear(ret_output);
        ret_output->max = c->output_max + READ_BYTES;
    }
    enum err_kind r = start(&run, pair[1], errors[1], err);
    close(pair[1]);
    if (errors[1] >= 0)
        close(errors[1]);
    if (r == ERR_OK) {
        r = talk(&run, err);
        enum err_kind ended = reap(&run, r != ERR_OK, ret_end, r == ERR_OK ? err : NULL);
        r = r == ERR_OK ? ended : r;
    }
    if (run.errors_fd >= 0)
        close(run.errors_fd);
    close(pair[0]);
    return r;
}
