/* Commits as they are read: described, walked back, their common ancestors. */
#include "base/mem.h"
#include "repo/internal.h"

/* How long the UTF-8 sequence at the start is; 0: none is well-formed. */
static size_t sequence_at(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++)
        if (str_is_utf8(str_take(s, n)))
            return n;
    return 0;
}

/* Git takes messages and names as bytes in any encoding; ours are UTF-8, with U+FFFD for what is not. */
static char *as_utf8(const char *text)
{
    struct str rest = str_from(text);
    if (str_is_utf8(rest))
        return mem_strdup_str(rest);
    autobuf struct buf out = {0};
    while (rest.n > 0) {
        size_t n = sequence_at(rest);
        buf_str(&out, n > 0 ? str_take(rest, n) : STR("\xef\xbf\xbd"));
        rest = str_skip(rest, n > 0 ? n : 1);
    }
    return buf_steal(&out);
}

static void describe(const git_commit *c, struct repo_commit_info *ret)
{
    const git_signature *author = git_commit_author(c);
    unsigned parents = git_commit_parentcount(c);
    *ret = (struct repo_commit_info){
        .id = repo_from_oid(git_commit_id(c)),
        .tree = repo_from_oid(git_commit_tree_id(c)),
        .parent_count = parents,
        .message = as_utf8(git_commit_message(c)),
        .author_name = as_utf8(author->name),
        .author_email = as_utf8(author->email),
        .author_unix_s = author->when.time,
    };
    if (parents > 0)
        ret->parent = repo_from_oid(git_commit_parent_id(c, 0));
    if (parents > 1)
        ret->second_parent = repo_from_oid(git_commit_parent_id(c, 1));
}

void repo_commit_info_deinit(struct repo_commit_info *info)
{
    free(info->message);
    free(info->author_name);
    free(info->author_email);
    *info = (struct repo_commit_info){0};
}

enum err_kind repo_commit_info(
    struct repo *r, const struct repo_id *commit, struct repo_commit_info *ret, struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_commit git_commit *c = NULL;
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind == ERR_OK)
        kind = repo_commit_lookup(r, call.git, commit, &c, err);
    if (kind == ERR_OK)
        describe(c, ret);
    return kind;
}

/* The first parent in place of *c; NULL behind the root, and where a shallow clone was cut off. */
static enum err_kind step_back(struct repo *r, git_repository *git, git_commit **c, struct err *err)
{
    git_commit *parent = NULL;
    if (git_commit_parentcount(*c) > 0) {
        const git_oid *id = git_commit_parent_id(*c, 0);
        int code = git_commit_lookup(&parent, git, id);
        bool is_cut = code == GIT_ENOTFOUND && git_repository_is_shallow(git) == 1;
        if (code < 0 && !is_cut)
            return repo_object_failed(r, code, err, id, "commit");
    }
    git_commit_free(*c);
    *c = parent;
    return ERR_OK;
}

enum err_kind repo_log(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *until,
    size_t max,
    bool (*visit)(const struct repo_commit_info *info, void *data),
    void *data,
    struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_commit git_commit *c = NULL;
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind == ERR_OK)
        kind = repo_commit_lookup(r, call.git, from, &c, err);
    for (size_t i = 0; kind == ERR_OK && c != NULL && i < max; i++) {
        struct repo_commit_info info;
        struct repo_id id = repo_from_oid(git_commit_id(c));
        if (until != NULL && repo_id_eq(&id, until))
            break;
        describe(c, &info);
        bool is_wanted = visit(&info, data);
        repo_commit_info_deinit(&info);
        if (!is_wanted)
            break;
        kind = step_back(r, call.git, &c, err);
    }
    return kind;
}

/* libgit2 gives one code to "they share none" and to "a commit on the way is missing". */
static enum err_kind explain_base(struct repo *r, int code, struct err *err)
{
    const git_error *last = git_error_last();
    if (code != GIT_ENOTFOUND)
        return repo_failed(r, code, err, "looking for the common ancestor of two commits");
    if (last != NULL && last->klass == GIT_ERROR_MERGE)
        return err_set(err, ERR_NOT_FOUND, "the two commits have no common ancestor");
    return err_set(
        err, ERR_IO,
        "a commit on the way to the common ancestor is missing: the repository is damaged or "
        "shallow (git fsck shows more)");
}

enum err_kind repo_merge_base(
    struct repo *r,
    const struct repo_id *a,
    const struct repo_id *b,
    struct repo_id *ret,
    struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_commit git_commit *first = NULL;
    auto_commit git_commit *second = NULL;
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind == ERR_OK)
        kind = repo_commit_lookup(r, call.git, a, &first, err);
    if (kind == ERR_OK)
        kind = repo_commit_lookup(r, call.git, b, &second, err);
    if (kind != ERR_OK)
        return kind;
    git_oid base;
    int code = git_merge_base(&base, call.git, git_commit_id(first), git_commit_id(second));
    if (code < 0)
        return explain_base(r, code, err);
    *ret = repo_from_oid(&base);
    return ERR_OK;
}

/* The oldest of the commits that target lacks, or none. */
static enum err_kind oldest_own(
    struct repo *r,
    git_repository *git,
    const git_oid *target,
    const git_oid *branch,
    git_oid *ret,
    struct err *err)
{
    git_revwalk *walk = NULL;
    memset(ret, 0, sizeof(*ret));
    int code = git_revwalk_new(&walk, git);
    if (code == 0)
        code = git_revwalk_simplify_first_parent(walk);
    if (code == 0)
        code = git_revwalk_push(walk, branch);
    if (code == 0)
        code = git_revwalk_hide(walk, target);
    while (code == 0) {
        git_oid id;
        code = git_revwalk_next(&id, walk);
        if (code == 0)
            *ret = id;
    }
    git_revwalk_free(walk);
    return code == GIT_ITEROVER
        ? ERR_OK
        : repo_failed(r, code, err, "looking for where a branch left another one");
}

enum err_kind repo_fork_point(
    struct repo *r,
    const struct repo_id *target,
    const struct repo_id *branch,
    struct repo_id *ret,
    struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_commit git_commit *c = NULL;
    git_oid ids[] = {repo_to_oid(target), repo_to_oid(branch)};
    git_oid oldest;
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind == ERR_OK)
        kind = oldest_own(r, call.git, &ids[0], &ids[1], &oldest, err);
    if (kind != ERR_OK)
        return kind;
    struct repo_id own = repo_from_oid(&oldest);
    if (repo_id_is_none(&own)) {
        *ret = *branch;
        return ERR_OK;
    }
    kind = repo_commit_lookup(r, call.git, &own, &c, err);
    if (kind == ERR_OK && git_commit_parentcount(c) == 0)
        kind = err_set(err, ERR_NOT_FOUND, "the two branches have no commit in common");
    if (kind == ERR_OK)
        *ret = repo_from_oid(git_commit_parent_id(c, 0));
    return kind;
}
