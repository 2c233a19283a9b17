/*
 * What somebody saw of a tree: a view that records each look, and the record, which can be held against
 * another tree later. A result that was made by looking at a tree through here is the result of every
 * tree of which the record holds. A directory's own identity is never recorded, only the names and types
 * that a listing gave: an edit below it, of a file that nobody opened, changes nothing.
 */
#pragma once

#include "vfs/vfs.h"

struct vfs_trace;
struct vfs_seen; /* immutable, reference counted; any thread */

/*
 * base       borrowed; must outlive the trace
 * bytes_max  what the record may hold; one that grows past it is not whole
 * threads    one at a time
 */
struct vfs_trace *vfs_trace_new(struct vfs *base, size_t bytes_max);
struct vfs_trace *vfs_trace_free(struct vfs_trace *t);
struct vfs *vfs_trace_vfs(struct vfs_trace *t); /* the view; borrowed, lives as long as t */

/*
 * The record so far, with a reference for the caller. NULL when it is not whole: it grew too large, the
 * tree failed, or a file that was read has no identity (vfs_stat.id).
 */
struct vfs_seen *vfs_trace_seen(struct vfs_trace *t);
/* Did the tree fail, other than by having nothing there? What was made of it then is good for nothing. */
bool vfs_trace_has_failed(const struct vfs_trace *t);

struct vfs_seen *vfs_seen_ref(struct vfs_seen *s);
struct vfs_seen *vfs_seen_unref(struct vfs_seen *s); /* NULL is fine; returns NULL */
/* Memory that it holds. */
size_t vfs_seen_bytes(const struct vfs_seen *s);
/* Would whoever looked see the same in this tree? A tree that cannot be read: no. */
bool vfs_seen_holds(const struct vfs_seen *s, struct vfs *tree);
