#include "repo/new_objects.h"

#include "base/mem.h"
#include "repo/walk.h"

/* A change is a commit or a few. More than that hints at a base that is none of the known commits. */
#define FEW_COMMITS 64u
/* Parents that a commit's tree is compared with; of an octopus the others are not. */
#define PARENTS_MAX 8u
#define SIDES_MAX (1 + PARENTS_MAX)

struct gather {
    struct walk walk;
    git_repository *git;
    const struct repo_new_objects *what;
};

static void gather_cleanup(struct gather *g)
{
    walk_deinit(&g->walk);
}
#define auto_gather CLEANUP(gather_cleanup)

static void revwalk_cleanup(git_revwalk **walk)
{
    git_revwalk_free(*walk);
}
#define auto_revwalk CLEANUP(revwalk_cleanup)

/* --- trees ---------------------------------------------------------------------------------------- */

/* The first side is the commit's, the others are its parents'. */
struct sides {
    struct walk_side at[SIDES_MAX];
    size_t count;
};

static enum err_kind visit(struct gather *g, git_object_t type, const git_oid *id, struct err *err)
{
    return g->what->visit(g->what->data, type, id, buf_view(&g->walk.path).p, err);
}

static enum err_kind gather_dir(struct gather *g, const struct sides *sides, struct err *err);

/* What a parent has is not new, nor what is below it. A submodule's commit is in no repository of
 * ours. */
static enum err_kind gather_entry(struct gather *g, const struct sides *sides, struct err *err)
{
    const struct walk_side *own = &sides->at[0];
    for (size_t i = 1; i < sides->count; i++)
        if (walk_side_eq(own, &sides->at[i]))
            return ERR_OK;
    if (own->mode == TREE_MODE_DIR)
        return gather_dir(g, sides, err);
    return own->mode == TREE_MODE_MODULE ? ERR_OK : visit(g, GIT_OBJECT_BLOB, &own->id, err);
}

static enum err_kind
gather_entries(struct gather *g, struct tree *const *trees, size_t count, struct err *err)
{
    const struct tree_entry *entries[SIDES_MAX];
    size_t at[SIDES_MAX] = {0};
    enum err_kind kind = ERR_OK;
    while (kind == ERR_OK && walk_next(trees, count, at, entries)) {
        struct sides below = {.count = count};
        size_t back = 0;
        if (entries[0] == NULL)
            continue;
        for (size_t i = 0; i < count; i++)
            below.at[i] = walk_side_of(trees[i], entries[i]);
        kind = walk_enter(&g->walk, tree_name(trees[0], entries[0]), &back, err);
        if (kind != ERR_OK)
            return kind;
        kind = gather_entry(g, &below, err);
        walk_leave(&g->walk, back);
    }
    return kind;
}

static enum err_kind gather_dir(struct gather *g, const struct sides *sides, struct err *err)
{
    struct tree *trees[SIDES_MAX] = {NULL};
    if (g->walk.depth == WALK_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "directories are nested deeper than %u", WALK_DEPTH_MAX);
    enum err_kind kind = visit(g, GIT_OBJECT_TREE, &sides->at[0].id, err);
    for (size_t i = 0; i < sides->count && kind == ERR_OK; i++)
        kind = walk_open(&g->walk, &sides->at[i], &trees[i], err);
    g->walk.depth++;
    if (kind == ERR_OK)
        kind = gather_entries(g, trees, sides->count, err);
    g->walk.depth--;
    for (size_t i = 0; i < sides->count; i++)
        tree_unref(trees[i]);
    return kind;
}

/* --- commits -------------------------------------------------------------------------------------- */

static struct walk_side dir_side(const git_oid *tree)
{
    return (struct walk_side){.mode = TREE_MODE_DIR, .id = *tree};
}

