/*
 * A tree of files as everything above sees it: a Git tree, a directory, a memory tree, or an overlay
 * over one of these. Read-only; what can be written is vfs/overlay.h. Paths are slash paths relative
 * to the root without leading slash, "" is the root, no empty, "." or ".." segments. Links are never
 * followed here: whoever wants that (the WASI host) does so itself, inside the tree.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum vfs_type {
    VFS_FILE = 1,
    VFS_DIR,
    VFS_LINK,
    VFS_OTHER, /* a submodule or what else is neither: can be seen, not read */
};

#define VFS_ID_MAX 32
/* Identity of the content of a file or link: equal ones of one source mean equal bytes. A blob id, or a
 * digest of what the file system says; n = 0: the tree knows none (yet). */
struct vfs_id {
    uint8_t n;
    uint8_t bytes[VFS_ID_MAX];
};

struct vfs_stat {
    enum vfs_type type;
    bool is_executable;
    uint64_t size; /* bytes of a file or of a link's target; 0 for a directory; see VFS_STAT_SIZE */
    struct vfs_id id;
};

/* Ask for the size as well: on a Git tree that costs a look at the object. */
#define VFS_STAT_SIZE 1u

struct vfs_entry {
    const char *name; /* borrowed from the listing */
    enum vfs_type type;
};

/* What a list gave: sorted bytewise by name, "." and ".." left out. */
struct vfs_listing {
    struct vfs_entry *entries;
    size_t count;
    void *memory; /* the names */
};

/* A file's bytes, unchanging, held until released. */
struct vfs_data {
    struct str bytes;
    void *owner;
    void (*release)(void *owner);
};

struct vfs;

/* All compulsory. Errors: NOT_FOUND (also below a file), INVALID (wrong type for this call), LIMIT,
 * IO. One thread at a time for a vfs unless its constructor says more. */
struct vfs_ops {
    enum err_kind (*stat)(
        struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err);
    enum err_kind (*list)(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err);
    /* a file's content, or a link's target */
    enum err_kind (*read)(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err);
    void (*free)(struct vfs *v);
};

/* Implementations put this first in their struct. */
struct vfs {
    const struct vfs_ops *ops;
};

enum err_kind vfs_stat(
    struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err) MUST_USE;
enum err_kind
vfs_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err) MUST_USE;
enum err_kind
vfs_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err) MUST_USE;
/* Nothing for NULL; returns NULL. */
struct vfs *vfs_free(struct vfs *v);

void vfs_listing_deinit(struct vfs_listing *l);
void vfs_data_release(struct vfs_data *d); /* leaves it zeroed; harmless on a zeroed one */
static inline void vfs_data_cleanup(struct vfs_data *d)
{
    vfs_data_release(d);
}
#define auto_vfs_data CLEANUP(vfs_data_cleanup)
static inline void vfs_listing_cleanup(struct vfs_listing *l)
{
    vfs_listing_deinit(l);
}
#define auto_vfs_listing CLEANUP(vfs_listing_cleanup)
static inline void vfs_free_cleanup(struct vfs **v)
{
    vfs_free(*v);
}
#define auto_vfs CLEANUP(vfs_free_cleanup)

/* Is it a path as the opening of this file defines it? INVALID names the path and what is wrong. */
enum err_kind vfs_check_path(struct str path, struct err *err) MUST_USE;

/* Build a listing: add in any order, then finish sorts. */
void vfs_listing_add(struct vfs_listing *l, struct str name, enum vfs_type type);
void vfs_listing_finish(struct vfs_listing *l);
