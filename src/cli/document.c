#include "cli/document.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/object.h"
#include "cli/run.h"
#include "cli/yaml.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)
#define FOLDERS_MAX 32 /* of folders in folders */

const struct cli_option cli_file_options[] = {
    {"filename", 'f', CLI_OPTION_LIST, "FILE",
     "a file or directory of objects; - is standard input", offsetof(struct cli_files, paths)},
    {"recursive", 'R', CLI_OPTION_FLAG, NULL, "directories with all that is below them",
     offsetof(struct cli_files, is_recursive)},
    {0},
};

void cli_documents_deinit(struct cli_documents *documents)
{
    for (size_t i = 0; i < documents->count; i++) {
        free(documents->items[i].where);
        free(documents->items[i].text);
    }
    free(documents->items);
    *documents = (struct cli_documents){0};
}

/* --- texts ---------------------------------------------------------------------------------------- */

static enum err_kind
add_json(struct cli_documents *documents, const char *source, struct str text, struct err *err)
{
    size_t first = documents->count;
    for (size_t number = 1;; number++) {
        auto_json struct json_doc doc = {0};
        enum err_kind r = json_parse_next(&text, &doc, err);
        if (r != ERR_OK && number > 1)
            return err_wrap(err, "%s, document %zu", source, number);
        if (r != ERR_OK)
            return err_wrap(err, "%s", source);
        if (doc.doc == NULL)
            break;
        mem_grow(&documents->items, documents->count, &documents->cap);
        documents->items[documents->count++] = (struct cli_document){
            .where =
                number == 1 ? mem_strdup(source) : mem_printf("%s, document %zu", source, number),
            .text = mem_strdup_str(doc.text),
        };
    }
    if (documents->count == first)
        return err_set(err, ERR_MALFORMED, "%s holds no document", source);
    return ERR_OK;
}

enum err_kind cli_documents_add(
    struct cli_documents *documents,
    const char *source,
    struct str text,
    bool is_yaml,
    struct err *err)
{
    if (!is_yaml)
        return add_json(documents, source, text, err);
    autobuf struct buf json = {.max = FILE_MAX * 2};
    enum err_kind r = cli_yaml_read(text, &json, err);
    if (r != ERR_OK)
        return err_wrap(err, "%s", source);
    return add_json(documents, source, buf_view(&json), err);
}

/* --- files ---------------------------------------------------------------------------------------- */

/* Collecting: what is read so far, and how. */
struct collecting {
    struct cli *c;
    struct cli_documents *documents;
    bool is_recursive;
    bool has_stdin; /* it can be read once */
};

static bool is_yaml_name(const char *path)
{
    struct str name = str_from(path);
    return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml"));
}

static enum err_kind add_file(struct collecting *to, const char *path, struct err *err)
{
    autobuf struct buf text = {.max = FILE_MAX};
    enum err_kind r = fs_read_file(path, FILE_MAX, &text, err);
    if (r != ERR_OK)
        return r;
    return cli_documents_add(to->documents, path, buf_view(&text), is_yaml_name(path), err);
}

/* An object is JSON when it begins as JSON objects do; all else can only be YAML. */
static enum err_kind add_stdin(struct collecting *to, struct err *err)
{
    autobuf struct buf text = {.max = FILE_MAX};
    if (to->has_stdin)
        return err_set(err, ERR_USAGE, "standard input can be read once only");
    to->has_stdin = true;
    if (isatty(to->c->io.in) == 1)
        cli_note(to->c, "reading from the terminal; end with Ctrl-D, or use -f FILE");
    enum err_kind r = fs_read_rest(to->c->io.in, "standard input", &text, err);
    if (r != ERR_OK)
        return r;
    bool is_yaml = !str_starts(str_trim(buf_view(&text)), STR("{"));
    return cli_documents_add(to->documents, "standard input", buf_view(&text), is_yaml, err);
}

static enum err_kind
add_directory(struct collecting *to, const char *path, unsigned depth, struct err *err);

static enum err_kind
add_entry(struct collecting *to, const char *path, unsigned depth, struct err *err)
{
    if (fs_is_dir(path))
        return to->is_recursive ? add_directory(to, path, depth + 1, err) : ERR_OK;
    if (is_yaml_name(path) || str_ends(str_from(path), STR(".json")))
        return add_file(to, path, err);
    return ERR_OK;
}

