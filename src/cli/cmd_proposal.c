/* cup proposal: list, show, diff, merge, close. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/pages.h"
#include "cli/run.h"
#include "cli/server.h"
#include "cli/table.h"
#include "cli/target.h"
#include "json/json.h"

struct list_options {
    bool is_all;
    const char *state;
    const char *of;
    const char *limit;
};

#define OPTION(member) offsetof(struct list_options, member)
static const struct cli_option list_options[] = {
    {"all", 0, CLI_OPTION_FLAG, NULL, "merged and closed ones too", OPTION(is_all)},
    {"state", 0, CLI_OPTION_TEXT, "STATE", "open, conflicted, merged, closed or all",
     OPTION(state)},
    {"for", 0, CLI_OPTION_TEXT, "TYPE/NAME", "those that touch this resource", OPTION(of)},
    {"limit", 0, CLI_OPTION_TEXT, "N", "the newest N only", OPTION(limit)},
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

/* Behind the state, what else keeps a person from merging it. */
static void write_state(struct buf *to, yyjson_val *proposal)
{
    buf_str(to, json_str(json_get(proposal, "state")));
    if (yyjson_is_true(json_get(proposal, "draft")))
        buf_text(to, ",draft");
    if (json_str(json_get(proposal, "blocked")).n > 0)
        buf_text(to, ",blocked");
}

static void add_row(struct cli_table *table, yyjson_val *proposal)
{
    autobuf struct buf objects = {0};
    autobuf struct buf state = {0};
    write_objects(&objects, proposal);
    write_state(&state, proposal);
    const struct str cells[] = {
        json_str(json_get(proposal, "id")),
        buf_view(&state),
        or_dash(buf_view(&objects)),
        or_dash(json_str(json_get(proposal, "author"))),
        or_dash(json_str(json_get(proposal, "created"))),
        or_dash(json_str(json_get(proposal, "title"))), /* wide */
        or_dash(json_str(json_get(proposal, "url"))),
    };
    cli_table_row(table, cells);
}

/* Proposals as rows: of a list, or one that was just changed. */
static void print_rows(struct cli *c, yyjson_val *const *proposals, size_t count)
{
    auto_table struct cli_table table;
    static const char *const header[] = {"ID",      "STATE", "OBJECTS", "AUTHOR",
                                         "CREATED", "TITLE", "URL",     NULL};
    static const char *const narrow[] = {"ID", "STATE", "OBJECTS", "AUTHOR", "CREATED", NULL};
    cli_table_init(&table, c->output == CLI_OUTPUT_WIDE ? header : narrow);
    for (size_t i = 0; i < count; i++) {
        if (c->output == CLI_OUTPUT_NAME)
            cli_print_line(c, json_str(json_get(proposals[i], "id")));
        else
            add_row(&table, proposals[i]);
    }
    cli_table_print(&table, c->io.out);
}

static void write_labels(struct buf *to, yyjson_val *proposal)
{
    yyjson_arr_iter at;
    yyjson_arr_iter_init(json_get(proposal, "labels"), &at);
    yyjson_val *label;
    while ((label = yyjson_arr_iter_next(&at)) != NULL)
        buf_printf(to, "%s" STR_FMT, to->n > 0 ? ", " : "", STR_ARG(json_str(label)));
}

/* One line each, of members that hold lists. */
static void print_each(
    struct cli *c, yyjson_val *list, const char *shown, const char *first, const char *second)
{
    yyjson_arr_iter at;
    yyjson_arr_iter_init(list, &at);
    yyjson_val *item;
    while ((item = yyjson_arr_iter_next(&at)) != NULL) {
        struct str one = json_str(json_get(item, first));
        struct str two = json_str(json_get(item, second));
        autofree char *line =
            mem_printf(STR_FMT "%s" STR_FMT, STR_ARG(one), one.n > 0 ? ": " : "", STR_ARG(two));
        cli_print_pair(c, shown, str_from(line));
    }
}

