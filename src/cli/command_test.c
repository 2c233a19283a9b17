#include "base/testing.h"
#include "cli/command.h"

#include <string.h>

static void test_command_suggest__finds_slips(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        const char *meant;
    } rows[] = {
        {"puhs", "push"},
        {"pul", "pull"},
        {"aply", "apply"},
        {"definitoins", "definitions"},
        {"definitions2", "definitions"},
        {"contro", "controller"},
        {"inspct", "inspect"},
        {"gte", "get"},
        {"xyzzy", NULL},
        {"", NULL},
        {"g", NULL},
        {"a-very-long-word-that-no-command-is-like", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = cli_command_suggest(cli_commands, rows[i].typed);
        assert_string_equal(
            got == NULL ? "(none)" : got, rows[i].meant == NULL ? "(none)" : rows[i].meant);
    }
}

static void test_command_find__knows_aliases(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        const char *name;
    } rows[] = {
        {"defs", "definitions"}, {"api-resources", "definitions"},
        {"pr", "proposal"},      {"c", "config"},
        {"h", "help"},           {"get", "get"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct cli_command *found = cli_command_find(cli_commands, rows[i].typed);
        assert_non_null(found);
        assert_string_equal(found->name, rows[i].name);
    }
    assert_null(cli_command_find(cli_commands, "GET"));
    assert_null(cli_command_find(cli_commands, "ge"));
}

/* Two commands of one group that share a name or alias: the second could not be called. */
static void test_commands__share_no_name(void **state)
{
    (void)state;
    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++) {
        assert_ptr_equal(cli_command_find(cli_commands, (*c)->name), *c);
        for (const char *const *a = (*c)->aliases; a != NULL && *a != NULL; a++)
            assert_ptr_equal(cli_command_find(cli_commands, *a), *c);
        bool has_group = false;
        for (const char *const *g = cli_groups; *g != NULL; g++)
            has_group = has_group || strcmp(*g, (*c)->group) == 0;
        assert_true(has_group);
    }
}

/* A command's flags hide global ones of the same name or letter: there must be none. */
static void test_commands__hide_no_global_flag(void **state)
{
    (void)state;
    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++) {
        const struct cli_option *const tables[] = {(*c)->options, (*c)->shared_options};
        for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
            for (const struct cli_option *o = tables[i]; o != NULL && o->name != NULL; o++) {
                for (const struct cli_option *g = cli_global_options; g->name != NULL; g++) {
                    assert_string_not_equal(o->name, g->name);
                    assert_false(o->letter != 0 && o->letter == g->letter);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_suggest__finds_slips),
        cmocka_unit_test(test_command_find__knows_aliases),
        cmocka_unit_test(test_commands__share_no_name),
        cmocka_unit_test(test_commands__hide_no_global_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
