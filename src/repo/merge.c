/*
 * repo_merge: three trees walked in step. What is equal on two sides is taken from the third without a
 * look inside, so the cost depends on what both sides changed and not on the repository; libgit2's
 * git_merge_trees() reads every directory of all three. Renames are not followed.
 */
#include "base/mem.h"
#include "repo/walk.h"

#define CONFLICTS_SHOWN 5u

enum { BASE, OURS, THEIRS, SIDES };

struct merge {
    struct walk walk;
    bool is_trial; /* nothing is written: only conflicts are looked for */
    struct repo_conflicts *conflicts;
    size_t cap;
};

/* What one merged directory will hold; names are borrowed from the trees. */
struct result {
    struct str name;
    struct walk_side side;
};
struct results {
    struct result *items;
    size_t count;
    size_t cap;
};

static void results_cleanup(struct results *r)
{
    free(r->items);
}
#define auto_results CLEANUP(results_cleanup)

static enum err_kind merge_dirs(
    struct merge *m, const struct walk_side sides[SIDES], struct walk_side *ret, struct err *err);

static enum err_kind conflict(struct merge *m, const char *why)
{
    struct repo_conflicts *all = m->conflicts;
    if (all->count == REPO_CONFLICTS_MAX) {
        all->is_cut = true;
        return ERR_OK;
    }
    mem_grow(&all->items, all->count, &m->cap);
    all->items[all->count++] =
        (struct repo_conflict){.path = mem_strdup_str(buf_view(&m->walk.path)), .why = why};
    return ERR_OK;
}

void repo_conflicts_deinit(struct repo_conflicts *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->items[i].path);
    free(c->items);
    *c = (struct repo_conflicts){0};
}

/* Changed on one side at most, or the same way on both. */
static bool settle(const struct walk_side sides[SIDES], struct walk_side *ret)
{
    if (walk_side_eq(&sides[OURS], &sides[THEIRS]) || walk_side_eq(&sides[BASE], &sides[THEIRS]))
        *ret = sides[OURS];
    else if (walk_side_eq(&sides[BASE], &sides[OURS]))
        *ret = sides[THEIRS];
    else
        return false;
    return true;
}

static enum err_kind
write_merged(struct merge *m, const git_merge_file_result *result, git_oid *ret, struct err *err)
{
    if (!result->automergeable)
        return conflict(m, "both sides changed the same lines");
    if (m->is_trial)
        return ERR_OK;
    int code = git_odb_write(
        ret, m->walk.repo->odb, result->len == 0 ? "" : result->ptr, result->len, GIT_OBJECT_BLOB);
    return code < 0 ? repo_failed(m->walk.repo, code, err, "writing a merged file") : ERR_OK;
}

/* A code of libgit2. */
static int merge_bytes(const struct str bytes[SIDES], git_merge_file_result *ret)
{
    git_merge_file_input inputs[SIDES];
    for (size_t i = 0; i < SIDES; i++) {
        git_merge_file_input_init(&inputs[i], GIT_MERGE_FILE_INPUT_VERSION);
        inputs[i].ptr = bytes[i].n == 0 ? "" : bytes[i].p;
        inputs[i].size = bytes[i].n;
    }
    return git_merge_file(ret, &inputs[BASE], &inputs[OURS], &inputs[THEIRS], NULL);
}

static enum err_kind
merge_texts(struct merge *m, const struct repo_blob blobs[SIDES], git_oid *ret, struct err *err)
{
    const struct str bytes[SIDES] = {blobs[BASE].bytes, blobs[OURS].bytes, blobs[THEIRS].bytes};
    git_merge_file_result result = {0};
    memset(ret, 0, sizeof(*ret));
    int code = merge_bytes(bytes, &result);
    if (code < 0)
        return repo_failed(
            m->walk.repo, code, err, "merging '" STR_FMT "'", STR_ARG(buf_view(&m->walk.path)));
    enum err_kind kind = write_merged(m, &result, ret, err);
    git_merge_file_result_free(&result);
    return kind;
}

