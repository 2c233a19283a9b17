/* cup version */
#include "cli/commands.h"
#include "cli/run.h"

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return cli_print_document(c, STR("{\"version\":\"" CUP_VERSION "\"}"), err);
    fprintf(c->io.out, "cup %s\n", CUP_VERSION);
    return ERR_OK;
}

const struct cli_command cmd_version = {
    .name = "version",
    .group = "Other",
    .summary = "Show the version of cup",
    .run = run,
};
