#include "base/glob.h"
#include "base/testing.h"

static void test_glob_match__follows_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *path;
        bool matches;
    } rows[] = {
        {"**", "a", true},
        {"**", "a/b/c", true},
        {"a/**", "a/b", true},
        {"a/**", "a", false},
        {"a/**", "ab/c", false},
        {"**/x.yml", "x.yml", true},
        {"**/x.yml", "a/b/x.yml", true},
        {"**/x.yml", "a/b/xx.yml", false},
        {"a/**/b/*.c", "a/q/b/r/b/z.c", true},
        {"*.yml", "a.yml", true},
        {"*.yml", "d/a.yml", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"[a-c]x", "bx", true},
        {"[^a-c]x", "bx", false},
        {"[!a]x", "bx", true},
        {"[]]x", "]x", true},
        {"a/b", "a/b", true},
        {"a/b", "a/b/c", false},
        {"a/*/c", "a/b/c", true},
        {"a/*/c", "a/c", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool got = glob_match(str_from(rows[i].pattern), str_from(rows[i].path));
        if (got != rows[i].matches)
            fail_msg("'%s' on '%s' gave %d", rows[i].pattern, rows[i].path, got);
    }
}

static void test_glob_may_match_below__keeps_the_way_open(void **state)
{
    (void)state;
    assert_true(glob_may_match_below(STR("a/b/c.yml"), STR("a")));
    assert_true(glob_may_match_below(STR("a/b/c.yml"), STR("a/b")));
    assert_false(glob_may_match_below(STR("a/b/c.yml"), STR("b")));
    assert_false(glob_may_match_below(STR("a/b"), STR("a/b")));
    assert_true(glob_may_match_below(STR("**/x"), STR("any/where")));
    assert_true(glob_may_match_below(STR("*.yml"), STR("")));
}

static void test_glob_match__stays_fast_on_hostile_patterns(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'a', 4000);
    text[4000] = '\0';
    assert_false(glob_match(STR("*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_from(text)));
    for (size_t i = 1; i < 4000; i += 2)
        text[i] = '/';
    assert_false(glob_match(STR("**/a/**/a/**/a/**/a/**/a/**/b"), str_from(text)));
}

static void test_glob_check__refuses_what_is_no_pattern(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/a", "a//b", "a/../b", "./a", "a/[b", "a/"};
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(glob_check(str_from(bad[i]), &err), ERR_INVALID);
    assert_int_equal(glob_check(STR("**/[a-z]*.yml"), &err), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob_match__follows_the_table),
        cmocka_unit_test(test_glob_may_match_below__keeps_the_way_open),
        cmocka_unit_test(test_glob_match__stays_fast_on_hostile_patterns),
        cmocka_unit_test(test_glob_check__refuses_what_is_no_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
