/* Refs: read and resolved. How they are listed: ref_list.c; how they are moved: ref_update.c. */
#include "repo/refs.h"
#include "base/mem.h"

static void reference_cleanup(git_reference **ref)
{
    git_reference_free(*ref);
}
#define auto_reference CLEANUP(reference_cleanup)

enum err_kind repo_check_ref_name(struct str name, struct err *err)
{
    autofree char *text = mem_strdup_str(name);
    int is_valid = 0;
    if (strlen(text) == name.n && name.n <= 512)
        git_reference_name_is_valid(&is_valid, text);
    if (is_valid && (str_starts(name, STR("refs/")) || str_eqz(name, "HEAD")))
        return ERR_OK;
    return err_set(
        err, ERR_INVALID, "'" STR_FMT "' is not the name of a ref", STR_ARG(str_take(name, 200)));
}

/* The commit at the end of the ref: symbolic refs and tags are followed. */
static enum err_kind
peel(struct repo *r, const git_reference *ref, struct repo_id *ret, struct err *err)
{
    git_object *object = NULL;
    int code = git_reference_peel(&object, ref, GIT_OBJECT_COMMIT);
    if (code < 0) {
        const char *name = git_reference_name(ref);
        if (code == GIT_ENOTFOUND)
            return err_set(
                err, ERR_IO, "ref '%s' points to something that is not in '%s'", name, r->shown);
        if (code == GIT_EPEEL || code == GIT_EINVALIDSPEC)
            return err_set(err, ERR_INVALID, "ref '%s' does not point to a commit", name);
        return repo_failed(r, code, err, "reading ref '%s'", name);
    }
    *ret = repo_from_oid(git_object_id(object));
    git_object_free(object);
    return ERR_OK;
}

enum err_kind repo_ref_read_with(
    struct repo *r, git_repository *git, const char *name, struct repo_id *ret, struct err *err)
{
    auto_reference git_reference *ref = NULL;
    auto_reference git_reference *direct = NULL;
    int code = git_reference_lookup(&ref, git, name);
    if (code == 0)
        code = git_reference_resolve(&direct, ref);
    if (code == GIT_ENOTFOUND)
        return err_set(err, ERR_NOT_FOUND, "no ref '%s' in '%s'", name, r->shown);
    if (code < 0)
        return repo_failed(r, code, err, "reading ref '%s'", name);
    return peel(r, direct, ret, err);
}

enum err_kind
repo_ref_read(struct repo *r, const char *name, struct repo_id *ret_commit, struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    enum err_kind kind = repo_check_ref_name(str_from(name), err);
    if (kind == ERR_OK)
        kind = repo_borrow(r, &call.git, err);
    return kind == ERR_OK ? repo_ref_read_with(r, call.git, name, ret_commit, err) : kind;
}

static bool is_commit_id(struct str s)
{
    git_oid id;
    return s.n == REPO_ID_HEX && git_oid_fromstrn(&id, s.p, s.n) == 0;
}

/* A branch, a full ref, or a tag, in this order. */
static enum err_kind resolve_name(
    struct repo *r, git_repository *git, struct str name, struct repo_id *ret, struct err *err)
{
    static const char *const places[] = {"refs/heads/", "refs/tags/"};
    bool is_full = str_starts(name, STR("refs/"));
    enum err_kind kind = ERR_NOT_FOUND;
    for (size_t i = 0; i < (is_full ? 1 : ARRAY_LEN(places)) && kind == ERR_NOT_FOUND; i++) {
        autofree char *full = mem_printf("%s" STR_FMT, is_full ? "" : places[i], STR_ARG(name));
        kind = repo_check_ref_name(str_from(full), err);
        if (kind == ERR_OK)
            kind = repo_ref_read_with(r, git, full, ret, err);
    }
    if (kind == ERR_NOT_FOUND)
        return err_set(
            err, kind, "no branch, tag or commit '" STR_FMT "' in '%s'", STR_ARG(name), r->shown);
    return kind;
}

/*
 * No revision syntax of gitrevisions(7): what a client sends must name one thing, and "HEAD@{…}" or
 * ":/text" would let it search the repository.
 */
enum err_kind
repo_resolve(struct repo *r, struct str revision, struct repo_id *ret_commit, struct err *err)
{
    if (revision.n == 0 || revision.p[0] == '-' || revision.n > 512 || !str_is_utf8(revision))
        return err_set(err, ERR_INVALID, "a revision is a branch, a tag or a whole commit id");
    auto_call struct repo_call call = {.repo = r};
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind != ERR_OK)
        return kind;
    if (!is_commit_id(revision)) {
        kind = resolve_name(r, call.git, revision, ret_commit, err);
        return kind == ERR_INVALID
            ? err_wrap(err, "a revision is a branch, a tag or a whole commit id")
            : kind;
    }
    auto_commit git_commit *commit = NULL;
    struct repo_id id;
    kind = repo_id_parse(revision, &id, err);
    if (kind == ERR_OK)
        kind = repo_commit_lookup(r, call.git, &id, &commit, err);
    if (kind == ERR_OK)
        *ret_commit = id;
    return kind;
}
