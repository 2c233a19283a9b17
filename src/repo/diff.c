/*
 * What differs between two commits: paths, and text in git's patch format (git-diff(1), "Generating
 * patch text with -p"). The headers are ours, since libgit2 makes them only together with a walk that
 * reads every directory; its xdiff makes the hunks.
 */
#include "base/mem.h"
#include "repo/walk.h"

#define PATHS_MAX 1000000u

/* --- paths ------------------------------------------------------------------------------------------ */

struct collect {
    struct repo_paths paths;
    size_t cap;
};

static enum err_kind collect_path(
    void *data,
    struct str path,
    const struct walk_side *from,
    const struct walk_side *to,
    struct err *err)
{
    struct collect *c = data;
    if (c->paths.count == PATHS_MAX)
        return err_set(err, ERR_LIMIT, "more than %u paths differ between the commits", PATHS_MAX);
    mem_grow(&c->paths.items, c->paths.count, &c->cap);
    c->paths.items[c->paths.count++] = (struct repo_path){
        .path = mem_strdup_str(path),
        .status = from->mode == 0 ? 'A'
            : to->mode == 0       ? 'D'
                                  : 'M',
    };
    return ERR_OK;
}

enum err_kind repo_changed_paths(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *to,
    struct repo_paths *ret,
    struct err *err)
{
    struct collect c = {0};
    enum err_kind kind = walk_pair(r, from, to, collect_path, &c, err);
    if (kind == ERR_OK)
        *ret = c.paths;
    else
        repo_paths_deinit(&c.paths);
    return kind;
}

void repo_paths_deinit(struct repo_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i].path);
    free(paths->items);
    *paths = (struct repo_paths){0};
}

/* --- text ------------------------------------------------------------------------------------------- */

struct text {
    struct repo *repo;
    struct buf *out;
};

/* One side of one file. */
struct content {
    struct str bytes; /* of the blob, or of `line` */
    struct repo_blob blob;
    bool is_binary;
    char line[80]; /* what git shows of a submodule */
};

static void content_cleanup(struct content *c)
{
    repo_blob_cleanup(&c->blob);
}
#define auto_content CLEANUP(content_cleanup)

static enum err_kind
read_content(struct repo *r, const struct walk_side *side, struct content *ret, struct err *err)
{
    if (side->mode == 0)
        return ERR_OK;
    if (side->mode == TREE_MODE_MODULE) {
        static const struct str start = {"Subproject commit ", 18};
        memcpy(ret->line, start.p, start.n);
        git_oid_fmt(ret->line + start.n, &side->id);
        ret->line[start.n + GIT_OID_HEXSZ] = '\n';
        ret->bytes = str_of(ret->line, start.n + GIT_OID_HEXSZ + 1);
        return ERR_OK;
    }
    bool is_large = false;
    enum err_kind kind =
        repo_blob_read(r, &side->id, REPO_TEXT_BYTES_MAX, &ret->blob, &is_large, err);
    ret->bytes = ret->blob.bytes;
    ret->is_binary = is_large || repo_is_binary(ret->bytes);
    return kind;
}

static char escape_of(unsigned char c)
{
    static const char letters[] = "abtnvfr"; /* from BEL, 7, on */
    if (c >= 7 && c <= 13)
        return letters[c - 7];
    return c == '"' || c == '\\' ? (char)c : '\0';
}

/* As git quotes names (core.quotePath): in C's manner, and only when a byte needs it. */
static void add_name(struct buf *out, const char *side, struct str path)
{
    bool is_plain = true;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        is_plain = is_plain && c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
    }
    if (is_plain) {
        buf_text(out, side);
        buf_str(out, path);
        return;
    }
    buf_printf(out, "\"%s", side);
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (escape_of(c) != '\0')
            buf_printf(out, "\\%c", escape_of(c));
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(out, "\\%03o", c);
        else
            buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

static void
add_side_name(struct buf *out, const char *side, struct str path, const struct walk_side *s)
{
    if (s->mode == 0)
        buf_text(out, "/dev/null");
    else
        add_name(out, side, path);
}

static void add_header(
    struct buf *out, struct str path, const struct walk_side *from, const struct walk_side *to)
{
    buf_text(out, "diff --git ");
    add_name(out, "a/", path);
    buf_char(out, ' ');
    add_name(out, "b/", path);
    buf_char(out, '\n');
    bool is_mode_same = from->mode == to->mode;
    if (from->mode == 0)
        buf_printf(out, "new file mode %06o\n", to->mode);
    else if (to->mode == 0)
        buf_printf(out, "deleted file mode %06o\n", from->mode);
    else if (!is_mode_same)
        buf_printf(out, "old mode %06o\nnew mode %06o\n", from->mode, to->mode);
    if (git_oid_equal(&from->id, &to->id))
        return;
    char ids[2][GIT_OID_HEXSZ + 1];
    git_oid_tostr(ids[0], sizeof(ids[0]), &from->id);
    git_oid_tostr(ids[1], sizeof(ids[1]), &to->id);
    buf_printf(out, "index %s..%s", ids[0], ids[1]);
    if (is_mode_same)
        buf_printf(out, " %06o", to->mode);
    buf_char(out, '\n');
}

