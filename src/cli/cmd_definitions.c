/* cup definitions: what the server serves. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/kinds.h"
#include "cli/run.h"
#include "cli/table.h"

static bool is_same_definition(const struct cli_kind *a, const struct cli_kind *b)
{
    return str_eq(a->group, b->group) && str_eq(a->plural, b->plural);
}

/* The server answers a definition once for each of its versions (docs/compatibility.md). */
static bool is_first_of_definition(const struct cli_kinds *kinds, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (is_same_definition(&kinds->items[i], &kinds->items[at]))
            return false;
    }
    return true;
}

static enum err_kind print_documents(struct cli *c, const struct cli_kinds *kinds, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < kinds->count; i++) {
        if (is_first_of_definition(kinds, i))
            r = cli_print_document(
                c, json_text_member(kinds->doc.text, kinds->items[i].key, false), err);
    }
    return r;
}

static void print_names(struct cli *c, const struct cli_kinds *kinds)
{
    for (size_t i = 0; i < kinds->count; i++) {
        const struct cli_kind *kind = &kinds->items[i];
        if (!is_first_of_definition(kinds, i))
            continue;
        autofree char *name =
            mem_printf(STR_FMT "." STR_FMT, STR_ARG(kind->plural), STR_ARG(kind->group));
        cli_print_line(c, str_from(name));
    }
}

/* Upstream's first column is called NAMESPACE and holds the plural. */
static void print_table(struct cli *c, const struct cli_kinds *kinds)
{
    auto_table struct cli_table table;
    cli_table_init(&table, (const char *const[]){"NAMESPACE", "APIVERSION", "KIND", NULL});
    for (size_t i = 0; i < kinds->count; i++) {
        const struct cli_kind *kind = &kinds->items[i];
        autofree char *version =
            mem_printf(STR_FMT "/" STR_FMT, STR_ARG(kind->group), STR_ARG(kind->version));
        cli_table_row(&table, (const struct str[]){kind->plural, str_from(version), kind->kind});
    }
    cli_table_print(&table, c->io.out);
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    auto_kinds struct cli_kinds kinds = {0};
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = cli_kinds_fetch(c, &kinds, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return print_documents(c, &kinds, err);
    if (c->output == CLI_OUTPUT_NAME)
        print_names(c, &kinds);
    else
        print_table(c, &kinds);
    return ERR_OK;
}

const struct cli_command cmd_definitions = {
    .name = "definitions",
    .aliases = (const char *const[]){"defs", "api-resources", NULL},
    .group = "Resources",
    .summary = "List the kinds of resources that the server has",
    .run = run,
};
