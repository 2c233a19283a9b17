/*
 * One proposal as api/ and cli/ see it: what the driver knows of it, beside what Git tells (its objects, its
 * commits, how it merges).
 */
#pragma once

#include "core/internal.h"
#include "core/objects_of.h"

/* A proposal and what was found out about it. */
struct core_proposal {
    struct scm_proposal scm;
    bool is_here; /* its head is in the repository; else nothing below is known */
    struct repo_id head;
    struct repo_id onto; /* the target's commit that it is compared with; none: unknown */
    struct repo_id base; /* their common ancestor; none: unknown */
    struct repo_id fork; /* where its branch starts; none: unknown */
    struct core_objects objects;
};
void core_proposal_deinit(struct core_proposal *p);
#define auto_proposal CLEANUP(core_proposal_deinit)

/* Takes what the driver told (leaving it zeroed) and finds out the rest. */
enum err_kind core_proposal_look(
    struct core *c, struct scm_proposal *take, struct core_proposal *ret, struct err *err) MUST_USE;

/* "open", "conflicted", "merged", "closed": looks at how an open one merges. */
enum err_kind core_proposal_state(
    struct core *c,
    const struct core_proposal *p,
    const atomic_bool *cancel,
    const char **ret_state,
    struct err *err) MUST_USE;

struct core_proposal_parts {
    bool with_commits; /* and the body */
    bool with_diff;
    const atomic_bool *cancel; /* may be NULL */
};
/* As one JSON object. */
enum err_kind core_proposal_write(
    struct core *c,
    const struct core_proposal *p,
    const struct core_proposal_parts *parts,
    struct buf *to,
    struct err *err) MUST_USE;
