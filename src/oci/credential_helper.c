#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/credentials.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPER_TIMEOUT_MS = 30000, HELPER_OUTPUT_MAX = 64 << 10 };

/* The name becomes part of a program's name: no path, no option. */
static bool is_helper_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '-' || name[0] == '.' || strlen(name) > 64)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
        strlen(name);
}

/* Start `docker-credential-NAME get` with fd as standard input and output. The server goes in by
 * standard input, so that nothing of it stands in the list of processes. */
static enum err_kind start(const char *program, int fd, pid_t *ret_pid, struct err *err)
{
    char arg0[96], arg1[] = "get";
    posix_spawn_file_actions_t actions;
    memcpy(arg0, program, strlen(program) + 1);
    char *argv[] = {arg0, arg1, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int code = posix_spawnp(ret_pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return err_set(err, ERR_FAILED, "the credential helper '%s' does not start", program);
    return ERR_OK;
}

static enum err_kind read_answer(int fd, struct buf *ret, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + HELPER_TIMEOUT_MS;
    ret->max = HELPER_OUTPUT_MAX;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_ms = end_ms - clock_monotonic_ms();
        int ready = left_ms <= 0 ? 0 : poll(&p, 1, (int)left_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return err_set(err, ERR_TIMEOUT, "it did not answer");
        char piece[4096];
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return buf_check(ret, "its answer", err);
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "reading its answer");
        if (n > 0)
            buf_add(ret, piece, (size_t)n);
        if (ret->is_failed)
            return buf_check(ret, "its answer", err);
    }
}

/* Run it; its output is in ret, *ret_status as waitpid gives it. */
static enum err_kind
run(const char *program, const char *server, struct buf *ret, int *ret_status, struct err *err)
{
    int pair[2];
    pid_t pid;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(err, errno, "starting a credential helper");
    enum err_kind r = start(program, pair[1], &pid, err);
    close(pair[1]);
    if (r == ERR_OK) {
        /* MSG_NOSIGNAL: a helper that reads nothing must not end us by SIGPIPE. */
        (void)!send(pair[0], server, strlen(server), MSG_NOSIGNAL);
        shutdown(pair[0], SHUT_WR);
        r = read_answer(pair[0], ret, err);
        if (r != ERR_OK)
            kill(pid, SIGKILL);
        while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(pair[0]);
    return r;
}

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
    const char *helper, const char *server, struct oci_credential *ret, struct err *err)
{
    struct buf answer = {0};
    int status = 0;
    if (!is_helper_name(helper))
        return err_set(err, ERR_INVALID, "the name of the credential helper is not a plain name");
    autofree char *program = mem_printf("docker-credential-%s", helper);
    enum err_kind r = run(program, server, &answer, &status, err);
    bool is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    struct str text = str_trim(buf_view(&answer));
    if (r == ERR_OK && is_done)
        r = read_credential(text, ret, err);
    else if (r == ERR_OK && str_search(text, STR("credentials not found")) < 0)
        r = err_set(err, ERR_FAILED, "it failed");
    if (answer.p != NULL)
        explicit_bzero(answer.p, answer.n);
    buf_deinit(&answer);
    return r == ERR_OK ? r : err_wrap(err, "the credential helper '%s'", program);
}
