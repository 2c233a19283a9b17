/*
 * How a proposal's branch and its target go together. As text, mostly. Where that does not fit, the
 * proposal's objects are put again, as they are at its head, over the target's tree: calls of controllers
 * are pure, so that two proposals which add to the same file both merge. An object that the target changed
 * as well is a conflict, by name; so is a path that somebody changed by hand and that both sides changed.
 * Not for what a merge is at a forge: scm/.
 */
#pragma once

#include "core/internal.h"

enum core_merge_way {
    CORE_MERGE_CLEAN = 1, /* the texts fit together */
    CORE_MERGE_AGAIN,     /* its objects can be put again over the target */
    CORE_MERGE_CONFLICT,
};
const char *core_merge_way_name(enum core_merge_way way); /* "clean", "again", "conflict" */

struct core_merge_verdict {
    enum core_merge_way way;
    size_t conflict_count;
    char causes[ERR_CAUSES_MAX]; /* of conflicts, as in struct err; may leave out the last ones */
};
/*
 * Nothing is written, nothing moved.
 *
 * cancel  may be NULL
 * fails   as reads of the repository, and CANCELLED; never CONFLICT: that is a verdict
 */
enum err_kind core_merge_judge(
    struct core *c,
    const struct repo_id *target,
    const struct repo_id *head,
    const atomic_bool *cancel,
    struct core_merge_verdict *ret,
    struct err *err) MUST_USE;

/*
 * For an open proposal whose text does not merge: put its objects again and move its branch to a merge
 * commit of head and target. What moved meanwhile is CONFLICT, as are objects and paths: in err->causes.
 *
 * ret_is_done  false: its text merges as it is, there is nothing to do
 */
enum err_kind core_merge_again(
    struct core *c,
    const char *id,
    const struct repo_person *author,
    bool *ret_is_done,
    struct err *err) MUST_USE;
