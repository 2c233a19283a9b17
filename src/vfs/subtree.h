/*
 * A directory of a tree as a tree of its own.
 */
#pragma once

#include "vfs/vfs.h"

/* `base` is borrowed and must outlive it; `path` is copied. A directory that is not there is
 * an empty tree. threads: those of base. */
struct vfs *vfs_subtree_new(struct vfs *base, struct str path);
