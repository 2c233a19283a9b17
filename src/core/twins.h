/*
 * Names that a file system without regard to case, or to how letters are composed (NFC, NFD), takes for
 * one: a change that adds the second of them would break every checkout on such a system.
 */
#pragma once

#include "vfs/overlay.h"

/*
 * Does a change add a name that has a twin beside it? Twins that were there before are nobody's fault.
 *
 * base  the tree before the changes
 * view  the tree with them
 * fails CONFLICT  names both
 */
enum err_kind core_twins_check(
    struct vfs *base,
    struct vfs *view,
    const struct vfs_changes *changes,
    struct err *err) MUST_USE;

/* Other bytes, but the same name without regard to case and composition? */
bool core_twins_are(struct str a, struct str b);
