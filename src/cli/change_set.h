/*
 * Several objects that people hand over, as one change of the server: one commit, one proposal, all or
 * nothing.
 */
#pragma once

#include "cli/document.h"
#include "cli/object.h"

/*
 * POST the documents as puts or deletes, and take the Result in.
 *
 * named  of each document, in their order
 * fails  as the server says; a hint names the document that it means
 */
enum err_kind cli_change_set(
    struct cli *c,
    const struct cli_documents *documents,
    const struct cli_named *named,
    bool is_delete,
    const struct cli_write *write,
    struct cli_results *results,
    struct err *err) MUST_USE;
