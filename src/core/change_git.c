/*
 * A change of a Git source: overlay, commit, the proposal's branch by compare-and-swap, the SCM. Who loses
 * the swap begins anew over what won.
 */
#include "core/change_git.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/twins.h"

#include <time.h>

enum { TRIES = 5, PAUSE_MS = 20 };

static enum err_kind answer(struct core_attempt *a, struct core_result *ret, struct err *err)
{
    autofree char *url = NULL;
    enum err_kind r = core_propose(a->c, a->id, &url, err);
    if (r == ERR_NOT_FOUND) /* at the forge: not what the client asked for */
        r = err_as(err, ERR_FAILED);
    if (r == ERR_OK)
        core_change_result(ret, a->id, a->c->scm->driver->source, url);
    return r;
}

/* --- commit and branch ---------------------------------------------------------------------------------- */

static enum err_kind commit_changes(
    struct core_attempt *a,
    const struct vfs_changes *changes,
    struct repo_id *ret_commit,
    bool *ret_is_same,
    struct err *err)
{
    autofree char *message = core_change_commit_message(a->change, a->request);
    struct str requester = a->change->options->requester;
    autofree char *name = requester.n > 0 ? mem_strdup_str(requester) : NULL;
    struct repo_commit_spec spec = {
        .parents = &a->base,
        .parent_count = 1,
        .author = {name != NULL ? name : a->c->author_name, a->c->author_email},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = clock_unix_ms() / 1000,
        .message = message,
    };
    return repo_commit(a->c->repo, &spec, changes, ret_commit, ret_is_same, err);
}

/* Does this commit bring the proposal back to where it started? */
static enum err_kind is_back_at_start(
    struct core_attempt *a, const struct repo_id *commit, bool *ret_is, struct err *err)
{
    struct repo_id start;
    struct repo_paths paths = {0};
    enum err_kind r = repo_merge_base(a->c->repo, &a->target, &a->base, &start, err);
    if (r == ERR_OK)
        r = repo_changed_paths(a->c->repo, &start, commit, &paths, err);
    *ret_is = r == ERR_OK && paths.count == 0;
    repo_paths_deinit(&paths);
    return r;
}

static enum err_kind
move_branch(struct core_attempt *a, const struct repo_id *commit, struct err *err)
{
    autofree char *ref = mem_printf(CORE_BRANCH_REF_PREFIX "%s", a->id);
    struct repo_ref_update update = {.name = ref, .new_commit = *commit};
    if (a->is_open)
        update.old_commit = a->base;
    a->is_race = !a->is_open && a->claim != NULL &&
        !core_claim_may_open(a->c->claims, a->claim, core_attempt_wanted_id(a));
    if (a->is_race)
        return err_set(err, ERR_CONFLICT, "proposal '%s' is being opened", a->id);
    enum err_kind r = repo_ref_update(a->c->repo, &update, 1, err);
    a->is_race = r == ERR_CONFLICT;
    if (r == ERR_OK && !a->is_open && a->claim != NULL)
        core_claim_use(a->c->claims, a->claim);
    return r;
}

/* Not with a commit that somebody added since we looked. */
static enum err_kind
close_proposal(struct core_attempt *a, struct core_result *ret, struct err *err)
{
    char head[REPO_ID_HEX + 1];
    repo_id_hex(&a->base, head);
    enum err_kind r = a->c->scm->driver->close(a->c->scm, a->id, head, err);
    a->is_race = r == ERR_CONFLICT;
    ret->is_unchanged = r == ERR_OK;
    return r;
}

static enum err_kind publish(
    struct core_attempt *a, const struct repo_id *commit, struct core_result *ret, struct err *err)
{
    bool is_back = false;
    enum err_kind r = a->is_open ? is_back_at_start(a, commit, &is_back, err) : ERR_OK;
    if (r != ERR_OK)
        return r;
    if (is_back)
        return close_proposal(a, ret, err);
    r = move_branch(a, commit, err);
    if (r != ERR_OK)
        return r;
    r = answer(a, ret, err);
    /* ended between our look at it and our commit: what is asked for becomes another one */
    a->is_race = r == ERR_CONFLICT;
    if (r != ERR_OK && !a->is_race)
        core_propose_wake(a->c); /* the branch is there */
    return r;
}

/* --- over a tree ---------------------------------------------------------------------------------------- */

/* The branch has what is asked for already: a retry, unless there is no proposal at all. */
static enum err_kind unchanged(struct core_attempt *a, struct core_result *ret, struct err *err)
{
    if (a->is_open && !a->change->options->is_dry_run)
        return answer(a, ret, err);
    ret->is_unchanged = true;
    return ERR_OK;
}

