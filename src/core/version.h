/*
 * Which version of an object a tree holds, and by what that was found out: so that whoever walks through
 * many trees computes only where something changed that the controller looks at. What was computed is
 * kept in core/cache, a few bytes a tree. Not for reading objects: core_get.
 */
#pragma once

#include "core/internal.h"

struct vfs_seen;

enum core_version_state {
    CORE_VERSION_ABSENT = 1,
    CORE_VERSION_PRESENT,
    CORE_VERSION_UNREADABLE, /* the controller cannot make an object of it */
};
/* Zeroed: known of no tree yet. */
struct core_version {
    enum core_version_state state;
    char etag[CORE_ETAG_MAX]; /* of a present one */
    char *why;                /* of an unreadable one */
    struct vfs_seen *seen;    /* NULL: it holds for the tree it was made of, and no other */
};
void core_version_deinit(struct core_version *v);
#define auto_version CLEANUP(core_version_deinit)
bool core_version_eq(const struct core_version *a, const struct core_version *b);

struct core_version_of {
    struct core_cache *cache;
    const struct core_served *served;
    struct str ns;
    struct str name;
    const atomic_bool *cancel; /* or NULL */
};
/*
 * The object's version in `tree`, whose root is `root`.
 *
 * root    NULL: it has none, and may change at any time; nothing is kept
 * before  what another tree holds: where the same was seen, it is not computed again. May be zeroed.
 * fails   CANCELLED, and where the repository or this machine fails; what the controller makes of the
 *         tree is no failure
 */
enum err_kind core_version_at(
    const struct core_version_of *of,
    struct vfs *tree,
    const struct repo_id *root,
    const struct core_version *before,
    struct core_version *ret,
    struct err *err) MUST_USE;
