/*
 * What a controller changed, or what differs between two trees, as a unified diff for people; and trees
 * taken as lists of files. Diffs of commits come from Git.
 */
#pragma once

#include "base/buf.h"
#include "vfs/overlay.h"
#include "vfs/vfs.h"

/* Append the diff of each changed path against `base`: "a/PATH" to "b/PATH", /dev/null for what is not
 * there. Files that hold zero bytes are only said to differ. */
enum err_kind cli_changes_diff(
    struct buf *to, struct vfs *base, const struct vfs_changes *changes, struct err *err) MUST_USE;

/* The paths of all files and links of a tree below `path` ("": all), sorted bytewise. */
struct cli_paths {
    char **items;
    size_t count;
    size_t cap;
};
enum err_kind
cli_tree_paths(struct vfs *tree, struct str path, struct cli_paths *ret, struct err *err) MUST_USE;
void cli_paths_deinit(struct cli_paths *paths);
#define auto_paths CLEANUP(cli_paths_deinit)

/* Append the diff from one tree to another, in the same form; nothing when they hold the same files. */
enum err_kind
cli_trees_diff(struct buf *to, struct vfs *old, struct vfs *new, struct err *err) MUST_USE;
