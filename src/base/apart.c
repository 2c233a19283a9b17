#include "base/apart.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each thread is a folder there, and a folder's ".." is a link to the one above it. */
static bool is_only_thread(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

/* What a pipe takes at once, so that the copy never waits for its reader (pipe(7)). */
_Static_assert(sizeof(struct err) < 65536, "a verdict fits into a pipe");

static _Noreturn void be_the_copy(apart_fn work, const void *data, int fd)
{
    struct err err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    enum err_kind r = work(data, &err);
    err.kind = r;
    _exit(fs_write_all(fd, &err, sizeof(err), NULL) == ERR_OK ? 0 : 1);
}

void apart_begin(struct apart *a, apart_fn work, const void *data)
{
    int ends[2];
    *a = (struct apart){.work = work, .data = data, .fd = -1};
    if (!is_only_thread() || pipe2(ends, O_CLOEXEC) != 0)
        return;
    pid_t pid = fork();
    if (pid == 0)
        be_the_copy(work, data, ends[1]);
    close(ends[1]);
    a->fd = ends[0];
    a->pid = pid > 0 ? pid : 0;
}

static bool read_verdict(int fd, struct err *ret)
{
    size_t at = 0;
    while (at < sizeof(*ret)) {
        ssize_t n = read(fd, (char *)ret + at, sizeof(*ret) - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static int reap(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static enum err_kind copy_end(const struct apart *a, struct err *err)
{
    struct err verdict;
    bool is_told = read_verdict(a->fd, &verdict);
    int signal = reap(a->pid);
    if (!is_told && signal == 0) /* it has a verdict that did not get through: once more, here */
        return a->work(a->data, err);
    if (!is_told)
        return err_set(err, ERR_INTERNAL, "what looked at it ended with signal %d", signal);
    if (verdict.kind != ERR_OK && err != NULL)
        *err = verdict;
    return verdict.kind;
}

enum err_kind apart_end(struct apart *a, struct err *err)
{
    enum err_kind r = ERR_OK;
    if (a->work != NULL)
        r = a->pid > 0 ? copy_end(a, err) : a->work(a->data, err);
    a->pid = 0; /* it is waited for already */
    apart_deinit(a);
    return r;
}

void apart_deinit(struct apart *a)
{
    if (a->work == NULL)
        return;
    if (a->pid > 0) {
        kill(a->pid, SIGKILL);
        reap(a->pid);
    }
    if (a->fd >= 0)
        close(a->fd);
    *a = (struct apart){.fd = -1};
}
