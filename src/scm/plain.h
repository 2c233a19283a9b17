/*
 * What the files of the plain driver share: where a proposal's refs are, and what is known of it.
 * plain.c: the driver's operations; plain_state.c: which proposals there are, read from refs and log.
 */
#pragma once

#include "scm/drivers.h"

#define PLAIN_HEADS "refs/heads/" SCM_BRANCH_PREFIX
#define PLAIN_CLOSED SCM_CLOSED_PREFIX
#define PLAIN_TRAILER "Cup-Proposal"
/* How far back merged proposals are looked for, and the first commit of a branch. */
#define PLAIN_LOG_MAX 1000

struct plain {
    struct scm scm; /* first: scm.h */
    const struct scm_git *git;
    char *target_ref; /* "refs/heads/main" */
    char *self_url;   /* without a slash at the end */
};

/* Where a proposal stands; commits as in struct scm_git, "" = none. */
struct plain_place {
    enum scm_state state;
    bool has_branch;               /* a merged one: cleaning up is left to do */
    char head[SCM_COMMIT_HEX + 1]; /* what its branch or closed ref points to, or what was merged */
    char onto[SCM_COMMIT_HEX + 1]; /* the target's commit that it is compared with */
    char merged[SCM_COMMIT_HEX + 1]; /* the merge commit */
};

char *plain_url(const struct plain *p, const char *id);

/* NOT_FOUND when there never was such a proposal (or it was merged too long ago), INVALID for what is
 * no id. */
enum err_kind
plain_find(struct plain *p, const char *id, struct plain_place *ret, struct err *err) MUST_USE;
/* All that is to be shown of a proposal. */
enum err_kind plain_describe(
    struct plain *p,
    const char *id,
    const struct plain_place *place,
    struct scm_proposal *ret,
    struct err *err) MUST_USE;
enum err_kind
plain_list(struct plain *p, bool with_ended, struct scm_proposals *ret, struct err *err) MUST_USE;