static void add_binary_note(
    struct buf *out, struct str path, const struct walk_side *from, const struct walk_side *to)
{
    buf_text(out, "Binary files ");
    add_side_name(out, "a/", path, from);
    buf_text(out, " and ");
    add_side_name(out, "b/", path, to);
    buf_text(out, " differ\n");
}

/* "---" and "+++"; the tab tells where a name with blanks ends (git's diff.c, fn_out_consume). */
static void add_file_names(
    struct buf *out, struct str path, const struct walk_side *from, const struct walk_side *to)
{
    const char *tab = str_find(path, ' ') >= 0 ? "\t" : "";
    buf_text(out, "--- ");
    add_side_name(out, "a/", path, from);
    buf_printf(out, "%s\n+++ ", from->mode == 0 ? "" : tab);
    add_side_name(out, "b/", path, to);
    buf_printf(out, "%s\n", to->mode == 0 ? "" : tab);
}

static int add_line(
    const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *data)
{
    struct buf *out = data;
    (void)delta;
    (void)hunk;
    if (line->origin == GIT_DIFF_LINE_FILE_HDR)
        return 0;
    if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
        line->origin == GIT_DIFF_LINE_DELETION)
        buf_char(out, line->origin);
    buf_add(out, line->content, line->content_len);
    return out->is_failed ? GIT_EUSER : 0;
}

static const char *bytes_or_null(const struct walk_side *side, const struct content *c)
{
    if (side->mode == 0)
        return NULL;
    return c->bytes.p == NULL ? "" : c->bytes.p;
}

static enum err_kind add_hunks(
    struct text *t,
    struct str path,
    const struct walk_side *from,
    const struct walk_side *to,
    struct err *err)
{
    auto_content struct content old = {0};
    auto_content struct content new = {0};
    enum err_kind kind = read_content(t->repo, from, &old, err);
    if (kind == ERR_OK)
        kind = read_content(t->repo, to, &new, err);
    if (kind != ERR_OK)
        return kind;
    if (old.is_binary || new.is_binary) {
        add_binary_note(t->out, path, from, to);
        return ERR_OK;
    }
    git_diff_options options;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC; /* git's own default */
    git_patch *patch = NULL;
    int code = git_patch_from_buffers(
        &patch, bytes_or_null(from, &old), old.bytes.n, NULL, bytes_or_null(to, &new), new.bytes.n,
        NULL, &options);
    if (code == 0 && git_patch_num_hunks(patch) > 0) {
        add_file_names(t->out, path, from, to);
        code = git_patch_print(patch, add_line, t->out);
    }
    git_patch_free(patch);
    if (code < 0 && !t->out->is_failed)
        return repo_failed(t->repo, code, err, "comparing '" STR_FMT "'", STR_ARG(path));
    return ERR_OK;
}

static enum err_kind add_file(
    struct text *t,
    struct str path,
    const struct walk_side *from,
    const struct walk_side *to,
    struct err *err)
{
    add_header(t->out, path, from, to);
    enum err_kind kind = ERR_OK;
    if (!git_oid_equal(&from->id, &to->id))
        kind = add_hunks(t, path, from, to, err);
    return kind == ERR_OK ? buf_check(t->out, "the diff", err) : kind;
}

static bool is_of_one_type(const struct walk_side *from, const struct walk_side *to)
{
    return from->mode == 0 || to->mode == 0 || from->mode == to->mode ||
        (tree_mode_is_file(from->mode) && tree_mode_is_file(to->mode));
}

/* A file that became a link, say, is shown as deleted and made anew. */
static enum err_kind add_change(
    void *data,
    struct str path,
    const struct walk_side *from,
    const struct walk_side *to,
    struct err *err)
{
    static const struct walk_side nothing = {0};
    if (is_of_one_type(from, to))
        return add_file(data, path, from, to, err);
    enum err_kind kind = add_file(data, path, from, &nothing, err);
    return kind == ERR_OK ? add_file(data, path, &nothing, to, err) : kind;
}

enum err_kind repo_diff_text(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *to,
    struct buf *ret,
    struct err *err)
{
    struct text t = {.repo = r, .out = ret};
    return walk_pair(r, from, to, add_change, &t, err);
}
