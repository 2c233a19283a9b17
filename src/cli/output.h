/*
 * The forms of output: tables, JSON, YAML, names. Documents are printed one after the other, never as
 * an array, with the server's own tokens (docs/compatibility.md).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct cli;

enum cli_output {
    CLI_OUTPUT_TABLE,
    CLI_OUTPUT_WIDE,
    CLI_OUTPUT_JSON,
    CLI_OUTPUT_YAML,
    CLI_OUTPUT_NAME
};

/* USAGE for any other word. */
enum err_kind cli_output_parse(struct str text, enum cli_output *ret, struct err *err) MUST_USE;

bool cli_output_is_table(const struct cli *c); /* wide or not */
/* Does this run print documents (JSON or YAML) rather than tables or names? */
bool cli_output_is_document(const struct cli *c);
/* Print one JSON document (accepted by json_parse) in the run's form: JSON indented by two blanks,
 * or YAML with "---" between documents. LIMIT. */
enum err_kind cli_print_document(struct cli *c, struct str document, struct err *err) MUST_USE;
/* The same for what a foreign image says: safe for terminals and files alike. */
enum err_kind cli_print_foreign(struct cli *c, struct str document, struct err *err) MUST_USE;
/* A name and its value on one line, made safe; "-" for an empty value. */
void cli_print_pair(struct cli *c, const char *name, struct str value);
/* A unified diff: as it is into files and pipes; on a terminal safe, and coloured where wanted. */
void cli_print_diff(struct cli *c, struct str diff);
/* Print text and a newline, made safe for a terminal. */
void cli_print_line(struct cli *c, struct str text);
