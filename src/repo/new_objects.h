/*
 * The commits that are new over others and, of their trees, what their parents do not have: what a push
 * has to send, and what has to be there after a fetch. Subtrees that a parent has too are not looked
 * into, so the cost depends on what changed and not on the repository.
 */
#pragma once

#include "repo/internal.h"

struct repo_new_objects {
    const struct repo_id *tips; /* commits; none stands for nothing */
    size_t tip_count;
    /* Commits that are known, with all they reach; none, and what is not here, is passed over. */
    const struct repo_id *known;
    size_t known_count;
    /* Further ones, looked at only where `known` does not bound the walk: each costs as much as a new
     * commit does. */
    const struct repo_id *more;
    size_t more_count;
    bool are_refs_known; /* so are all refs of the repository, as `more` */
    size_t commits_max;
    /* Told of each new commit, tree and blob, children behind their parents, some twice; `path` leads to
     * it. Another result than OK ends it. */
    enum err_kind (*visit)(
        void *data, git_object_t type, const git_oid *id, const char *path, struct err *err);
    void *data;
};

/*
 * fails     NOT_FOUND, IO: a commit or tree is missing or damaged; LIMIT; what visit says
 * threads   any
 */
enum err_kind
repo_new_objects(struct repo *r, const struct repo_new_objects *what, struct err *err) MUST_USE;
