/*
 * Tables as upstream's users know them: every cell, those of the last column too, is padded with
 * blanks to the widest of its column plus three; a table without rows prints nothing at all.
 * (libsmartcols cannot pad the last column, hence our own few lines.)
 */
#pragma once

#include "base/str.h"

#include <stdio.h>

#define CLI_TABLE_COLUMNS_MAX 8

struct cli_table {
    size_t columns;
    char **cells; /* safe to print; the header's first */
    size_t count;
    size_t cap;
};

/* header: the column titles, ended by NULL. */
void cli_table_init(struct cli_table *t, const char *const *header);
void cli_table_deinit(struct cli_table *t);
/* One cell per column, copied and made safe for terminals. */
void cli_table_row(struct cli_table *t, const struct str *cells);
/* To `to`, header first; nothing when there is no row. */
void cli_table_print(const struct cli_table *t, FILE *to);

#define auto_table CLEANUP(cli_table_deinit)
