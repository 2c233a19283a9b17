/* cup proposal: list, show, diff, merge, close. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/server.h"
#include "cli/table.h"
#include "json/json.h"

struct list_options {
    bool is_all;
};

static const struct cli_option list_options[] = {
    {"all", 0, CLI_OPTION_FLAG, NULL, "merged and closed ones too",
     offsetof(struct list_options, is_all)},
    {0},
};

/* --- asking --------------------------------------------------------------------------------------- */

struct call {
    const char *method;
    const char *action; /* last segment of the path, or NULL */
    const char *query_name;
    const char *verb; /* "merging": for errors */
};

/* On the one proposal that the arguments name. */
static enum err_kind
ask(struct cli *c,
    const struct call *call,
    struct buf *ret_body,
    struct json_doc *ret_doc,
    struct err *err)
{
    autobuf struct buf path = {0};
    enum err_kind r = cli_check_args(c, 1, 1, "the id of a proposal", err);
    if (r != ERR_OK)
        return r;
    const char *id = c->args.items[0];
    if (id[0] == '\0' || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return err_set(err, ERR_INVALID, "'%s' is not the id of a proposal", id);
    buf_text(&path, CLI_PATH_PROPOSALS);
    cli_path_segment(&path, str_from(id));
    if (call->action != NULL)
        cli_path_segment(&path, str_from(call->action));
    if (call->query_name != NULL)
        cli_path_query(&path, call->query_name, "1");
    autofree char *what = mem_printf("%s proposal '%s'", call->verb, id);
    struct cli_request request = {.method = call->method, .path = path.p, .what = what};
    r = cli_server_call(c, &request, ret_body, NULL, err);
    if (r == ERR_NOT_FOUND)
        cli_hint(c, "'cup proposal list' shows the open ones, with --all the others too");
    if (r == ERR_OK)
        r = json_parse(buf_view(ret_body), JSON_STORED, ret_doc, err);
    return r;
}

/* --- printing ------------------------------------------------------------------------------------- */

/* "flags.flipt.io/v1alpha1 …" would need the kinds: what a commit says is Kind namespace/name. */
static void write_objects(struct buf *to, yyjson_val *proposal)
{
    yyjson_arr_iter at;
    yyjson_arr_iter_init(json_get(proposal, "objects"), &at);
    yyjson_val *object;
    while ((object = yyjson_arr_iter_next(&at)) != NULL) {
        struct str kind = json_str(json_get(object, "kind"));
        struct str ns = json_str(json_get(object, "namespace"));
        struct str name = json_str(json_get(object, "name"));
        buf_printf(
            to, "%s" STR_FMT " " STR_FMT "/" STR_FMT, to->n > 0 ? ", " : "", STR_ARG(kind),
            STR_ARG(ns), STR_ARG(name));
    }
}

static struct str or_dash(struct str text)
{
    return text.n == 0 ? STR("-") : text;
}

static void add_row(struct cli_table *table, yyjson_val *proposal)
{
    autobuf struct buf objects = {0};
    write_objects(&objects, proposal);
    const struct str cells[] = {
        json_str(json_get(proposal, "id")),
        json_str(json_get(proposal, "state")),
        or_dash(buf_view(&objects)),
        or_dash(json_str(json_get(proposal, "author"))),
        or_dash(json_str(json_get(proposal, "created"))),
    };
    cli_table_row(table, cells);
}

/* Proposals as rows: of a list, or one that was just changed. */
static void print_rows(struct cli *c, yyjson_val *const *proposals, size_t count)
{
    auto_table struct cli_table table;
    cli_table_init(
        &table, (const char *const[]){"ID", "STATE", "OBJECTS", "AUTHOR", "CREATED", NULL});
    for (size_t i = 0; i < count; i++) {
        if (c->output == CLI_OUTPUT_NAME)
            cli_print_line(c, json_str(json_get(proposals[i], "id")));
        else
            add_row(&table, proposals[i]);
    }
    cli_table_print(&table, c->io.out);
}

static void print_members(struct cli *c, yyjson_val *proposal)
{
    static const struct {
        const char *shown;
        const char *key;
    } rows[] = {
        {"Id", "id"},           {"State", "state"},   {"Title", "title"}, {"Author", "author"},
        {"Created", "created"}, {"Source", "source"}, {"URL", "url"},     {"Branch", "branch"},
        {"Target", "target"},   {"Base", "base"},     {"Head", "head"},   {"Merged", "merged"},
    };
    autobuf struct buf objects = {0};
    write_objects(&objects, proposal);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cli_print_pair(c, rows[i].shown, json_str(json_get(proposal, rows[i].key)));
    cli_print_pair(c, "Objects", buf_view(&objects));
}

/* --- the commands --------------------------------------------------------------------------------- */

static enum err_kind print_list(struct cli *c, const struct json_doc *doc, struct err *err)
{
    if (cli_output_is_document(c))
        return cli_print_document(c, doc->text, err);
    yyjson_val *items = json_get(doc->root, "items");
    size_t count = yyjson_arr_size(items);
    autofree yyjson_val **proposals = mem_alloc((count + 1) * sizeof(yyjson_val *));
    size_t n = 0;
    yyjson_arr_iter at;
    yyjson_arr_iter_init(items, &at);
    while (n < count)
        proposals[n++] = yyjson_arr_iter_next(&at);
    print_rows(c, proposals, n);
    return ERR_OK;
}

static enum err_kind run_list(struct cli *c, const void *data, struct err *err)
{
    const struct list_options *o = data;
    autobuf struct buf path = {0};
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r != ERR_OK)
        return r;
    buf_text(&path, CLI_PATH_PROPOSALS);
    cli_path_query(&path, "all", o->is_all ? "1" : NULL);
    struct cli_request request = {.method = "GET", .path = path.p, .what = "listing the proposals"};
    r = cli_server_call(c, &request, &body, NULL, err);
    if (r == ERR_OK)
        r = json_parse(buf_view(&body), JSON_STORED, &doc, err);
    return r == ERR_OK ? print_list(c, &doc, err) : r;
}

