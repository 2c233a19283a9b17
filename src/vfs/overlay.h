/*
 * A writable view of a tree: the base is never touched, what changed is kept in memory and can be
 * listed afterwards as changes, which is what becomes a commit (repo/) or files (local source).
 * Also what enforces a controller's read globs and bounds the bytes written.
 */
#pragma once

#include "vfs/vfs.h"

struct overlay;

enum vfs_change_kind { VFS_CHANGE_PUT = 1, VFS_CHANGE_DELETE };

/* One changed path, borrowed from the overlay or list it came from. PUT: a file (or link) with these
 * bytes; DELETE: the file is gone. Directories do not occur: Git has none of their own. */
struct vfs_change {
    enum vfs_change_kind kind;
    struct str path;
    enum vfs_type type; /* VFS_FILE or VFS_LINK, for PUT */
    bool is_executable;
    struct str bytes; /* for PUT */
};

struct vfs_changes {
    struct vfs_change *items; /* sorted bytewise by path */
    size_t count;
};

/*
 * base           borrowed; must outlive the overlay
 * written_max    bytes that may be held in changed files at one time; more is LIMIT, as are more than
 *                262,144 paths touched
 * threads        one at a time
 */
struct overlay *overlay_new(struct vfs *base, uint64_t written_max);
struct overlay *overlay_free(struct overlay *o);
struct vfs *overlay_vfs(struct overlay *o); /* the merged view; borrowed, lives as long as o */

/* Replace or create a file with these bytes (copied); directories above come into being. LIMIT;
 * INVALID where a directory or link stands, or a file above. */
enum err_kind overlay_write(
    struct overlay *o,
    struct str path,
    struct str bytes,
    bool is_executable,
    struct err *err) MUST_USE;
/* A link with this target, or an empty directory (which Git will not keep). EXISTS. */
enum err_kind
overlay_link(struct overlay *o, struct str path, struct str target, struct err *err) MUST_USE;
enum err_kind overlay_make_dir(struct overlay *o, struct str path, struct err *err) MUST_USE;
/* NOT_FOUND; INVALID for a directory that is not empty. */
enum err_kind overlay_remove(struct overlay *o, struct str path, struct err *err) MUST_USE;

/*
 * What differs from the base, compared by content: a file written with the bytes it had is no
 * change. Borrowed from the overlay; valid until it is changed or freed.
 */
enum err_kind overlay_changes(struct overlay *o, struct vfs_changes *ret, struct err *err) MUST_USE;

/* Make the changes of another overlay, one over this one's view. Fails as what it calls. */
enum err_kind
overlay_take(struct overlay *o, const struct vfs_changes *changes, struct err *err) MUST_USE;
