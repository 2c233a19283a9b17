/* cup controller: what a cupd runs, and running one here. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/server.h"
#include "cli/table.h"
#include "json/json.h"

/* Controllers, or the one of this name. */
static enum err_kind
ask(struct cli *c, const char *name, struct buf *ret_body, struct json_doc *ret, struct err *err)
{
    autobuf struct buf path = {0};
    buf_text(&path, CLI_PATH_CONTROLLERS);
    if (name != NULL && (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
        return err_set(err, ERR_INVALID, "'%s' is not the name of a controller", name);
    if (name != NULL)
        cli_path_segment(&path, str_from(name));
    autofree char *what = name == NULL ? mem_strdup("listing the controllers")
                                       : mem_printf("getting controller '%s'", name);
    struct cli_request request = {.method = "GET", .path = path.p, .what = what};
    enum err_kind r = cli_server_call(c, &request, ret_body, NULL, err);
    if (r == ERR_NOT_FOUND && name != NULL)
        cli_hint(c, "'cup controller list' shows what the server runs");
    return r == ERR_OK ? json_parse(buf_view(ret_body), JSON_STORED, ret, err) : r;
}

/* The status of a condition: "True", "False", "Unknown"; empty when it is not there. */
static struct str condition(yyjson_val *controller, const char *type)
{
    yyjson_arr_iter at;
    yyjson_arr_iter_init(json_get(controller, "conditions"), &at);
    yyjson_val *one;
    while ((one = yyjson_arr_iter_next(&at)) != NULL) {
        if (str_eqz(json_str(json_get(one, "type")), type))
            return json_str(json_get(one, "status"));
    }
    return (struct str){0};
}

static struct str or_dash(struct str text)
{
    return text.n == 0 ? STR("-") : text;
}

/* What was verified: the image, or the module of a controller without one. */
static struct str digest_of(yyjson_val *controller)
{
    struct str digest = json_str(json_get(json_get(controller, "image"), "digest"));
    return digest.n > 0 ? digest : json_str(json_get(controller, "module"));
}

static void print_table(struct cli *c, yyjson_val *items)
{
    auto_table struct cli_table table;
    cli_table_init(&table, (const char *const[]){"NAME", "TYPE", "READY", "IMAGE", "DIGEST", NULL});
    yyjson_arr_iter at;
    yyjson_arr_iter_init(items, &at);
    yyjson_val *controller;
    while ((controller = yyjson_arr_iter_next(&at)) != NULL) {
        const struct str cells[] = {
            json_str(json_get(controller, "name")),
            json_str(json_get(controller, "type")),
            or_dash(condition(controller, "Ready")),
            or_dash(json_str(json_get(json_get(controller, "image"), "reference"))),
            or_dash(digest_of(controller)),
        };
        if (c->output == CLI_OUTPUT_NAME)
            cli_print_line(c, cells[0]);
        else
            cli_table_row(&table, cells);
    }
    cli_table_print(&table, c->io.out);
}

static void print_members(struct cli *c, yyjson_val *controller)
{
    yyjson_val *image = json_get(controller, "image");
    cli_print_pair(c, "Name", json_str(json_get(controller, "name")));
    cli_print_pair(c, "Type", json_str(json_get(controller, "type")));
    cli_print_pair(c, "Image", json_str(json_get(image, "reference")));
    cli_print_pair(c, "Digest", json_str(json_get(image, "digest")));
    cli_print_pair(c, "Module", json_str(json_get(controller, "module")));
    yyjson_arr_iter at;
    yyjson_val *item;
    yyjson_arr_iter_init(json_get(controller, "kinds"), &at);
    while ((item = yyjson_arr_iter_next(&at)) != NULL)
        cli_print_pair(c, "Kind", json_str(item));
    yyjson_arr_iter_init(json_get(controller, "conditions"), &at);
    while ((item = yyjson_arr_iter_next(&at)) != NULL) {
        autofree char *name = mem_strdup_str(json_str(json_get(item, "type")));
        cli_print_pair(c, name == NULL ? "" : name, json_str(json_get(item, "status")));
    }
    cli_print_pair(c, "Last error", json_str(json_get(controller, "error")));
}

static enum err_kind run_list(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = ask(c, NULL, &body, &doc, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return cli_print_document(c, doc.text, err);
    print_table(c, json_get(doc.root, "items"));
    return ERR_OK;
}

static enum err_kind run_show(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = cli_check_args(c, 1, 1, "the name of a controller", err);
    if (r == ERR_OK)
        r = ask(c, c->args.items[0], &body, &doc, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return cli_print_document(c, doc.text, err);
    if (c->output == CLI_OUTPUT_NAME)
        cli_print_line(c, json_str(json_get(doc.root, "name")));
    else
        print_members(c, doc.root);
    return ERR_OK;
}

static const struct cli_command list = {
    .name = "list",
    .aliases = (const char *const[]){"ls", NULL},
    .summary = "List the controllers that the server runs",
    .run = run_list,
};
static const struct cli_command show = {
    .name = "show",
    .summary = "Show one controller",
    .usage = "NAME",
    .run = run_show,
};

/* Keep sorted by name. */
static const struct cli_command *const commands[] = {
    &cmd_controller_bench,
    &cmd_controller_build,
    &cmd_controller_exec,
    &cmd_controller_init,
    &list,
    &cmd_controller_run,
    &show,
    &cmd_controller_test,
    NULL,
};

const struct cli_command cmd_controller = {
    .name = "controller",
    .aliases = (const char *const[]){"controllers", NULL},
    .group = "Controllers",
    .summary = "Controllers: those that the server runs, and running one here",
    .commands = commands,
};
