#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *pattern;
    const char *path;
    bool matches;
};

static void test_glob_match__follows_flipt(void **state)
{
    static const struct row rows[] = {
        {"**features.yml", "features.yml", true},
        {"**features.yml", "a/b/features.yml", true},
        {"**features.yml", "a/my-features.yml", true},
        {"**features.yml", "features.yaml", false},
        {"**features.yml", "features.yml.bak", false},
        {"**.features.yaml", "team/prod.features.yaml", true},
        {"*.yml", "a/b.yml", true},
        {"**/features.yml", "features.yml", true},
        {"**/features.yml", "a/features.yml", true},
        {"?.yml", "a.yml", true},
        {"?.yml", "ab.yml", false},
        {"[a-c].yml", "b.yml", true},
        {"[!a-c].yml", "b.yml", false},
        {"[!a-c].yml", "d.yml", true},
        {"{prod,dev}/features.yml", "dev/features.yml", true},
        {"{prod,dev}/features.yml", "test/features.yml", false},
        {"{a,{b,c}}.yml", "c.yml", true},
        {"\\*.yml", "*.yml", true},
        {"\\*.yml", "a.yml", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"[a", "[a", true},
        {"{a", "a", false},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXcYb", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (flipt_glob_match(rows[i].pattern, rows[i].path) != rows[i].matches)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].path);
    }
}

static void test_glob_match__gives_up_on_patterns_that_explode(void **state)
{
    (void)state;
    assert_false(flipt_glob_match(
        "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob_match__follows_flipt),
        cmocka_unit_test(test_glob_match__gives_up_on_patterns_that_explode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
