/* cup completion: scripts for shells. */
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/run.h"

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    static const struct {
        const char *shell;
        void (*write)(struct buf *to);
    } shells[] = {
        {"bash", cli_completion_bash},
        {"fish", cli_completion_fish},
        {"zsh", cli_completion_zsh},
    };
    enum err_kind r = cli_check_args(c, 1, 1, "a shell: bash, fish or zsh", err);
    if (r != ERR_OK)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(c->args.items[0], shells[i].shell) != 0)
            continue;
        autobuf struct buf text = {0};
        shells[i].write(&text);
        fwrite(text.p, 1, text.n, c->io.out);
        return ERR_OK;
    }
    return err_set(
        err, ERR_USAGE, "no completion for '%s': it is one of bash, fish, zsh", c->args.items[0]);
}

const struct cli_command cmd_completion = {
    .name = "completion",
    .group = "Other",
    .summary = "Print a script that completes cup's commands and flags",
    .usage = "bash|fish|zsh",
    .details = "bash: source <(cup completion bash)\n"
               "zsh:  source <(cup completion zsh)\n"
               "fish: cup completion fish | source\n",
    .run = run,
};
