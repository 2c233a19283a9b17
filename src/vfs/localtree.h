/*
 * A directory of this host as a vfs. Every path is walked segment by segment from the directory's own
 * descriptor without following links, so nothing outside is ever read, whatever is renamed meanwhile.
 * `.git` is not seen, nor is what localwrite.h keeps there while it writes.
 */
#pragma once

#include "vfs/vfs.h"

/* threads: any. NOT_FOUND, INVALID (not a directory), DENIED. */
enum err_kind vfs_localtree_new(const char *path, struct vfs **ret, struct err *err) MUST_USE;

/* The directory's descriptor; borrowed, lives as long as the tree, which vfs_localtree_new made. */
int vfs_localtree_root(const struct vfs *tree);
