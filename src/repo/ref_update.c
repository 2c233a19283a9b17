/*
 * repo_ref_update: lock every ref, look that each stands where it should, move them in the given
 * order. One libgit2 transaction a ref: inside one transaction they would move in the order of a
 * hash table, and the order is what makes a crash in between harmless.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "repo/refs.h"

#include <time.h>

/* Git waits 0.1 s for a ref and 1 s for packed-refs (core.filesRefLockTimeout, packedRefsTimeout). */
#define LOCK_WAIT_MS 3000
#define LOCK_STEP_MS 5

struct update {
    const struct repo_ref_update *wanted;
    git_transaction *lock; /* held while not NULL */
};

struct updates {
    struct repo *repo;
    git_repository *git;
    struct update *items; /* in the order of the caller */
    size_t count;
    bool is_stale; /* libgit2's cache of packed-refs may be wrong: drop the handle */
};

static void unlock_all(struct updates *u)
{
    for (size_t i = 0; i < u->count; i++) {
        git_transaction_free(u->items[i].lock);
        u->items[i].lock = NULL;
    }
}

static void updates_cleanup(struct updates *u)
{
    unlock_all(u);
    free(u->items);
    if (u->is_stale)
        git_repository_free(u->git);
    else
        repo_give_back(u->repo, u->git);
}
#define auto_updates CLEANUP(updates_cleanup)

static void wait_step(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
}

static enum err_kind still_locked(const char *name, struct err *err)
{
    return err_set(
        err, ERR_FAILED,
        "ref '%s' is locked by another process; if none is at work there, remove the stale lock "
        "'%s.lock' from the repository",
        name, name);
}

static enum err_kind lock_once(struct updates *u, struct update *it, int *ret_code, struct err *err)
{
    *ret_code = git_transaction_new(&it->lock, u->git);
    if (*ret_code == 0)
        *ret_code = git_transaction_lock_ref(it->lock, it->wanted->name);
    if (*ret_code == 0)
        return ERR_OK;
    enum err_kind kind = *ret_code == GIT_ELOCKED
        ? still_locked(it->wanted->name, err)
        : repo_failed(u->repo, *ret_code, err, "locking ref '%s'", it->wanted->name);
    git_transaction_free(it->lock);
    it->lock = NULL;
    return kind;
}

/* Whoever meets a lock lets its own ones go before it waits, so nobody waits in a ring. */
static enum err_kind lock_all(struct updates *u, struct err *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
    for (;;) {
        int code = 0;
        enum err_kind kind = ERR_OK;
        for (size_t i = 0; i < u->count && kind == ERR_OK; i++)
            kind = lock_once(u, &u->items[i], &code, err);
        if (kind == ERR_OK)
            return kind;
        unlock_all(u);
        if (code != GIT_ELOCKED || clock_monotonic_ms() >= deadline_ms)
            return kind;
        wait_step();
    }
}

/* The ref's own value: symbolic refs are not followed and never moved. */
static enum err_kind
read_direct(struct updates *u, const char *name, struct repo_id *ret, struct err *err)
{
    git_reference *ref = NULL;
    enum err_kind kind = ERR_OK;
    int code = git_reference_lookup(&ref, u->git, name);
    if (code == GIT_ENOTFOUND)
        *ret = (struct repo_id){{0}};
    else if (code < 0)
        kind = repo_failed(u->repo, code, err, "reading ref '%s'", name);
    else if (git_reference_type(ref) != GIT_REFERENCE_DIRECT)
        kind = err_set(err, ERR_INVALID, "ref '%s' is symbolic: it is not moved", name);
    else
        *ret = repo_from_oid(git_reference_target(ref));
    git_reference_free(ref);
    return kind;
}

