/* cup history: the commits that changed one object. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/pages.h"
#include "cli/run.h"
#include "cli/target.h"

#define COMMIT_SHOWN 12

struct history_options {
    const char *limit;
};

static const struct cli_option options[] = {
    {"limit", 0, CLI_OPTION_TEXT, "N", "the last N changes only",
     offsetof(struct history_options, limit)},
    {0},
};

static struct str text_of(yyjson_val *entry, const char *key)
{
    struct str text = json_str(json_get(entry, key));
    return text.n == 0 ? STR("-") : text;
}

static void add_row(const struct cli *c, struct cli_table *table, yyjson_val *entry)
{
    struct str commit = text_of(entry, "commit");
    if (c->output != CLI_OUTPUT_WIDE)
        commit = str_take(commit, COMMIT_SHOWN);
    const struct str cells[] = {
        commit,
        text_of(entry, "change"),
        text_of(entry, "time"),
        text_of(entry, "author"),
        text_of(entry, "proposal"),
        text_of(entry, c->output == CLI_OUTPUT_WIDE ? "etag" : "message"),
        text_of(entry, "message"),
    };
    cli_table_row(table, cells);
}

static void print_table(struct cli *c, const struct cli_list_items *list)
{
    auto_table struct cli_table table;
    cli_table_init(
        &table,
        c->output == CLI_OUTPUT_WIDE
            ? (const char *const
                   []){"COMMIT", "CHANGE", "TIME", "AUTHOR", "PROPOSAL", "ETAG", "MESSAGE", NULL}
            : (const char *const[]){
                  "COMMIT", "CHANGE", "TIME", "AUTHOR", "PROPOSAL", "MESSAGE", NULL});
    for (size_t i = 0; i < list->count; i++)
        add_row(c, &table, list->items[i]);
    cli_table_print(&table, c->io.out);
}

static enum err_kind print(struct cli *c, const struct cli_list_items *list, struct err *err)
{
    if (cli_output_is_document(c))
        return cli_print_document(c, list->doc.text, err);
    if (cli_output_is_table(c)) {
        print_table(c, list);
        return ERR_OK;
    }
    for (size_t i = 0; i < list->count; i++)
        cli_print_line(c, text_of(list->items[i], "commit"));
    return ERR_OK;
}

static enum err_kind
object_path(struct cli *c, struct buf *ret_path, char **ret_label, struct err *err)
{
    auto_kinds struct cli_kinds kinds = {0};
    struct cli_kind kind;
    struct str ns = {0};
    enum err_kind r = cli_check_args(c, 2, 2, "a type and a name", err);
    if (r == ERR_OK)
        r = cli_target_resolve(c, err);
    if (r == ERR_OK)
        r = cli_object_namespace(c, &ns, err);
    if (r == ERR_OK)
        r = cli_kinds_resolve(c, c->args.items[0], &kinds, &kind, err);
    if (r != ERR_OK)
        return r;
    struct str name = str_from(c->args.items[1]);
    if (name.n == 0)
        return err_set(err, ERR_INVALID, "the name is empty");
    *ret_label = cli_object_label(&kind, ns, name);
    return cli_object_path(&kind, ns, name, ret_path, err);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct history_options *o = data;
    autobuf struct buf path = {0};
    autofree char *label = NULL;
    auto_items struct cli_list_items list = {0};
    struct cli_pages pages = {0};
    enum err_kind r = cli_pages_limit(o->limit, &pages.most, err);
    if (r == ERR_OK)
        r = object_path(c, &path, &label, err);
    if (r != ERR_OK)
        return r;
    buf_text(&path, "/history");
    cli_object_read_query(c, &path);
    autofree char *what = mem_printf("reading the history of %s", label);
    pages.path = path.p;
    pages.what = what;
    r = cli_pages_fetch(c, &pages, &list, err);
    if (r == ERR_OK && list.count == 0)
        return err_set(err, ERR_NOT_FOUND, "there never were %s", label);
    return r == ERR_OK ? print(c, &list, err) : r;
}

const struct cli_command cmd_history = {
    .name = "history",
    .group = "Resources",
    .summary = "Show which commits changed a resource",
    .usage = "TYPE NAME",
    .details = "The newest one first: who changed it, when, and through which proposal. "
               "'cup get TYPE NAME\n"
               "--revision COMMIT' reads what a commit left. -o name prints commits, -o wide whole "
               "ones.\n",
    .options = options,
    .versions = CLI_VERSIONS_READ,
    .options_bytes = sizeof(struct history_options),
    .run = run,
};
