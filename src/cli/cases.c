#include "cli/cases.h"
#include "base/mem.h"
#include "cli/changes.h"
#include "cli/document.h"
#include "cli/linediff.h"
#include "vfs/memtree.h"
#include "vfs/subtree.h"
#include "json/json.h"

#define OUTPUT_MAX ((size_t)64 << 20)
#define WORDS_MAX 8

/* In tree.after: there is no file, which a directory of a repository cannot say. */
static const char EMPTY_MARK[] = ".empty";

static const uint64_t WRITTEN_MAX = (uint64_t)64 << 20;

/* --- names ----------------------------------------------------------------------------------------------- */

void cli_case_names_deinit(struct cli_case_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static bool has_file(struct vfs *tests, const char *path)
{
    struct vfs_stat st;
    return vfs_stat(tests, str_from(path), 0, &st, NULL) == ERR_OK && st.type == VFS_FILE;
}

enum err_kind cli_case_names(struct vfs *tests, struct cli_case_names *ret, struct err *err)
{
    auto_vfs_listing struct vfs_listing listing = {0};
    enum err_kind r = vfs_list(tests, STR(""), &listing, err);
    for (size_t i = 0; r == ERR_OK && i < listing.count; i++) {
        autofree char *call = mem_printf("%s/call", listing.entries[i].name);
        if (listing.entries[i].type != VFS_DIR || !has_file(tests, call))
            continue;
        mem_grow(&ret->items, ret->count, &ret->cap);
        ret->items[ret->count++] = mem_strdup(listing.entries[i].name);
    }
    return r;
}

/* --- a case and what came of it ---------------------------------------------------------------------------- */

struct golden {
    struct vfs *tests;
    const char *name;
    struct overlay *update; /* NULL: compare only */
    struct vfs *tree;       /* what is called over */
    struct overlay *overlay;
    char *words_text;
    const char *words[WORDS_MAX];
    struct cli_call call;
    struct cli_documents body;
    /* what came of it */
    int exit_code;
    char *message; /* of an error */
    struct buf out;
    struct buf diagnostics;
    struct buf *diff;
};

static void golden_deinit(struct golden *g)
{
    overlay_free(g->overlay);
    vfs_free(g->tree);
    free(g->words_text);
    cli_documents_deinit(&g->body);
    free(g->message);
    buf_deinit(&g->out);
    buf_deinit(&g->diagnostics);
}
#define auto_golden CLEANUP(golden_deinit)

static char *path_in(const struct golden *g, const char *file)
{
    return mem_printf("%s/%s", g->name, file);
}

/* A file of the case; *ret_is_there false (and no text) where there is none. */
static enum err_kind read_file(
    const struct golden *g,
    const char *file,
    struct vfs_data *ret,
    bool *ret_is_there,
    struct err *err)
{
    autofree char *path = path_in(g, file);
    enum err_kind r = vfs_read(g->tests, str_from(path), ret, err);
    *ret_is_there = r == ERR_OK;
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

/* In place: blanks become zero bytes. */
static size_t split_words(char *text, const char *ret_words[WORDS_MAX])
{
    size_t count = 0;
    for (char *p = text; *p != '\0'; p++) {
        bool is_blank = *p == ' ' || *p == '\t';
        bool is_start = !is_blank && (p == text || p[-1] == '\0');
        if (is_blank)
            *p = '\0';
        if (is_start && count < WORDS_MAX)
            ret_words[count++] = p;
    }
    return count;
}

/* Words of the first line that is neither blank nor a comment. */
static enum err_kind read_call(struct golden *g, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    bool is_there;
    enum err_kind r = read_file(g, "call", &data, &is_there, err);
    if (r != ERR_OK)
        return r;
    struct str rest = data.bytes, line = {0};
    while (rest.p != NULL && (line.n == 0 || line.p[0] == '#'))
        line = str_trim(str_cut(&rest, '\n'));
    g->words_text = mem_strdup_str(line);
    size_t count = split_words(g->words_text, g->words);
    r = cli_call_parse(g->words, count, &g->call, err);
    return r == ERR_OK ? r : err_as(err, ERR_MALFORMED);
}

static enum err_kind read_body(struct golden *g, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    bool is_there;
    if (g->call.verb != CLI_VERB_PUT)
        return ERR_OK;
    enum err_kind r = read_file(g, "stdin", &data, &is_there, err);
    if (r == ERR_OK && !is_there)
        r = err_set(err, ERR_MALFORMED, "a put needs an object: the file 'stdin'");
    if (r != ERR_OK)
        return r;
    bool is_yaml = !str_starts(str_trim(data.bytes), STR("{"));
    r = cli_documents_add(&g->body, "stdin", data.bytes, is_yaml, err);
    if (r == ERR_OK && g->body.count != 1)
        r = err_set(err, ERR_MALFORMED, "'stdin' holds %zu objects, not one", g->body.count);
    if (r == ERR_OK)
        g->call.body = str_from(g->body.items[0].text);
    return r;
}

static void make_call(struct golden *g, struct cli_trial *trial)
{
    struct err err = {0};
    autobuf struct buf objects = {.max = OUTPUT_MAX};
    struct core_call_watch watch = {.out = &g->out, .diagnostics = &g->diagnostics};
    g->overlay = overlay_new(g->tree, WRITTEN_MAX);
    enum err_kind r = cli_trial_call(
        trial, &g->call, g->tree, cli_call_writes(&g->call) ? g->overlay : NULL, &watch, &objects,
        &err);
    g->exit_code = r == ERR_OK ? 0 : err_info(r)->exit_code;
    if (r != ERR_OK)
        g->message = mem_strdup(err.text);
    /* What cupd throws away: the output of a call that failed, and of one that changes something; and
     * what a failed one changed. */
    if (r != ERR_OK || cli_call_writes(&g->call))
        buf_clear(&g->out);
    if (r != ERR_OK) {
        overlay_free(g->overlay);
        g->overlay = overlay_new(g->tree, WRITTEN_MAX);
    }
}

/* --- comparing ------------------------------------------------------------------------------------------- */

/* The form in which outputs are compared and kept: where it is JSON, keys sorted, a line a value. */
static void write_comparable(struct buf *to, struct str text)
{
    struct str rest = text;
    size_t start = to->n;
    for (;;) {
        auto_json struct json_doc doc = {0};
        autobuf struct buf compact = {.max = OUTPUT_MAX};
        if (json_parse_next(&rest, &doc, NULL) != ERR_OK)
            break;
        if (doc.doc == NULL)
            return;
        json_text_canonical(&compact, doc.root);
        json_text_write(to, buf_view(&compact), 2, 0);
        buf_char(to, '\n');
    }
    to->n = start;
    buf_str(to, text);
    if (!str_ends(text, STR("\n")) && text.n > 0)
        buf_char(to, '\n');
}

static enum err_kind
write_expectation(struct golden *g, const char *file, struct str text, struct err *err)
{
    autofree char *path = path_in(g, file);
    return overlay_write(g->update, str_from(path), text, false, err);
}

/* Compare with the file, or with `absent` where there is none. */
static enum err_kind
expect_text(struct golden *g, const char *file, struct str got, struct str absent, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    autobuf struct buf want = {.max = OUTPUT_MAX}, have = {.max = OUTPUT_MAX};
    bool is_there;
    enum err_kind r = read_file(g, file, &data, &is_there, err);
    if (r != ERR_OK)
        return r;
    write_comparable(&want, is_there ? data.bytes : absent);
    write_comparable(&have, got);
    if (str_eq(str_trim(buf_view(&want)), str_trim(buf_view(&have))))
        return ERR_OK;
    if (g->update != NULL)
        return write_expectation(g, file, buf_view(&have), err);
    autofree char *title = mem_printf("%s (expected)", file);
    cli_linediff(g->diff, title, buf_view(&want), file, buf_view(&have));
    return buf_check(g->diff, "the difference", err);
}

static enum err_kind expect_exit(struct golden *g, struct err *err)
{
    autofree char *code = mem_printf("%d\n", g->exit_code);
    size_t before = g->diff->n;
    enum err_kind r = expect_text(g, "exit", str_from(code), STR("0\n"), err);
    if (g->diff->n > before && g->message != NULL)
        buf_printf(g->diff, "%s\n", g->message);
    return r;
}

/* Not compared unless the case has the file; an update makes it for calls that fail. */
static enum err_kind expect_diagnostics(struct golden *g, struct err *err)
{
    autofree char *path = path_in(g, "stderr");
    if (has_file(g->tests, path) ||
        (g->update != NULL && g->diagnostics.n > 0 && g->exit_code != 0))
        return expect_text(g, "stderr", buf_view(&g->diagnostics), STR(""), err);
    return ERR_OK;
}

/* --- the tree after --------------------------------------------------------------------------------------- */

static bool is_mark(const char *path)
{
    return strcmp(path, EMPTY_MARK) == 0;
}

/* Write tree.after anew, all of it; without files where the tree is as it was. */
static enum err_kind
update_tree(struct golden *g, struct vfs *old, bool is_changed, struct err *err)
{
    auto_paths struct cli_paths paths = {0}, gone = {0};
    struct vfs *now = overlay_vfs(g->overlay);
    enum err_kind r = cli_tree_paths(old, STR(""), &gone, err);
    for (size_t i = 0; r == ERR_OK && i < gone.count; i++) {
        autofree char *path = mem_printf("%s/tree.after/%s", g->name, gone.items[i]);
        r = overlay_remove(g->update, str_from(path), err);
    }
    if (r == ERR_OK && is_changed)
        r = cli_tree_paths(now, STR(""), &paths, err);
    for (size_t i = 0; r == ERR_OK && i < paths.count; i++) {
        auto_vfs_data struct vfs_data data = {0};
        autofree char *file = mem_printf("tree.after/%s", paths.items[i]);
        r = vfs_read(now, str_from(paths.items[i]), &data, err);
        if (r == ERR_OK)
            r = write_expectation(g, file, data.bytes, err);
    }
    if (r == ERR_OK && is_changed && paths.count == 0)
        r = write_expectation(g, "tree.after/.empty", STR(""), err);
    return r;
}

/* A tree.after without files says that nothing changes. */
static enum err_kind expect_tree(struct golden *g, struct err *err)
{
    autofree char *path = path_in(g, "tree.after");
    auto_vfs struct vfs *after = vfs_subtree_new(g->tests, str_from(path));
    auto_vfs struct vfs *empty = memtree_new();
    auto_paths struct cli_paths paths = {0};
    autobuf struct buf diff = {.max = OUTPUT_MAX}, change = {.max = OUTPUT_MAX};
    struct vfs *now = overlay_vfs(g->overlay);
    enum err_kind r = cli_tree_paths(after, STR(""), &paths, err);
    if (r != ERR_OK)
        return r;
    struct vfs *want = paths.count == 0 ? g->tree : after;
    if (paths.count == 1 && is_mark(paths.items[0]))
        want = empty;
    r = cli_trees_diff(&diff, want, now, err);
    if (r != ERR_OK || diff.n == 0)
        return r;
    if (g->update == NULL) {
        buf_str(g->diff, buf_view(&diff));
        return buf_check(g->diff, "the difference", err);
    }
    r = cli_trees_diff(&change, g->tree, now, err);
    return r == ERR_OK ? update_tree(g, after, change.n > 0, err) : r;
}

static enum err_kind compare(struct golden *g, struct err *err)
{
    enum err_kind r = expect_exit(g, err);
    if (r == ERR_OK)
        r = expect_text(g, "stdout", buf_view(&g->out), STR(""), err);
    if (r == ERR_OK)
        r = expect_diagnostics(g, err);
    return r == ERR_OK ? expect_tree(g, err) : r;
}

enum err_kind cli_case_run(
    struct cli_trial *trial,
    struct vfs *tests,
    const char *name,
    struct overlay *update,
    struct buf *ret_diff,
    struct err *err)
{
    auto_golden struct golden g = {
        .tests = tests, .name = name, .update = update, .diff = ret_diff};
    buf_init(&g.out, OUTPUT_MAX);
    autofree char *tree = path_in(&g, "tree");
    g.tree = vfs_subtree_new(tests, str_from(tree));
    enum err_kind r = read_call(&g, err);
    if (r == ERR_OK)
        r = read_body(&g, err);
    if (r == ERR_OK) {
        make_call(&g, trial);
        r = compare(&g, err);
    }
    return r == ERR_OK ? r : err_wrap(err, "case '%s'", name);
}