/* A delete that finds nothing because the open proposal deleted it already is a retry, too. */
static enum err_kind is_deleted_by_proposal(struct core_attempt *a, bool *ret, struct err *err)
{
    const struct core_edit *e = &a->change->edits[0];
    auto_vfs struct vfs *tree = NULL;
    autobuf struct buf text = {0};
    char etag[CORE_ETAG_MAX];
    struct repo_id root;
    *ret = false;
    if (!a->is_open || a->change->count != 1 || !e->is_delete)
        return ERR_OK;
    enum err_kind r = repo_tree(a->c->repo, &a->target, &tree, &root, err);
    if (r == ERR_OK)
        r = core_read_object(
            e->served, tree, e->ns, e->name, a->change->options->cancel, &text, etag, err);
    *ret = r == ERR_OK;
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static enum err_kind
missing(struct core_attempt *a, struct core_result *ret, const struct err *why, struct err *err)
{
    bool is_retry = false;
    enum err_kind r = is_deleted_by_proposal(a, &is_retry, err);
    if (r != ERR_OK)
        return r;
    if (is_retry)
        return unchanged(a, ret, err);
    *err = *why;
    return why->kind;
}

/* What the real change would check as well, but no object is written. */
static enum err_kind
dry_run(const struct vfs_changes *changes, struct core_result *ret, struct err *err)
{
    enum err_kind r = core_change_check_paths(changes, err);
    if (r == ERR_OK)
        core_change_result(ret, CORE_NO_PROPOSAL, NULL, NULL);
    return r;
}

static enum err_kind carry_on(
    struct core_attempt *a,
    struct vfs *tree,
    struct overlay *overlay,
    struct core_result *ret,
    struct err *err)
{
    struct vfs_changes changes = {0};
    struct repo_id commit;
    bool is_same = false;
    enum err_kind r = overlay_changes(overlay, &changes, err);
    if (r == ERR_OK)
        r = core_twins_check(tree, overlay_vfs(overlay), &changes, err);
    if (r != ERR_OK)
        return r;
    if (changes.count == 0)
        return unchanged(a, ret, err);
    if (a->change->options->is_dry_run)
        return dry_run(&changes, ret, err);
    r = commit_changes(a, &changes, &commit, &is_same, err);
    if (r != ERR_OK)
        return r;
    return is_same ? unchanged(a, ret, err) : publish(a, &commit, ret, err);
}

/* Who reads the version from the target meets the open proposal's: the way out is said. */
static void explain_version(const struct core_attempt *a, struct err *err)
{
    if (a->is_open && (err->kind == ERR_CONFLICT || err->kind == ERR_PRECONDITION))
        err_wrap(
            err,
            "in open proposal '%s', to which this change would go (?proposal=%s reads it, "
            "?proposal=new makes another)",
            a->id, a->id);
}

static enum err_kind
change_over_tree(struct core_attempt *a, struct vfs *tree, struct core_result *ret, struct err *err)
{
    struct overlay *overlay = core_change_overlay(a->change, tree);
    struct err why = {0};
    enum err_kind r = core_change_apply(a->change, overlay, tree, &why);
    if (r == ERR_OK) {
        r = carry_on(a, tree, overlay, ret, err);
    } else if (r == ERR_NOT_FOUND) {
        r = missing(a, ret, &why, err);
    } else {
        explain_version(a, &why);
        *err = why;
    }
    overlay_free(overlay);
    return r;
}

/* --- tries ---------------------------------------------------------------------------------------------- */

static enum err_kind attempt_once(struct core_attempt *a, struct core_result *ret, struct err *err)
{
    auto_vfs struct vfs *tree = NULL;
    struct repo_id root;
    bool is_done = false;
    a->is_race = false;
    /* also after a race: it may have been against the same request, sent twice */
    enum err_kind r =
        a->request[0] == '\0' ? ERR_OK : core_attempt_find_retry(a, &is_done, ret, err);
    if (r != ERR_OK || is_done)
        return r;
    r = core_attempt_prepare(a, err);
    if (r == ERR_OK && a->is_done)
        return unchanged(a, ret, err);
    if (r == ERR_OK)
        r = repo_tree(a->c->repo, &a->base, &tree, &root, err);
    return r == ERR_OK ? change_over_tree(a, tree, ret, err) : r;
}

/* Longer each time: who won the last race is most often about to be done. */
static void wait_for_turn(int tries)
{
    const struct timespec pause = {.tv_nsec = tries * PAUSE_MS * 1000000L};
    if (tries > 0)
        nanosleep(&pause, NULL);
}

static enum err_kind try_often(struct core_attempt *a, struct core_result *ret, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (int i = 0; i < TRIES; i++) {
        wait_for_turn(i);
        r = attempt_once(a, ret, err);
        if (!a->is_race)
            return r;
    }
    return err_wrap(err, "others change this at the same time, %d tries were not enough", TRIES);
}

enum err_kind core_change_git(
    struct core *c, const struct core_change *change, struct core_result *ret, struct err *err)
{
    struct core_attempt a = {.c = c, .change = change};
    struct err own; /* callers may not want one, but what failed decides here */
    err_clear(&own);
    if (change->options->idempotency_key.n > 0 && !change->options->is_dry_run)
        core_attempt_key(&a);
    enum err_kind r = try_often(&a, ret, &own);
    core_claim_drop(c->claims, a.claim);
    if (r != ERR_OK && err != NULL)
        *err = own;
    return r;
}
