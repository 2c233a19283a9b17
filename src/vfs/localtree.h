/*
 * A directory of this host as a vfs, and changes applied to it. Every path is walked segment by segment
 * from the directory's own descriptor without following links, so nothing outside is ever read or
 * written, whatever is renamed meanwhile. `.git` is not seen and not written.
 */
#pragma once

#include "vfs/overlay.h"

/* threads: any. NOT_FOUND, INVALID (not a directory), DENIED. */
enum err_kind vfs_localtree_new(const char *path, struct vfs **ret, struct err *err) MUST_USE;
/*
 * Write the changed files: each is staged beside its place and synced, and only when all are there
 * they are renamed into it, under a lock (flock) on the directory. A failure while staging leaves
 * everything as it was. Directories above come into being (0755), files get 0644 or 0755; the
 * directories of deleted files stay.
 * fails   CONFLICT: a directory or link stands where a file goes, or a file where a directory is
 *         needed, or a file to delete is gone; INVALID: a path that is never written; IO, NO_SPACE
 */
enum err_kind
vfs_localtree_apply(const char *path, const struct vfs_changes *changes, struct err *err) MUST_USE;
