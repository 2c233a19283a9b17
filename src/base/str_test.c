#include "base/str.h"
#include "base/testing.h"

static void test_str_cut__visits_each_part(void **state)
{
    (void)state;
    struct str rest = STR("a/bb//c");
    const char *const want[] = {"a", "bb", "", "c"};
    size_t count = 0;
    while (rest.p != NULL) {
        struct str part = str_cut(&rest, '/');
        assert_true(count < ARRAY_LEN(want));
        assert_true(str_eqz(part, want[count]));
        count++;
    }
    assert_int_equal(count, ARRAY_LEN(want));
}

static void test_str_to_u64__takes_plain_decimals_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1e3", false, 0},
        {" 1", false, 0},
        {"99999999999999999999999", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        assert_int_equal(str_to_u64(str_from(rows[i].text), &value), rows[i].is_good);
        if (rows[i].is_good)
            assert_true(value == rows[i].value);
    }
}

static void test_str_is_utf8__refuses_what_is_not_well_formed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"", true},
        {"plain", true},
        {"\xC3\xA9", true},
        {"\xF0\x9F\x8D\xB5", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"\xC0\x80", false},         /* overlong NUL */
        {"\xE0\x80\xAF", false},     /* overlong slash */
        {"\xED\xA0\x80", false},     /* surrogate */
        {"\xF4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xC3", false},
        {"a\x80", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(str_is_utf8(str_from(rows[i].text)), rows[i].is_good);
}

static void test_str_search__finds_first(void **state)
{
    (void)state;
    assert_int_equal(str_search(STR("hello hello"), STR("llo")), 2);
    assert_int_equal(str_search(STR("hello"), STR("")), 0);
    assert_int_equal(str_search(STR("ab"), STR("abc")), -1);
    assert_int_equal(str_rfind(STR("a/b/c"), '/'), 3);
    assert_int_equal(str_cmp(STR("a"), STR("ab")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_cut__visits_each_part),
        cmocka_unit_test(test_str_to_u64__takes_plain_decimals_only),
        cmocka_unit_test(test_str_is_utf8__refuses_what_is_not_well_formed),
        cmocka_unit_test(test_str_search__finds_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
