/* cup apply: put objects; each change becomes a proposal, or is made in place. */
#include "base/mem.h"
#include "cli/change_set.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/object.h"
#include "cli/run.h"

struct apply_options {
    struct cli_files files;
    struct cli_write write;
};

#define OPTION(member) offsetof(struct apply_options, member)
static const struct cli_option options[] = {
    {"dry-run", 0, CLI_OPTION_FLAG, NULL, "the server checks everything and changes nothing",
     OPTION(write.is_dry_run)},
    {"message", 0, CLI_OPTION_TEXT, "TEXT", "of commit and proposal; its first line is the title",
     OPTION(write.message)},
    {0},
};

static enum err_kind
put(struct cli *c,
    const struct cli_document *document,
    struct cli_named *named,
    const struct cli_write *write,
    struct cli_results *results,
    struct err *err)
{
    cli_object_write_query(c, write, &named->path);
    autofree char *what = mem_printf("applying %s", named->label);
    return cli_object_change(c, named->path.p, str_from(document->text), what, results, err);
}

/* A single object is a PUT, as upstream; several are one change. Names are looked up for all before
 * anything is sent: a slip in the last changes nothing. */
static enum err_kind put_all(
    struct cli *c,
    const struct cli_documents *documents,
    const struct cli_write *write,
    struct cli_results *results,
    struct err *err)
{
    auto_kinds struct cli_kinds kinds = {0};
    autofree struct cli_named *named = mem_alloc(documents->count * sizeof(*named));
    enum err_kind r = cli_documents_name(c, documents, &kinds, named, err);
    if (r == ERR_OK)
        r = documents->count == 1 ? put(c, &documents->items[0], &named[0], write, results, err)
                                  : cli_change_set(c, documents, named, false, write, results, err);
    for (size_t i = 0; i < documents->count; i++)
        cli_named_deinit(&named[i]);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct apply_options *o = data;
    auto_documents struct cli_documents documents = {0};
    auto_results struct cli_results results;
    cli_results_init(&results);
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = cli_documents_read(c, &o->files, &documents, err);
    if (r == ERR_OK)
        r = put_all(c, &documents, &o->write, &results, err);
    if (r == ERR_OK)
        cli_results_end(c, &results);
    return r;
}

const struct cli_command cmd_apply = {
    .name = "apply",
    .group = "Resources",
    .summary = "Create or change resources",
    .usage = "[-f FILE]…",
    .details = "JSON or YAML (*.yaml, *.yml), any number of objects in a file; standard input "
               "without -f. The\n"
               "namespace of an object counts before -n. Several objects are one change: one "
               "proposal, and\n"
               "nothing is changed where one of them is refused. Objects that are there as given "
               "already make\n"
               "no change and print nothing.\n",
    .options = options,
    .shared_options = cli_file_options,
    .versions = CLI_VERSIONS_WRITE,
    .options_bytes = sizeof(struct apply_options),
    .run = run,
};
