#include "base/testing.h"
#include "base/units.h"

static void test_units_parse_size__reads_binary_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_kind kind;
        uint64_t bytes;
    } rows[] = {
        {"0", ERR_OK, 0},
        {"256MiB", ERR_OK, 256U << 20},
        {"16 MiB", ERR_OK, 16U << 20},
        {"3M", ERR_OK, 3U << 20},
        {"1KiB", ERR_OK, 1024},
        {"", ERR_MALFORMED, 0},
        {"MiB", ERR_MALFORMED, 0},
        {"-1", ERR_MALFORMED, 0},
        {"1.5MiB", ERR_MALFORMED, 0},
        {"18446744073709551615GiB", ERR_MALFORMED, 0},
        {"1 furlong", ERR_MALFORMED, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        uint64_t bytes = 0;
        assert_int_equal(units_parse_size(str_from(rows[i].text), &bytes, &err), rows[i].kind);
        assert_true(bytes == rows[i].bytes);
    }
}

static void test_units_parse_duration__reads_go_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_kind kind;
        int64_t ms;
    } rows[] = {
        {"0", ERR_OK, 0},           {"500ms", ERR_OK, 500},
        {"10s", ERR_OK, 10000},     {"5m", ERR_OK, 300000},
        {"1h30m", ERR_OK, 5400000}, {"1.5s", ERR_OK, 1500},
        {"", ERR_MALFORMED, 0},     {"10", ERR_MALFORMED, 0},
        {"s", ERR_MALFORMED, 0},    {"-1s", ERR_MALFORMED, 0},
        {"1.s", ERR_MALFORMED, 0},  {"99999999999999999h", ERR_MALFORMED, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        int64_t ms = 0;
        assert_int_equal(units_parse_duration(str_from(rows[i].text), &ms, &err), rows[i].kind);
        assert_true(ms == rows[i].ms);
    }
}

static void test_units_format_size__is_for_people(void **state)
{
    (void)state;
    char text[16];
    units_format_size(7364, text, sizeof(text));
    assert_string_equal(text, "7.2 KiB");
    units_format_size(12, text, sizeof(text));
    assert_string_equal(text, "12 B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_parse_size__reads_binary_units),
        cmocka_unit_test(test_units_parse_duration__reads_go_durations),
        cmocka_unit_test(test_units_format_size__is_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
