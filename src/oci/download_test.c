#include "base/testing.h"
#include "oci/download.h"
#include "oci/registry_call.h"

static void test_content_range_is__only_what_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good; /* for bytes=5- of ten */
    } rows[] = {
        {"bytes 5-9/10", true},   {"bytes 5-7/10", true},
        {"Bytes 5-9/*", true},    {"bytes 4-9/10", false},
        {"bytes 5-10/10", false}, {"bytes 5-9/11", false},
        {"bytes 5-4/10", false},  {"bytes */10", false},
        {"items 5-9/10", false},  {"bytes=5-9/10", false},
        {"bytes 5-9", false},     {"5-9/10", false},
        {"bytes -5-9/10", false}, {"", false},
        {"bytes", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(oci_content_range_is(str_from(rows[i].text), 5, 10), rows[i].is_good);
    assert_false(oci_content_range_is(str_of(NULL, 0), 5, 10));
}

static void test_range_end__counts_the_bytes_from_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        uint64_t count;
    } rows[] = {
        {"0-99", true, 100},
        {"bytes=0-99", true, 100},
        {"0-0", true, 0},
        {"1-99", false, 0},
        {"0-", false, 0},
        {"-99", false, 0},
        {"99", false, 0},
        {"", false, 0},
        {"0-18446744073709551615", false, 0},
        {"0-1", true, 2},
        {"0-99999999999999999999", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t count = 0;
        assert_int_equal(oci_range_end(str_from(rows[i].text), &count), rows[i].is_good);
        assert_int_equal(count, rows[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_range_is__only_what_was_asked_for),
        cmocka_unit_test(test_range_end__counts_the_bytes_from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
