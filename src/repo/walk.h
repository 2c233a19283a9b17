/*
 * Walks over the trees of several commits at once: where a walk stands, its limits, and the walk over
 * two trees that diffs are made of. The one over three is in merge.c. Not for reading one tree: tree.c.
 */
#pragma once

#include "repo/trees.h"

/* Git writes trees from an index, so a real one is as deep as its paths; one made by hand may nest, or
 * name the same subtree, without end. */
#define WALK_DEPTH_MAX 512u
/* As many as are walked in a few seconds; more directories differ between two commits of hostile trees only. */
#define WALK_TREES_MAX 200000u
#define WALK_PATH_BYTES_MAX ((size_t)16 << 10)

/* One name in one tree. */
struct walk_side {
    uint32_t mode; /* one of TREE_MODE_*; 0: there is nothing */
    git_oid id;
};
/* `e` NULL: nothing. Modes that only old trees know become those of today, as git reads them. */
struct walk_side walk_side_of(const struct tree *t, const struct tree_entry *e);
bool walk_side_eq(const struct walk_side *a, const struct walk_side *b);

/* Where a walk stands. */
struct walk {
    struct repo *repo;
    struct buf path; /* of the entry */
    size_t depth;
    size_t trees; /* read so far */
};
void walk_init(struct walk *w, struct repo *r);
void walk_deinit(struct walk *w);
#define auto_walk CLEANUP(walk_deinit)
/* Put a name behind the path; LIMIT. ret_back is for walk_leave, which takes it off again. */
enum err_kind
walk_enter(struct walk *w, struct str name, size_t *ret_back, struct err *err) MUST_USE;
void walk_leave(struct walk *w, size_t back);
/* The tree of a side; NULL where it is no directory. LIMIT after too many. */
enum err_kind walk_open(
    struct walk *w, const struct walk_side *side, struct tree **ret, struct err *err) MUST_USE;

/* The next name in the order of trees (a file and a directory of one name are two): its entry in each
 * of the trees, NULL where there is none. `at` holds where each tree is read. */
bool walk_next(
    struct tree *const *trees, size_t count, size_t *at, const struct tree_entry **ret_entries);

/* One changed path that is no directory, in bytewise order of paths. Another result than OK ends it. */
typedef enum err_kind (*walk_visit_fn)(
    void *data,
    struct str path,
    const struct walk_side *from,
    const struct walk_side *to,
    struct err *err);
enum err_kind walk_pair(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *to,
    walk_visit_fn visit,
    void *data,
    struct err *err) MUST_USE;
