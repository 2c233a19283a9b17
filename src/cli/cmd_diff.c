/* cup diff: what applying files would change. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/linediff.h"
#include "cli/object.h"
#include "cli/run.h"
#include "json/json.h"

#define EXIT_DIFFERS 1
#define EXIT_TROUBLE 2 /* above 1 for errors, as diff(1) */
#define TEXT_MAX ((size_t)256 << 20)

struct diff_options {
    struct cli_files files;
};

/* Members that say nothing of what the user wants: the server's own, and maps that are empty. */
static void remove_noise(yyjson_mut_val *root)
{
    static const char *const own[] = {
        "resourceVersion", "uid", "generation", "creationTimestamp", "managedFields"};
    static const char *const maps[] = {"labels", "annotations"};
    yyjson_mut_val *metadata = yyjson_mut_obj_get(root, "metadata");
    yyjson_mut_obj_remove_key(root, "status");
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        yyjson_mut_obj_remove_key(metadata, own[i]);
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        yyjson_mut_val *map = yyjson_mut_obj_get(metadata, maps[i]);
        if (yyjson_mut_is_null(map) || (yyjson_mut_is_obj(map) && yyjson_mut_obj_size(map) == 0))
            yyjson_mut_obj_remove_key(metadata, maps[i]);
    }
}

static void add_namespace(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *ns)
{
    yyjson_mut_val *metadata = yyjson_mut_obj_get(root, "metadata");
    if (!yyjson_mut_is_obj(metadata))
        return;
    yyjson_mut_obj_remove_key(metadata, "namespace");
    yyjson_mut_obj_add_strcpy(doc, metadata, "namespace", ns);
}

/* The form in which two objects are compared: keys sorted, numbers as spelled, a line a value. */
static enum err_kind
write_comparable(struct buf *to, struct str text, const char *ns, struct err *err)
{
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(text, JSON_STORED, &doc, err);
    if (r != ERR_OK)
        return r;
    yyjson_mut_doc *changed = yyjson_doc_mut_copy(doc.doc, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(changed);
    remove_noise(root);
    add_namespace(changed, root, ns);
    yyjson_doc *fixed = yyjson_mut_doc_imut_copy(changed, NULL);
    autobuf struct buf compact = {.max = TEXT_MAX};
    json_text_canonical(&compact, yyjson_doc_get_root(fixed));
    json_text_write(to, buf_view(&compact), 2, 0);
    buf_char(to, '\n');
    yyjson_doc_free(fixed);
    yyjson_mut_doc_free(changed);
    return buf_check(to, "the object", err);
}

/* What the server has, in comparable form; empty when it is not there. */
static enum err_kind
fetch(struct cli *c, struct cli_named *named, struct buf *ret, bool *ret_is_there, struct err *err)
{
    autobuf struct buf body = {0};
    cli_object_read_query(c, &named->path);
    enum err_kind r = cli_object_get(c, named->path.p, named->label, &body, err);
    *ret_is_there = r == ERR_OK;
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    return r == ERR_OK ? write_comparable(ret, buf_view(&body), named->ns, err) : r;
}

static enum err_kind diff_one(
    struct cli *c,
    const struct cli_document *document,
    struct cli_kinds *kinds,
    struct buf *items,
    struct err *err)
{
    auto_named struct cli_named named = {0};
    autobuf struct buf live = {.max = TEXT_MAX};
    autobuf struct buf wanted = {.max = TEXT_MAX};
    autobuf struct buf diff = {.max = TEXT_MAX};
    bool is_there = false;
    enum err_kind r = cli_document_name(c, document, kinds, &named, err);
    if (r == ERR_OK)
        r = fetch(c, &named, &live, &is_there, err);
    if (r == ERR_OK)
        r = write_comparable(&wanted, str_from(document->text), named.ns, err);
    if (r != ERR_OK)
        return r;
    const char *old_name = is_there ? named.label : "/dev/null";
    cli_linediff(&diff, old_name, buf_view(&live), document->where, buf_view(&wanted));
    if (diff.n == 0)
        return buf_check(&diff, "the difference", err);
    c->exit_code = EXIT_DIFFERS;
    if (!cli_output_is_document(c)) {
        cli_print_diff(c, buf_view(&diff));
        return ERR_OK;
    }
    buf_printf(items, "%s{\"object\":", items->n > 0 ? "," : "");
    json_text_string(items, str_from(named.label));
    buf_text(items, ",\"diff\":");
    json_text_string(items, buf_view(&diff));
    buf_char(items, '}');
    return ERR_OK;
}

static enum err_kind diff_all(struct cli *c, const struct diff_options *o, struct err *err)
{
    auto_documents struct cli_documents documents = {0};
    auto_kinds struct cli_kinds kinds = {0};
    autobuf struct buf items = {.max = TEXT_MAX};
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = cli_documents_read(c, &o->files, &documents, err);
    for (size_t i = 0; r == ERR_OK && i < documents.count; i++)
        r = diff_one(c, &documents.items[i], &kinds, &items, err);
    if (r != ERR_OK || !cli_output_is_document(c))
        return r;
    autobuf struct buf text = {.max = TEXT_MAX};
    buf_printf(&text, "{\"items\":[" STR_FMT "]}", STR_ARG(buf_view(&items)));
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    enum err_kind r = diff_all(c, data, err);
    if (r != ERR_OK) {
        int code = err_info(r)->exit_code;
        c->exit_code = code > EXIT_DIFFERS ? code : EXIT_TROUBLE;
    }
    return r;
}

const struct cli_command cmd_diff = {
    .name = "diff",
    .group = "Resources",
    .summary = "Show what applying files would change",
    .usage = "[-f FILE]…",
    .details = "Compares objects, not files: the order of keys does not count. Exit code 0: no "
               "difference,\n"
               "1: there are some, above 1: an error.\n",
    .shared_options = cli_file_options,
    .versions = CLI_VERSIONS_READ,
    .options_bytes = sizeof(struct diff_options),
    .run = run,
};
