/*
 * Changes of a directory of this host: each file is staged beside its place and synced, and only when all
 * are there they are renamed into it. One writer at a time, whichever process it belongs to, by a lock
 * (flock) on the directory; readers take none and see each file old or new, whole. A journal
 * (`.cup-stage`) tells the next writer what a killed one left: it is taken back, or, where the renaming
 * had begun, brought to its end.
 */
#pragma once

#include "vfs/overlay.h"

struct vfs_localwrite;

/*
 * Take the lock, and clear up after a writer that was killed. What is read through `tree` from now on
 * changes by other hands only (an editor, git), not by another cupd.
 *
 * tree     a vfs_localtree_new; borrowed, need not outlive the lock
 * wait_ms  for the lock; 0: do not wait
 * fails    UNAVAILABLE: somebody else holds it all the time. A file system that knows no locks: none is
 *          taken.
 */
enum err_kind vfs_localwrite_begin(
    struct vfs *tree, int64_t wait_ms, struct vfs_localwrite **ret, struct err *err) MUST_USE;
struct vfs_localwrite *
vfs_localwrite_end(struct vfs_localwrite *w); /* NULL is fine; returns NULL */

/*
 * Write, under the lock. A failure leaves the files as they were. Directories above come into being
 * (0755); a new file gets 0644 or 0755, one that was there keeps its mode and, where that may be, its
 * owner. The directories of deleted files stay.
 *
 * fails   CONFLICT: a directory or link stands where a file goes, or a file where a directory is
 *         needed, or a file to delete is gone; INVALID: a path that is never written; IO, NO_SPACE
 */
enum err_kind vfs_localwrite_apply(
    struct vfs_localwrite *w, const struct vfs_changes *changes, struct err *err) MUST_USE;

/* Before a reader who is going to write: clear up after a writer that was killed, unless there is one
 * at work. */
void vfs_localtree_clear_up(struct vfs *tree);

/* All of that for the directory at `path`. */
enum err_kind
vfs_localtree_apply(const char *path, const struct vfs_changes *changes, struct err *err) MUST_USE;
