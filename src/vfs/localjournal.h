/*
 * What a writer of a local directory is about to do, kept in the file `.cup-stage` of that directory so
 * that whoever takes the lock next can clear up after one that was killed. Not for other folders.
 */
#pragma once

#include "base/ids.h"
#include "vfs/localdir.h"
#include "vfs/overlay.h"

/* ".cup-stage-ID-N", with "~" behind it the file that stood there before. */
#define LOCALJOURNAL_NAME_BYTES (sizeof(LOCALDIR_STAGE) + ID_CHARS + 24)
void localjournal_new_name(const char *id, size_t n, char ret[LOCALJOURNAL_NAME_BYTES]);
void localjournal_old_name(const char *id, size_t n, char ret[LOCALJOURNAL_NAME_BYTES]);

/*
 * Write it down: these changes are staged under `id`, item N as the name above in its own directory.
 * CONFLICT when something that is no file of ours stands there.
 */
enum err_kind localjournal_write(
    int root,
    const char *id,
    const struct vfs_changes *changes,
    int *ret_fd,
    struct err *err) MUST_USE;
/* All is staged: from now on a crash brings it to its end instead of taking it back. Durable. */
enum err_kind localjournal_commit(int root, int fd, struct err *err) MUST_USE;
/* All is in place, or back: what is still to be done is to remove the files named after the id. */
void localjournal_settle(int fd);
void localjournal_remove(int root);
/* Remove such a file; is it gone? */
bool localjournal_unlink(int parent, const char *name);

/* Clear up after a writer that was killed; nothing when there was none. The lock is held. */
enum err_kind localjournal_recover(int root, struct err *err) MUST_USE;
