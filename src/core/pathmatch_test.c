#include "base/mem.h"
#include "base/testing.h"
#include "core/pathmatch.h"

/* As Go's path.Match answers. */
static void test_pathmatch__follows_go(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *name;
        bool matches;
    } rows[] = {
        {"abc", "abc", true},
        {"abc", "abd", false},
        {"*", "abc", true},
        {"*", "", true},
        {"*c", "abc", true},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXbY", false},
        {"a*b?c*x", "abxbbxdbxebxczzx", true},
        {"a*b?c*x", "abxbbxdbxebxczzy", false},
        {"**", "abc", true},
        {".*", ".abc", true},
        {"*.json", ".json", true},
        {"note-?*.json", "note-.json", false},
        {"note-?*.json", "note-d.json", true},
        {"?", "\xC3\xA9", true},
        {"??", "\xC3\xA9", false},
        {"?", "", false},
        {"ab[c]", "abc", true},
        {"ab[b-d]", "abc", true},
        {"ab[e-g]", "abc", false},
        {"ab[^c]", "abc", false},
        {"ab[^b-d]", "abc", false},
        {"ab[^e-g]", "abc", true},
        {"a\\*b", "a*b", true},
        {"a\\*b", "ab", false},
        {"[\\]a]", "]", true},
        {"[\\-]", "-", true},
        {"[x\\-]", "x", true},
        {"[x\\-]", "z", false},
        {"[a-\xC3\xA9]", "\xC3\xA9", true},
        {"[!a]", "b", false},
        {"[!a]", "!", true},
        {"a[ab]c", "abc", true},
        {"[a]*", "abc", true},
        {"[^a]", "", false},
        {"", "", true},
        {"", "a", false},
        {"*\\\\", "a\\", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(core_pathmatch_check(str_from(rows[i].pattern), &err), ERR_OK);
        if (core_pathmatch(str_from(rows[i].pattern), str_from(rows[i].name)) != rows[i].matches)
            fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].name);
    }
}

static void test_pathmatch_check__refuses_what_go_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[",    "[]", "[^]",  "[a", "[a-", "[a-]", "[-x]", "[x-]",
        "[]a]", "a[", "[^bc", "\\", "a\\", "[\\",  "[a\\", "[\xFF]",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        if (core_pathmatch_check(str_from(bad[i]), &err) != ERR_INVALID)
            fail_msg("'%s' is taken", bad[i]);
    }
}

static void test_pathmatch__stays_fast_on_hostile_patterns(void **state)
{
    (void)state;
    autofree char *name = mem_alloc(8193);
    memset(name, 'a', 8192);
    assert_false(core_pathmatch(STR("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_from(name)));
}

static void test_pathmatch_is_literal__knows_every_mark(void **state)
{
    (void)state;
    assert_true(core_pathmatch_is_literal(STR("a.b-c]^!")));
    assert_false(core_pathmatch_is_literal(STR("a*")));
    assert_false(core_pathmatch_is_literal(STR("a?")));
    assert_false(core_pathmatch_is_literal(STR("[a]")));
    assert_false(core_pathmatch_is_literal(STR("\\a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pathmatch__follows_go),
        cmocka_unit_test(test_pathmatch_check__refuses_what_go_refuses),
        cmocka_unit_test(test_pathmatch__stays_fast_on_hostile_patterns),
        cmocka_unit_test(test_pathmatch_is_literal__knows_every_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
