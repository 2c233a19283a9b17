/* cup controller exec: any WASI command in the host that controllers run in. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/guest.h"
#include "cli/run.h"
#include "vfs/localtree.h"
#include "vfs/localwrite.h"
#include "wasmhost/wasmhost.h"

#include <stddef.h>

static const size_t INPUT_BYTES_MAX = (size_t)64 << 20;

struct exec_options {
    struct cli_list env;
    const char *dir;
    bool is_written;
    const char *input;
    const char *memory;
    const char *output;
};

/* What a run is made of, and what is released after it. */
struct execution {
    struct wasmhost *host;
    struct wasmhost_module *module;
    char *host_dir;         /* NULL: the guest is given none */
    const char *guest_name; /* of it */
    struct vfs *tree;
    struct overlay *overlay;
    struct buf input;
    struct wasmhost_call call;
    struct wasmhost_result result;
};

static void execution_deinit(struct execution *x)
{
    wasmhost_result_deinit(&x->result);
    buf_deinit(&x->input);
    overlay_free(x->overlay);
    vfs_free(x->tree);
    free(x->host_dir);
    wasmhost_module_unref(x->module);
    wasmhost_free(x->host);
}
#define auto_execution CLEANUP(execution_deinit)

/* --- what the flags say ---------------------------------------------------------------------------- */

static enum err_kind check_env(const struct cli_list *env, struct err *err)
{
    for (size_t i = 0; i < env->count; i++) {
        const char *equals = strchr(env->items[i], '=');
        if (equals == NULL || equals == env->items[i])
            return err_set(
                err, ERR_USAGE, "'--env %s' is not of the form NAME=VALUE", env->items[i]);
    }
    return ERR_OK;
}

/* HOST::GUEST; HOST alone is the guest's root. */
static enum err_kind read_dir(struct execution *x, const struct exec_options *o, struct err *err)
{
    if (o->dir == NULL && o->is_written)
        return err_set(err, ERR_USAGE, "'--write' needs a '--dir' to write back to");
    if (o->dir == NULL)
        return ERR_OK;
    const char *middle = strstr(o->dir, "::");
    size_t n = middle == NULL ? strlen(o->dir) : (size_t)(middle - o->dir);
    x->host_dir = mem_strdup_str(str_of(o->dir, n));
    x->guest_name = middle == NULL ? "/" : middle + 2;
    if (n == 0 || x->guest_name[0] == '\0')
        return err_set(err, ERR_USAGE, "'--dir %s' is not of the form HOST::GUEST", o->dir);
    return ERR_OK;
}

static enum err_kind
read_options(struct cli *c, struct execution *x, const struct exec_options *o, struct err *err)
{
    struct wasmhost_limits *limits = &x->call.limits;
    limits->timeout_ms = c->timeout_ms;
    enum err_kind r = cli_guest_size("memory", o->memory, &limits->memory_bytes, err);
    if (r == ERR_OK)
        r = cli_guest_size("max-output", o->output, &limits->output_bytes, err);
    if (r == ERR_OK)
        r = check_env(&o->env, err);
    return r == ERR_OK ? read_dir(x, o, err) : r;
}

/* --- getting ready --------------------------------------------------------------------------------- */

static enum err_kind
load_module(struct cli *c, struct execution *x, const char *path, struct err *err)
{
    autobuf struct buf wasm = {0};
    enum err_kind r = fs_read_file(path, CLI_MODULE_BYTES_MAX, &wasm, err);
    if (r == ERR_OK)
        r = cli_wasmhost_new(c, &x->host, err);
    return r == ERR_OK ? cli_module_load(x->host, path, buf_view(&wasm), &x->module, err) : r;
}

static enum err_kind open_dir(struct execution *x, bool is_written, struct err *err)
{
    if (x->host_dir == NULL)
        return ERR_OK;
    enum err_kind r = vfs_localtree_new(x->host_dir, &x->tree, err);
    if (r != ERR_OK)
        return r;
    if (is_written)
        vfs_localtree_clear_up(x->tree);
    struct wasmhost_limits limits = x->call.limits;
    wasmhost_limits_default(&limits);
    x->overlay = overlay_new(x->tree, limits.written_bytes);
    x->call.overlay = x->overlay;
    x->call.root_name = x->guest_name;
    return ERR_OK;
}

/* The guest's standard input is empty unless a file is named: what it does then depends on nothing but
 * what the command line says. */
