/*
 * struct core as the files of this folder see it. Who may touch what stands at each member.
 */
#pragma once

#include "core/cache.h"
#include "core/core.h"
#include "core/follow.h"
#include "core/snapshot.h"
#include "repo/repo.h"
#include "scm/scm.h"
#include "wasmhost/wasmhost.h"

#include <pthread.h>

struct core {
    /* set by core_new, read-only afterwards */
    bool is_git;
    char *target_branch; /* "main" */
    char *target_ref;    /* "refs/heads/main" */
    char *local_path;
    struct http_client *http; /* for the repository's remote and its forge; NULL: a local source */
    struct repo *repo;        /* NULL for a local source */
    struct scm_git git;
    struct scm *scm;
    char *repo_url;             /* with credentials, as given: never shown */
    char *scm_url;              /* of the forge's API; NULL: that of the repository's host */
    char *scm_token;            /* NULL: the one in repo_url; never shown */
    char *webhook_secret;       /* NULL: no push events; never shown */
    struct core_upkeep *upkeep; /* NULL for a local source */
    struct wasmhost *host;
    struct core_cache *cache;
    struct core_branches *branches; /* Git sources */
    struct core_claims *claims;
    struct repo_lease *lease;   /* NULL: the repository cannot be written to */
    struct core_sync *finisher; /* core/propose.c; NULL until the address is set */
    char *author_name;          /* of commits that no requester is known of */
    char *author_email;
    struct core_verdicts *verdicts;
    struct core_proposal_text *proposal_text; /* Git sources */
    void (*note)(
        void *data, enum log_level level, const char *what, struct str value); /* or NULL */
    void *note_data;

    pthread_mutex_t lock; /* guards current */
    struct core_snapshot *current;
    char *self_url; /* set once, before the first request */

    /* Serialises writers of a local directory: there is no compare-and-swap for files. Held for the
     * whole of a change; readers do not take it. Other processes are kept out by vfs/localwrite.h, whose
     * lock is asked for again and again: here it is our turn at once. */
    pthread_mutex_t local_write_lock;
    atomic_bool has_noted_unwatched; /* of a local directory */

    int64_t cleaned_ms;     /* CLOCK_MONOTONIC; of the thread that follows the branch alone */
    struct core_sync *sync; /* NULL for a local source */
    /* From reading the branch to publishing its snapshot: the older of two must not come last. Readers
     * do not take it. */
    pthread_mutex_t refresh_lock;
};

/* The tree that a read is about: the snapshot's, a revision's or a proposal's. */
struct core_view {
    struct vfs *tree;    /* borrowed from the snapshot, or `owned` */
    struct vfs *owned;   /* NULL: the snapshot's */
    bool has_root;       /* false: a local directory, which may change at any time */
    struct repo_id root; /* the root tree's identity */
};
enum err_kind core_view_for(
    struct core *c,
    struct core_snapshot *s,
    const struct core_read_options *o,
    struct core_view *ret,
    struct err *err) MUST_USE;
static inline void core_view_deinit(struct core_view *v)
{
    vfs_free(v->owned);
}
#define auto_core_view CLEANUP(core_view_deinit)

/* The commit that a read is about. MALFORMED (NotVersioned for a directory; no revision at all),
 * NOT_FOUND, EXPIRED: an id of a commit that is not here; and as scm_driver.show. */
enum err_kind core_read_commit(
    struct core *c,
    struct core_snapshot *s,
    const struct core_read_options *o,
    struct repo_id *ret,
    struct err *err) MUST_USE;

/* With one reference. */
struct core_answer *core_answer_new(enum err_kind kind, struct str bytes, const char *etag);

/* Row of this group/version/plural, or NOT_FOUND. Checks the names of the target, too. */
enum err_kind core_find_served(
    struct core_snapshot *s,
    const struct core_target *t,
    const struct core_served **ret,
    struct err *err) MUST_USE;

/* One object of a tree, in upstream's form with a final newline, and its version. */
enum err_kind core_read_object(
    const struct core_served *served,
    struct vfs *tree,
    struct str ns,
    struct str name,
    const atomic_bool *cancel,
    struct buf *ret,
    char ret_etag[CORE_ETAG_MAX],
    struct err *err) MUST_USE;

/* Open the local directory. */
enum err_kind core_local_snapshot(
    struct core *c,
    struct core_registry *registry,
    struct core_snapshot **ret,
    struct err *err) MUST_USE;
/* Where the path leads to another directory by now (a link that was set anew), take that one: *snapshot
 * is replaced. Nothing for a repository. UNAVAILABLE: there is none any more. */
enum err_kind
core_local_follow(struct core *c, struct core_snapshot **snapshot, struct err *err) MUST_USE;
/* What stands for the root tree's id while nothing changes; false: nobody knows whether something does.
 * Never blocks. */
bool core_local_root(struct core_snapshot *s, struct repo_id *ret);
/* Note, once, why nobody knows. */
void core_local_note_unwatched(struct core *c, struct core_snapshot *s);