/* A base that is no file is none: then both sides made the file anew, from nothing. */
static enum err_kind
merge_contents(struct merge *m, const struct walk_side sides[SIDES], git_oid *ret, struct err *err)
{
    struct repo_blob blobs[SIDES] = {0};
    bool is_text = true;
    enum err_kind kind = ERR_OK;
    for (size_t i = 0; i < SIDES && kind == ERR_OK && is_text; i++) {
        bool is_large = false;
        if (sides[i].mode == 0)
            continue;
        kind = repo_blob_read(
            m->walk.repo, &sides[i].id, REPO_TEXT_BYTES_MAX, &blobs[i], &is_large, err);
        is_text = kind == ERR_OK && !is_large && !repo_is_binary(blobs[i].bytes);
    }
    if (kind == ERR_OK)
        kind = is_text ? merge_texts(m, blobs, ret, err)
                       : conflict(m, "both sides changed this binary or very large file");
    for (size_t i = 0; i < SIDES; i++)
        repo_blob_cleanup(&blobs[i]);
    return kind;
}

/* The executable bit and the content are merged apart (merge-ort.c, handle_content_merge). */
static enum err_kind merge_regular(
    struct merge *m, const struct walk_side given[SIDES], struct walk_side *ret, struct err *err)
{
    struct walk_side sides[SIDES] = {given[BASE], given[OURS], given[THEIRS]};
    if (!tree_mode_is_file(sides[BASE].mode))
        sides[BASE] = (struct walk_side){0};
    struct walk_side modes[SIDES];
    struct walk_side ids[SIDES];
    for (size_t i = 0; i < SIDES; i++) {
        modes[i] = (struct walk_side){.mode = sides[i].mode};
        ids[i] = (struct walk_side){.mode = sides[i].mode == 0 ? 0 : 1, .id = sides[i].id};
    }
    struct walk_side mode;
    struct walk_side id = {.mode = 1};
    if (!settle(modes, &mode))
        return conflict(m, "both sides added it, one of them as executable");
    enum err_kind kind = ERR_OK;
    if (!settle(ids, &id))
        kind = merge_contents(m, sides, &id.id, err);
    *ret = (struct walk_side){.mode = mode.mode, .id = id.id};
    return kind;
}

static enum err_kind merge_files(
    struct merge *m, const struct walk_side sides[SIDES], struct walk_side *ret, struct err *err)
{
    const struct walk_side *ours = &sides[OURS];
    const struct walk_side *theirs = &sides[THEIRS];
    if (ours->mode == 0 || theirs->mode == 0)
        return conflict(m, "one side changed it, the other one deleted it");
    *ret = *ours; /* so that a clash with a directory is still seen behind a conflict */
    if (tree_mode_is_file(ours->mode) && tree_mode_is_file(theirs->mode))
        return merge_regular(m, sides, ret, err);
    if (ours->mode != theirs->mode)
        return conflict(m, "it is a file, a link and a submodule on different sides");
    return conflict(
        m,
        ours->mode == TREE_MODE_LINK ? "both sides changed the link"
                                     : "both sides changed the submodule");
}

/* Is there something other than a directory under this name in what was merged already? In the order
 * of trees it stands before the directory. For names that are no directory on one of the two sides: a
 * tree does not have both. */
static bool
has_file(const struct results *results, struct tree *const trees[SIDES], struct str name)
{
    const struct tree_entry *ours = tree_find(trees[OURS], name);
    const struct tree_entry *theirs = tree_find(trees[THEIRS], name);
    if ((ours == NULL || tree_mode_is_dir(ours->mode)) &&
        (theirs == NULL || tree_mode_is_dir(theirs->mode)))
        return false;
    for (size_t i = results->count; i-- > 0;)
        if (str_eq(results->items[i].name, name))
            return true;
    return false;
}

