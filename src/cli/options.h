/*
 * Flags as tables: each row says where in the command's own struct its value goes, and help is made
 * from the same row. Values are views of argv. Not for what a flag means: the commands.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum cli_option_kind {
    CLI_OPTION_FLAG, /* bool; takes no value */
    CLI_OPTION_TEXT, /* const char *; the last one counts */
    CLI_OPTION_LIST, /* struct cli_list; each one counts */
};

/* Texts in the order given; `items` is NULL while there is none, else NULL-terminated. */
struct cli_list {
    const char **items;
    size_t count;
    size_t cap;
};
void cli_list_add(struct cli_list *list, const char *text);
void cli_list_deinit(struct cli_list *list); /* the texts are borrowed */

/* A row; a table ends with a row whose name is NULL. */
struct cli_option {
    const char *name; /* "output", without the dashes */
    char letter;      /* 'o', or 0 */
    enum cli_option_kind kind;
    const char *value; /* how help calls the value: "FILE"; NULL for a FLAG */
    const char *help;
    size_t offset; /* of the value in the struct that the table fills */
};

/* A table and the struct that it fills. */
struct cli_option_set {
    const struct cli_option *rows; /* may be NULL: none */
    void *to;
};

/*
 * Parse the flag at args[*at] (it starts with '-' and is neither "-" nor "--") and move *at behind
 * it and its value. `--name VALUE`, `--name=VALUE`, `-x VALUE`, `-xVALUE`, `-x=VALUE`, `-xy` for
 * flags without values. Sets are searched in order. USAGE names the flag.
 */
enum err_kind cli_option_parse(
    const struct cli_option_set *sets,
    size_t set_count,
    int argc,
    char *const *args,
    int *at,
    struct err *err) MUST_USE;

/* Release the lists of a struct that `rows` filled. */
void cli_options_deinit(const struct cli_option *rows, void *to);