static enum err_kind run_show(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = ask(c, &(struct call){.method = "GET", .verb = "getting"}, &body, &doc, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return cli_print_document(c, doc.text, err);
    if (c->output == CLI_OUTPUT_NAME)
        cli_print_line(c, json_str(json_get(doc.root, "id")));
    else
        print_members(c, doc.root);
    return ERR_OK;
}

static enum err_kind run_diff(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    const struct call call = {.method = "GET", .query_name = "diff", .verb = "getting"};
    enum err_kind r = ask(c, &call, &body, &doc, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return cli_print_document(c, doc.text, err);
    cli_print_diff(c, json_str(json_get(doc.root, "diff")));
    return ERR_OK;
}

static enum err_kind end(struct cli *c, const struct call *call, struct err *err)
{
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = ask(c, call, &body, &doc, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return cli_print_document(c, doc.text, err);
    print_rows(c, &doc.root, 1);
    return ERR_OK;
}

static enum err_kind run_merge(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    return end(c, &(struct call){.method = "POST", .action = "merge", .verb = "merging"}, err);
}

static enum err_kind run_close(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    return end(c, &(struct call){.method = "DELETE", .verb = "closing"}, err);
}

static const struct cli_command list = {
    .name = "list",
    .aliases = (const char *const[]){"ls", NULL},
    .summary = "List the open proposals",
    .options = list_options,
    .options_bytes = sizeof(struct list_options),
    .run = run_list,
};
static const struct cli_command show = {
    .name = "show",
    .summary = "Show one proposal",
    .usage = "ID",
    .run = run_show,
};
static const struct cli_command diff = {
    .name = "diff",
    .summary = "Show what a proposal changes in the repository",
    .usage = "ID",
    .run = run_diff,
};
static const struct cli_command merge = {
    .name = "merge",
    .summary = "Merge a proposal into its target branch",
    .usage = "ID",
    .run = run_merge,
};
static const struct cli_command close_command = {
    .name = "close",
    .summary = "Close a proposal without merging it",
    .usage = "ID",
    .run = run_close,
};

/* Keep sorted by name. */
static const struct cli_command *const commands[] = {
    &close_command, &diff, &list, &merge, &show, NULL,
};

const struct cli_command cmd_proposal = {
    .name = "proposal",
    .aliases = (const char *const[]){"pr", "proposals", NULL},
    .group = "Proposals",
    .summary = "List, show, merge and close proposed changes",
    .commands = commands,
};
