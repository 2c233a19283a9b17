#include "base/testing.h"
#include "cli/table.h"

#include <stdlib.h>

static char *printed(const struct cli_table *t)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    cli_table_print(t, to);
    fclose(to);
    return text;
}

static void
expect(const char *const *header, const struct str *cells, size_t rows, const char *want)
{
    auto_table struct cli_table t;
    cli_table_init(&t, header);
    for (size_t i = 0; i < rows; i++)
        cli_table_row(&t, cells + i * t.columns);
    char *got = printed(&t);
    assert_string_equal(got, want);
    free(got);
}

static const char *const header[] = {"NAMESPACE", "NAME", NULL};

static void test_table__pads_as_upstream_does(void **state)
{
    (void)state;
    static const struct str cells[] = {{"default", 7}, {"big", 3}, {"default", 7}, {"small", 5}};
    expect(header, cells, 1, "NAMESPACE   NAME   \ndefault     big    \n");
    expect(header, cells, 2, "NAMESPACE   NAME    \ndefault     big     \ndefault     small   \n");
}

static void test_table__prints_nothing_without_rows(void **state)
{
    (void)state;
    expect(header, NULL, 0, "");
}

static void test_table__counts_characters_and_escapes_controls(void **state)
{
    (void)state;
    static const struct str cells[] = {{"h\xc3\xa4user-lang", 12}, {"a\x1b[2Jb", 6}};
    expect(header, cells, 1, "NAMESPACE     NAME        \nh\xc3\xa4user-lang   a\\x1b[2Jb   \n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__pads_as_upstream_does),
        cmocka_unit_test(test_table__prints_nothing_without_rows),
        cmocka_unit_test(test_table__counts_characters_and_escapes_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
