/* cup get: objects of one kind. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/kinds.h"
#include "cli/object.h"
#include "cli/run.h"
#include "cli/table.h"
#include "cli/target.h"

struct get_options {
    bool is_everywhere;
};

#define OPTION(member) offsetof(struct get_options, member)
static const struct cli_option options[] = {
    {"all-namespaces", 'A', CLI_OPTION_FLAG, NULL, "of all namespaces", OPTION(is_everywhere)},
    {0},
};

/* One run of the command. */
struct getting {
    struct cli *c;
    struct cli_kind kind;
    struct str ns; /* {NULL, 0}: across namespaces */
    struct cli_table table;
    bool *was_found; /* one for each NAME */
};

static size_t name_count(const struct getting *g)
{
    return g->c->args.count - 1;
}

static const char *name_at(const struct getting *g, size_t i)
{
    return g->c->args.items[i + 1];
}

/* Is this object asked for? No NAME asks for all. */
static bool take_name(struct getting *g, struct str name)
{
    bool is_wanted = name_count(g) == 0;
    for (size_t i = 0; i < name_count(g); i++) {
        if (str_eqz(name, name_at(g, i))) {
            g->was_found[i] = true;
            is_wanted = true;
        }
    }
    return is_wanted;
}

/* --- printing ------------------------------------------------------------------------------------- */

static void write_labels(struct buf *to, yyjson_val *labels)
{
    yyjson_obj_iter at;
    yyjson_obj_iter_init(labels, &at);
    yyjson_val *key;
    while ((key = yyjson_obj_iter_next(&at)) != NULL) {
        struct str name = json_str(key);
        struct str value = json_str(yyjson_obj_iter_get_val(key));
        buf_printf(
            to, "%s" STR_FMT "=" STR_FMT, to->n > 0 ? "," : "", STR_ARG(name), STR_ARG(value));
    }
    if (to->n == 0)
        buf_char(to, '-');
}

static void add_row(struct getting *g, yyjson_val *root)
{
    autobuf struct buf labels = {0};
    yyjson_val *metadata = json_get(root, "metadata");
    write_labels(&labels, json_get(metadata, "labels"));
    const struct str cells[] = {
        json_str(json_get(metadata, "namespace")),
        json_str(json_get(metadata, "name")),
        json_str(json_get(root, "apiVersion")),
        json_str(json_get(root, "kind")),
        buf_view(&labels),
    };
    cli_table_row(&g->table, cells);
}

static enum err_kind print_object(struct getting *g, const struct json_doc *doc, struct err *err)
{
    struct cli *c = g->c;
    yyjson_val *metadata = json_get(doc->root, "metadata");
    struct str name = json_str(json_get(metadata, "name"));
    if (!take_name(g, name))
        return ERR_OK;
    if (cli_output_is_document(c))
        return cli_print_document(c, doc->text, err);
    if (cli_output_is_table(c)) {
        add_row(g, doc->root);
        return ERR_OK;
    }
    struct str ns = json_str(json_get(metadata, "namespace"));
    autofree char *text = g->ns.p == NULL
        ? mem_printf(STR_FMT "/" STR_FMT, STR_ARG(ns), STR_ARG(name))
        : mem_strdup_str(name);
    cli_print_line(c, str_from(text));
    return ERR_OK;
}

/* An answer: one object, or many one after the other. */
static enum err_kind print_objects(struct getting *g, struct str text, struct err *err)
{
    for (;;) {
        auto_json struct json_doc doc = {0};
        enum err_kind r = json_parse_next(&text, &doc, err);
        if (r != ERR_OK)
            return err_wrap(err, "the server's answer");
        if (doc.doc == NULL)
            return ERR_OK;
        r = print_object(g, &doc, err);
        if (r != ERR_OK)
            return r;
    }
}

/* --- asking --------------------------------------------------------------------------------------- */

static enum err_kind fetch(struct getting *g, struct str name, struct err *err)
{
    struct cli *c = g->c;
    autobuf struct buf path = {0};
    autobuf struct buf body = {0};
    enum err_kind r = cli_object_path(&g->kind, g->ns, name, &path, err);
    if (r != ERR_OK)
        return r;
    cli_object_read_query(c, &path);
    autofree char *label = cli_object_label(&g->kind, g->ns, name);
    r = cli_object_get(c, path.p, label, &body, err);
    return r == ERR_OK ? print_objects(g, buf_view(&body), err) : r;
}

/* Upstream leaves absent names out without a word; a script would not notice. */
static void report_absent(struct getting *g)
{
    for (size_t i = 0; i < name_count(g); i++) {
        if (g->was_found[i])
            continue;
        struct err err = {0};
        autofree char *label = cli_object_label(&g->kind, g->ns, str_from(name_at(g, i)));
        err_set(&err, ERR_NOT_FOUND, "no %s", label);
        cli_report(g->c, &err);
    }
}

static enum err_kind get(struct getting *g, struct err *err)
{
    struct cli *c = g->c;
    bool is_one = name_count(g) == 1 && g->ns.p != NULL;
    if (is_one && name_at(g, 0)[0] == '\0')
        return err_set(err, ERR_INVALID, "the name is empty");
    enum err_kind r = fetch(g, is_one ? str_from(name_at(g, 0)) : (struct str){0}, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_table(c))
        cli_table_print(&g->table, c->io.out);
    report_absent(g);
    return ERR_OK;
}

static enum err_kind
resolve(struct getting *g, bool is_everywhere, struct cli_kinds *kinds, struct err *err)
{
    struct cli *c = g->c;
    enum err_kind r = cli_check_args(c, 1, SIZE_MAX, "a type", err);
    if (r == ERR_OK && is_everywhere && c->globals.ns != NULL)
        r = err_set(err, ERR_USAGE, "either '--namespace' or '--all-namespaces', not both");
    if (r == ERR_OK)
        r = cli_target_resolve(c, err);
    if (r == ERR_OK && !is_everywhere)
        r = cli_object_namespace(c, &g->ns, err);
    return r == ERR_OK ? cli_kinds_resolve(c, c->args.items[0], kinds, &g->kind, err) : r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct get_options *o = data;
    auto_kinds struct cli_kinds kinds = {0};
    struct getting g = {.c = c};
    enum err_kind r = resolve(&g, o->is_everywhere, &kinds, err);
    if (r != ERR_OK)
        return r;
    bool is_wide = c->output == CLI_OUTPUT_WIDE;
    cli_table_init(
        &g.table,
        is_wide ? (const char *const[]){"NAMESPACE", "NAME", "APIVERSION", "KIND", "LABELS", NULL}
                : (const char *const[]){"NAMESPACE", "NAME", NULL});
    autofree bool *was_found = mem_alloc(c->args.count * sizeof(*was_found));
    g.was_found = was_found;
    r = get(&g, err);
    cli_table_deinit(&g.table);
    return r;
}

const struct cli_command cmd_get = {
    .name = "get",
    .group = "Resources",
    .summary = "Show resources of one kind",
    .usage = "TYPE [NAME…]",
    .details = "TYPE is a plural, singular or Kind, GROUP/PLURAL, GROUP/Kind, or "
               "GROUP/VERSION/PLURAL; 'cup\n"
               "definitions' lists them. Documents are printed one after the other. -o name prints "
               "names,\n"
               "with -A as NAMESPACE/NAME; -o wide adds kind and labels.\n",
    .options = options,
    .versions = CLI_VERSIONS_READ,
    .options_bytes = sizeof(struct get_options),
    .run = run,
};
