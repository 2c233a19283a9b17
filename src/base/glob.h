/*
 * Path globs of a controller's paths: `*` and `?` stay inside a segment, `**` as a whole segment
 * matches any number of segments, `[a-z]` a class. What is not under test here: Go's path.Match of
 * template lists (core/) and Flipt's own patterns (the example controller).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* INVALID when it cannot be a pattern: empty, leading '/', "." or ".." segment, open class. */
enum err_kind glob_check(struct str pattern, struct err *err) MUST_USE;
/* Does the whole slash path match? The pattern must have passed glob_check. */
bool glob_match(struct str pattern, struct str path);
/* Could something below directory `dir` ("" = root) match? For skipping what no pattern reaches. */
bool glob_may_match_below(struct str pattern, struct str dir);
