#include "oci/credential_helper.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPER_TIMEOUT_MS = 30000, HELPER_OUTPUT_MAX = 64 << 10, REAP_POLL_MS = 5 };

/* One run of a helper. */
struct call {
    const char *program;
    const char *action;
    struct str input;
    int64_t end_ms; /* monotonic */
    struct buf output;
    bool is_done; /* it ended with 0 */
};

/* The name becomes part of a program's name: no path, no option. */
static bool is_helper_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '-' || name[0] == '.' || strlen(name) > 64)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
        strlen(name);
}

/* Start it with fd as standard input and output: nothing of what goes in stands in the list of
 * processes. */
static enum err_kind start(const struct call *c, int fd, pid_t *ret_pid, struct err *err)
{
    posix_spawn_file_actions_t actions;
    autofree char *arg0 = mem_strdup(c->program);
    autofree char *arg1 = mem_strdup(c->action);
    char *argv[] = {arg0, arg1, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int code = posix_spawnp(ret_pid, c->program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code == ENOENT)
        return err_set(err, ERR_FAILED, "there is no such program on PATH");
    return code == 0 ? ERR_OK : err_set(err, ERR_FAILED, "it does not start");
}

/* Wait until fd is ready; TIMEOUT. */
static enum err_kind await(const struct call *c, int fd, short events, struct err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t left_ms = c->end_ms - clock_monotonic_ms();
        int ready = left_ms <= 0 ? 0 : poll(&p, 1, (int)left_ms);
        if (ready > 0)
            return ERR_OK;
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "it did not answer in time");
        if (errno != EINTR)
            return err_errno(err, errno, "waiting for it");
    }
}

/* A helper that does not read what it is given has its own reasons: its answer says more. */
static enum err_kind send_input(const struct call *c, int fd, struct err *err)
{
    struct str rest = c->input;
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && rest.n > 0) {
        r = await(c, fd, POLLOUT, err);
        /* MSG_NOSIGNAL: it must not end us by SIGPIPE */
        ssize_t n = send(fd, rest.p, rest.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            break;
        rest = str_skip(rest, n > 0 ? (size_t)n : 0);
    }
    shutdown(fd, SHUT_WR);
    return r;
}

static enum err_kind read_output(struct call *c, int fd, struct err *err)
{
    c->output.max = HELPER_OUTPUT_MAX;
    for (;;) {
        enum err_kind r = await(c, fd, POLLIN, err);
        char *to = r == ERR_OK ? buf_reserve(&c->output, 1024) : NULL;
        if (to == NULL)
            return r == ERR_OK ? buf_check(&c->output, "its answer", err) : r;
        ssize_t n = read(fd, to, 1024);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "reading its answer");
        c->output.n += n > 0 ? (size_t)n : 0;
    }
}

/* Until it has ended, or its time has. */
static enum err_kind reap(struct call *c, pid_t pid, bool is_failed, struct err *err)
{
    int status = 0;
    bool is_late = is_failed;
    for (;;) {
        if (is_late)
            kill(pid, SIGKILL);
        pid_t got = waitpid(pid, &status, is_late ? 0 : WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            break;
        if (got == 0)
            poll(NULL, 0, REAP_POLL_MS);
        is_late = is_late || clock_monotonic_ms() >= c->end_ms;
    }
    c->is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return is_late && !is_failed ? err_set(err, ERR_TIMEOUT, "it did not end in time") : ERR_OK;
}

static enum err_kind run(struct call *c, struct err *err)
{
    int pair[2];
    pid_t pid;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(err, errno, "starting it");
    enum err_kind r = start(c, pair[1], &pid, err);
    close(pair[1]);
    if (r == ERR_OK) {
        r = send_input(c, pair[0], err);
        if (r == ERR_OK)
            r = read_output(c, pair[0], err);
        enum err_kind ended = reap(c, pid, r != ERR_OK, r == ERR_OK ? err : NULL);
        r = r == ERR_OK ? ended : r;
    }
    close(pair[0]);
    return r;
}

static void call_deinit(struct call *c)
{
    if (c->output.p != NULL)
        explicit_bzero(c->output.p, c->output.n);
    buf_deinit(&c->output);
}
#define auto_call CLEANUP(call_deinit)

/* Run `docker-credential-HELPER ACTION`; NOT_FOUND: it says that it has nothing. */
static enum err_kind
ask(struct call *c, const char *helper, int64_t timeout_ms, struct str input, struct err *err)
{
    if (!is_helper_name(helper))
        return err_set(err, ERR_INVALID, "the name of the credential helper is not a plain name");
    autofree char *program = mem_printf("docker-credential-%s", helper);
    c->program = program;
    c->input = input;
    c->end_ms = clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : HELPER_TIMEOUT_MS);
    enum err_kind r = run(c, err);
    struct str text = str_trim(buf_view(&c->output));
    if (r == ERR_OK && !c->is_done)
        r = str_search(text, STR("credentials not found")) >= 0
            ? err_set(err, ERR_NOT_FOUND, "it has nothing")
            : err_set(err, ERR_FAILED, "its '%s' failed", c->action);
    c->program = NULL;
    return r == ERR_OK ? r : err_wrap(err, "the credential helper '%s'", program);
}

