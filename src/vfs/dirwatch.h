/*
 * Did anything change in directories of this host since they were looked at? The kernel queues what
 * happens in a watched directory before the call that changed it returns (inotify(7)), so one look at
 * the queue tells; nothing is polled. Only what somebody looked at is watched. Not for other folders.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct dirwatch; /* any thread; never blocks */

/* NULL where this system cannot watch (no inotify, too many instances): ret_why is told why, then. */
struct dirwatch *dirwatch_new(struct err *ret_why);
struct dirwatch *dirwatch_free(struct dirwatch *w);

/*
 * Before a walk to the directory `dir` (a slash path below the root; "" is the root): must its
 * directories be given to dirwatch_add on the way? ret_epoch is for these calls.
 */
bool dirwatch_wants(struct dirwatch *w, struct str dir, uint64_t *ret_epoch);
/* Watch the directory that is open as `fd`, before anything in it is looked at, and after all above it. */
void dirwatch_add(struct dirwatch *w, uint64_t epoch, struct str dir, int fd);

/*
 * A stamp of the present. Where two stamps are equal, everything that was looked at between them is
 * still as it was; they differ after a change of any of it, and each two seconds, for what the kernel
 * does not tell (a file that is mapped into memory and written to, or written by a name elsewhere).
 *
 * false     nobody knows: watching is not possible (dirwatch_why)
 */
#define DIRWATCH_STAMP_BYTES 20
bool dirwatch_stamp(struct dirwatch *w, uint8_t ret[DIRWATCH_STAMP_BYTES]);
/* Why watching is off; false: it is not. It is tried again now and then. */
bool dirwatch_why(struct dirwatch *w, struct err *ret);
