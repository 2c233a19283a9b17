/*
 * Walk a tree by a pattern as Go's fs.Glob does: segment by segment, each level in byte order, what is
 * missing is no error, dot names match. Other than there links are not followed, and `.git` is never
 * looked into.
 */
#pragma once

#include "vfs/vfs.h"

#define CORE_TREEGLOB_NONE SIZE_MAX

struct core_treeglob {
    struct vfs *tree;
    struct str pattern; /* of segments as core/pathmatch.h reads them, with '/' between */
    /* Beside the pattern, names at this segment (counted from 0) must pass filter. */
    size_t filtered_segment; /* CORE_TREEGLOB_NONE: none */
    bool (*filter)(struct str name);
    /* Told of each match; an error ends the walk and is returned by it. */
    enum err_kind (*visit)(void *data, struct str path, enum vfs_type type, struct err *err);
    void *data;
};

/* INVALID names the segment that is no pattern. */
enum err_kind core_treeglob_check(struct str pattern, struct err *err) MUST_USE;
/* The pattern must have passed the check. */
enum err_kind core_treeglob_walk(const struct core_treeglob *g, struct err *err) MUST_USE;
