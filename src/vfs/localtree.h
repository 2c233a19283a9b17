/*
 * A directory of this host as a vfs. Every path is walked segment by segment from the directory's own
 * descriptor without following links, so nothing outside is ever read, whatever is renamed meanwhile.
 * `.git` is not seen, nor is what localwrite.h keeps there while it writes.
 */
#pragma once

#include "vfs/vfs.h"

/* threads: any. NOT_FOUND, INVALID (not a directory), DENIED. */
enum err_kind vfs_localtree_new(const char *path, struct vfs **ret, struct err *err) MUST_USE;

/* The same with a watch over what is looked at: vfs_localtree_stamp. */
enum err_kind
vfs_localtree_new_watched(const char *path, struct vfs **ret, struct err *err) MUST_USE;
/*
 * A stamp of the present: between two equal ones nothing changed that was looked at between them.
 * Never blocks. false: nobody knows, and what was seen has to be looked at again.
 */
#define VFS_LOCALTREE_STAMP_BYTES 20
bool vfs_localtree_stamp(struct vfs *tree, uint8_t ret[VFS_LOCALTREE_STAMP_BYTES]);
/* Is there no watch, and why? */
bool vfs_localtree_is_unwatched(struct vfs *tree, struct err *ret_why);
/* Does the path still lead to this directory? It may be a link that was set anew. */
bool vfs_localtree_is_at(const struct vfs *tree, const char *path);

/* The directory's descriptor; borrowed, lives as long as the tree, which is one of these. */
int vfs_localtree_root(const struct vfs *tree);
