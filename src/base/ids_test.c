#include "base/ids.h"
#include "base/testing.h"

static void test_id_new__sorts_by_time_and_never_repeats(void **state)
{
    (void)state;
    char last[ID_CHARS + 1] = "";
    for (size_t i = 0; i < 10000; i++) {
        char id[ID_CHARS + 1];
        id_new(id);
        assert_true(id_is_valid(str_from(id)));
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof(id));
    }
}

/* Values worked out by hand from the alphabet: 26 characters carry 130 bits, the first two are zero. */
static void test_id_from_bits__is_crockford_base_32(void **state)
{
    (void)state;
    uint8_t bits[16] = {0};
    char id[ID_CHARS + 1];
    id_from_bits(bits, id);
    assert_string_equal(id, "00000000000000000000000000");
    memset(bits, 0xFF, sizeof(bits));
    id_from_bits(bits, id);
    assert_string_equal(id, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    memset(bits, 0, sizeof(bits));
    bits[15] = 33;
    id_from_bits(bits, id);
    assert_string_equal(id, "00000000000000000000000011");
}

static void test_id_is_valid__refuses_other_text(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0000000000000000000000000",
        "000000000000000000000000000",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "0000000000000000000000000I",
        "0000000000000000000000000a",
        "../../../../../../../../x.",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(id_is_valid(str_from(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_new__sorts_by_time_and_never_repeats),
        cmocka_unit_test(test_id_from_bits__is_crockford_base_32),
        cmocka_unit_test(test_id_is_valid__refuses_other_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
