#include "cli/help.h"
#include "base/buf.h"
#include "base/mem.h"
#include "cli/print.h"

#define NAME_COLUMN 16

struct topic {
    const char *name;
    const char *summary;
    const char *text;
};

/* Keep sorted. */
static const struct topic topics[] = {
    {"environment", "Variables that cup looks at",
     "CUP_ADDRESS         address of the server, as -a\n"
     "CUP_NAMESPACE       namespace, as -n\n"
     "CUP_TOKEN           token sent to the server\n"
     "CUP_CONFIG          configuration file, as -c\n"
     "EDITOR              what 'cup edit' starts: a fragment of shell, vim by default\n"
     "NO_COLOR            any text: no colours\n"
     "SOURCE_DATE_EPOCH   time written into packed images, in seconds\n"
     "DOCKER_CONFIG       directory of the config.json with registry credentials\n"
     "XDG_CONFIG_HOME     cup/config.json lies there, else below ~/.config\n"
     "XDG_CACHE_HOME      cup/cupd/modules lies there, else below ~/.cache\n"
     "XDG_DATA_HOME       cup/store lies there, else below ~/.local/share\n"
     "Flags count before variables, variables before the configuration file.\n"},
    {"exit-codes", "What the exit codes mean",
     "0   done\n"
     "1   failed\n"
     "2   wrong usage\n"
     "3   not found\n"
     "4   not authenticated, or not allowed\n"
     "5   conflict: somebody else changed it first\n"
     "6   invalid: schema, name, manifest\n"
     "7   a digest or signature does not verify\n"
     "8   unreachable, or out of time\n"
     "'cup edit' ends with the editor's own code when the editor fails.\n"},
};

static void print_row(FILE *to, const char *name, const char *text)
{
    size_t width = cli_print_width(str_from(name));
    int pad = width + 2 > NAME_COLUMN ? 2 : (int)(NAME_COLUMN - width);
    fprintf(to, "  %s%*s%s\n", name, pad, "", text);
}

static char *names_of(const struct cli_command *command)
{
    struct buf text = {0};
    buf_text(&text, command->name);
    for (const char *const *a = command->aliases; a != NULL && *a != NULL; a++)
        buf_printf(&text, ", %s", *a);
    return buf_steal(&text);
}

static void print_command_row(FILE *to, const struct cli_command *command)
{
    autofree char *names = names_of(command);
    print_row(to, names, command->summary);
}

/* "-o, --output FORM"; help in a second column, on its own line behind a long flag. */
static void print_option(FILE *to, const struct cli_option *o)
{
    autobuf struct buf flag = {0};
    if (o->letter != 0)
        buf_printf(&flag, "-%c, ", o->letter);
    else
        buf_text(&flag, "    ");
    buf_printf(&flag, "--%s", o->name);
    if (o->value != NULL)
        buf_printf(&flag, " %s", o->value);
    size_t width = cli_print_width(buf_view(&flag));
    if (width <= 28)
        fprintf(to, "  %s%*s%s\n", flag.p, (int)(30 - width), "", o->help);
    else
        fprintf(to, "  %s\n%*s%s\n", flag.p, 32, "", o->help);
}

static void print_options(FILE *to, const char *title, const struct cli_option *rows)
{
    if (rows == NULL)
        return;
    fprintf(to, "\n%s:\n", title);
    for (; rows->name != NULL; rows++)
        print_option(to, rows);
}

void cli_help_program(FILE *to)
{
    fprintf(
        to,
        "cup - resources of a Git repository, and the controller images that serve them\n\n"
        "Usage: cup [FLAG…] COMMAND [FLAG…] [ARGUMENT…]\n");
    for (const char *const *group = cli_groups; *group != NULL; group++) {
        fprintf(to, "\n%s:\n", *group);
        for (const struct cli_command *const *c = cli_commands; *c != NULL; c++) {
            if (strcmp((*c)->group, *group) == 0)
                print_command_row(to, *c);
        }
    }
    print_options(to, "Flags of every command, before or after it", cli_global_options);
    fprintf(to, "\n'cup help COMMAND' says more. Further topics of 'cup help':\n");
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        print_row(to, topics[i].name, topics[i].summary);
}

void cli_help_command(FILE *to, const struct cli_command *command, const char *name)
{
    fprintf(
        to, "cup %s - %s\n\nUsage: cup %s%s%s\n", name, command->summary, name,
        command->usage != NULL          ? " "
            : command->commands != NULL ? " COMMAND"
                                        : "",
        command->usage != NULL ? command->usage : "");
    if (command->aliases != NULL) {
        autofree char *names = names_of(command);
        fprintf(to, "Names: %s\n", names);
    }
    if (command->details != NULL)
        fprintf(to, "\n%s", command->details);
    if (command->commands != NULL)
        fprintf(to, "\nCommands:\n");
    for (const struct cli_command *const *c = command->commands; c != NULL && *c != NULL; c++)
        print_command_row(to, *c);
    print_options(to, "Flags", command->options);
    print_options(to, "Transport flags", command->shared_options);
    fprintf(to, "\n'cup help' shows the flags of every command.\n");
}

bool cli_help_topic(FILE *to, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        if (strcmp(topics[i].name, name) == 0) {
            fprintf(to, "%s\n\n%s", topics[i].summary, topics[i].text);
            return true;
        }
    }
    return false;
}
