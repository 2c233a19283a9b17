#include "core/follow.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/closed.h"
#include "core/internal.h"
#include "core/sync.h"
#include "repo/remote.h"

#include <stdio.h>
#include <time.h>

enum {
    DISK_POLL_MS = 1000, /* one ref is read: microseconds */
    REMOTE_POLL_MS = 10000,
    /* How long a request waits for the source: clients and proxies have less patience than it may take. */
    WAIT_MS = 2000,
    /* Between two looks for a commit that the source did not have. */
    AGAIN_MS = 250,
    /* Between two looks for closed proposals that are kept no longer. */
    CLEAN_UP_MS = 6 * 3600 * 1000,
};

/* --- the current snapshot ------------------------------------------------------------------------- */

struct core_snapshot *core_current(struct core *c)
{
    pthread_mutex_lock(&c->lock);
    struct core_snapshot *s = core_snapshot_ref(c->current);
    pthread_mutex_unlock(&c->lock);
    return s;
}

static void publish(struct core *c, struct core_snapshot *take_snapshot)
{
    pthread_mutex_lock(&c->lock);
    struct core_snapshot *old = c->current;
    c->current = take_snapshot;
    pthread_mutex_unlock(&c->lock);
    core_snapshot_unref(old);
}

enum err_kind core_follow_directory(struct core *c, struct core_registry *registry, struct err *err)
{
    struct core_snapshot *next = NULL;
    enum err_kind r = core_local_snapshot(c, registry, &next, err);
    if (r == ERR_OK)
        publish(c, next);
    return r;
}

static enum err_kind publish_branch(struct core *c, struct err *err)
{
    auto_snapshot struct core_snapshot *now = core_current(c);
    struct repo_id commit;
    struct repo_id root;
    struct vfs *tree = NULL;
    enum err_kind r = repo_ref_read(c->repo, c->target_ref, &commit, err);
    if (r != ERR_OK)
        return err_wrap(err, "branch '%s'", c->target_branch);
    if (now->tree != NULL && repo_id_eq(&commit, &now->commit))
        return ERR_OK;
    r = repo_tree(c->repo, &commit, &tree, &root, err);
    if (r == ERR_OK)
        publish(c, core_snapshot_new(&commit, &root, tree, now->registry));
    return r;
}

enum err_kind core_refresh(struct core *c, struct err *err)
{
    if (!c->is_git)
        return ERR_OK;
    pthread_mutex_lock(&c->refresh_lock);
    enum err_kind r = publish_branch(c, err);
    pthread_mutex_unlock(&c->refresh_lock);
    return r;
}

/* --- following it --------------------------------------------------------------------------------- */

/* Now and then; what fails is tried again the next time, and is no reason to call the branch unread. */
static void clean_up(struct core *c, const atomic_bool *cancel)
{
    int64_t now_ms = clock_monotonic_ms();
    if (c->cleaned_ms != 0 && now_ms - c->cleaned_ms < CLEAN_UP_MS)
        return;
    c->cleaned_ms = now_ms;
    (void)!core_closed_expire(c, clock_unix_ms() / 1000, cancel, NULL);
}

static enum err_kind look(void *data, const atomic_bool *cancel, struct err *err)
{
    struct core *c = data;
    enum err_kind r = repo_fetch(c->repo, c->target_branch, cancel, err);
    if (r == ERR_OK)
        r = core_refresh(c, err);
    if (r == ERR_OK)
        clean_up(c, cancel);
    return r;
}

static void note_state(void *data, const struct err *err)
{
    struct core *c = data;
    auto_snapshot struct core_snapshot *s = core_current(c);
    if (c->note == NULL)
        return;
    if (err == NULL)
        c->note(c->note_data, LOG_INFO, "branch is followed again", str_from(c->target_branch));
    else if (s->tree != NULL)
        c->note(
            c->note_data, LOG_ERROR, "branch cannot be read: serving the last good commit",
            str_from(err->text));
    else
        c->note(
            c->note_data, LOG_ERROR, "branch cannot be read: there is nothing to serve yet",
            str_from(err->text));
}

static int64_t poll_ms(const struct core *c, const struct core_options *o)
{
    if (o->git_poll_ms > 0)
        return o->git_poll_ms;
    return repo_is_remote(c->repo) ? REMOTE_POLL_MS : DISK_POLL_MS;
}

/* Waiting may help. All else is a mistake in the configuration, or this machine's trouble. */
static bool may_pass(enum err_kind r)
{
    return r == ERR_UNAVAILABLE || r == ERR_TIMEOUT || r == ERR_FAILED;
}

/* What a clone holds is served before the remote is asked; without one the remote is asked at once. */
static enum err_kind first_look(struct core *c, const struct core_options *o, struct err *err)
{
    bool is_remote = repo_is_remote(c->repo);
    if (is_remote && !o->must_reach && core_refresh(c, NULL) == ERR_OK)
        return ERR_OK;
    enum err_kind r = core_sync_look(c->sync, o->cancel, err);
    if (!is_remote || o->must_reach || !may_pass(r))
        return r;
    note_state(c, err);
    return ERR_OK;
}

