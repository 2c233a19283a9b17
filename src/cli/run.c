#include "cli/run.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/print.h"
#include "http/client.h"
#include "json/json.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

/* --- notes and errors ---------------------------------------------------------------------------- */

/* Errors hold text of servers and files: everything is made safe before it reaches a terminal. */
static void print_note(struct cli *c, const char *prefix, struct str text)
{
    autobuf struct buf safe = {0};
    cli_print_safe(&safe, text);
    fprintf(c->io.notes, "%s%s\n", prefix, safe.p == NULL ? "" : safe.p);
}

PRINTF_LIKE(3, 0)
static void vnote(struct cli *c, const char *prefix, const char *fmt, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0)
        return;
    print_note(c, prefix, str_from(text));
    free(text);
}

void cli_note(struct cli *c, const char *fmt, ...)
{
    if (c->globals.is_quiet || c->level > LOG_INFO)
        return;
    va_list args;
    va_start(args, fmt);
    vnote(c, "", fmt, args);
    va_end(args);
}

void cli_debug(struct cli *c, const char *fmt, ...)
{
    if (c->globals.is_quiet || c->level > LOG_DEBUG)
        return;
    va_list args;
    va_start(args, fmt);
    vnote(c, "debug: ", fmt, args);
    va_end(args);
}

void cli_hint(struct cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    free(c->hint);
    c->hint = text;
}

void cli_hint_clear(struct cli *c)
{
    free(c->hint);
    c->hint = NULL;
}

/* A cause that the error's own text tells already is not said twice. */
static void print_causes(struct cli *c, const struct err *err)
{
    auto_json struct json_doc doc = {0};
    if (err->causes[0] == '\0' ||
        json_parse(str_from(err->causes), JSON_STORED, &doc, NULL) != ERR_OK)
        return;
    yyjson_arr_iter at;
    yyjson_arr_iter_init(doc.root, &at);
    yyjson_val *cause;
    while ((cause = yyjson_arr_iter_next(&at)) != NULL) {
        struct str field = json_str(json_get(cause, "field"));
        struct str message = json_str(json_get(cause, "message"));
        if (message.n == 0 || str_search(str_from(err->text), message) >= 0)
            continue;
        autobuf struct buf line = {0};
        if (field.n > 0)
            buf_printf(&line, STR_FMT ": ", STR_ARG(field));
        buf_str(&line, message);
        print_note(c, "  ", buf_view(&line));
    }
}

void cli_report(struct cli *c, const struct err *err)
{
    fflush(c->io.out);
    print_note(c, "cup: ", str_from(err->text));
    print_causes(c, err);
    if (c->hint != NULL)
        print_note(c, "  ", str_from(c->hint));
    free(c->hint);
    c->hint = NULL;
    if (c->exit_code == 0)
        c->exit_code = err_info(err->kind)->exit_code;
}

enum err_kind
cli_check_args(struct cli *c, size_t least, size_t most, const char *what, struct err *err)
{
    if (c->args.count >= least && c->args.count <= most)
        return ERR_OK;
    if (c->args.count < least)
        return err_set(err, ERR_USAGE, "'cup %s' needs %s", c->command_name, what);
    return err_set(
        err, ERR_USAGE, "'cup %s' does not take argument '%s'", c->command_name,
        c->args.items[most]);
}

bool cli_uses_color(const struct cli *c)
{
    return c->io.is_out_tty && !c->globals.no_color && c->env->no_color == NULL;
}

/* --- arguments ----------------------------------------------------------------------------------- */

static enum err_kind unknown_command(
    struct cli *c, const struct cli_command *const *among, const char *name, struct err *err)
{
    const char *near = cli_command_suggest(among, name);
    const char *parent = c->command == NULL ? "" : c->command_name;
    const char *blank = c->command == NULL ? "" : " ";
    if (near != NULL)
        cli_hint(c, "did you mean 'cup %s%s%s'?", parent, blank, near);
    else
        cli_hint(c, "'cup help%s%s' lists the commands", blank, parent);
    return err_set(err, ERR_USAGE, "unknown command 'cup %s%s%s'", parent, blank, name);
}

static void enter_command(struct cli *c, const struct cli_command *command, void **options)
{
    char *name = c->command_name == NULL ? mem_strdup(command->name)
                                         : mem_printf("%s %s", c->command_name, command->name);
    free(c->command_name);
    c->command_name = name;
    c->command = command;
    free(*options);
    *options = command->options_bytes > 0 ? mem_alloc(command->options_bytes) : NULL;
}

/* A word that is no flag: a command while one is looked for, then an argument. */
static enum err_kind take_word(struct cli *c, const char *word, void **options, struct err *err)
{
    const struct cli_command *const *among = c->command == NULL ? cli_commands
        : c->args.count == 0                                    ? c->command->commands
                                                                : NULL;
    const struct cli_command *found = among == NULL ? NULL : cli_command_find(among, word);
    if (found != NULL)
        enter_command(c, found, options);
    else if (c->command == NULL || c->command->run == NULL)
        return unknown_command(c, among, word, err);
    else
        cli_list_add(&c->args, word);
    return ERR_OK;
}

static bool is_guest_arg(const struct cli *c)
{
    return c->command != NULL && c->command->has_guest_args && c->args.count > 0;
}

