/* Commits: made over a tree, looked up, described. */
#include "base/mem.h"
#include "repo/internal.h"

#include <git2/sys/commit.h>

enum err_kind repo_commit_lookup(
    struct repo *r,
    git_repository *git,
    const struct repo_id *id,
    git_commit **ret,
    struct err *err)
{
    git_oid oid = repo_to_oid(id);
    int code = git_commit_lookup(ret, git, &oid);
    if (code == GIT_ENOTFOUND) {
        char hex[REPO_ID_HEX + 1];
        repo_id_hex(id, hex);
        return err_set(err, ERR_NOT_FOUND, "no commit %s in '%s'", hex, r->shown);
    }
    return code < 0 ? repo_object_failed(r, code, err, &oid, "commit") : ERR_OK;
}

enum err_kind
repo_commit_tree(struct repo *r, const struct repo_id *commit, git_oid *ret_tree, struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_commit git_commit *c = NULL;
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind == ERR_OK)
        kind = repo_commit_lookup(r, call.git, commit, &c, err);
    if (kind == ERR_OK)
        *ret_tree = *git_commit_tree_id(c);
    return kind;
}

/* libgit2 refuses "<" and ">" in names, but would write a line break out: the headers that follow
 * could then be forged. */
static enum err_kind make_signature(
    const struct repo_person *who, int64_t when_unix_s, git_signature **ret, struct err *err)
{
    const char *texts[] = {who->name, who->email};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str s = str_from(texts[i]);
        bool is_fine = s.n > 0 && s.n <= 512 && str_is_utf8(s);
        for (size_t k = 0; k < s.n; k++)
            is_fine = is_fine && (unsigned char)s.p[k] >= 0x20 && s.p[k] != 0x7f;
        if (!is_fine)
            return err_set(
                err, ERR_INVALID,
                "the %s of an author is empty, too long, not UTF-8 or holds control characters",
                i == 0 ? "name" : "email address");
    }
    if (git_signature_new(ret, who->name, who->email, when_unix_s, 0) < 0)
        return err_set(
            err, ERR_INVALID, "'%s <%s>' cannot stand as author of a commit", who->name,
            who->email);
    return ERR_OK;
}

struct parents {
    const struct repo_commit_spec *spec;
    git_oid current;
};

static const git_oid *next_parent(size_t index, void *data)
{
    struct parents *p = data;
    if (index >= p->spec->parent_count)
        return NULL;
    p->current = repo_to_oid(&p->spec->parents[index]);
    return &p->current;
}

static enum err_kind create(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const git_signature *author,
    const git_signature *committer,
    const git_oid *tree,
    struct repo_id *ret,
    struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind != ERR_OK)
        return kind;
    git_oid id;
    struct parents parents = {.spec = spec};
    int code = git_commit_create_from_callback(
        &id, call.git, NULL, author, committer, NULL, spec->message, tree, next_parent, &parents);
    if (code < 0)
        return repo_failed(r, code, err, "writing a commit");
    *ret = repo_from_oid(&id);
    return ERR_OK;
}

enum err_kind repo_write_commit(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const git_oid *tree,
    struct repo_id *ret,
    struct err *err)
{
    if (!str_is_utf8(str_from(spec->message)))
        return err_set(err, ERR_INVALID, "the message of a commit is not UTF-8");
    git_signature *author = NULL;
    git_signature *committer = NULL;
    enum err_kind kind = make_signature(&spec->author, spec->when_unix_s, &author, err);
    if (kind == ERR_OK)
        kind = make_signature(&spec->committer, spec->when_unix_s, &committer, err);
    if (kind == ERR_OK)
        kind = r->signing_key != NULL
            ? repo_write_signed_commit(r, spec, author, committer, tree, ret, err)
            : create(r, spec, author, committer, tree, ret, err);
    git_signature_free(author);
    git_signature_free(committer);
    return kind;
}

enum err_kind repo_commit_mark(
    struct repo *r,
    const struct repo_id *commit,
    const struct repo_commit_spec *spec,
    struct repo_id *ret,
    struct err *err)
{
    struct repo_commit_spec mark = *spec;
    git_oid tree;
    mark.parents = commit;
    mark.parent_count = 1;
    enum err_kind kind = repo_commit_tree(r, commit, &tree, err);
    return kind == ERR_OK ? repo_write_commit(r, &mark, &tree, ret, err) : kind;
}
