#include "base/clock.h"
#include "base/mem.h"
#include "base/testing.h"
#include "json/json.h"

/* `count` times `open`, then `middle`, then `count` times `close`. */
static char *nested(const char *open, const char *middle, const char *close, size_t count)
{
    struct buf text = {0};
    for (size_t i = 0; i < count; i++)
        buf_text(&text, open);
    buf_text(&text, middle);
    for (size_t i = 0; i < count; i++)
        buf_text(&text, close);
    return buf_steal(&text);
}

static enum err_kind parse(struct str text, enum json_mode mode, struct err *err)
{
    auto_json struct json_doc doc = {0};
    return json_parse(text, mode, &doc, err);
}

static void test_json_parse__takes_what_is_json(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "\"\"",
        " \t\r\n1\t\r\n ",
        "12345678901234567890123",
        "1.0",
        "1e400",
        "-1E+2",
        "1.5e-7",
        "\"\\u00e9\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
        "\"\\ud83d\\ude00\"",
        "\"\xC3\xA9\xE2\x80\xA8\x7F\"",
        "\"\\u0000\"",
        "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}",
        "{\"a\":1,\"A\":2}",
        "{\"\":1}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        if (parse(str_from(rows[i]), JSON_STRICT, &err) != ERR_OK ||
            parse(str_from(rows[i]), JSON_STORED, &err) != ERR_OK)
            fail_msg("'%s': %s", rows[i], err.text);
    }
}

/* Rows in both modes; what only the strict mode refuses stands in the tests below. */
static void test_json_parse__refuses_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"", "the text is empty"},
        {" \n", "the text is empty"},
        {"\xEF\xBB\xBF{}", "a byte-order mark at line 1, column 1"},
        {"\xEF\xBB\xBF", "a byte-order mark"},
        {"\xFF\xFE{", "line 1, column 1"},
        {"{", "line 1"},
        {"[1,]", "line 1"},
        {"{\"a\":1,}", "line 1"},
        {"{\n  \"a\": x\n}", "line 2, column 8"},
        {"{a:1}", "line 1, column 2"},
        {"{'a':1}", "line 1, column 2"},
        {"{\"a\" 1}", "line 1"},
        {"{1:1}", "line 1"},
        {"[1 2]", "line 1"},
        {"]", "line 1, column 1"},
        {"01", "line 1"},
        {"+1", "line 1"},
        {".5", "line 1"},
        {"1.", "line 1"},
        {"1e", "line 1"},
        {"-", "line 1"},
        {"NaN", "line 1"},
        {"Infinity", "line 1"},
        {"nul", "line 1"},
        {"True", "line 1"},
        {"// c\n1", "line 1"},
        {"/* c */1", "line 1"},
        {"\"a", "line 1"},
        {"\"\\x41\"", "line 1"},
        {"\"\\u00g0\"", "line 1"},
        {"\"\\ud800\"", "line 1"},
        {"\"\\udc00\"", "line 1"},
        {"\"a\nb\"", "line 1"},
        {"\"\t\"", "line 1"},
        {"\"\xFF\"", "line 1"},
        {"\"\xC3\"", "line 1"},
        {"\"\xC0\x80\"", "line 1"},
        {"\"\xED\xA0\x80\"", "line 1"},
        {"\"\xF4\x90\x80\x80\"", "line 1"},
    };
    static const enum json_mode modes[] = {JSON_STRICT, JSON_STORED};
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        const char *text = rows[i / 2].text;
        struct err err = {0};
        if (parse(str_from(text), modes[i % 2], &err) != ERR_MALFORMED)
            fail_msg("'%s' in mode %zu: %s", text, i % 2, err.text);
        if (strstr(err.text, rows[i / 2].says) == NULL)
            fail_msg("'%s' says '%s'", text, err.text);
    }
}

