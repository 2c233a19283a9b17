#include "core/names.h"

#include "base/testing.h"

static void test_names__accept_what_people_name_things(void **state)
{
    static const char *const rows[] = {
        "a",
        "default",
        "new-contact-page",
        "A_b.c",
        "team,x",
        "user@example.com",
        "v1+2",
        "~x",
        "k=v",
        "0",
        "\xC3\xA9t\xC3\xA9",
        "\xE6\x97\xA5\xE6\x9C\xAC"};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(core_names_check_name(str_from(rows[i]), &err), ERR_OK);
        assert_int_equal(core_names_check_namespace(str_from(rows[i]), &err), ERR_OK);
    }
}

/* hardening 28: whatever could be a path, a glob, an option or a forged line. */
static void test_adv_28__names_that_lead_elsewhere_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t n; /* 0: strlen */
    } rows[] = {
        {"", 0},
        {".", 0},
        {"..", 0},
        {"../x", 0},
        {"a/b", 0},
        {"a\\b", 0},
        {"-x", 0},
        {".hidden", 0},
        {"a.", 0},
        {"a b", 0},
        {"a\nb", 0},
        {"a\r", 0},
        {"\x1b[31m", 0},
        {"a\0b", 3},
        {"*", 0},
        {"a?", 0},
        {"[a]", 0},
        {"a:b", 0},
        {"a%2fb", 0},
        {"{x}", 0},
        {"\xC0\xAE", 0},
        {"\xC0\xAE\xC0\xAE/", 0},
        {"\xFF", 0},
        {"\xED\xA0\x80", 0},
        {"g\xE2\x80\x8C"
         "it",
         0},
        {"x\xE2\x80\xAEy", 0},
        {"\xEF\xBB\xBFx", 0},
        {"a\xC2\x85", 0},
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = rows[i].n != 0 ? rows[i].n : strlen(rows[i].text);
        assert_int_equal(core_names_check_name(str_of(rows[i].text, n), &err), ERR_INVALID);
        assert_non_null(strstr(err.text, "invalid name"));
        assert_null(strpbrk(err.text, "\n\r\x1b"));
        assert_int_equal(core_names_check_namespace(str_of(rows[i].text, n), &err), ERR_INVALID);
    }
}

static void test_names__are_at_most_253_bytes(void **state)
{
    char text[254];
    struct err err;
    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(core_names_check_name(str_of(text, 253), &err), ERR_OK);
    assert_int_equal(core_names_check_name(str_of(text, 254), &err), ERR_INVALID);
}

static void test_names__a_star_namespace_is_told_the_new_way(void **state)
{
    struct err err;
    (void)state;
    assert_int_equal(core_names_check_namespace(STR("*"), &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "/apis/GROUP/VERSION/PLURAL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names__accept_what_people_name_things),
        cmocka_unit_test(test_adv_28__names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(test_names__are_at_most_253_bytes),
        cmocka_unit_test(test_names__a_star_namespace_is_told_the_new_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
