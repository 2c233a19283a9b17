#include "cli/object.h"
#include "base/mem.h"
#include "cli/run.h"
#include "cli/server.h"

/* Segments that clients and proxies take out of a path, encoded or not (RFC 3986 section 5.2.4). */
static bool is_dots(struct str s)
{
    return str_eqz(s, ".") || str_eqz(s, "..");
}

enum err_kind cli_object_path(
    const struct cli_kind *kind, struct str ns, struct str name, struct buf *ret, struct err *err)
{
    const struct str parts[] = {kind->group, kind->version, kind->plural, ns, name};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (is_dots(parts[i]))
            return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a name", STR_ARG(parts[i]));
    }
    buf_clear(ret);
    buf_text(ret, "/apis");
    cli_path_segment(ret, kind->group);
    cli_path_segment(ret, kind->version);
    if (ns.p != NULL) {
        buf_text(ret, "/namespaces");
        cli_path_segment(ret, ns);
    }
    cli_path_segment(ret, kind->plural);
    if (name.n > 0)
        cli_path_segment(ret, name);
    return ERR_OK;
}

enum err_kind cli_object_namespace(struct cli *c, struct str *ret, struct err *err)
{
    if (strcmp(c->ns, "*") == 0) {
        cli_hint(c, "'cup get TYPE -A' lists across all namespaces");
        return err_set(err, ERR_USAGE, "namespace '*' is not a name");
    }
    *ret = str_from(c->ns);
    return ERR_OK;
}

char *cli_object_label(const struct cli_kind *kind, struct str ns, struct str name)
{
    struct buf text = {0};
    buf_str(&text, kind->plural);
    if (name.n > 0)
        buf_printf(&text, " '" STR_FMT "'", STR_ARG(name));
    if (ns.p != NULL)
        buf_printf(&text, " in namespace '" STR_FMT "'", STR_ARG(ns));
    return buf_steal(&text);
}

void cli_results_init(struct cli_results *results)
{
    cli_table_init(&results->table, (const char *const[]){"ID", "SOURCE", "URL", NULL});
}

void cli_results_deinit(struct cli_results *results)
{
    cli_table_deinit(&results->table);
}

void cli_results_end(struct cli *c, const struct cli_results *results)
{
    if (cli_output_is_table(c))
        cli_table_print(&results->table, c->io.out);
}

/* A local source proposes nothing (proposal null): its row says so. */
static struct str or_dash(struct str text)
{
    return text.n == 0 ? STR("-") : text;
}

enum err_kind
cli_results_take(struct cli *c, struct str body, struct cli_results *results, struct err *err)
{
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(body, JSON_STORED, &doc, err);
    if (r != ERR_OK)
        return err_wrap(err, "the change was accepted, but its result does not parse");
    if (cli_output_is_document(c))
        return cli_print_document(c, doc.text, err);
    yyjson_val *proposal = json_get(doc.root, "proposal");
    const struct str cells[] = {
        or_dash(json_str(json_get(doc.root, "id"))),
        or_dash(json_str(json_get(proposal, "source"))),
        or_dash(json_str(json_get(proposal, "url"))),
    };
    if (c->output == CLI_OUTPUT_NAME)
        cli_print_line(c, cells[0]);
    else
        cli_table_row(&results->table, cells);
    return ERR_OK;
}

void cli_object_read_query(const struct cli *c, struct buf *path)
{
    const char *proposal = c->globals.proposal;
    cli_path_query(path, "revision", c->globals.revision);
    if (proposal != NULL && strcmp(proposal, "new") != 0)
        cli_path_query(path, "proposal", proposal);
}

void cli_object_write_query(const struct cli *c, const struct cli_write *write, struct buf *path)
{
    cli_path_query(path, "dryRun", write->is_dry_run ? "All" : NULL);
    cli_path_query(path, "message", write->message);
    cli_path_query(path, "proposal", c->globals.proposal);
}

bool cli_object_is_hopeless(enum err_kind kind)
{
    return kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT || kind == ERR_UNAUTHENTICATED;
}

enum err_kind
cli_object_get(struct cli *c, const char *path, const char *label, struct buf *ret, struct err *err)
{
    autofree char *what = mem_printf("getting %s", label);
    struct cli_request request = {.method = "GET", .path = path, .what = what};
    return cli_server_call(c, &request, ret, NULL, err);
}

enum err_kind cli_object_change(
    struct cli *c,
    const char *path,
    struct str body,
    const char *what,
    struct cli_results *results,
    struct err *err)
{
    struct cli_request request = {
        .method = body.n > 0 ? "PUT" : "DELETE",
        .path = path,
        .body = body,
        .what = what,
    };
    autobuf struct buf answer = {0};
    int status = 0;
    enum err_kind r = cli_server_call(c, &request, &answer, &status, err);
    if (r != ERR_OK)
        return r;
    if (status == 204) {
        cli_debug(c, "%s: nothing to change", what);
        return ERR_OK;
    }
    return cli_results_take(c, buf_view(&answer), results, err);
}