static void test_json_parse__refuses_zero_bytes(void **state)
{
    (void)state;
    static const struct str rows[] = {
        {"\0", 1}, {"{}\0", 3}, {"{\"a\0b\":1}", 9}, {"\"\0\"", 3}, {"[1\0]", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(parse(rows[i], JSON_STRICT, &err), ERR_MALFORMED);
    }
}

static void test_json_parse__strict_wants_one_document_stored_takes_the_first(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *first;
    } rows[] = {
        {"{} x", "{}"},
        {"{}{}", "{}"},
        {"[1]]", "[1]"},
        {"1 2", "1"},
        {"null,", "null"},
        {"\"a\"}", "\"a\""},
        {" {\"a\": 1}\n garbage \xFF", "{\"a\": 1}"},
        {"{}\n[[[[", "{}"},
        {"0x10", "0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        auto_json struct json_doc doc = {0};
        if (parse(str_from(rows[i].text), JSON_STRICT, &err) != ERR_MALFORMED)
            fail_msg("strict takes '%s'", rows[i].text);
        assert_int_equal(json_parse(str_from(rows[i].text), JSON_STORED, &doc, &err), ERR_OK);
        if (!str_eqz(doc.text, rows[i].first))
            fail_msg("'%s' gave '%.*s'", rows[i].text, STR_ARG(doc.text));
    }
}

static void test_json_parse__strict_names_the_duplicate_key(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"{\"a\":1,\"a\":1}", "duplicate key \"a\""},
        {"{\"a\":1,\"\\u0061\":2}", "duplicate key \"a\""},
        {"{\"\xC3\xA9\":1,\"\\u00e9\":2}", "duplicate key \"\xC3\xA9\""},
        {"{\"/\":1,\"\\/\":2}", "duplicate key \"/\""},
        {"{\"\":1,\"\":2}", "duplicate key \"\""},
        {"[0,{\"b\":{\"c\":[{\"d\":1,\"e\":2,\"d\":3}]}}]", "duplicate key \"d\""},
        {"{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,"
         "\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1,\"17\":1,\"1\":2}",
         "duplicate key \"1\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        if (parse(str_from(rows[i].text), JSON_STRICT, &err) != ERR_MALFORMED)
            fail_msg("strict takes '%s'", rows[i].text);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("'%s' says '%s'", rows[i].text, err.text);
        assert_int_equal(parse(str_from(rows[i].text), JSON_STORED, &err), ERR_OK);
    }
}

/* A key is shown in errors: nothing in it may act upon a terminal or a log. */
static void test_json_parse__shows_a_duplicate_key_escaped(void **state)
{
    (void)state;
    struct err err = {0};
    struct str text = STR("{\"a\\u001b[31m\\n\\\"\":1,\"a\\u001b[31m\\n\\\"\":2}");
    assert_int_equal(parse(text, JSON_STRICT, &err), ERR_MALFORMED);
    assert_null(strchr(err.text, '\x1b'));
    assert_null(strchr(err.text, '\n'));
    assert_non_null(strstr(err.text, "a\\u001b[31m\\n\\\""));
}

static void test_json_parse__bounds_the_depth(void **state)
{
    (void)state;
    static const struct {
        const char *open;
        const char *middle;
        const char *close;
        size_t count;
        enum err_kind kind;
    } rows[] = {
        {"[", "", "]", JSON_DEPTH_MAX, ERR_OK},
        {"[", "", "]", JSON_DEPTH_MAX + 1, ERR_LIMIT},
        {"{\"a\":", "1", "}", JSON_DEPTH_MAX, ERR_OK},
        {"{\"a\":", "1", "}", JSON_DEPTH_MAX + 1, ERR_LIMIT},
        {"[{\"a\":", "1", "}]", JSON_DEPTH_MAX / 2, ERR_OK},
        {"[{\"a\":", "1", "}]", JSON_DEPTH_MAX / 2 + 1, ERR_LIMIT},
        {"[", "", "", 100000, ERR_LIMIT},
        {"{\"a\":", "", "", 100000, ERR_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        autofree char *text = nested(rows[i].open, rows[i].middle, rows[i].close, rows[i].count);
        struct str rest = str_from(text);
        auto_json struct json_doc doc = {0};
        assert_int_equal(parse(str_from(text), JSON_STRICT, &err), rows[i].kind);
        assert_int_equal(parse(str_from(text), JSON_STORED, &err), rows[i].kind);
        assert_int_equal(json_parse_next(&rest, &doc, &err), rows[i].kind);
    }
    struct err err = {0};
    autofree char *in_string = nested("[", "", "", 5000);
    autofree char *text = mem_printf("[\"%s\\\"[\", [], [], []]", in_string);
    assert_int_equal(parse(str_from(text), JSON_STRICT, &err), ERR_OK);
}

static void test_json_parse_next__walks_a_stream(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *seen;
        enum err_kind end;
    } rows[] = {
        {"", "", ERR_OK},
        {" \n ", "", ERR_OK},
        {"{}", "{};", ERR_OK},
        {"{}{\"a\":1}\n\n[2]  ", "{};{\"a\":1};[2];", ERR_OK},
        {"\"a\"\"b\"true null", "\"a\";\"b\";true;null;", ERR_OK},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2};", ERR_OK},
        {"{} garbage", "{};", ERR_MALFORMED},
        {"{},{}", "{};", ERR_MALFORMED},
        {"{}\n{", "{};", ERR_MALFORMED},
        {"1 2\n", "1;2;", ERR_OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str rest = str_from(rows[i].text);
        autobuf struct buf seen = {0};
        struct err err = {0};
        enum err_kind r;
        for (;;) {
            auto_json struct json_doc doc = {0};
            r = json_parse_next(&rest, &doc, &err);
            if (r != ERR_OK || doc.doc == NULL)
                break;
            buf_str(&seen, doc.text);
            buf_char(&seen, ';');
        }
        assert_int_equal(r, rows[i].end);
        if (!str_eqz(buf_view(&seen), rows[i].seen))
            fail_msg("'%s' gave '%.*s'", rows[i].text, (int)seen.n, seen.p);
    }
}

