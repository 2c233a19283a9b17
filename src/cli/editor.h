/*
 * Text in the user's editor.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct cli;

/*
 * A new file of mode 0600 in the temporary directory that holds `text`; caller frees the path and
 * removes the file. suffix: ".json"
 */
enum err_kind cli_editor_file(
    struct cli *c, struct str text, const char *suffix, char **ret_path, struct err *err) MUST_USE;
/*
 * Start $EDITOR (a fragment of shell; vim without one) on the file and wait for its end.
 * ret_code  0, or the editor's exit code: 128 + the signal that ended it
 */
enum err_kind
cli_editor_run(struct cli *c, const char *path, int *ret_code, struct err *err) MUST_USE;
