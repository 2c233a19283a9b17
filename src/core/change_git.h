/*
 * What the files of a change of a Git source share. change_git.c: from overlay to commit and branch;
 * change_find.c: which proposal a change goes to, and whether it was made before; propose.c: the branch
 * becomes a proposal.
 */
#pragma once

#include "base/ids.h"
#include "base/sha256.h"
#include "core/change.h"
#include "core/claims.h"

#define CORE_BRANCH_REF_PREFIX "refs/heads/" SCM_BRANCH_PREFIX

/* What one try works on. */
struct core_attempt {
    struct core *c;
    const struct core_change *change;
    char request[SHA256_HEX + 1]; /* hash of the Idempotency-Key; empty without one */
    char key_id[ID_CHARS + 1];    /* the id that the key makes */
    struct core_claim *claim;     /* on the id of a new proposal; NULL: none is needed */
    char id[ID_CHARS + 1];        /* of the proposal */
    bool is_open;                 /* it is there already */
    bool is_done;                 /* and has what this request asks for */
    bool is_race;                 /* somebody else was first: try again */
    struct repo_id target;
    struct repo_id base; /* commit that the change is computed over */
};

/* The id that the request would like to have; NULL: any. */
static inline const char *core_attempt_wanted_id(const struct core_attempt *a)
{
    return a->request[0] != '\0' ? a->key_id : NULL;
}
/* Fill in request and key_id. */
void core_attempt_key(struct core_attempt *a);
/* The proposal that this very request made, in whatever state it is now; *ret_done tells whether there is
 * one, and ret then has its Result. */
enum err_kind core_attempt_find_retry(
    struct core_attempt *a, bool *ret_done, struct core_result *ret, struct err *err) MUST_USE;
/*
 * Settle target, base, id and is_open. The newest open proposal that touches all objects is gone on
 * with, where the options do not say otherwise; without one it is a new proposal over the target.
 * fails   NOT_FOUND, CONFLICT: the proposal that was asked for is not open
 */
enum err_kind core_attempt_prepare(struct core_attempt *a, struct err *err) MUST_USE;

/*
 * The branch of `id` is there: see that the SCM has a proposal of it, as its commits say. Fine to call
 * again.
 * ret_url  where to look at it; caller frees
 * fails    CONFLICT: it was merged or closed meanwhile; NOT_FOUND: no such branch; as the driver's create
 */
enum err_kind
core_propose(struct core *c, const char *id, char **ret_url, struct err *err) MUST_USE;
/*
 * Keep looking for branches cup/proposal/<id> that have no proposal (what is left of a write that was cut off
 * between the two, by whichever replica), and make them one: at once, now and then, and after
 * core_propose_wake. What cannot be done is noted and tried again. Nothing to do where the branch is all
 * there is of a proposal.
 */
enum err_kind core_propose_start(struct core *c, struct err *err) MUST_USE;
void core_propose_stop(struct core *c);
void core_propose_wake(struct core *c);
