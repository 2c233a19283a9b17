/*
 * The differences of two texts as a unified diff, line by line. For objects that people compare;
 * diffs of files in a repository come from Git.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/*
 * Append the unified diff (three lines around each change) from `old` to `new`, headed by the two
 * names; nothing when they are equal. A text whose last line is not ended is taken as if it were.
 */
void cli_linediff(
    struct buf *to, const char *old_name, struct str old, const char *new_name, struct str new);
