/*
 * Upkeep of a repository on this disk: loose objects, and many small packs, become one pack. What is
 * removed is in a pack whose every object was read back and hashed first; whether an object is reachable
 * is not asked, so nothing is lost and nothing is cleaned away (`git gc` does that). Safe beside git,
 * other cupd, and a kill at any point; one process at a time does it.
 */
#pragma once

#include "repo/repo.h"

#include <stdatomic.h>

/* 0: as given behind it */
struct repo_upkeep_options {
    size_t
        loose_min; /* loose objects from which on they are packed; 6,700, as `git gc --auto` has it */
    size_t packs_min; /* packs from which on small ones are joined; 50, likewise */
    int64_t grace_s;  /* what is younger stays as it is; 120. Negative: nothing is too young */
    const atomic_bool *cancel; /* or NULL */
};
struct repo_upkeep_result {
    bool is_busy;  /* another process is at it: nothing was done */
    size_t packed; /* objects in the new pack; 0: there was nothing to do */
    size_t removed_files;
};

/*
 * Look, and do it if it is time. May take seconds to minutes; the work of one call is bounded
 * (100,000 objects, 1 GiB), so what is left is for the next.
 *
 * fails    CANCELLED, IO (an object that is to be packed is damaged: nothing was removed), NO_SPACE
 * threads  any, but it is meant for one of its own
 */
enum err_kind repo_upkeep(
    struct repo *r,
    const struct repo_upkeep_options *options,
    struct repo_upkeep_result *ret,
    struct err *err) MUST_USE;
