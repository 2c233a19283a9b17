/*
 * Git trees as sorted arrays: parsed once from the raw object, immutable, shared by threads through a
 * bounded cache. libgit2's own git_tree belongs to one git_repository and so to one thread, and its
 * cache leaves out trees above 4 KiB; hence this one. Also writes trees.
 */
#pragma once

#include "repo/internal.h"

#define TREE_MODE_DIR 0040000u
#define TREE_MODE_FILE 0100644u
#define TREE_MODE_EXEC 0100755u
#define TREE_MODE_LINK 0120000u
#define TREE_MODE_MODULE 0160000u

struct tree_entry {
    uint32_t name_at; /* in the raw bytes; the id follows the name's NUL */
    uint32_t name_n;
    uint32_t mode; /* as in the object; old trees know more file modes than two */
};

struct tree; /* refcounted */

struct trees *trees_new(git_odb *odb);
struct trees *trees_free(struct trees *c);

/*
 * The tree of this id. Release with tree_unref.
 * fails   IO (missing, damaged), LIMIT, CONFLICT (not in Git's order, or twice the same name: which file
 *         is meant is not to be said)
 */
enum err_kind
trees_get(struct repo *r, const git_oid *id, struct tree **ret, struct err *err) MUST_USE;
struct tree *tree_ref(struct tree *t);
struct tree *tree_unref(struct tree *t); /* NULL is fine; returns NULL */
static inline void tree_unref_cleanup(struct tree **t)
{
    tree_unref(*t);
}
#define auto_tree CLEANUP(tree_unref_cleanup)

/* All accept a NULL tree: the empty one. */
size_t tree_count(const struct tree *t);
const git_oid *tree_id(const struct tree *t); /* not for NULL */
const struct tree_entry *tree_at(const struct tree *t, size_t index);
struct str tree_name(const struct tree *t, const struct tree_entry *e);
git_oid tree_entry_id(const struct tree *t, const struct tree_entry *e);
static inline bool tree_mode_is_dir(uint32_t mode)
{
    return (mode & 0170000u) == 0040000u;
}
static inline bool tree_mode_is_file(uint32_t mode)
{
    return (mode & 0170000u) == 0100000u;
}
/* Entry with this name, directory or not; NULL when there is none. */
const struct tree_entry *tree_find(const struct tree *t, struct str name);
size_t tree_index(const struct tree *t, const struct tree_entry *e);

/* Git's order: bytewise, a directory compared as if its name ended in "/". */
int tree_cmp(struct str a, bool a_is_dir, struct str b, bool b_is_dir);

/* A tree being written: entries must be added in tree_cmp order. */
struct tree_writer {
    struct buf raw;
    size_t count;
};
void tree_writer_init(struct tree_writer *w);
void tree_writer_deinit(struct tree_writer *w);
#define auto_tree_writer CLEANUP(tree_writer_deinit)
void tree_writer_add(struct tree_writer *w, uint32_t mode, struct str name, const git_oid *id);
/* Entries [from, to) as they are. */
void tree_writer_copy(struct tree_writer *w, const struct tree *t, size_t from, size_t to);
/* Write the object and give its id. LIMIT, IO, NO_SPACE. */
enum err_kind
tree_writer_finish(struct repo *r, struct tree_writer *w, git_oid *ret, struct err *err) MUST_USE;