static enum err_kind
read_input(struct cli *c, struct execution *x, const struct exec_options *o, struct err *err)
{
    enum err_kind r = ERR_OK;
    buf_init(&x->input, INPUT_BYTES_MAX);
    if (o->input != NULL && strcmp(o->input, "-") == 0)
        r = fs_read_rest(c->io.in, "standard input", &x->input, err);
    else if (o->input != NULL)
        r = fs_read_file(o->input, INPUT_BYTES_MAX, &x->input, err);
    x->call.stdin_bytes = buf_view(&x->input);
    return r;
}

/* --- running --------------------------------------------------------------------------------------- */

/* The guest's own bytes, as they are: it is the user's program. */
static void pass_output(struct cli *c, const struct wasmhost_result *result)
{
    if (result->out.n > 0)
        fwrite(result->out.p, 1, result->out.n, c->io.out);
    fflush(c->io.out);
    if (result->diagnostics.n > 0)
        fwrite(result->diagnostics.p, 1, result->diagnostics.n, c->io.notes);
}

static enum err_kind write_back(struct cli *c, struct execution *x, struct err *err)
{
    struct vfs_changes changes;
    enum err_kind r = overlay_changes(x->overlay, &changes, err);
    if (r == ERR_OK && changes.count > 0)
        r = vfs_localtree_apply(x->host_dir, &changes, err);
    if (r != ERR_OK)
        return err_wrap(err, "nothing is written back to '%s'", x->host_dir);
    for (size_t i = 0; i < changes.count; i++)
        cli_debug(
            c, "%s '" STR_FMT "'", changes.items[i].kind == VFS_CHANGE_PUT ? "wrote" : "deleted",
            STR_ARG(changes.items[i].path));
    return ERR_OK;
}

static enum err_kind
execute(struct cli *c, struct execution *x, const struct exec_options *o, struct err *err)
{
    x->call.args = c->args.items;
    x->call.arg_count = c->args.count;
    x->call.env = o->env.items;
    x->call.env_count = o->env.count;
    enum err_kind r = wasmhost_call(x->module, &x->call, &x->result, err);
    pass_output(c, &x->result);
    if (r != ERR_OK)
        return err_wrap(err, "module '%s'", c->args.items[0]);
    c->exit_code = x->result.exit_code & 0xff;
    return o->is_written && x->result.exit_code == 0 ? write_back(c, x, err) : ERR_OK;
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    const struct exec_options *o = options;
    auto_execution struct execution x = {0};
    enum err_kind r = cli_check_args(c, 1, SIZE_MAX, "a module", err);
    if (r == ERR_OK)
        r = read_options(c, &x, o, err);
    if (r == ERR_OK)
        r = open_dir(&x, o->is_written, err);
    if (r == ERR_OK)
        r = read_input(c, &x, o, err);
    if (r == ERR_OK)
        r = load_module(c, &x, c->args.items[0], err);
    return r == ERR_OK ? execute(c, &x, o, err) : r;
}

#define AT(member) offsetof(struct exec_options, member)
static const struct cli_option exec_rows[] = {
    {"env", 'e', CLI_OPTION_LIST, "NAME=VALUE", "a variable of the guest's environment", AT(env)},
    {"dir", 'd', CLI_OPTION_TEXT, "HOST::GUEST",
     "a directory, and what the guest calls it ('/' where left out)", AT(dir)},
    {"write", 'w', CLI_OPTION_FLAG, NULL, "after exit 0, write what changed back to HOST",
     AT(is_written)},
    {"stdin", 0, CLI_OPTION_TEXT, "FILE", "the guest's input, '-' for cup's own (none by default)",
     AT(input)},
    {"memory", 0, CLI_OPTION_TEXT, "SIZE", "limit of the guest's memory (256MiB)", AT(memory)},
    {"max-output", 0, CLI_OPTION_TEXT, "SIZE", "limit of what it prints (16MiB)", AT(output)},
    {0},
};

const struct cli_command cmd_controller_exec = {
    .name = "exec",
    .summary = "Run a WASI program as controllers are run",
    .usage = "MODULE [ARG…]",
    .details =
        "MODULE is a WASI preview1 command. It sees DIR and the variables named here, and nothing\n"
        "else of this machine; what it changes stays in memory unless --write is given. Clock and\n"
        "random bytes are the same in each run. Its exit code is cup's. --timeout limits it "
        "(10s).\n"
        "Flags of cup stand before MODULE: all behind it is the guest's.\n",
    .options = exec_rows,
    .options_bytes = sizeof(struct exec_options),
    .has_guest_args = true,
    .run = run,
};
