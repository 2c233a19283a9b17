/*
 * One segment of a pattern as Go's path.Match reads it, for the lists of template controllers: `*`
 * any run, `?` one character, [a-z] and [^a] classes, \x literal. Not base/glob.h, which is cup's own
 * notation for a controller's paths (`**`, [!a]).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* INVALID: an open class or range, a lone backslash. */
enum err_kind core_pathmatch_check(struct str pattern, struct err *err) MUST_USE;
/* Does the whole name match? The pattern must have passed core_pathmatch_check. */
bool core_pathmatch(struct str pattern, struct str name);
/* Is there nothing but literal text in it? */
bool core_pathmatch_is_literal(struct str pattern);