static void print_members(struct cli *c, yyjson_val *proposal)
{
    static const struct {
        const char *shown;
        const char *key;
        bool is_shown_empty;
    } rows[] = {
        {"Id", "id", true},           {"Title", "title", true},   {"Author", "author", true},
        {"Created", "created", true}, {"Source", "source", true}, {"URL", "url", true},
        {"Branch", "branch", true},   {"Target", "target", true}, {"Base", "base", true},
        {"Head", "head", true},       {"Merged", "merged", true}, {"Blocked", "blocked", false},
    };
    autobuf struct buf objects = {0};
    autobuf struct buf labels = {0};
    autobuf struct buf state = {0};
    write_objects(&objects, proposal);
    write_labels(&labels, proposal);
    write_state(&state, proposal);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value = json_str(json_get(proposal, rows[i].key));
        if (value.n > 0 || rows[i].is_shown_empty)
            cli_print_pair(c, rows[i].shown, value);
        if (i == 0)
            cli_print_pair(c, "State", buf_view(&state));
    }
    if (labels.n > 0)
        cli_print_pair(c, "Labels", buf_view(&labels));
    cli_print_pair(c, "Objects", buf_view(&objects));
    print_each(c, json_get(proposal, "commits"), "Commit", "commit", "message");
    print_each(c, json_get(proposal, "conflicts"), "Conflict", "field", "message");
}

/* --- the commands --------------------------------------------------------------------------------- */

/* TYPE/NAME as the server knows it: group/version/plural/namespace/name. */
static enum err_kind object_of(struct cli *c, const char *text, struct buf *ret, struct err *err)
{
    auto_kinds struct cli_kinds kinds = {0};
    struct cli_kind kind;
    struct str ns = {0};
    ptrdiff_t slash = str_rfind(str_from(text), '/');
    if (slash <= 0 || text[slash + 1] == '\0')
        return err_set(err, ERR_USAGE, "'--for %s' is not written TYPE/NAME", text);
    autofree char *type = mem_strdup_str(str_of(text, (size_t)slash));
    enum err_kind r = cli_target_resolve(c, err);
    if (r == ERR_OK)
        r = cli_object_namespace(c, &ns, err);
    if (r == ERR_OK)
        r = cli_kinds_resolve(c, type, &kinds, &kind, err);
    if (r != ERR_OK)
        return r;
    const struct str parts[] = {
        kind.group, kind.version, kind.plural, ns, str_from(text + slash + 1)};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_printf(ret, "%s" STR_FMT, i == 0 ? "" : "/", STR_ARG(parts[i]));
    return ERR_OK;
}

static enum err_kind
list_path(struct cli *c, const struct list_options *o, struct buf *ret, struct err *err)
{
    autobuf struct buf object = {0};
    if (o->is_all && o->state != NULL)
        return err_set(err, ERR_USAGE, "either '--all' or '--state', not both");
    enum err_kind r = o->of == NULL ? ERR_OK : object_of(c, o->of, &object, err);
    buf_text(ret, CLI_PATH_PROPOSALS);
    cli_path_query(ret, "state", o->is_all ? "all" : o->state);
    cli_path_query(ret, "object", object.p);
    return r;
}

static enum err_kind run_list(struct cli *c, const void *data, struct err *err)
{
    const struct list_options *o = data;
    autobuf struct buf path = {0};
    auto_items struct cli_list_items list = {0};
    struct cli_pages pages = {.what = "listing the proposals"};
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = cli_pages_limit(o->limit, &pages.most, err);
    if (r == ERR_OK)
        r = list_path(c, o, &path, err);
    if (r != ERR_OK)
        return r;
    pages.path = path.p;
    r = cli_pages_fetch(c, &pages, &list, err);
    if (r == ERR_OK && cli_output_is_document(c))
        return cli_print_document(c, list.doc.text, err);
    if (r == ERR_OK)
        print_rows(c, list.items, list.count);
    return r;
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
    .summary = "List proposals, the open ones unless told otherwise",
    .details =
        "A proposal is conflicted where its branch and its target changed the same resource. "
        "-o wide adds\n"
        "title and URL, -o name prints ids.\n",
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