/* POSIX utility conventions with flags allowed anywhere before "--". */
static enum err_kind
parse_args(struct cli *c, int argc, char *const *argv, void **options, struct err *err)
{
    bool has_flags = true;
    enum err_kind r = ERR_OK;
    for (int at = 1; r == ERR_OK && at < argc;) {
        const char *word = argv[at];
        if (is_guest_arg(c)) {
            cli_list_add(&c->args, word);
            at++;
        } else if (has_flags && strcmp(word, "--") == 0) {
            has_flags = false;
            at++;
        } else if (has_flags && word[0] == '-' && word[1] != '\0') {
            const struct cli_option_set sets[] = {
                {c->command == NULL ? NULL : c->command->options, *options},
                {c->command == NULL ? NULL : c->command->shared_options, *options},
                {cli_global_options, &c->globals},
            };
            r = cli_option_parse(sets, ARRAY_LEN(sets), argc, argv, &at, err);
        } else {
            r = take_word(c, word, options, err);
            at++;
        }
    }
    return r;
}

static enum err_kind read_level(struct cli *c, struct err *err)
{
    c->level = LOG_INFO;
    if (c->globals.level == NULL)
        return ERR_OK;
    /* upstream's levels may carry an offset ("info+2"): its sign ends the name */
    struct str name = str_from(c->globals.level);
    size_t n = 0;
    while (n < name.n && name.p[n] != '+' && name.p[n] != '-')
        n++;
    uint64_t offset;
    bool is_good = n == name.n || str_to_u64(str_skip(name, n + 1), &offset);
    if (is_good && log_level_parse(str_take(name, n), &c->level))
        return ERR_OK;
    return err_set(
        err, ERR_USAGE, "unknown level '%s': it is one of debug, info, warn, error",
        c->globals.level);
}

static enum err_kind read_globals(struct cli *c, struct err *err)
{
    enum err_kind r = read_level(c, err);
    if (r == ERR_OK && c->globals.output != NULL)
        r = cli_output_parse(str_from(c->globals.output), &c->output, err);
    if (r == ERR_OK && c->globals.timeout != NULL) {
        r = units_parse_duration(str_from(c->globals.timeout), &c->timeout_ms, err);
        if (r != ERR_OK)
            r = err_as(err, ERR_USAGE);
    }
    return r;
}

/* A flag that would not count is an error, before anything is asked or changed. */
static enum err_kind check_versions(const struct cli *c, struct err *err)
{
    const char *revision = c->globals.revision;
    const char *proposal = c->globals.proposal;
    enum cli_versions versions = c->command->versions;
    if (revision == NULL && proposal == NULL)
        return ERR_OK;
    if (revision != NULL && proposal != NULL)
        return err_set(err, ERR_USAGE, "either '--revision' or '--proposal', not both");
    if (versions == CLI_VERSIONS_READ)
        return ERR_OK;
    if (versions == CLI_VERSIONS_NONE || revision != NULL)
        return err_set(
            err, ERR_USAGE, "'cup %s' does not take '--%s'", c->command_name,
            revision != NULL ? "revision" : "proposal");
    return ERR_OK;
}

/* --- the run ------------------------------------------------------------------------------------- */

static enum err_kind dispatch(struct cli *c, const void *options, struct err *err)
{
    if (c->globals.wants_version) {
        fprintf(c->io.out, "cup %s\n", CUP_VERSION);
        return ERR_OK;
    }
    if (c->command == NULL) {
        cli_help_program(c->io.out);
        return ERR_OK;
    }
    if (c->globals.wants_help || c->command->run == NULL) {
        cli_help_command(c->io.out, c->command, c->command_name);
        return ERR_OK;
    }
    enum err_kind r = check_versions(c, err);
    return r == ERR_OK ? c->command->run(c, options, err) : r;
}

static void hint_at_help(struct cli *c, enum err_kind r)
{
    if (r != ERR_USAGE || c->hint != NULL)
        return;
    if (c->command_name == NULL)
        cli_hint(c, "see 'cup help'");
    else
        cli_hint(c, "see 'cup help %s'", c->command_name);
}

static void finish(struct cli *c)
{
    errno = 0;
    bool is_lost = fflush(c->io.out) != 0 || ferror(c->io.out);
    if (is_lost && c->exit_code == 0) {
        struct err err;
        /* of a write that failed earlier nothing but the fact is known */
        if (errno != 0)
            err_errno(&err, errno, "the output could not be written whole");
        else
            err_set(&err, ERR_IO, "the output could not be written whole");
        cli_report(c, &err);
    }
    fflush(c->io.notes);
}

static void release(struct cli *c, void *options)
{
    if (c->command != NULL) {
        cli_options_deinit(c->command->options, options);
        cli_options_deinit(c->command->shared_options, options);
    }
    free(options);
    cli_list_deinit(&c->args);
    http_client_free(c->http);
    free(c->command_name);
    free(c->hint);
    free(c->address);
    free(c->ns);
}

int cli_run(
    const struct cli_env *env, const struct cli_streams *streams, int argc, char *const *argv)
{
    struct cli c = {.env = env, .io = *streams};
    struct err err = {0};
    struct err ignored = {0};
    void *options = NULL;
    /* upstream makes the file on any run; that a home cannot be written to matters only to who reads
     * the file, and there the error comes up again */
    (void)!cli_config_ensure(env, &ignored);
    enum err_kind r = parse_args(&c, argc, argv, &options, &err);
    if (r == ERR_OK)
        r = read_globals(&c, &err);
    if (r == ERR_OK)
        r = dispatch(&c, options, &err);
    hint_at_help(&c, r);
    if (r != ERR_OK)
        cli_report(&c, &err);
    finish(&c);
    release(&c, options);
    return c.exit_code;
}

int cli_main(int argc, char **argv)
{
    struct cli_env env;
    cli_env_read(&env);
    const struct cli_streams streams = {
        .in = STDIN_FILENO,
        .out = stdout,
        .notes = stderr,
        .is_out_tty = isatty(STDOUT_FILENO) == 1,
        .is_notes_tty = isatty(STDERR_FILENO) == 1,
        .owns_process = true,
    };
    return cli_run(&env, &streams, argc, argv);
}