static enum err_kind
add_directory(struct collecting *to, const char *path, unsigned depth, struct err *err)
{
    struct dirent **entries = NULL;
    if (depth > FOLDERS_MAX)
        return err_set(
            err, ERR_LIMIT, "directory '%s' is more than %d directories deep", path, FOLDERS_MAX);
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return err_errno(err, errno, "directory '%s'", path);
    enum err_kind r = ERR_OK;
    for (int i = 0; i < count; i++) {
        autofree char *below = fs_join(path, entries[i]->d_name);
        if (r == ERR_OK && entries[i]->d_name[0] != '.')
            r = add_entry(to, below, depth, err);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static enum err_kind add_path(struct collecting *to, const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return add_stdin(to, err);
    if (!fs_is_dir(path))
        return add_file(to, path, err);
    size_t before = to->documents->count;
    enum err_kind r = add_directory(to, path, 1, err);
    if (r == ERR_OK && to->documents->count == before)
        r = err_set(
            err, ERR_NOT_FOUND, "directory '%s' holds no file *.json, *.yaml or *.yml%s", path,
            to->is_recursive ? "" : "; -R looks below it too");
    return r;
}

enum err_kind cli_documents_read(
    struct cli *c, const struct cli_files *files, struct cli_documents *ret, struct err *err)
{
    struct cli_documents documents = {0};
    struct collecting to = {.c = c, .documents = &documents, .is_recursive = files->is_recursive};
    enum err_kind r = ERR_OK;
    if (files->paths.count == 0)
        r = add_stdin(&to, err);
    for (size_t i = 0; r == ERR_OK && i < files->paths.count; i++)
        r = add_path(&to, files->paths.items[i], err);
    if (r == ERR_OK)
        *ret = documents;
    else
        cli_documents_deinit(&documents);
    return r;
}

/* --- names ---------------------------------------------------------------------------------------- */

void cli_named_deinit(struct cli_named *named)
{
    free(named->ns);
    free(named->name);
    free(named->label);
    buf_deinit(&named->path);
    *named = (struct cli_named){0};
}

/* What of a document names it; views into its text. */
struct parts {
    struct str api_version;
    struct str kind;
    struct str ns;
    struct str name;
};

static enum err_kind
read_parts(const struct cli_document *d, yyjson_val *root, struct parts *ret, struct err *err)
{
    yyjson_val *metadata = json_get(root, "metadata");
    *ret = (struct parts){
        .api_version = json_str(json_get(root, "apiVersion")),
        .kind = json_str(json_get(root, "kind")),
        .ns = json_str(json_get(metadata, "namespace")),
        .name = json_str(json_get(metadata, "name")),
    };
    const char *missing = !yyjson_is_obj(root) ? "it is no JSON object"
        : ret->api_version.n == 0              ? "there is no 'apiVersion'"
        : ret->kind.n == 0                     ? "there is no 'kind'"
        : ret->name.n == 0                     ? "there is no 'metadata.name'"
                                               : NULL;
    if (missing != NULL)
        return err_set(err, ERR_INVALID, "%s: %s", d->where, missing);
    return ERR_OK;
}

static enum err_kind find_kind(
    struct cli *c,
    const struct parts *parts,
    struct cli_kinds *kinds,
    struct cli_kind *ret,
    struct err *err)
{
    enum err_kind r = kinds->doc.doc == NULL ? cli_kinds_fetch(c, kinds, err) : ERR_OK;
    if (r != ERR_OK)
        return r;
    r = cli_kinds_find_body(kinds, parts->api_version, parts->kind, ret, err);
    if (r == ERR_NOT_FOUND)
        cli_hint(c, "'cup definitions' lists the kinds");
    return r;
}

enum err_kind cli_document_name(
    struct cli *c,
    const struct cli_document *document,
    struct cli_kinds *kinds,
    struct cli_named *ret,
    struct err *err)
{
    auto_json struct json_doc doc = {0};
    struct parts parts;
    struct cli_kind kind;
    enum err_kind r = json_parse(str_from(document->text), JSON_STORED, &doc, err);
    if (r == ERR_OK)
        r = read_parts(document, doc.root, &parts, err);
    if (r != ERR_OK)
        return r;
    r = find_kind(c, &parts, kinds, &kind, err);
    if (r == ERR_OK && parts.ns.n == 0)
        r = cli_object_namespace(c, &parts.ns, err);
    struct buf path = {0};
    if (r == ERR_OK)
        r = cli_object_path(&kind, parts.ns, parts.name, &path, err);
    if (r != ERR_OK) {
        buf_deinit(&path);
        return err_wrap(err, "%s", document->where);
    }
    *ret = (struct cli_named){
        .kind = kind,
        .ns = mem_strdup_str(parts.ns),
        .name = mem_strdup_str(parts.name),
        .path = path,
        .label = cli_object_label(&kind, parts.ns, parts.name),
    };
    return ERR_OK;
}

enum err_kind cli_documents_name(
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
