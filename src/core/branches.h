/*
 * What the branches of proposals touch, remembered by the commit at their tip: a write looks at all of
 * them, and reads from Git only those that moved. Not for which proposals are open: the SCM driver.
 */
#pragma once

#include "core/objects_of.h"

#define CORE_REQUEST_TRAILER "Cup-Request"

struct core_branches;
struct core_branches *core_branches_new(void);
struct core_branches *core_branches_free(struct core_branches *b);

struct core_branch_match {
    bool has_all;     /* of the objects */
    bool has_request; /* and one of its commits carries this request */
};
/*
 * target   the commit that the branch is compared with, where it is not remembered: a branch that was
 *          merged since may still match
 * request  hash of an Idempotency-Key; "": none
 * threads  any
 */
enum err_kind core_branches_match(
    struct core_branches *b,
    struct repo *repo,
    const struct repo_id *target,
    const struct repo_id *head,
    const struct core_objects *objects,
    const char *request,
    struct core_branch_match *ret,
    struct err *err) MUST_USE;
