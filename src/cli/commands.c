#include "cli/commands.h"
#include "cli/command.h"
#include "cli/run.h"

#include <stddef.h>

const char *const cli_groups[] = {
    "Resources", "Proposals", "Controller images", "Registries", "Controllers", "Other", NULL,
};

/* Keep sorted by name. */
const struct cli_command *const cli_commands[] = {
    &cmd_apply,       &cmd_completion,
    &cmd_config,      &cmd_controller,
    &cmd_definitions, &cmd_delete,
    &cmd_diff,        &cmd_edit,
    &cmd_get,         &cmd_help,
    &cmd_history,     &cmd_image,
    &cmd_inspect,     &cmd_login,
    &cmd_logout,      &cmd_pack,
    &cmd_proposal,    &cmd_pull,
    &cmd_push,        &cmd_registry,
    &cmd_version,     NULL,
};

#define GLOBAL(member) offsetof(struct cli_globals, member)
const struct cli_option cli_global_options[] = {
    {"address", 'a', CLI_OPTION_TEXT, "URL", "the server, http://HOST:PORT", GLOBAL(address)},
    {"namespace", 'n', CLI_OPTION_TEXT, "NS", "the namespace to work in", GLOBAL(ns)},
    {"output", 'o', CLI_OPTION_TEXT, "FORM", "table (default), wide, json, yaml or name",
     GLOBAL(output)},
    {"config", 'c', CLI_OPTION_TEXT, "FILE", "another configuration file", GLOBAL(config)},
    {"level", 'l', CLI_OPTION_TEXT, "LEVEL", "notes on stderr: debug, info, warn or error",
     GLOBAL(level)},
    {"timeout", 0, CLI_OPTION_TEXT, "DURATION",
     "limit for each request to the server, as in 10s; for images: without a byte",
     GLOBAL(timeout)},
    {"revision", 0, CLI_OPTION_TEXT, "REV", "get, diff, history: as of this branch, tag or commit",
     GLOBAL(revision)},
    {"proposal", 0, CLI_OPTION_TEXT, "ID",
     "get, diff, history: as of this proposal; apply, edit, delete: change it, or 'new' for "
     "another one",
     GLOBAL(proposal)},
    {"quiet", 'q', CLI_OPTION_FLAG, NULL, "no notes and no progress", GLOBAL(is_quiet)},
    {"no-color", 0, CLI_OPTION_FLAG, NULL, "no colours", GLOBAL(no_color)},
    {"help", 'h', CLI_OPTION_FLAG, NULL, "help of cup or of the command", GLOBAL(wants_help)},
    {"version", 0, CLI_OPTION_FLAG, NULL, "version of cup", GLOBAL(wants_version)},
    {0},
};
