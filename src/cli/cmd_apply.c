/* cup apply: put objects; each change becomes a proposal, or is made in place. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/object.h"
#include "cli/run.h"

struct apply_options {
    struct cli_files files;
    bool is_dry_run;
};

#define OPTION(member) offsetof(struct apply_options, member)
static const struct cli_option options[] = {
    {"dry-run", 0, CLI_OPTION_FLAG, NULL, "the server checks everything and changes nothing",
     OPTION(is_dry_run)},
    {0},
};

static enum err_kind
put(struct cli *c,
    const struct cli_document *document,
    struct cli_named *named,
    bool is_dry_run,
    struct cli_results *results,
    struct err *err)
{
    cli_object_write_query(c, is_dry_run, &named->path);
    autofree char *what = mem_printf("applying %s", named->label);
    return cli_object_change(c, named->path.p, str_from(document->text), what, results, err);
}

/* Names are looked up for all before the first is put: a slip in the last changes nothing. */
static enum err_kind name_all(
    struct cli *c,
    const struct cli_documents *documents,
    struct cli_kinds *kinds,
    struct cli_named *ret,
    struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < documents->count; i++)
        r = cli_document_name(c, &documents->items[i], kinds, &ret[i], err);
    return r;
}

/* What one object is refused for says nothing of the others: they are put. */
static void put_all(
    struct cli *c,
    const struct cli_documents *documents,
    struct cli_named *named,
    bool is_dry_run,
    struct cli_results *results)
{
    for (size_t i = 0; i < documents->count; i++) {
        struct err err = {0};
        enum err_kind r = put(c, &documents->items[i], &named[i], is_dry_run, results, &err);
        if (r != ERR_OK)
            cli_report(c, &err);
        if (cli_object_is_hopeless(r))
            return;
    }
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct apply_options *o = data;
    auto_documents struct cli_documents documents = {0};
    auto_kinds struct cli_kinds kinds = {0};
    auto_results struct cli_results results;
    cli_results_init(&results);
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = cli_documents_read(c, &o->files, &documents, err);
    if (r != ERR_OK)
        return r;
    autofree struct cli_named *named = mem_alloc(documents.count * sizeof(*named));
    r = name_all(c, &documents, &kinds, named, err);
    if (r == ERR_OK) {
        put_all(c, &documents, named, o->is_dry_run, &results);
        cli_results_end(c, &results);
    }
    for (size_t i = 0; i < documents.count; i++)
        cli_named_deinit(&named[i]);
    return r;
}

const struct cli_command cmd_apply = {
    .name = "apply",
    .group = "Resources",
    .summary = "Create or change resources",
    .usage = "[-f FILE]…",
    .details = "JSON or YAML (*.yaml, *.yml), any number of objects in a file; standard input "
               "without -f. The\n"
               "namespace of an object counts before -n. An object that is there as given already "
               "makes no\n"
               "change and prints nothing.\n",
    .options = options,
    .shared_options = cli_file_options,
    .versions = CLI_VERSIONS_WRITE,
    .options_bytes = sizeof(struct apply_options),
    .run = run,
};
