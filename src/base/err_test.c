#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/testing.h"

#include <errno.h>

static void test_err_info__each_kind_has_name_status_and_exit_code(void **state)
{
    (void)state;
    for (int kind = 0; kind < ERR_KIND_COUNT; kind++) {
        const struct err_info *info = err_info((enum err_kind)kind);
        assert_non_null(info->name);
        assert_in_range(info->http_status, 200, 599);
        if (kind != ERR_CANCELLED)
            assert_in_range(info->exit_code, 0, 8);
    }
    assert_int_equal(err_info(ERR_CANCELLED)->exit_code, 130); /* as a shell has it for SIGINT */
    assert_int_equal(err_info(ERR_NOT_FOUND)->exit_code, 3);
    assert_int_equal(err_info(ERR_UNVERIFIED)->exit_code, 7);
    assert_int_equal(err_info(ERR_UNAVAILABLE)->exit_code, 8);
}

static void test_err_wrap__keeps_the_kind_and_puts_text_before(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no '%s'", "x"), ERR_NOT_FOUND);
    assert_int_equal(err_wrap(&err, "reading %d", 7), ERR_NOT_FOUND);
    assert_string_equal(err.text, "reading 7: no 'x'");
    assert_int_equal(err_errno(&err, ENOSPC, "writing"), ERR_NO_SPACE);
}

static void test_err_set__cuts_long_text_between_characters(void **state)
{
    (void)state;
    struct err err = {0};
    char text[2 * ERR_TEXT_MAX];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof(text) - 2] = '\0';
    err_set(&err, ERR_INVALID, "x%s", text);
    assert_true(str_is_utf8(str_from(err.text)));
    assert_in_range(strlen(err.text), ERR_TEXT_MAX - 4, ERR_TEXT_MAX - 1);
    for (int i = 0; i < 100; i++)
        err_wrap(&err, "wrapped");
    assert_true(strlen(err.text) < ERR_TEXT_MAX);
}

static void test_buf__sticks_to_its_maximum(void **state)
{
    (void)state;
    autobuf struct buf b;
    buf_init(&b, 8);
    buf_text(&b, "12345678");
    struct err err = {0};
    assert_int_equal(buf_check(&b, "body", &err), ERR_OK);
    buf_char(&b, '9');
    buf_text(&b, "");
    assert_int_equal(buf_check(&b, "body", &err), ERR_LIMIT);
    assert_string_equal(err.text, "body is larger than 8 bytes");
    assert_int_equal(b.n, 8);
}

/* FIPS 180-2, appendix B.1 */
static void test_sha256__gives_the_standard_s_value(void **state)
{
    (void)state;
    char hex[SHA256_HEX + 1];
    sha256_hex_of(STR("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_info__each_kind_has_name_status_and_exit_code),
        cmocka_unit_test(test_err_wrap__keeps_the_kind_and_puts_text_before),
        cmocka_unit_test(test_err_set__cuts_long_text_between_characters),
        cmocka_unit_test(test_buf__sticks_to_its_maximum),
        cmocka_unit_test(test_sha256__gives_the_standard_s_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