static enum err_kind gather_commit(struct gather *g, const git_oid *id, struct err *err)
{
    struct repo *r = g->walk.repo;
    struct repo_id commit_id = repo_from_oid(id);
    struct sides sides = {.count = 1};
    auto_commit git_commit *commit = NULL;
    g->walk.trees = 0; /* a limit on each commit, not on a history */
    enum err_kind kind = repo_commit_lookup(r, g->git, &commit_id, &commit, err);
    if (kind != ERR_OK)
        return kind;
    sides.at[0] = dir_side(git_commit_tree_id(commit));
    for (unsigned i = 0; i < git_commit_parentcount(commit) && i < PARENTS_MAX; i++) {
        struct repo_id parent = repo_from_oid(git_commit_parent_id(commit, i));
        git_oid tree;
        kind = repo_commit_tree(r, &parent, &tree, err);
        if (kind != ERR_OK)
            return kind;
        sides.at[sides.count++] = dir_side(&tree);
    }
    kind = visit(g, GIT_OBJECT_COMMIT, id, err);
    return kind == ERR_OK ? gather_entry(g, &sides, err) : kind;
}

static enum err_kind
push_tips(git_revwalk *walk, struct repo *r, const struct repo_new_objects *what, struct err *err)
{
    for (size_t i = 0; i < what->tip_count; i++) {
        git_oid tip = repo_to_oid(&what->tips[i]);
        if (repo_id_is_none(&what->tips[i]))
            continue;
        int code = git_revwalk_push(walk, &tip);
        if (code < 0)
            return repo_failed(r, code, err, "walking new commits");
    }
    return ERR_OK;
}

static int hide(git_revwalk *walk, struct repo *r, const struct repo_id *ids, size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++) {
        git_oid id = repo_to_oid(&ids[i]);
        if (!repo_id_is_none(&ids[i]) && git_odb_exists(r->odb, &id))
            code = git_revwalk_hide(walk, &id);
    }
    return code;
}

static enum err_kind hide_known(
    git_revwalk *walk,
    struct repo *r,
    const struct repo_new_objects *what,
    bool with_more,
    struct err *err)
{
    int code = hide(walk, r, what->known, what->known_count);
    if (code == 0 && with_more)
        code = hide(walk, r, what->more, what->more_count);
    if (code == 0 && with_more && what->are_refs_known)
        code = git_revwalk_hide_glob(walk, "refs/*");
    return code < 0 ? repo_failed(r, code, err, "walking known commits") : ERR_OK;
}

/* The commits, newest first, into ids, which has room for max; ret_count is max + 1 where there are
 * more. */
static enum err_kind list_commits(
    struct gather *g,
    const struct repo_new_objects *what,
    bool with_more,
    size_t max,
    git_oid **ret_ids,
    size_t *ret_count,
    struct err *err)
{
    auto_revwalk git_revwalk *walk = NULL;
    size_t cap = 0;
    git_oid id;
    int code = git_revwalk_new(&walk, g->git);
    if (code < 0)
        return repo_failed(g->walk.repo, code, err, "walking new commits");
    enum err_kind kind = push_tips(walk, g->walk.repo, what, err);
    if (kind == ERR_OK)
        kind = hide_known(walk, g->walk.repo, what, with_more, err);
    if (kind != ERR_OK)
        return kind;
    *ret_count = 0;
    while (*ret_count <= max && (code = git_revwalk_next(&id, walk)) == 0) {
        mem_grow(ret_ids, *ret_count, &cap);
        (*ret_ids)[(*ret_count)++] = id;
    }
    return code < 0 && code != GIT_ITEROVER
        ? repo_failed(g->walk.repo, code, err, "walking new commits")
        : ERR_OK;
}

static enum err_kind
gather_commits(struct gather *g, const struct repo_new_objects *what, struct err *err)
{
    autofree git_oid *few = NULL;
    autofree git_oid *all = NULL;
    size_t count = 0;
    enum err_kind kind = list_commits(g, what, false, FEW_COMMITS, &few, &count, err);
    git_oid *ids = few;
    if (kind == ERR_OK && count > FEW_COMMITS) {
        kind = list_commits(g, what, true, what->commits_max, &all, &count, err);
        ids = all;
    }
    if (kind == ERR_OK && count > what->commits_max)
        return err_set(err, ERR_LIMIT, "more than %zu commits are new", what->commits_max);
    for (size_t i = 0; i < count && kind == ERR_OK; i++)
        kind = gather_commit(g, &ids[i], err);
    return kind;
}

enum err_kind repo_new_objects(struct repo *r, const struct repo_new_objects *what, struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_gather struct gather g = {.what = what};
    walk_init(&g.walk, r);
    enum err_kind kind = repo_borrow(r, &call.git, err);
    g.git = call.git;
    return kind == ERR_OK ? gather_commits(&g, what, err) : kind;
}
