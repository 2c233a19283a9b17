/*
 * Verdicts about merges (core/merge.h), remembered by the two commits, so that a list of proposals asks Git
 * only about those that moved. Not for merging: that looks anew.
 */
#pragma once

#include "core/merge.h"

struct core_verdicts; /* any thread */
struct core_verdicts *core_verdicts_new(void);
struct core_verdicts *core_verdicts_free(struct core_verdicts *v);

/* The verdict, computed where it is not known. Fails as core_merge_judge. */
enum err_kind core_verdicts_get(
    struct core *c,
    const struct repo_id *target,
    const struct repo_id *head,
    const atomic_bool *cancel,
    struct core_merge_verdict *ret,
    struct err *err) MUST_USE;