static enum err_kind
check_value(struct updates *u, const struct repo_ref_update *w, struct err *err)
{
    struct repo_id now;
    enum err_kind kind = read_direct(u, w->name, &now, err);
    if (kind != ERR_OK || repo_id_eq(&now, &w->old_commit))
        return kind;
    char hex[REPO_ID_HEX + 1];
    repo_id_hex(&now, hex);
    if (repo_id_is_none(&now))
        return err_set(err, ERR_CONFLICT, "ref '%s' is gone meanwhile", w->name);
    return err_set(
        err, ERR_CONFLICT, "ref '%s' %s: it stands at %s", w->name,
        repo_id_is_none(&w->old_commit) ? "exists already" : "was moved meanwhile", hex);
}

static enum err_kind refuse_clash(const char *name, const char *other, struct err *err)
{
    return err_set(
        err, ERR_EXISTS,
        "ref '%s' cannot be made while '%s' exists: a ref cannot be a directory of refs at the "
        "same "
        "time; rename or delete '%s'",
        name, other, other);
}

/* A ref above ("refs/heads/cup" for "refs/heads/cup/proposal/1")? */
static enum err_kind check_above(struct updates *u, const char *name, struct err *err)
{
    for (const char *slash = strchr(name + strlen("refs/"), '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        autofree char *above = mem_strdup_str(str_of(name, (size_t)(slash - name)));
        git_reference *ref = NULL;
        int is_valid = 0;
        git_reference_name_is_valid(&is_valid, above);
        if (!is_valid || git_reference_lookup(&ref, u->git, above) < 0)
            continue; /* "refs/heads" itself is none */
        git_reference_free(ref);
        return refuse_clash(name, above, err);
    }
    return ERR_OK;
}

/* Refs below it? */
static enum err_kind check_below(struct updates *u, const char *name, struct err *err)
{
    autofree char *glob = mem_printf("%s/*", name);
    git_reference_iterator *iterator = NULL;
    const char *below = NULL;
    enum err_kind kind = ERR_OK;
    int code = git_reference_iterator_glob_new(&iterator, u->git, glob);
    if (code == 0)
        code = git_reference_next_name(&below, iterator);
    if (code == 0)
        kind = refuse_clash(name, below, err);
    else if (code != GIT_ITEROVER)
        kind = repo_failed(u->repo, code, err, "listing refs '%s'", glob);
    git_reference_iterator_free(iterator);
    return kind;
}

static enum err_kind
check_target(struct updates *u, const struct repo_ref_update *w, struct err *err)
{
    git_commit *commit = NULL;
    enum err_kind kind = repo_commit_lookup(u->repo, u->git, &w->new_commit, &commit, err);
    git_commit_free(commit);
    return kind == ERR_OK ? kind : err_wrap(err, "moving ref '%s'", w->name);
}

/* libgit2 finds a clash with a loose ref only while it makes the lock, and one with a packed ref not
 * at all; so this comes first, and the values are looked at again under the locks. */
static enum err_kind check_names(struct updates *u, struct err *err)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct repo_ref_update *w = u->items[i].wanted;
        enum err_kind kind = repo_check_ref_name(str_from(w->name), err);
        if (kind == ERR_OK && !str_starts(str_from(w->name), STR("refs/")))
            kind = err_set(err, ERR_INVALID, "ref '%s' is not below 'refs/'", w->name);
        if (kind == ERR_OK && !repo_id_is_none(&w->new_commit))
            kind = check_target(u, w, err);
        if (kind == ERR_OK && repo_id_is_none(&w->old_commit))
            kind = check_above(u, w->name, err);
        if (kind == ERR_OK && repo_id_is_none(&w->old_commit))
            kind = check_below(u, w->name, err);
        if (kind != ERR_OK)
            return kind;
    }
    return ERR_OK;
}

