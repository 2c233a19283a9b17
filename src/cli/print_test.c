#include "base/testing.h"
#include "cli/print.h"
#include "cli/server.h"

static void test_print_safe__leaves_nothing_that_moves_the_cursor(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *line;
        const char *lines;
    } rows[] = {
        {"plain \xc3\xa4 \xe2\x82\xac", "plain \xc3\xa4 \xe2\x82\xac",
         "plain \xc3\xa4 \xe2\x82\xac"},
        {"a\nb\tc\rd", "a\\nb\\tc\\rd", "a\nb\tc\\rd"},
        {"\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f", "\\x1b[31mred\\x07\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m", "\\u009b31m"},
        {"\xe2\x80\xae"
         "evil",
         "\\u202eevil", "\\u202eevil"},
        {"\xe2\x81\xa6\xe2\x80\xa8", "\\u2066\\u2028", "\\u2066\\u2028"},
        {"\xff\xc3(\xed\xa0\x80", "\\xff\\xc3(\\xed\\xa0\\x80", "\\xff\\xc3(\\xed\\xa0\\x80"},
        {"", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf line = {0};
        autobuf struct buf lines = {0};
        cli_print_safe(&line, str_from(rows[i].text));
        cli_print_safe_lines(&lines, str_from(rows[i].text));
        assert_true(str_eqz(buf_view(&line), rows[i].line));
        assert_true(str_eqz(buf_view(&lines), rows[i].lines));
    }
}

static void test_print_safe_json__stays_equal_json(void **state)
{
    (void)state;
    autobuf struct buf text = {0};
    cli_print_safe_json(&text, STR("{\"a\":\"\xe2\x80\xae\x7f\xc3\xa4\"}\n"));
    assert_string_equal(text.p, "{\"a\":\"\\u202e\\u007f\xc3\xa4\"}\n");
}

static void test_path__encodes_segments_and_queries(void **state)
{
    (void)state;
    autobuf struct buf path = {0};
    cli_path_segment(&path, STR("a b/c?d%e~"));
    cli_path_query(&path, "none", NULL);
    cli_path_query(&path, "x", "1&2");
    cli_path_query(&path, "y", "\xc3\xa4");
    assert_string_equal(path.p, "/a%20b%2Fc%3Fd%25e~?x=1%262&y=%C3%A4");
}

static void test_status_error__takes_kind_text_and_causes(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {404, "{\"kind\":\"Status\",\"message\":\"no flags 'x'\"}", ERR_NOT_FOUND,
         "getting x: no flags 'x'"},
        {422,
         "{\"message\":\"bad\",\"details\":{\"causes\":[{\"field\":\"a\",\"message\":\"b\"}]}}",
         ERR_INVALID, "getting x: bad"},
        {502, "", ERR_FAILED, "getting x: the server answered 502"},
        {503, "<html>\n<b>no</b>", ERR_UNAVAILABLE, "getting x: the server answered 503: <html>"},
        {401, "{}", ERR_UNAUTHENTICATED, "getting x: the server answered 401: {}"},
        {403, "", ERR_DENIED, "getting x: the server answered 403"},
        {409, "", ERR_CONFLICT, "getting x: the server answered 409"},
        {412, "", ERR_CONFLICT, "getting x: the server answered 412"},
        {400, "", ERR_MALFORMED, "getting x: the server answered 400"},
        {302, "", ERR_FAILED, "getting x: the server answered 302"},
        {504, "", ERR_TIMEOUT, "getting x: the server answered 504"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(
            cli_status_error("getting x", rows[i].status, str_from(rows[i].body), &err),
            rows[i].kind);
        assert_string_equal(err.text, rows[i].text);
        bool has_causes = strstr(rows[i].body, "causes") != NULL;
        assert_string_equal(err.causes, has_causes ? "[{\"field\":\"a\",\"message\":\"b\"}]" : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_safe__leaves_nothing_that_moves_the_cursor),
        cmocka_unit_test(test_print_safe_json__stays_equal_json),
        cmocka_unit_test(test_path__encodes_segments_and_queries),
        cmocka_unit_test(test_status_error__takes_kind_text_and_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
