/* cup help: of the program, a command, or a topic. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/run.h"

/* Walk the words down the table; *ret_name as one types it. NULL where a word is no command. */
static const struct cli_command *find(const struct cli_list *words, char **ret_name)
{
    const struct cli_command *const *among = cli_commands;
    const struct cli_command *found = NULL;
    struct buf name = {0};
    for (size_t i = 0; i < words->count; i++) {
        found = among == NULL ? NULL : cli_command_find(among, words->items[i]);
        if (found == NULL)
            break;
        buf_printf(&name, "%s%s", i > 0 ? " " : "", found->name);
        among = found->commands;
    }
    *ret_name = buf_steal(&name);
    return found;
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    if (c->args.count == 0) {
        cli_help_program(c->io.out);
        return ERR_OK;
    }
    autofree char *name = NULL;
    const struct cli_command *found = find(&c->args, &name);
    if (found != NULL) {
        cli_help_command(c->io.out, found, name);
        return ERR_OK;
    }
    if (c->args.count == 1 && cli_help_topic(c->io.out, c->args.items[0]))
        return ERR_OK;
    cli_hint(c, "'cup help' lists the commands and topics");
    return err_set(err, ERR_USAGE, "no help for '%s'", c->args.items[c->args.count - 1]);
}

const struct cli_command cmd_help = {
    .name = "help",
    .aliases = (const char *const[]){"h", NULL},
    .group = "Other",
    .summary = "Show the help of a command or a topic",
    .usage = "[COMMAND…|TOPIC]",
    .run = run,
};