static enum err_kind follow_branch(struct core *c, const struct core_options *o, struct err *err)
{
    struct core_sync_options options = {
        .poll_ms = poll_ms(c, o),
        .look = look,
        .note = note_state,
        .data = c,
    };
    c->sync = core_sync_new(&options);
    enum err_kind r = first_look(c, o, err);
    return r == ERR_OK ? core_sync_start(c->sync, err) : r;
}

enum err_kind core_follow_start(
    struct core *c,
    const struct core_options *options,
    struct core_registry *registry,
    struct err *err)
{
    if (!c->is_git)
        return core_follow_directory(c, registry, err);
    publish(c, core_snapshot_new(NULL, NULL, NULL, registry));
    return follow_branch(c, options, err);
}

void core_follow_stop(struct core *c)
{
    c->sync = core_sync_free(c->sync);
}

/* --- what requests may count on ------------------------------------------------------------------- */

enum err_kind core_need_tree(struct core *c, const struct core_snapshot *s, struct err *err)
{
    struct core_sync_state state;
    if (s->tree != NULL)
        return ERR_OK;
    core_sync_state(c->sync, &state);
    return err_set(
        err, ERR_UNAVAILABLE, "no commit of branch '%s' is known yet: %s", c->target_branch,
        state.is_failing ? state.err.text : "it is being fetched");
}

enum err_kind core_need_source(struct core *c, const atomic_bool *cancel, struct err *err)
{
    struct core_sync_state state;
    if (!c->is_git)
        return ERR_OK;
    core_sync_state(c->sync, &state);
    if (!state.is_failing && state.looks > 0)
        return ERR_OK;
    enum err_kind r = core_sync_wait(c->sync, WAIT_MS, cancel, err);
    return r == ERR_OK ? r : err_wrap(err, "nothing can be changed now");
}

bool core_look_again(struct core *c, const atomic_bool *cancel)
{
    return c->is_git && repo_is_remote(c->repo) &&
        core_sync_wait(c->sync, WAIT_MS, cancel, NULL) == ERR_OK;
}

bool core_note_push(struct core *c, struct str ref)
{
    if (!c->is_git || !str_eqz(ref, c->target_ref))
        return false;
    core_sync_wake(c->sync);
    return true;
}

const char *core_webhook_secret(const struct core *c)
{
    return c->webhook_secret;
}

static bool has_commit(struct core *c, const struct repo_id *commit)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    struct repo_id common;
    if (s->tree == NULL)
        return false;
    if (repo_id_eq(&s->commit, commit))
        return true;
    return repo_merge_base(c->repo, &s->commit, commit, &common, NULL) == ERR_OK &&
        repo_id_eq(&common, commit);
}

static bool is_cancelled(const atomic_bool *cancel)
{
    return cancel != NULL && atomic_load(cancel);
}

static enum err_kind
look_for(struct core *c, const struct repo_id *commit, const atomic_bool *cancel, struct err *err)
{
    const struct timespec again = {.tv_nsec = AGAIN_MS * 1000000L};
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        enum err_kind r = core_sync_wait(c->sync, left_ms, cancel, err);
        if (r != ERR_OK || has_commit(c, commit))
            return r;
        if (is_cancelled(cancel) || left_ms <= AGAIN_MS)
            return err_set(err, ERR_UNAVAILABLE, "the branch does not have it yet; try again");
        nanosleep(&again, NULL);
    }
}

enum err_kind core_wait_for(
    struct core *c, const struct repo_id *commit, const atomic_bool *cancel, struct err *err)
{
    char hex[REPO_ID_HEX + 1];
    if (has_commit(c, commit))
        return ERR_OK;
    /* what this cupd pushed is in its own clone already */
    if (core_refresh(c, NULL) == ERR_OK && has_commit(c, commit))
        return ERR_OK;
    enum err_kind r = look_for(c, commit, cancel, err);
    repo_id_hex(commit, hex);
    return r == ERR_OK ? r : err_wrap(err, "commit '%s' is not served here", hex);
}

enum err_kind
core_wait_for_text(struct core *c, struct str commit, const atomic_bool *cancel, struct err *err)
{
    struct repo_id id;
    if (commit.n == 0)
        return ERR_OK;
    if (!c->is_git)
        return err_set(err, ERR_MALFORMED, "NotVersioned: a local directory has no commits");
    if (repo_id_parse(commit, &id, NULL) != ERR_OK)
        return err_set(
            err, ERR_MALFORMED, "'atLeast' is a whole commit id of %d hexadecimal digits",
            REPO_ID_HEX);
    return core_wait_for(c, &id, cancel, err);
}