static enum err_kind merge_entry(
    struct merge *m,
    struct tree *const trees[SIDES],
    const struct tree_entry *const entries[SIDES],
    struct results *results,
    struct err *err)
{
    struct walk_side sides[SIDES];
    struct walk_side merged = {0};
    struct str name = {0};
    bool is_dir = false;
    for (size_t i = 0; i < SIDES; i++) {
        sides[i] = walk_side_of(trees[i], entries[i]);
        if (entries[i] == NULL)
            continue;
        name = tree_name(trees[i], entries[i]);
        is_dir = sides[i].mode == TREE_MODE_DIR;
    }
    size_t back = 0;
    enum err_kind kind = walk_enter(&m->walk, name, &back, err);
    if (kind != ERR_OK)
        return kind;
    if (!settle(sides, &merged))
        kind = is_dir ? merge_dirs(m, sides, &merged, err) : merge_files(m, sides, &merged, err);
    bool may_clash = is_dir && (entries[OURS] == NULL || entries[THEIRS] == NULL);
    if (kind == ERR_OK && merged.mode != 0 && may_clash && has_file(results, trees, name))
        kind = conflict(m, "a file on one side, a directory on the other");
    walk_leave(&m->walk, back);
    if (merged.mode == 0)
        return kind;
    mem_grow(&results->items, results->count, &results->cap);
    results->items[results->count++] = (struct result){name, merged};
    return kind;
}

/* No directory is left of nothing, but for the root; nothing is written by a trial, or once there are
 * conflicts. */
static enum err_kind
write_dir(struct merge *m, const struct results *results, struct walk_side *ret, struct err *err)
{
    bool is_written = !m->is_trial && m->conflicts->count == 0;
    if ((results->count == 0 && m->walk.depth > 0) || !is_written) {
        /* as something, so that a clash with a file is still seen */
        ret->mode = results->count == 0 ? 0 : TREE_MODE_DIR;
        return ERR_OK;
    }
    auto_tree_writer struct tree_writer w;
    tree_writer_init(&w);
    for (size_t i = 0; i < results->count; i++) {
        const struct result *it = &results->items[i];
        tree_writer_add(&w, it->side.mode, it->name, &it->side.id);
    }
    ret->mode = TREE_MODE_DIR;
    return tree_writer_finish(m->walk.repo, &w, &ret->id, err);
}

static enum err_kind merge_dirs(
    struct merge *m, const struct walk_side sides[SIDES], struct walk_side *ret, struct err *err)
{
    auto_tree struct tree *base = NULL;
    auto_tree struct tree *ours = NULL;
    auto_tree struct tree *theirs = NULL;
    if (m->walk.depth == WALK_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "directories are nested deeper than %u", WALK_DEPTH_MAX);
    enum err_kind kind = walk_open(&m->walk, &sides[BASE], &base, err);
    if (kind == ERR_OK)
        kind = walk_open(&m->walk, &sides[OURS], &ours, err);
    if (kind == ERR_OK)
        kind = walk_open(&m->walk, &sides[THEIRS], &theirs, err);
    struct tree *const trees[SIDES] = {base, ours, theirs};
    const struct tree_entry *entries[SIDES];
    auto_results struct results results = {0};
    size_t at[SIDES] = {0};
    m->walk.depth++;
    while (kind == ERR_OK && walk_next(trees, SIDES, at, entries))
        kind = merge_entry(m, trees, entries, &results, err);
    m->walk.depth--;
    return kind == ERR_OK ? write_dir(m, &results, ret, err) : kind;
}

static enum err_kind report(const struct repo_conflicts *all, struct err *err)
{
    autobuf struct buf text = {0};
    for (size_t i = 0; i < all->count && i < CONFLICTS_SHOWN; i++) {
        char shown[120];
        repo_path_shown(str_from(all->items[i].path), shown, sizeof(shown));
        buf_printf(&text, "%s'%s' (%s)", i == 0 ? "" : ", ", shown, all->items[i].why);
    }
    if (all->is_cut)
        buf_printf(&text, " and more than %zu more", all->count - CONFLICTS_SHOWN);
    else if (all->count > CONFLICTS_SHOWN)
        buf_printf(&text, " and %zu more", all->count - CONFLICTS_SHOWN);
    return err_set(err, ERR_CONFLICT, "the changes do not fit together: %s", text.p);
}

