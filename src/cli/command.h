/*
 * The command table. A command is one struct in its own file (cli/cmd_get.c), listed in
 * cli/commands.c; parsing, help and suggestions are made from these structs alone.
 */
#pragma once

#include "base/err.h"
#include "cli/options.h"

struct cli;

/* What --revision and --proposal mean to a command. */
enum cli_versions {
    CLI_VERSIONS_NONE,  /* nothing: they are refused */
    CLI_VERSIONS_READ,  /* read there instead of the target branch */
    CLI_VERSIONS_WRITE, /* '--proposal' alone: an id, or 'new': not the object's open one */
};

struct cli_command {
    const char *name;
    const char *const *aliases; /* NULL-terminated, or NULL */
    const char *group;          /* heading in `cup help`: one of cli_groups; NULL below a group */
    const char *summary;        /* one line, upper case first, no full stop */
    const char *usage;          /* what follows the name: "TYPE [NAME…]"; may be NULL */
    const char *details;        /* further lines of help, each ended; may be NULL */
    const struct cli_option *options;
    const struct cli_option *shared_options; /* a second table over the same struct; may be NULL */
    enum cli_versions versions;
    bool
        has_guest_args; /* what follows the first argument is not parsed: it is for what it names */
    size_t options_bytes; /* of the struct that both tables fill, given to run zeroed */
    /* Results go to c->io.out; the error it returns is printed by the caller. NULL: a mere group. */
    enum err_kind (*run)(struct cli *c, const void *options, struct err *err);
    const struct cli_command *const *commands; /* of a group; NULL-terminated, sorted by name */
};

/* All commands, NULL-terminated, sorted by name; headings in the order of help. */
extern const struct cli_command *const cli_commands[];
extern const char *const cli_groups[];
/* -a, -n, -o …: fill struct cli_globals of cli/run.h. */
extern const struct cli_option cli_global_options[];

/* The command of this name or alias; NULL when there is none. */
const struct cli_command *
cli_command_find(const struct cli_command *const *commands, const char *name);
/* The name that `name` is most likely a slip of; NULL when none is near. */
const char *cli_command_suggest(const struct cli_command *const *commands, const char *name);
