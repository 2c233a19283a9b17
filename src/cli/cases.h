/*
 * Golden cases of a controller: a directory a case, that says what is called over which files and what
 * must come of it (docs/controllers.md, "Golden cases"). From a directory of this host or out of an
 * image: a tree in any case.
 */
#pragma once

#include "base/buf.h"
#include "cli/trial.h"

/* The names of the cases in a tree: its directories that hold a file `call`, sorted. */
struct cli_case_names {
    char **items;
    size_t count;
    size_t cap;
};
enum err_kind
cli_case_names(struct vfs *tests, struct cli_case_names *ret, struct err *err) MUST_USE;
void cli_case_names_deinit(struct cli_case_names *names);
#define auto_case_names CLEANUP(cli_case_names_deinit)

/*
 * Run one case and compare.
 *
 * update    where expectations that do not hold are written anew, an overlay over `tests`; NULL: nowhere
 * ret_diff  what is not as expected, for people; empty: the case holds (or is updated)
 * fails     MALFORMED, INVALID: the case cannot be read; what trees fail with. A controller that fails is
 *           no error here
 */
enum err_kind cli_case_run(
    struct cli_trial *trial,
    struct vfs *tests,
    const char *name,
    struct overlay *update,
    struct buf *ret_diff,
    struct err *err) MUST_USE;
