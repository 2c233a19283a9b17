/* Which tree a read is about: the target branch's, that of a revision, that of a proposal. */
#include "base/ids.h"
#include "base/mem.h"
#include "core/internal.h"

/* One that ended has no branch: the driver tells where it stood, and the commits may be gone. */
static enum err_kind
ended_head(struct core *c, const char *id, struct repo_id *ret, struct err *err)
{
    struct scm_proposal p = {0};
    struct repo_commit_info info = {0};
    enum err_kind r = c->scm->driver->show(c->scm, id, &p, err);
    if (r == ERR_OK)
        r = repo_id_parse(str_from(p.head), ret, err);
    if (r == ERR_OK)
        r = repo_commit_info(c->repo, ret, &info, err);
    if (r == ERR_NOT_FOUND && p.state == SCM_OPEN)
        r = err_set(
            err, ERR_UNAVAILABLE, "the commits of proposal '%s' have not arrived here yet", id);
    else if (r == ERR_NOT_FOUND && p.state != 0)
        r = err_set(
            err, ERR_EXPIRED, "proposal '%s' was %s, and its commits are not kept any more", id,
            scm_state_name(p.state));
    repo_commit_info_deinit(&info);
    scm_proposal_deinit(&p);
    return r;
}

static enum err_kind
proposal_head(struct core *c, struct str id, struct repo_id *ret, struct err *err)
{
    if (!id_is_valid(id))
        return err_set(
            err, ERR_MALFORMED, "'" STR_FMT "' is not a proposal id", STR_ARG(str_take(id, 64)));
    autofree char *text = mem_strdup_str(id);
    autofree char *ref = mem_printf("refs/heads/" SCM_BRANCH_PREFIX "%s", text);
    enum err_kind r = repo_ref_read(c->repo, ref, ret, err);
    return r == ERR_NOT_FOUND ? ended_head(c, text, ret, err) : r;
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

static enum err_kind named_commit(
    struct core *c, const struct core_read_options *o, struct repo_id *ret, struct err *err)
{
    return o->revision.n > 0 ? revision(c, o->revision, ret, err)
                             : proposal_head(c, o->proposal, ret, err);
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
    if (core_need_tree(c, s, err) != ERR_OK)
        return ERR_UNAVAILABLE;
    if (o->revision.n > 0 && o->proposal.n > 0)
        return err_set(err, ERR_MALFORMED, "'revision' and 'proposal' exclude each other");
    if (o->revision.n == 0 && o->proposal.n == 0) {
        *ret = s->commit;
        return ERR_OK;
    }
    enum err_kind r = named_commit(c, o, ret, err);
    bool may_come = r == ERR_NOT_FOUND || r == ERR_EXPIRED || r == ERR_UNAVAILABLE;
    return may_come && core_look_again(c, o->cancel) ? named_commit(c, o, ret, err) : r;
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
        return core_need_tree(c, s, err);
    struct repo_id commit;
    enum err_kind r = core_read_commit(c, s, o, &commit, err);
    if (r == ERR_OK)
        r = repo_tree(c->repo, &commit, &ret->owned, &ret->root, err);
    ret->tree = ret->owned;
    return r;
}
