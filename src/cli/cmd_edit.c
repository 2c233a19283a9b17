/* cup edit: an object in the user's editor. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/editor.h"
#include "cli/kinds.h"
#include "cli/object.h"
#include "cli/run.h"
#include "cli/target.h"
#include "cli/yaml.h"
#include "json/json.h"

#include <unistd.h>

#define TEXT_MAX ((size_t)64 << 20)

/* The object under the editor. */
struct edited {
    struct cli_kinds kinds; /* owns the names of kind */
    struct cli_kind kind;
    struct buf path;
    char *label;
    struct buf before; /* what the editor was given */
    struct buf after;  /* what it left */
    char *file;
    bool is_kept; /* the file holds what would be lost */
};

static void edited_deinit(struct edited *e)
{
    if (e->file != NULL && !e->is_kept)
        unlink(e->file);
    free(e->file);
    free(e->label);
    buf_deinit(&e->path);
    buf_deinit(&e->before);
    buf_deinit(&e->after);
    cli_kinds_deinit(&e->kinds);
}
#define auto_edited CLEANUP(edited_deinit)

static bool is_yaml(const struct cli *c)
{
    return c->output == CLI_OUTPUT_YAML;
}

static enum err_kind find(struct cli *c, struct edited *e, struct err *err)
{
    struct str name = str_from(c->args.items[1]);
    struct str ns = {0};
    enum err_kind r = cli_target_resolve(c, err);
    if (r == ERR_OK)
        r = cli_object_namespace(c, &ns, err);
    if (r == ERR_OK && name.n == 0)
        r = err_set(err, ERR_INVALID, "the name is empty");
    if (r == ERR_OK)
        r = cli_kinds_resolve(c, c->args.items[0], &e->kinds, &e->kind, err);
    if (r == ERR_OK)
        r = cli_object_path(&e->kind, ns, name, &e->path, err);
    if (r == ERR_OK)
        e->label = cli_object_label(&e->kind, ns, name);
    return r;
}

static enum err_kind fetch(struct cli *c, struct edited *e, struct err *err)
{
    autobuf struct buf path = {0};
    autobuf struct buf body = {0};
    auto_json struct json_doc doc = {0};
    e->before.max = TEXT_MAX;
    buf_str(&path, buf_view(&e->path));
    cli_object_read_query(c, &path);
    enum err_kind r = cli_object_get(c, path.p, e->label, &body, err);
    if (r == ERR_OK)
        r = json_parse(buf_view(&body), JSON_STORED, &doc, err);
    if (r != ERR_OK)
        return r;
    if (is_yaml(c)) {
        r = cli_yaml_write(&e->before, doc.text, err);
    } else {
        json_text_write(&e->before, doc.text, 2, 0);
        buf_char(&e->before, '\n');
    }
    return r == ERR_OK ? buf_check(&e->before, e->label, err) : r;
}

/* ret_is_changed false: nothing to put, for the editor failed or left the text as it was. */
static enum err_kind edit(struct cli *c, struct edited *e, bool *ret_is_changed, struct err *err)
{
    int code = 0;
    enum err_kind r =
        cli_editor_file(c, buf_view(&e->before), is_yaml(c) ? ".yaml" : ".json", &e->file, err);
    if (r == ERR_OK)
        r = cli_editor_run(c, e->file, &code, err);
    if (r == ERR_OK)
        r = fs_read_file(e->file, TEXT_MAX, &e->after, err);
    if (r != ERR_OK)
        return r;
    bool is_changed = !str_eq(buf_view(&e->before), buf_view(&e->after));
    e->is_kept = is_changed;
    if (code != 0) {
        c->exit_code = code;
        if (is_changed)
            cli_hint(c, "nothing was sent; your text is kept in '%s'", e->file);
        return err_set(err, ERR_FAILED, "the editor ended with exit code %d", code);
    }
    if (!is_changed)
        cli_note(c, "%s: not changed", e->label);
    *ret_is_changed = is_changed;
    return ERR_OK;
}

/* Exactly one object: what the server gets is checked as it checks it. */
static enum err_kind body_of(struct cli *c, struct edited *e, struct buf *ret, struct err *err)
{
    auto_json struct json_doc doc = {0};
    enum err_kind r = ERR_OK;
    if (is_yaml(c))
        r = cli_yaml_read(buf_view(&e->after), ret, err);
    else
        buf_str(ret, buf_view(&e->after));
    if (r == ERR_OK)
        r = json_parse(buf_view(ret), JSON_STRICT, &doc, err);
    return r == ERR_OK ? r : err_wrap(err, "the edited text");
}

static enum err_kind put(struct cli *c, struct edited *e, struct err *err)
{
    autobuf struct buf body = {.max = TEXT_MAX};
    auto_results struct cli_results results;
    cli_results_init(&results);
    cli_object_write_query(c, &(struct cli_write){0}, &e->path);
    autofree char *what = mem_printf("changing %s", e->label);
    enum err_kind r = body_of(c, e, &body, err);
    if (r == ERR_OK)
        r = cli_object_change(c, e->path.p, buf_view(&body), what, &results, err);
    if (r == ERR_OK) {
        e->is_kept = false;
        cli_results_end(c, &results);
    } else {
        cli_hint(c, "your text is kept in '%s': correct it there, then 'cup apply -f' it", e->file);
    }
    return r;
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    auto_edited struct edited e = {0};
    bool is_changed = false;
    enum err_kind r = cli_check_args(c, 2, 2, "a type and a name", err);
    if (r == ERR_OK)
        r = find(c, &e, err);
    if (r == ERR_OK)
        r = fetch(c, &e, err);
    if (r == ERR_OK)
        r = edit(c, &e, &is_changed, err);
    return r == ERR_OK && is_changed ? put(c, &e, err) : r;
}

const struct cli_command cmd_edit = {
    .name = "edit",
    .group = "Resources",
    .summary = "Change a resource in your editor",
    .usage = "TYPE NAME",
    .details = "Starts $EDITOR (vim without one) on the object as JSON, with -o yaml as YAML, and "
               "applies what\n"
               "it leaves. Text that the server refuses is kept, and its file named.\n",
    .versions = CLI_VERSIONS_WRITE,
    .run = run,
};
