/*
 * A password asked of the person at the terminal, without echo. Never taken from arguments.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct cli;

/*
 * Append what is typed to `ret`, which the caller wipes (oci_secret_deinit). UNAUTHENTICATED: there is no
 * terminal, or nothing was typed but the end of input; CANCELLED: Ctrl-C.
 */
enum err_kind
cli_password_ask(struct cli *c, const char *prompt, struct buf *ret, struct err *err) MUST_USE;
