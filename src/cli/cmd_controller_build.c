/* cup controller build: the directory's Makefile, with a compiler that can do WebAssembly. */
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/sources.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROBE_TIMEOUT_MS = 60000 };

/* Newest first; the plain name is the system's choice. */
static const char *const compilers[] = {
    "clang",    "clang-21", "clang-20", "clang-19", "clang-18",
    "clang-17", "clang-16", "clang-15", "clang-14",
};

/* Does it compile and link for WASI? Compiler, linker, libc and runtime library are four packages. */
static bool can_build(const char *compiler)
{
    const char *const args[] = {compiler, "--target=wasm32-wasi", "-x", "c", "-o", "/dev/null", "-",
                                NULL};
    const struct child probe = {
        .program = compiler,
        .args = args,
        .input = STR("#include <stdio.h>\nint main(void) { return puts(\"\"); }\n"),
        .output_max = 1 << 20,
        .timeout_ms = PROBE_TIMEOUT_MS,
    };
    autobuf struct buf output = {0};
    struct child_end end;
    return child_run(&probe, &output, &end, NULL) == ERR_OK && end.exit_code == 0;
}

/* The one of a wasi-sdk that the environment names comes first. */
static enum err_kind find_compiler(struct cli *c, char **ret, struct err *err)
{
    if (c->env->wasi_sdk_path != NULL) {
        autofree char *path = fs_join(c->env->wasi_sdk_path, "bin/clang");
        if (!can_build(path))
            return err_set(
                err, ERR_FAILED, "'%s' (WASI_SDK_PATH) cannot build for WebAssembly", path);
        *ret = steal(&path);
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(compilers); i++) {
        if (!can_build(compilers[i]))
            continue;
        *ret = mem_strdup(compilers[i]);
        return ERR_OK;
    }
    cli_hint(
        c,
        "Debian: apt install clang lld wasi-libc libclang-rt-dev-wasm32; elsewhere set "
        "WASI_SDK_PATH "
        "to a wasi-sdk");
    return err_set(err, ERR_FAILED, "no C compiler here can build for WebAssembly (tried clang)");
}

/* What it prints is progress: it goes where notes go. */
static enum err_kind run_make(struct cli *c, const char *dir, const char *compiler, struct err *err)
{
    autofree char *choice = compiler == NULL ? NULL : mem_printf("CLANG=%s", compiler);
    const char *const args[] = {"make", "-C", dir, choice, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    fflush(c->io.notes);
    posix_spawn_file_actions_init(&actions);
    if (fileno(c->io.notes) >= 0)
        posix_spawn_file_actions_adddup2(&actions, fileno(c->io.notes), STDOUT_FILENO);
    int failed =
        posix_spawnp(&pid, args[0], &actions, NULL, (char *const *)(uintptr_t)args, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return err_errno(err, failed, "'make' (Debian: apt install make)");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ERR_OK;
    return err_set(err, ERR_FAILED, "'make -C %s' failed", dir);
}

static enum err_kind check_dir(struct cli *c, const char *dir, struct err *err)
{
    autofree char *makefile = fs_join(dir, "Makefile");
    if (fs_exists(makefile))
        return ERR_OK;
    cli_hint(c, "'cup controller init DIR' makes a controller with one");
    return err_set(err, ERR_NOT_FOUND, "there is no '%s'", makefile);
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    autofree char *compiler = NULL;
    auto_sources struct cli_sources sources = {0};
    enum err_kind r = cli_check_args(c, 0, 1, "", err);
    const char *dir = c->args.count == 0 ? "." : c->args.items[0];
    autofree char *sdk = fs_join(dir, "sdk/cup_sdk.h");
    if (r == ERR_OK)
        r = check_dir(c, dir, err);
    if (r == ERR_OK && fs_exists(sdk))
        r = find_compiler(c, &compiler, err);
    if (r == ERR_OK)
        r = run_make(c, dir, compiler, err);
    if (r == ERR_OK)
        r = cli_sources_read(dir, &sources, err);
    if (r == ERR_OK)
        cli_print_line(c, str_from(sources.wasm));
    return r;
}

const struct cli_command cmd_controller_build = {
    .name = "build",
    .summary = "Build a controller's module",
    .usage = "[DIR]",
    .details =
        "Runs 'make' in DIR (the current directory), which makes one .wasm there, and prints its "
        "path.\n"
        "For a controller in C it looks for a clang that can build for WebAssembly and hands it\n"
        "over as CLANG: that of WASI_SDK_PATH, or clang, clang-21 … clang-14.\n",
    .run = run,
};
