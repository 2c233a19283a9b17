/*
 * What may stand for a repository on disk: a path or a file:// URL. Not for talking to remote ones.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/*
 * The path that `url` names, on the heap.
 * fails   INVALID (empty, looks like an option or a command, control characters), UNSUPPORTED (remote)
 */
enum err_kind repo_url_path(struct str url, char **ret_path, struct err *err) MUST_USE;
/* The URL without user name and password; on the heap. */
char *repo_url_shown(struct str url);
/* Percent-decoded, on the heap. INVALID: a bad escape, or one that hides a control character. */
enum err_kind repo_url_decode(struct str text, char **ret, struct err *err) MUST_USE;