/* --- the three calls -------------------------------------------------------------------------------- */

static enum err_kind take(struct str text, char **ret, struct err *err)
{
    if (!oci_credential_is_clean(text))
        return err_set(err, ERR_INVALID, "its answer holds a line break or NUL");
    *ret = mem_strdup_str(text);
    return ERR_OK;
}

static enum err_kind read_credential(struct str answer, struct oci_credential *ret, struct err *err)
{
    auto_json struct json_doc doc = {0};
    if (json_parse(answer, JSON_STORED, &doc, NULL) != ERR_OK)
        return err_set(err, ERR_FAILED, "its answer is not JSON");
    struct str user = json_str(json_get(doc.root, "Username"));
    struct str secret = json_str(json_get(doc.root, "Secret"));
    if (secret.p == NULL)
        return err_set(err, ERR_FAILED, "its answer has no Secret");
    if (str_eqz(user, "<token>"))
        return take(secret, &ret->identity_token, err);
    enum err_kind r = take(user, &ret->username, err);
    return r == ERR_OK ? take(secret, &ret->password, err) : r;
}

enum err_kind oci_credential_helper_get(
    const char *helper,
    const char *server,
    int64_t timeout_ms,
    struct oci_credential *ret,
    struct err *err)
{
    auto_call struct call c = {.action = "get"};
    struct oci_credential found = {0};
    enum err_kind r = ask(&c, helper, timeout_ms, str_from(server), err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    if (r != ERR_OK)
        return r;
    r = read_credential(str_trim(buf_view(&c.output)), &found, err);
    if (r != ERR_OK) {
        oci_credential_deinit(&found);
        return err_wrap(err, "the credential helper 'docker-credential-%s'", helper);
    }
    *ret = found;
    return ERR_OK;
}

enum err_kind oci_credential_helper_store(
    const char *helper,
    const char *server,
    int64_t timeout_ms,
    const struct oci_credential *credential,
    struct err *err)
{
    auto_call struct call c = {.action = "store"};
    struct buf input = {0};
    bool is_token = credential->identity_token != NULL;
    buf_text(&input, "{\"ServerURL\":");
    json_text_string(&input, str_from(server));
    buf_text(&input, ",\"Username\":");
    json_text_string(&input, is_token ? STR("<token>") : str_from(credential->username));
    buf_text(&input, ",\"Secret\":");
    json_text_string(
        &input, str_from(is_token ? credential->identity_token : credential->password));
    buf_char(&input, '}');
    enum err_kind r = ask(&c, helper, timeout_ms, buf_view(&input), err);
    explicit_bzero(input.p, input.n);
    buf_deinit(&input);
    return r;
}

enum err_kind oci_credential_helper_erase(
    const char *helper, const char *server, int64_t timeout_ms, struct err *err)
{
    auto_call struct call c = {.action = "erase"};
    return ask(&c, helper, timeout_ms, str_from(server), err);
}
