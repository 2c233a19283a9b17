#include "cli/editor.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum err_kind cli_editor_file(
    struct cli *c, struct str text, const char *suffix, char **ret_path, struct err *err)
{
    const char *dir = c->env->tmpdir == NULL ? "/tmp" : c->env->tmpdir;
    autofree char *path = mem_printf("%s/cup-XXXXXX%s", dir, suffix);
    autoclose int fd = mkostemps(path, (int)strlen(suffix), O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return err_errno(err, errno, "a file for the editor in '%s'", dir);
    enum err_kind r = fs_write_all(fd, text.p, text.n, err);
    if (r != ERR_OK) {
        unlink(path);
        return r;
    }
    *ret_path = steal(&path);
    return ERR_OK;
}

/* The keys that end a program are the editor's while it runs, as system(3) has it. */
struct quiet_signals {
    struct sigaction interrupt;
    struct sigaction quit;
};

static void ignore_signals(struct quiet_signals *ret)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ignore, &ret->interrupt);
    sigaction(SIGQUIT, &ignore, &ret->quit);
}

static void restore_signals(const struct quiet_signals *saved)
{
    sigaction(SIGINT, &saved->interrupt, NULL);
    sigaction(SIGQUIT, &saved->quit, NULL);
}

/* The path goes in as $1, so that whatever TMPDIR holds is no shell. */
static int spawn(const char *editor, const char *path, pid_t *ret_pid)
{
    autofree char *script = mem_printf("%s \"$1\"", editor);
    autofree char *file = mem_strdup(path);
    char shell[] = "sh";
    char option[] = "-c";
    char *argv[] = {shell, option, script, shell, file, NULL};
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGQUIT);
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawn(ret_pid, "/bin/sh", NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return r;
}

enum err_kind cli_editor_run(struct cli *c, const char *path, int *ret_code, struct err *err)
{
    const char *editor = c->env->editor == NULL ? "vim" : c->env->editor;
    struct quiet_signals saved;
    pid_t pid;
    int status = 0;
    fflush(c->io.out);
    fflush(c->io.notes);
    ignore_signals(&saved);
    int failed = spawn(editor, path, &pid);
    while (failed == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    restore_signals(&saved);
    if (failed != 0)
        return err_errno(err, failed, "starting the editor '%s'", editor);
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ERR_OK;
}
