#include "cli/table.h"
#include "base/mem.h"
#include "cli/print.h"

#include <assert.h>

#define GAP 3

static void add_cell(struct cli_table *t, struct str text)
{
    struct buf safe = {0};
    cli_print_safe(&safe, text);
    mem_grow(&t->cells, t->count, &t->cap);
    t->cells[t->count++] = buf_steal(&safe);
}

void cli_table_init(struct cli_table *t, const char *const *header)
{
    *t = (struct cli_table){0};
    for (; header[t->columns] != NULL; t->columns++)
        add_cell(t, str_from(header[t->columns]));
    assert(t->columns > 0 && t->columns <= CLI_TABLE_COLUMNS_MAX);
}

void cli_table_deinit(struct cli_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct cli_table){0};
}

void cli_table_row(struct cli_table *t, const struct str *cells)
{
    for (size_t i = 0; i < t->columns; i++)
        add_cell(t, cells[i]);
}

void cli_table_print(const struct cli_table *t, FILE *to)
{
    size_t widths[CLI_TABLE_COLUMNS_MAX] = {0};
    if (t->count <= t->columns)
        return;
    for (size_t i = 0; i < t->count; i++) {
        size_t width = cli_print_width(str_from(t->cells[i]));
        if (width > widths[i % t->columns])
            widths[i % t->columns] = width;
    }
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;
        size_t pad = widths[column] + GAP - cli_print_width(str_from(t->cells[i]));
        fprintf(to, "%s%*s", t->cells[i], (int)pad, "");
        if (column + 1 == t->columns)
            fputc('\n', to);
    }
}
