/*
 * Which server and namespace a run means: flags over environment over the current context.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct cli;

/* The configuration file of this run: -c, CUP_CONFIG, else the default place. Caller frees. */
enum err_kind cli_target_config(struct cli *c, char **ret_path, struct err *err) MUST_USE;
/* Flags and environment alone; NULL: they name none. */
const char *cli_target_address(const struct cli *c);
const char *cli_target_namespace(const struct cli *c);
/* Fill c->address (checked, without a trailing slash) and c->ns; USAGE, NOT_FOUND, MALFORMED, IO. */
enum err_kind cli_target_resolve(struct cli *c, struct err *err) MUST_USE;
/* USAGE unless it is http:// or https:// with a host and without query or fragment; the text shows
 * how to write it. */
enum err_kind cli_address_check(struct str address, struct err *err) MUST_USE;
/* An address for messages: without what may be a password. Caller frees. */
char *cli_address_shown(const char *address);
