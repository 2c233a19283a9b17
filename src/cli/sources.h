/*
 * What an image is packed from, in a directory: one module and its definitions. For pack and for diff.
 */
#pragma once

#include "base/err.h"

struct cli_sources {
    char *wasm;
    char **definitions; /* in the order of their names */
    size_t count;
    size_t cap;
};
void cli_sources_deinit(struct cli_sources *s);
#define auto_sources CLEANUP(cli_sources_deinit)

void cli_sources_add(struct cli_sources *s, char *take_definition_path);
/* The one *.wasm and all *.json of a directory. USAGE: more than one module; NOT_FOUND: none, or no such
 * directory. */
enum err_kind cli_sources_read(const char *dir, struct cli_sources *s, struct err *err) MUST_USE;
