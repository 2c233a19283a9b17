#include "oci/digest.h"
#include "oci/testing.h"

static void test_show__escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } rows[] = {
        {"a/b:c", "a/b:c"},      {"a\nb\x1b[0m", "a\\x0ab\\x1b[0m"},
        {"it's", "it\\x27s"},    {"\xc3\xa4", "\xc3\xa4"},
        {"\xc2\x85", "\\u0085"}, {"\xff\xc3\xa4", "\\xff\\xc3\\xa4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char shown[OCI_SHOWN_MAX];
        assert_string_equal(oci_show(str_from(rows[i].text), shown), rows[i].shown);
    }
}

/* Bytes that only go on with a sequence, without one: found by fuzz/reference. */
static void test_show__cuts_what_is_long(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "\x90", "\xc3", "\xc3\xa4", "\xf0\x9f\x98\x80", "\n"};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        autobuf struct buf text = {0};
        autofree char *shown = mem_alloc(OCI_SHOWN_MAX);
        for (int k = 0; k < 300; k++)
            buf_text(&text, pieces[i]);
        oci_show(buf_view(&text), shown);
        assert_true(strlen(shown) < OCI_SHOWN_MAX);
        assert_true(str_ends(str_from(shown), STR("...")));
        assert_true(str_is_utf8(str_from(shown)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_show__escapes),
        cmocka_unit_test(test_show__cuts_what_is_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
