/*
 * The text of an .env file: read into variables that know where they stand, and changed so that every line
 * that need not change stays byte for byte. Not for where such files are: main.c.
 */
#pragma once

#include "cup_sdk.h"

struct env_variable {
    char *key;
    char *value; /* without quotes and escapes */
    size_t value_bytes;
    size_t start; /* of the line, in the text */
    size_t end;   /* behind its line end */
    size_t value_start;
    size_t value_end; /* what stands for the value, quotes included */
    char quote;       /* '"', '\'' or 0 */
};

struct env_file {
    const char *text;
    size_t text_bytes;
    struct env_variable
        *variables; /* in the order of the file; of a key that is there twice the last counts */
    size_t count;
};

/*
 * Read `text`, which must outlive ret. `path` names it in errors.
 *
 * fails   ERROR  a line is neither blank, a comment nor KEY=VALUE, or a quote is not closed: its number is
 *                told
 */
enum cup_sdk_result env_file_read(
    const char *path,
    const char *text,
    size_t text_bytes,
    struct env_file *ret,
    struct cup_sdk_err *err);
void env_file_free(struct env_file *file);

/* Is variable i the one that counts, not overridden by a later line? */
bool env_file_counts(const struct env_file *file, size_t i);

/*
 * The text with exactly these variables (an object of strings): values that differ are replaced where they
 * stand, keys that are missing there go with their lines, new ones are added at the end.
 *
 * ret_text  caller's, free()
 * fails     ERROR  a key or a value that cannot stand in such a file
 */
enum cup_sdk_result env_file_change(
    const struct env_file *file,
    yyjson_val *variables,
    char **ret_text,
    size_t *ret_bytes,
    struct cup_sdk_err *err);
