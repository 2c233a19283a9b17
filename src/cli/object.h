/*
 * One object of the server: its path, its names in a body, and the Results of changing it.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "cli/kinds.h"
#include "cli/table.h"

struct cli;

/* Path of an object, or of a list (name empty; ns {NULL, 0}: across namespaces). INVALID for names
 * that no path can hold: "", ".", "..". */
enum err_kind cli_object_path(
    const struct cli_kind *kind,
    struct str ns,
    struct str name,
    struct buf *ret,
    struct err *err) MUST_USE;
/* The namespace of this run, for commands that work in one: USAGE for '*'. */
enum err_kind cli_object_namespace(struct cli *c, struct str *ret, struct err *err) MUST_USE;
/* "widgets 'a' in namespace 'b'", for messages. Caller frees. */
char *cli_object_label(const struct cli_kind *kind, struct str ns, struct str name);

/* The answers of apply, edit and delete. Documents and names are printed as they come, the table at
 * the end. */
struct cli_results {
    struct cli_table table;
};
void cli_results_init(struct cli_results *results);
void cli_results_deinit(struct cli_results *results);
#define auto_results CLEANUP(cli_results_deinit)
/* Take in the answer to a change. */
enum err_kind cli_results_take(
    struct cli *c, struct str body, struct cli_results *results, struct err *err) MUST_USE;
void cli_results_end(struct cli *c, const struct cli_results *results);

/* The query of a read, from --revision and --proposal ('new' is read from the target). */
void cli_object_read_query(const struct cli *c, struct buf *path);
/* What the commands that change objects have in common. */
struct cli_write {
    bool is_dry_run;
    const char *message; /* of commit and proposal; NULL: the server's own */
};
/* The query of a change, from --dry-run, --message and --proposal. */
void cli_object_write_query(const struct cli *c, const struct cli_write *write, struct buf *path);
/* Would the next change of the same run fail in the same way? */
bool cli_object_is_hopeless(enum err_kind kind);
/* GET one object. What the label says is in errors. */
enum err_kind cli_object_get(
    struct cli *c, const char *path, const char *label, struct buf *ret, struct err *err) MUST_USE;
/*
 * PUT (body not empty) or DELETE the object and take its Result in. 204 prints nothing: there was
 * nothing to change.
 */
enum err_kind cli_object_change(
    struct cli *c,
    const char *path,
    struct str body,
    const char *what,
    struct cli_results *results,
    struct err *err) MUST_USE;
