/*
 * The one grammar of namespaces and names: what stands in a URL, in a body and in rendered template
 * output. Letters, digits, `-` `_` `.` `,` `@` `+` `=` `~` and characters beyond ASCII, 1 to 253 bytes of
 * UTF-8, not starting with `.` or `-`, not ending with `.`: safe as a file name, in a glob, in a
 * commit's trailer and on a command line.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* INVALID names the text and the rule. For `*` it says how all namespaces are listed. */
enum err_kind core_names_check_namespace(struct str ns, struct err *err) MUST_USE;
enum err_kind core_names_check_name(struct str name, struct err *err) MUST_USE;