static int move_once(struct update *it)
{
    const struct repo_ref_update *w = it->wanted;
    int code;
    if (repo_id_is_none(&w->new_commit)) {
        code = git_transaction_remove(it->lock, w->name);
    } else {
        git_oid target = repo_to_oid(&w->new_commit);
        git_signature *who = NULL;
        code =
            git_signature_now(&who, "cup", "cup@flipt.io"); /* for the reflog, where there is one */
        if (code == 0)
            code = git_transaction_set_target(it->lock, w->name, &target, who, "cup");
        git_signature_free(who);
    }
    if (code == 0)
        code = git_transaction_commit(it->lock);
    git_transaction_free(it->lock);
    it->lock = NULL;
    return code;
}

static enum err_kind explain_move(struct updates *u, size_t failed, int code, struct err *err)
{
    const char *name = u->items[failed].wanted->name;
    enum err_kind kind = code == GIT_ELOCKED
        ? err_set(
              err, ERR_FAILED,
              "ref '%s' cannot be deleted while 'packed-refs.lock' is held; if no process is at "
              "work "
              "there, remove this stale lock from the repository",
              name)
        : repo_failed(u->repo, code, err, "moving ref '%s'", name);
    return failed == 0 ? kind
                       : err_wrap(err, "ref '%s' is moved, but", u->items[failed - 1].wanted->name);
}

/* Again, with a new handle: after a failed deletion libgit2's cache of packed-refs lacks the ref that
 * the file still has, and a second deletion through it would bring the packed value back to life. */
static enum err_kind
move_again(struct updates *u, struct update *it, int *ret_code, struct err *err)
{
    git_repository *fresh = NULL;
    int code = git_repository_open_ext(&fresh, u->repo->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (code < 0)
        return repo_failed(u->repo, code, err, "opening the repository again");
    git_repository *stale = u->git;
    u->git = fresh;
    enum err_kind kind = lock_once(u, it, &code, err);
    if (kind == ERR_OK)
        kind = check_value(u, it->wanted, err);
    *ret_code = kind == ERR_OK ? move_once(it) : 0;
    u->git = stale;
    git_transaction_free(it->lock);
    it->lock = NULL;
    git_repository_free(fresh);
    return kind;
}

/* A deletion needs packed-refs as well, whose lock libgit2 takes only now. */
static enum err_kind move_all(struct updates *u, struct err *err)
{
    for (size_t i = 0; i < u->count; i++) {
        struct update *it = &u->items[i];
        int64_t deadline_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
        int code = move_once(it);
        u->is_stale = u->is_stale || code < 0;
        while (code == GIT_ELOCKED && clock_monotonic_ms() < deadline_ms) {
            wait_step();
            enum err_kind kind = move_again(u, it, &code, err);
            if (kind != ERR_OK)
                return kind;
        }
        if (code < 0)
            return explain_move(u, i, code, err);
    }
    return ERR_OK;
}

enum err_kind repo_ref_update_here(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err)
{
    auto_updates struct updates u = {.repo = r, .count = count};
    u.items = mem_alloc((count + 1) * sizeof(*u.items));
    for (size_t i = 0; i < count; i++)
        u.items[i].wanted = &updates[i];
    enum err_kind kind = repo_borrow(r, &u.git, err);
    if (kind == ERR_OK)
        kind = check_names(&u, err);
    if (kind == ERR_OK)
        kind = lock_all(&u, err);
    for (size_t i = 0; i < count && kind == ERR_OK; i++)
        kind = check_value(&u, &updates[i], err);
    return kind == ERR_OK ? move_all(&u, err) : kind;
}

enum err_kind repo_ref_check_here(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err)
{
    auto_updates struct updates u = {.repo = r, .count = count};
    u.items = mem_alloc((count + 1) * sizeof(*u.items));
    for (size_t i = 0; i < count; i++)
        u.items[i].wanted = &updates[i];
    enum err_kind kind = repo_borrow(r, &u.git, err);
    return kind == ERR_OK ? check_names(&u, err) : kind;
}

enum err_kind repo_ref_update(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err)
{
    return r->place != NULL ? repo_push(r, updates, count, err)
                            : repo_ref_update_here(r, updates, count, err);
}
