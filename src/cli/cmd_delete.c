/* cup delete: objects by name, or those that files describe. */
#include "base/mem.h"
#include "cli/change_set.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/object.h"
#include "cli/run.h"
#include "cli/target.h"

struct delete_options {
    struct cli_files files;
    struct cli_write write;
};

#define OPTION(member) offsetof(struct delete_options, member)
static const struct cli_option options[] = {
    {"dry-run", 0, CLI_OPTION_FLAG, NULL, "the server checks everything and changes nothing",
     OPTION(write.is_dry_run)},
    {"message", 0, CLI_OPTION_TEXT, "TEXT", "of commit and proposal; its first line is the title",
     OPTION(write.message)},
    {0},
};

/* One object; true when going on with the next makes sense. */
static bool delete_one(
    struct cli *c,
    const struct cli_write *write,
    struct buf *path,
    const char *label,
    struct cli_results *results)
{
    struct err err = {0};
    cli_object_write_query(c, write, path);
    autofree char *what = mem_printf("deleting %s", label);
    enum err_kind r = cli_object_change(c, path->p, (struct str){0}, what, results, &err);
    if (r != ERR_OK)
        cli_report(c, &err);
    return !cli_object_is_hopeless(r);
}

static enum err_kind delete_names(
    struct cli *c, const struct delete_options *o, struct cli_results *results, struct err *err)
{
    auto_kinds struct cli_kinds kinds = {0};
    struct cli_kind kind;
    struct str ns = {0};
    enum err_kind r = cli_target_resolve(c, err);
    if (r == ERR_OK)
        r = cli_object_namespace(c, &ns, err);
    if (r == ERR_OK)
        r = cli_kinds_resolve(c, c->args.items[0], &kinds, &kind, err);
    bool goes_on = r == ERR_OK;
    for (size_t i = 1; goes_on && i < c->args.count; i++) {
        struct str name = str_from(c->args.items[i]);
        autobuf struct buf path = {0};
        /* an empty name would be the path of all of them */
        if (name.n == 0)
            return err_set(err, ERR_INVALID, "a name is empty");
        r = cli_object_path(&kind, ns, name, &path, err);
        if (r != ERR_OK)
            return r;
        autofree char *label = cli_object_label(&kind, ns, name);
        goes_on = delete_one(c, &o->write, &path, label, results);
    }
    return r;
}

/* One is a DELETE, several are one change. */
static enum err_kind delete_files(
    struct cli *c, const struct delete_options *o, struct cli_results *results, struct err *err)
{
    auto_kinds struct cli_kinds kinds = {0};
    auto_documents struct cli_documents documents = {0};
    enum err_kind r = cli_documents_read(c, &o->files, &documents, err);
    if (r != ERR_OK)
        return r;
    autofree struct cli_named *named = mem_alloc(documents.count * sizeof(*named));
    r = cli_documents_name(c, &documents, &kinds, named, err);
    if (r == ERR_OK && documents.count > 1)
        r = cli_change_set(c, &documents, named, true, &o->write, results, err);
    else if (r == ERR_OK)
        delete_one(c, &o->write, &named[0].path, named[0].label, results);
    for (size_t i = 0; i < documents.count; i++)
        cli_named_deinit(&named[i]);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct delete_options *o = data;
    bool has_files = o->files.paths.count > 0;
    auto_results struct cli_results results;
    cli_results_init(&results);
    enum err_kind r = has_files ? cli_check_args(c, 0, 0, "", err)
                                : cli_check_args(c, 2, SIZE_MAX, "a type and a name, or -f", err);
    if (r != ERR_OK)
        return r;
    r = has_files ? delete_files(c, o, &results, err) : delete_names(c, o, &results, err);
    cli_results_end(c, &results);
    return r;
}

const struct cli_command cmd_delete = {
    .name = "delete",
    .group = "Resources",
    .summary = "Delete resources",
    .usage = "(TYPE NAME… | -f FILE…)",
    .details = "TYPE as for 'cup get'. With -f the objects that the files describe, several of "
               "them as one change.\n",
    .options = options,
    .shared_options = cli_file_options,
    .versions = CLI_VERSIONS_WRITE,
    .options_bytes = sizeof(struct delete_options),
    .run = run,
};
