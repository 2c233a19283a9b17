/*
 * A directory of this host, walked segment by segment from its own descriptor without following links:
 * what reading (localtree.c) and writing (localwrite.c) share. Not for other folders.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "vfs/vfs.h"

#include <sys/stat.h>

#define LOCALDIR_NAME_BYTES 256 /* of one segment, with its NUL */
/* Names that start like this are ours: the journal of a change under way, and files being written. */
#define LOCALDIR_STAGE ".cup-stage"

/* ret  a descriptor the caller closes. NOT_FOUND, INVALID (not a directory), DENIED. */
enum err_kind localdir_open(const char *path, int *ret, struct err *err) MUST_USE;

/* Is it `.git`, a name of ours, or no name at all (empty, ".", ".."), or below such a one? */
bool localdir_is_hidden(struct str path);

/* The text of errno is enough: the path is the one that the caller asked for, never the host's. */
enum err_kind localdir_failed(int errnum, struct str path, struct err *err);

/*
 * The directory that holds the last segment of `path`.
 *
 * path      "" is the root: its name is "."
 * creates   make what is missing above (0755)
 * ret_fd    the caller closes it
 * fails     NOT_FOUND  nothing there, or what is above is no directory (or a link)
 *           CONFLICT   the same where it was to be created: names what stands there
 */
enum err_kind localdir_parent(
    int root,
    struct str path,
    bool creates,
    int *ret_fd,
    char ret_name[LOCALDIR_NAME_BYTES],
    struct err *err) MUST_USE;

/* The same, nothing created; each directory on the way is given to the watch (NULL: none) first. */
struct dirwatch;
enum err_kind localdir_parent_watched(
    int root,
    struct str path,
    struct dirwatch *watch,
    int *ret_fd,
    char ret_name[LOCALDIR_NAME_BYTES],
    struct err *err) MUST_USE;

enum vfs_type localdir_type(mode_t mode);
