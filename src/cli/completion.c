#include "cli/completion.h"
#include "base/mem.h"
#include "cli/command.h"

/* Visit every command; path as one types it with a blank before each word: " proposal list". */
typedef void (*visit_fn)(struct buf *to, const struct cli_command *command, const char *path);

static void visit_below(
    struct buf *to, const struct cli_command *const *commands, const char *above, visit_fn f)
{
    for (; commands != NULL && *commands != NULL; commands++) {
        autofree char *path = mem_printf("%s %s", above, (*commands)->name);
        f(to, *commands, path);
        visit_below(to, (*commands)->commands, path, f);
    }
}

static void write_flags(struct buf *to, const struct cli_option *rows)
{
    for (; rows != NULL && rows->name != NULL; rows++)
        buf_printf(to, " --%s", rows->name);
}

static void write_names(struct buf *to, const struct cli_command *const *commands)
{
    for (; commands != NULL && *commands != NULL; commands++)
        buf_printf(to, " %s", (*commands)->name);
}

/* --- bash and zsh: one function that walks the words to the command ----------------------------------- */

static void write_step(struct buf *to, const struct cli_command *command, const char *path)
{
    size_t above = (size_t)str_rfind(str_from(path), ' ');
    buf_printf(to, "        \"%s\"", path);
    for (const char *const *a = command->aliases; a != NULL && *a != NULL; a++)
        buf_printf(to, "|\"%.*s %s\"", (int)above, path, *a);
    buf_printf(to, ") at=\"%s\" ;;\n", path);
}

static void write_words(struct buf *to, const struct cli_command *command, const char *path)
{
    buf_printf(to, "    \"%s\") candidates+=\"", path);
    write_names(to, command->commands);
    write_flags(to, command->options);
    write_flags(to, command->shared_options);
    buf_text(to, "\" ;;\n");
}

/* The walk: words behind flags are taken for commands only where they are some. */
static void write_function(struct buf *to, const char *head, const char *loop, const char *tail)
{
    buf_text(to, head);
    buf_text(to, loop);
    buf_text(to, "        case \"$at $word\" in\n");
    visit_below(to, cli_commands, "", write_step);
    buf_text(to, "        esac\n    done\n    candidates=\"");
    write_flags(to, cli_global_options);
    buf_text(to, "\"\n    case $at in\n    \"\") candidates+=\"");
    write_names(to, cli_commands);
    buf_text(to, "\" ;;\n");
    visit_below(to, cli_commands, "", write_words);
    buf_text(to, "    esac\n");
    buf_text(to, tail);
}

void cli_completion_bash(struct buf *to)
{
    write_function(
        to,
        "# bash completion for cup\n"
        "_cup() {\n"
        "    local at= word candidates\n",
        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n",
        "    COMPREPLY=($(compgen -W \"$candidates\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
        "}\n"
        "complete -o default -F _cup cup\n");
}

void cli_completion_zsh(struct buf *to)
{
    write_function(
        to,
        "#compdef cup\n"
        "_cup() {\n"
        "    local at= word words_before=(\"${(@)words[2,CURRENT-1]}\") candidates\n",
        "    for word in $words_before; do\n",
        "    compadd -- ${=candidates} || _files\n"
        "}\n"
        "compdef _cup cup\n");
}

/* --- fish --------------------------------------------------------------------------------------------- */

/* Single quotes of fish: only \ and ' are special. */
static void write_quoted(struct buf *to, const char *text)
{
    buf_char(to, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '\'')
            buf_char(to, '\\');
        buf_char(to, *text);
    }
    buf_char(to, '\'');
}

/* "__fish_seen_subcommand_from" for each word of the path. */
static void write_condition(struct buf *to, struct str path)
{
    if (path.n == 0) {
        buf_text(to, " -n __fish_use_subcommand");
        return;
    }
    buf_text(to, " -n '");
    path = str_skip(path, 1);
    for (const char *and = ""; path.p != NULL; and = "; and ") {
        struct str word = str_cut(&path, ' ');
        buf_printf(to, "%s__fish_seen_subcommand_from " STR_FMT, and, STR_ARG(word));
    }
    buf_char(to, '\'');
}

static void write_fish_flags(struct buf *to, const struct cli_option *rows, const char *path)
{
    for (; rows != NULL && rows->name != NULL; rows++) {
        buf_text(to, "complete -c cup");
        if (path != NULL)
            write_condition(to, str_from(path));
        buf_printf(to, " -l %s", rows->name);
        if (rows->letter != 0)
            buf_printf(to, " -s %c", rows->letter);
        if (rows->kind != CLI_OPTION_FLAG)
            buf_text(to, " -r");
        buf_text(to, " -d ");
        write_quoted(to, rows->help);
        buf_char(to, '\n');
    }
}

static void write_fish(struct buf *to, const struct cli_command *command, const char *path)
{
    buf_text(to, "complete -c cup");
    write_condition(to, str_take(str_from(path), (size_t)str_rfind(str_from(path), ' ')));
    buf_printf(to, " -a %s -d ", command->name);
    write_quoted(to, command->summary);
    buf_char(to, '\n');
    write_fish_flags(to, command->options, path);
    write_fish_flags(to, command->shared_options, path);
}

void cli_completion_fish(struct buf *to)
{
    buf_text(to, "# fish completion for cup\n");
    write_fish_flags(to, cli_global_options, NULL);
    visit_below(to, cli_commands, "", write_fish);
}
