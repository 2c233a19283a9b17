/*
 * A file tree in memory: for tests, for `cup controller exec` and as the simplest implementation of
 * vfs/vfs.h. Directories come into being with what is below them.
 */
#pragma once

#include "vfs/vfs.h"

struct vfs *memtree_new(void); /* threads: reads may run side by side once nothing is added */
/* Add a file (or, with VFS_LINK, a link with this target; VFS_DIR an empty directory). Copies. */
enum err_kind memtree_add(
    struct vfs *tree,
    struct str path,
    enum vfs_type type,
    struct str bytes,
    struct err *err) MUST_USE;
