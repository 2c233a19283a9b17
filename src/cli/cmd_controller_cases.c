/* cup controller test: does a controller do what its golden cases say? */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cases.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/run.h"
#include "oci/tests_layer.h"
#include "vfs/localtree.h"
#include "vfs/localwrite.h"
#include "vfs/memtree.h"
#include "json/json.h"

#include <stddef.h>

#define EXIT_NOT_OK 1

static const uint64_t UPDATE_MAX = (uint64_t)256 << 20;

struct test_options {
    struct cli_trial_options trial;
    const char *tests;
    bool is_update;
};

/* What is tested, and by what. */
struct suite {
    struct cli_trial trial;
    char *dir; /* of the cases; NULL: they came with the image */
    struct vfs *tests;
    struct overlay *update; /* NULL: compare only */
    struct cli_case_names names;
    struct buf items; /* of the JSON document */
    size_t failed;
};

static void suite_deinit(struct suite *s)
{
    buf_deinit(&s->items);
    cli_case_names_deinit(&s->names);
    overlay_free(s->update);
    vfs_free(s->tests);
    free(s->dir);
    cli_trial_deinit(&s->trial);
}
#define auto_suite CLEANUP(suite_deinit)

/* --- where the cases are ---------------------------------------------------------------------------------- */

/* The first argument is a directory or, else, an image, unless a flag names the controller. */
static struct cli_trial_options choose(const struct cli *c, const struct test_options *o)
{
    struct cli_trial_options chosen = o->trial;
    if (c->args.count == 0 || chosen.image != NULL || chosen.wasm != NULL)
        return chosen;
    if (fs_exists(c->args.items[0]))
        chosen.wasm = c->args.items[0];
    else
        chosen.image = c->args.items[0];
    return chosen;
}

static enum err_kind add_file(void *data, struct str path, struct str bytes, struct err *err)
{
    return memtree_add(data, path, VFS_FILE, bytes, err);
}

static enum err_kind
open_image_tests(struct cli *c, const struct cli_trial_options *o, struct suite *s, struct err *err)
{
    auto_images struct cli_images images = {0};
    struct oci_image image = {0};
    struct oci_ref ref;
    s->tests = memtree_new();
    enum err_kind r = oci_ref_parse_source(str_from(o->image), &ref, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r == ERR_OK)
        r = cli_image_bring(images.session, &ref, &image, err);
    if (r == ERR_OK)
        r = oci_read_tests(images.session, &image, add_file, s->tests, err);
    oci_image_deinit(&image);
    return r == ERR_OK ? r : err_wrap(err, "image '%s'", o->image);
}

static enum err_kind open_tests(
    struct cli *c,
    const struct test_options *o,
    const struct cli_trial_options *chosen,
    struct suite *s,
    struct err *err)
{
    if (o->tests == NULL && chosen->image != NULL)
        return o->is_update
            ? err_set(err, ERR_USAGE, "the cases of an image cannot be updated: name --tests DIR")
            : open_image_tests(c, chosen, s, err);
    const char *controller = chosen->wasm == NULL ? "." : chosen->wasm;
    if (o->tests == NULL && !fs_is_dir(controller))
        return err_set(err, ERR_USAGE, "where are the cases of '%s'? Name --tests DIR", controller);
    s->dir = o->tests != NULL ? mem_strdup(o->tests) : fs_join(controller, "tests");
    enum err_kind r = vfs_localtree_new(s->dir, &s->tests, err);
    if (r == ERR_OK && o->is_update)
        s->update = overlay_new(s->tests, UPDATE_MAX);
    return r;
}

/* --- running them ------------------------------------------------------------------------------------------ */

static void print_case(struct cli *c, struct suite *s, const char *name, const struct buf *diff)
{
    bool is_ok = diff->n == 0;
    s->failed += !is_ok;
    if (!cli_output_is_document(c)) {
        autofree char *line = mem_printf("%s - %s", is_ok ? "ok" : "not ok", name);
        cli_print_line(c, str_from(line));
        cli_print_diff(c, buf_view(diff));
        return;
    }
    buf_text(&s->items, s->items.n > 0 ? ",{\"name\":" : "{\"name\":");
    json_text_string(&s->items, str_from(name));
    buf_printf(&s->items, ",\"ok\":%s,\"diff\":", is_ok ? "true" : "false");
    json_text_string(&s->items, buf_view(diff));
    buf_char(&s->items, '}');
}