static void test_json_get__finds_the_last_of_duplicates(void **state)
{
    (void)state;
    auto_json struct json_doc doc = {0};
    struct err err = {0};
    struct str text = STR("{\"a\":\"1\",\"A\":\"2\",\"\\u0061\":\"3\",\"Kind\":\"4\",\"n\":5}");
    assert_int_equal(json_parse(text, JSON_STORED, &doc, &err), ERR_OK);
    assert_true(str_eqz(json_str(json_get(doc.root, "a")), "3"));
    assert_true(str_eqz(json_str(json_get(doc.root, "A")), "2"));
    assert_true(str_eqz(json_str(json_get_nocase(doc.root, "A")), "3"));
    assert_true(str_eqz(json_str(json_get_nocase(doc.root, "kind")), "4"));
    assert_null(json_get(doc.root, "kind"));
    assert_null(json_get(doc.root, "b"));
    assert_null(json_get(json_get(doc.root, "a"), "a"));
    assert_null(json_get(NULL, "a"));
    assert_null(json_str(json_get(doc.root, "n")).p);
    assert_null(json_str(NULL).p);
}

/* yyjson keeps numbers as raw text: nothing is rounded on the way. */
static void test_json_parse__keeps_numbers_as_they_are_spelled(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "12345678901234567890",
        "1.0",
        "1e400",
        "-0",
        "0.1000",
        "1E+2",
        "-1e-400",
        "123456789012345678901234567890.123456789",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_json struct json_doc doc = {0};
        struct err err = {0};
        assert_int_equal(json_parse(str_from(rows[i]), JSON_STRICT, &doc, &err), ERR_OK);
        assert_true(yyjson_is_raw(doc.root));
        assert_true(str_eqz(str_of(yyjson_get_raw(doc.root), yyjson_get_len(doc.root)), rows[i]));
    }
}

/* What a PUT brings is refused before anything walks it, and in no time. */
static void test_adv_25__hostile_documents_are_refused_at_once(void **state)
{
    (void)state;
    struct err err = {0};
    autobuf struct buf many = {0};
    autofree char *open = nested("[", "", "", 100000);
    assert_int_equal(parse(str_from(open), JSON_STRICT, &err), ERR_LIMIT);
    buf_char(&many, '{');
    for (unsigned i = 0; i < 200000; i++)
        buf_printf(&many, "\"k%u\":%u,", i, i);
    buf_text(&many, "\"k7\":0}");
    assert_int_equal(parse(buf_view(&many), JSON_STRICT, &err), ERR_MALFORMED);
    assert_non_null(strstr(err.text, "duplicate key \"k7\""));
}

/* Each document costs what it is long, not what the stream is: 200,000 in a second or so. */
static void test_json_parse_next__takes_linear_time(void **state)
{
    (void)state;
    static const char *const documents[] = {"1 ", "\"a\"", "{\"a\":[1]}", "[]\n"};
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        autobuf struct buf stream = {0};
        struct err err = {0};
        size_t count = 0;
        for (unsigned k = 0; k < 200000; k++)
            buf_text(&stream, documents[i]);
        struct str rest = buf_view(&stream);
        int64_t started = clock_monotonic_ms();
        for (;; count++) {
            auto_json struct json_doc doc = {0};
            assert_int_equal(json_parse_next(&rest, &doc, &err), ERR_OK);
            if (doc.doc == NULL)
                break;
        }
        assert_int_equal(count, 200000);
        assert_true(clock_monotonic_ms() - started < 10000);
    }
}

/* What follows the first document is not looked at, however deep. */
static void test_json_parse__stored_ignores_the_depth_of_what_follows(void **state)
{
    (void)state;
    autofree char *deep = nested("[", "", "", 5000);
    static const char *const first[] = {"1 ", "\"a\" ", "{} ", "null\n"};
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        struct err err = {0};
        autofree char *text = mem_printf("%s%s", first[i], deep);
        assert_int_equal(parse(str_from(text), JSON_STORED, &err), ERR_OK);
        assert_int_equal(parse(str_from(text), JSON_STRICT, &err), ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_parse__takes_what_is_json),
        cmocka_unit_test(test_json_parse__refuses_what_is_none),
        cmocka_unit_test(test_json_parse__refuses_zero_bytes),
        cmocka_unit_test(test_json_parse__strict_wants_one_document_stored_takes_the_first),
        cmocka_unit_test(test_json_parse__strict_names_the_duplicate_key),
        cmocka_unit_test(test_json_parse__shows_a_duplicate_key_escaped),
        cmocka_unit_test(test_json_parse__bounds_the_depth),
        cmocka_unit_test(test_json_parse_next__walks_a_stream),
        cmocka_unit_test(test_json_parse_next__takes_linear_time),
        cmocka_unit_test(test_json_parse__stored_ignores_the_depth_of_what_follows),
        cmocka_unit_test(test_json_get__finds_the_last_of_duplicates),
        cmocka_unit_test(test_json_parse__keeps_numbers_as_they_are_spelled),
        cmocka_unit_test(test_adv_25__hostile_documents_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
