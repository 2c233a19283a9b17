#include "base/mem.h"
#include "base/testing.h"
#include "scm/text.h"

static void test_time__is_rfc_3339_with_any_offset(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_s;
    } ROWS[] = {
        {"2022-01-01T00:00:00Z", 1640995200},
        {"2022-01-01T00:00:00.123Z", 1640995200},
        {"2022-01-01T01:00:00+01:00", 1640995200},
        {"2021-12-31T19:30:00.5-04:30", 1640995200},
        {"2022-01-01", 0},
        {"2022-01-01T00:00:00", 0},
        {"2022-13-01T00:00:00Z", 0},
        {"2022-01-01T00:00:00+0100", 0},
        {"soon", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (scm_time(str_from(ROWS[i].text)) != ROWS[i].unix_s)
            fail_msg("'%s'", ROWS[i].text);
}

static void test_one_line__is_cut_at_a_character_and_holds_nothing_that_acts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t max;
        const char *wanted;
    } ROWS[] = {
        {"  a title \nand a body", 100, "a title"},
        {"a\x1b[2Jb\tc", 100, "a [2Jb c"},
        {"abcdef", 3, "abc…"},
        {"aéb", 2, "a…"},
        {"aéb", 3, "aé…"},
        {"", 3, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        autofree char *line = scm_one_line(str_from(ROWS[i].text), ROWS[i].max);
        assert_string_equal(line, ROWS[i].wanted);
    }
}

static void test_percent__leaves_nothing_that_means_something_in_a_url(void **state)
{
    (void)state;
    autobuf struct buf b = {0};
    scm_percent(&b, STR("a/b c?&#%é-._~"), '/');
    assert_string_equal(buf_view(&b).p, "a/b%20c%3F%26%23%25%C3%A9-._~");
    buf_clear(&b);
    scm_percent(&b, STR("a/b"), '\0');
    assert_string_equal(buf_view(&b).p, "a%2Fb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time__is_rfc_3339_with_any_offset),
        cmocka_unit_test(test_one_line__is_cut_at_a_character_and_holds_nothing_that_acts),
        cmocka_unit_test(test_percent__leaves_nothing_that_means_something_in_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
