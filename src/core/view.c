/* Which tree a read is about: the target branch's, that of a revision, that of a proposal. */
#include "base/ids.h"
#include "base/mem.h"
#include "core/internal.h"

static enum err_kind
proposal_head(struct core *c, struct str id, struct repo_id *ret, struct err *err)
{
    if (!id_is_valid(id))
        return err_set(
            err, ERR_MALFORMED, "'" STR_FMT "' is not a proposal id", STR_ARG(str_take(id, 64)));
    autofree char *ref = mem_printf("refs/heads/" SCM_BRANCH_PREFIX STR_FMT, STR_ARG(id));
    enum err_kind r = repo_ref_read(c->repo, ref, ret, err);
    if (r == ERR_NOT_FOUND)
        return err_set(err, r, "no open proposal '" STR_FMT "'", STR_ARG(id));
    return r;
}

/* A commit that is not here may have been: a branch that was moved by force leaves such ids behind. */
static enum err_kind revision(struct core *c, struct str text, struct repo_id *ret, struct err *err)
{
    struct repo_id id;
    enum err_kind r = repo_resolve(c->repo, text, ret, err);
    if (r == ERR_INVALID)
        return err_as(err, ERR_MALFORMED);
    if (r == ERR_NOT_FOUND && repo_id_parse(text, &id, NULL) == ERR_OK)
        return err_set(
            err, ERR_EXPIRED, "commit '" STR_FMT "' is not in the repository (any more)",
            STR_ARG(text));
    return r;
}

enum err_kind core_read_commit(
    struct core *c,
    struct core_snapshot *s,
    const struct core_read_options *o,
    struct repo_id *ret,
    struct err *err)
{
    if (!c->is_git)
        return err_set(
            err, ERR_MALFORMED,
            "NotVersioned: a local directory has no revisions and no proposals");
    if (o->revision.n > 0 && o->proposal.n > 0)
        return err_set(err, ERR_MALFORMED, "'revision' and 'proposal' exclude each other");
    if (o->revision.n > 0)
        return revision(c, o->revision, ret, err);
    if (o->proposal.n > 0)
        return proposal_head(c, o->proposal, ret, err);
    *ret = s->commit;
    return ERR_OK;
}

enum err_kind core_view_for(
    struct core *c,
    struct core_snapshot *s,
    const struct core_read_options *o,
    struct core_view *ret,
    struct err *err)
{
    *ret = (struct core_view){.tree = s->tree, .has_root = s->has_commit, .root = s->root};
    if (o->revision.n == 0 && o->proposal.n == 0)
        return ERR_OK;
    struct repo_id commit;
    enum err_kind r = core_read_commit(c, s, o, &commit, err);
    if (r == ERR_OK)
        r = repo_tree(c->repo, &commit, &ret->owned, &ret->root, err);
    ret->tree = ret->owned;
    return r;
}