/* OK with conflicts in *all as well: what they mean is the caller's. */
static enum err_kind merge_trees(
    struct repo *r,
    const struct walk_side sides[SIDES],
    bool is_trial,
    struct repo_conflicts *all,
    git_oid *ret,
    struct err *err)
{
    struct walk_side merged = {.mode = TREE_MODE_DIR};
    struct merge m = {.is_trial = is_trial, .conflicts = all};
    if (settle(sides, &merged)) {
        *ret = merged.id;
        return ERR_OK;
    }
    walk_init(&m.walk, r);
    enum err_kind kind = merge_dirs(&m, sides, &merged, err);
    if (kind == ERR_OK)
        *ret = merged.id;
    walk_deinit(&m.walk);
    return kind;
}

/* The trees of both and of where they parted. CONFLICT: they share no history. */
static enum err_kind find_sides(
    struct repo *r,
    const struct repo_id *ours,
    const struct repo_id *theirs,
    struct walk_side ret[SIDES],
    struct err *err)
{
    struct repo_id base;
    const struct repo_id *const commits[SIDES] = {&base, ours, theirs};
    enum err_kind kind = repo_merge_base(r, ours, theirs, &base, err);
    if (kind == ERR_NOT_FOUND)
        return err_as(err, ERR_CONFLICT);
    for (size_t i = 0; i < SIDES && kind == ERR_OK; i++) {
        ret[i].mode = TREE_MODE_DIR;
        kind = repo_commit_tree(r, commits[i], &ret[i].id, err);
    }
    return kind;
}

enum err_kind repo_merge(
    struct repo *r,
    const struct repo_id *ours,
    const struct repo_id *theirs,
    const struct repo_commit_spec *spec,
    struct repo_id *ret_commit,
    struct err *err)
{
    const struct repo_id parents[] = {*ours, *theirs};
    struct repo_commit_spec merge = *spec;
    merge.parents = parents;
    merge.parent_count = ARRAY_LEN(parents);
    struct walk_side sides[SIDES];
    auto_conflicts struct repo_conflicts all = {0};
    git_oid tree;
    enum err_kind kind = find_sides(r, ours, theirs, sides, err);
    if (kind == ERR_OK)
        kind = merge_trees(r, sides, false, &all, &tree, err);
    if (kind == ERR_OK && all.count > 0)
        kind = report(&all, err);
    return kind == ERR_OK ? repo_write_commit(r, &merge, &tree, ret_commit, err) : kind;
}

enum err_kind repo_merge_trial(
    struct repo *r,
    const struct repo_id *ours,
    const struct repo_id *theirs,
    struct repo_conflicts *ret,
    struct err *err)
{
    struct walk_side sides[SIDES];
    struct repo_conflicts all = {0};
    git_oid tree;
    enum err_kind kind = find_sides(r, ours, theirs, sides, err);
    if (kind == ERR_OK)
        kind = merge_trees(r, sides, true, &all, &tree, err);
    if (kind == ERR_OK)
        *ret = all;
    else
        repo_conflicts_deinit(&all);
    return kind;
}

enum err_kind repo_merges_to(
    struct repo *r,
    struct str base,
    struct str ours,
    struct str theirs,
    struct str merged,
    bool *ret_is,
    struct err *err)
{
    const struct str bytes[SIDES] = {base, ours, theirs};
    git_merge_file_result result = {0};
    *ret_is = false;
    for (size_t i = 0; i < SIDES; i++)
        if (bytes[i].n > REPO_TEXT_BYTES_MAX || repo_is_binary(bytes[i]))
            return ERR_OK;
    int code = merge_bytes(bytes, &result);
    if (code < 0)
        return repo_failed(r, code, err, "merging a file");
    *ret_is = result.automergeable && str_eq(str_of(result.ptr, result.len), merged);
    git_merge_file_result_free(&result);
    return ERR_OK;
}