static bool is_wanted(const struct cli *c, const struct test_options *o, const char *name)
{
    size_t first = o->trial.image == NULL && o->trial.wasm == NULL ? 1 : 0;
    for (size_t i = first; i < c->args.count; i++) {
        if (strcmp(c->args.items[i], name) == 0)
            return true;
    }
    return c->args.count <= first;
}

static enum err_kind
run_cases(struct cli *c, const struct test_options *o, struct suite *s, struct err *err)
{
    size_t count = 0;
    enum err_kind r = cli_case_names(s->tests, &s->names, err);
    for (size_t i = 0; r == ERR_OK && i < s->names.count; i++) {
        autobuf struct buf diff = {.max = (size_t)64 << 20};
        const char *name = s->names.items[i];
        if (!is_wanted(c, o, name))
            continue;
        count++;
        r = cli_case_run(&s->trial, s->tests, name, s->update, &diff, err);
        if (r == ERR_OK)
            print_case(c, s, name, &diff);
    }
    if (r == ERR_OK && count == 0)
        return err_set(
            err, ERR_NOT_FOUND, "there is no such case: each is a directory with a file 'call'");
    return r;
}

static enum err_kind write_update(struct cli *c, struct suite *s, struct err *err)
{
    struct vfs_changes changes;
    enum err_kind r = overlay_changes(s->update, &changes, err);
    if (r == ERR_OK && changes.count > 0)
        r = vfs_localtree_apply(s->dir, &changes, err);
    for (size_t i = 0; r == ERR_OK && i < changes.count; i++)
        cli_note(
            c, "%s %s/" STR_FMT, changes.items[i].kind == VFS_CHANGE_PUT ? "wrote" : "deleted",
            s->dir, STR_ARG(changes.items[i].path));
    return r == ERR_OK ? r : err_wrap(err, "no expectation is written to '%s'", s->dir);
}

static enum err_kind finish(struct cli *c, struct suite *s, struct err *err)
{
    autobuf struct buf text = {.max = (size_t)256 << 20};
    if (s->failed > 0)
        c->exit_code = EXIT_NOT_OK;
    if (s->update != NULL)
        return write_update(c, s, err);
    if (!cli_output_is_document(c)) {
        if (s->failed > 0)
            cli_note(
                c, "%zu of the cases are not ok; --update takes what came as expected", s->failed);
        return ERR_OK;
    }
    buf_printf(
        &text, "{\"failed\":%zu,\"cases\":[" STR_FMT "]}", s->failed, STR_ARG(buf_view(&s->items)));
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    const struct test_options *o = options;
    const struct cli_trial_options chosen = choose(c, o);
    auto_suite struct suite s = {.items.max = (size_t)256 << 20};
    enum err_kind r = cli_trial_open(c, &chosen, &s.trial, err);
    if (r == ERR_OK)
        r = open_tests(c, o, &chosen, &s, err);
    if (r == ERR_OK)
        r = run_cases(c, o, &s, err);
    return r == ERR_OK ? finish(c, &s, err) : r;
}

#define AT(member) offsetof(struct test_options, member)
static const struct cli_option rows[] = {
    CLI_TRIAL_ROWS,
    {"tests", 0, CLI_OPTION_TEXT, "DIR", "the cases (those of DIR/tests, or of the image)",
     AT(tests)},
    {"update", 0, CLI_OPTION_FLAG, NULL, "take what comes as what is expected, and write it down",
     AT(is_update)},
    {0},
};

const struct cli_command cmd_controller_test = {
    .name = "test",
    .summary = "Run the golden cases of a controller",
    .usage = "[DIR|REF [CASE…]]",
    .details =
        "Each directory in DIR/tests that holds a file 'call' is a case: 'call' is a line like\n"
        "'get Note default a', 'tree' the files it is called over, 'stdin' the object of a put;\n"
        "expected are 'stdout' (none), 'exit' (0; 3: not found, 1: failed), 'stderr' (not looked "
        "at)\n"
        "and 'tree.after' (unchanged). JSON is compared without regard to blanks and key order. "
        "An\n"
        "image brings its cases along where it was packed with --tests. Exit code 1: one is not "
        "ok.\n",
    .options = rows,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct test_options),
    .run = run,
};
