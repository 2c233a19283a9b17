#include "base/mem.h"
#include "base/testing.h"
#include "json/json.h"

static void expect(const struct buf *got, const char *expected)
{
    if (!str_eqz(buf_view(got), expected))
        fail_msg("gave '%.*s' not '%s'", (int)got->n, got->p, expected);
}

static void test_json_text_write__compact_changes_blanks_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *compact;
    } rows[] = {
        {" { \"b\" : 1.0 ,\n\t\"a\" : [ 1e400 , -0 , 12345678901234567890 ] } ",
         "{\"b\":1.0,\"a\":[1e400,-0,12345678901234567890]}"},
        {"{\"a\":1, \"a\":2}", "{\"a\":1,\"a\":2}"},
        {"[ ]", "[]"},
        {"{ \n }", "{}"},
        {"[ [ ] , { } ]", "[[],{}]"},
        {" null ", "null"},
        {"\" a  b \"", "\" a  b \""},
        {"[\"{ \\\" [ , : \", \"\\\\\", \"\\\\\\\"\"]",
         "[\"{ \\\" [ , : \",\"\\\\\",\"\\\\\\\"\"]"},
        {"\"\\/\\u00e9\\u2028\xC3\xA9\"", "\"\\/\\u00e9\\u2028\xC3\xA9\""},
        {"\"<&>\"", "\"\\u003c\\u0026\\u003e\""},
        {"{\"<\":\">\"}", "{\"\\u003c\":\"\\u003e\"}"},
        {"\"\xE2\x80\xA8|\xE2\x80\xA9|\xE2\x80\xA7|\xE2\x80\xAA|\xE2\x82\xA8\"",
         "\"\\u2028|\\u2029|\xE2\x80\xA7|\xE2\x80\xAA|\xE2\x82\xA8\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf to = {0};
        json_text_write(&to, str_from(rows[i].text), 0, 0);
        expect(&to, rows[i].compact);
    }
}

static void test_json_text_write__indents_as_go_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned indent;
        unsigned level;
        const char *result;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,{}],\"c\":{}}", 2, 0,
         "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {}\n  ],\n  \"c\": {}\n}"},
        {"[[],{ },\"a:b,c\"]", 2, 0, "[\n  [],\n  {},\n  \"a:b,c\"\n]"},
        {"{\"a\":[1]}", 4, 0, "{\n    \"a\": [\n        1\n    ]\n}"},
        {"{\"a\":[1]}", 2, 2, "{\n      \"a\": [\n        1\n      ]\n    }"},
        {"1", 2, 3, "1"},
        {"{}", 2, 3, "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf to = {0};
        json_text_write(&to, str_from(rows[i].text), rows[i].indent, rows[i].level);
        expect(&to, rows[i].result);
    }
}

/* Written and compacted again it is what it was: nothing is lost between file and answer. */
static void test_json_text_write__indented_and_back_is_the_same(void **state)
{
    (void)state;
    struct str text =
        STR("{\"z\":[1.0,{\"k\":\"a \\\"b\\\" {\"},[[]],{}],\"a\":{\"b\":null},\"a\":-0}");
    autobuf struct buf indented = {0};
    autobuf struct buf compact = {0};
    json_text_write(&indented, text, 2, 0);
    json_text_write(&compact, buf_view(&indented), 0, 0);
    assert_true(str_eq(buf_view(&compact), text));
}

static void test_json_text_member__gives_the_last_with_its_own_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        const char *key;
        bool is_nocase;
        const char *text; /* NULL: absent */
    } rows[] = {
        {"{\"a\": 1.0 }", "a", false, "1.0"},
        {"{\"a\":1,\"b\":2,\"a\":[ 3 ]}", "a", false, "[ 3 ]"},
        {"{\"a\":1,\"\\u0061\":2}", "a", false, "2"},
        {"{\"\\\"\":1}", "\"", false, "1"},
        {" { \"a\" : { \"b\" : \"}\" } , \"c\" : null } ", "a", false, "{ \"b\" : \"}\" }"},
        {" { \"a\" : { \"b\" : \"}\" } , \"c\" : null } ", "c", false, "null"},
        {"{\"x\":{\"a\":1}}", "a", false, NULL},
        {"{\"A\":1,\"a\":2,\"A\":3}", "a", false, "2"},
        {"{\"A\":1,\"a\":2,\"A\":3}", "a", true, "3"},
        {"{\"Spec\":\"\\\\\"}", "spec", true, "\"\\\\\""},
        {"{\"sp\\u0065C\":true}", "spec", true, "true"},
        {"{}", "a", false, NULL},
        {"[\"a\",1]", "a", false, NULL},
        {"\"a\"", "a", false, NULL},
        {"1", "a", false, NULL},
        {"{\"\":5}", "", false, "5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got =
            json_text_member(str_from(rows[i].object), str_from(rows[i].key), rows[i].is_nocase);
        if (rows[i].text == NULL ? got.p != NULL : !str_eqz(got, rows[i].text))
            fail_msg("'%s' of '%s' gave '%.*s'", rows[i].key, rows[i].object, STR_ARG(got));
    }
}

static void test_json_text_string__writes_as_go(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *literal;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{"a/b", 3}, "\"a/b\""},
        {{"\"\\", 2}, "\"\\\"\\\\\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\0\x01\x1f\x7f", 4}, "\"\\u0000\\u0001\\u001f\x7f\""},
        {{"<&>", 3}, "\"\\u003c\\u0026\\u003e\""},
        {{"\xC3\xA9\xF0\x9F\x98\x80", 6}, "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {{"\xE2\x80\xA8\xE2\x80\xA9", 6}, "\"\\u2028\\u2029\""},
        {{"a\xFF"
          "b",
          3},
         "\"a\\ufffdb\""},
        {{"\xC3", 1}, "\"\\ufffd\""},
        {{"\xE2\x80", 2}, "\"\\ufffd\\ufffd\""},
        {{"\xED\xA0\x80", 3}, "\"\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf to = {0};
        json_text_string(&to, rows[i].text);
        expect(&to, rows[i].literal);
    }
}

static void canonical(const char *text, struct buf *to)
{
    auto_json struct json_doc doc = {0};
    struct err err = {0};
    assert_int_equal(json_parse(str_from(text), JSON_STORED, &doc, &err), ERR_OK);
    json_text_canonical(to, doc.root);
}

static void test_json_text_canonical__sorts_keys_and_keeps_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
    } rows[] = {
        {"{ \"b\": 1.0, \"a\": [ 2 , {\"d\":1e400,\"c\":-0} ] }",
         "{\"a\":[2,{\"c\":-0,\"d\":1e400}],\"b\":1.0}"},
        {"{\"aa\":1,\"a\":2,\"B\":3,\"\xC3\xA9\":4}", "{\"B\":3,\"a\":2,\"aa\":1,\"\xC3\xA9\":4}"},
        {"\"\\u0061\\/\\u00e9\"", "\"a/\xC3\xA9\""},
        {"[true,false,null,{},[]]", "[true,false,null,{},[]]"},
        {"12345678901234567890", "12345678901234567890"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf to = {0};
        canonical(rows[i].text, &to);
        expect(&to, rows[i].canonical);
    }
}

/* The order of equal keys must not depend on the sorting: it is what an ETag is made of. */
static void test_json_text_canonical__keeps_the_order_of_equal_keys(void **state)
{
    (void)state;
    autobuf struct buf text = {0};
    autobuf struct buf expected = {0};
    autobuf struct buf to = {0};
    buf_char(&text, '{');
    buf_char(&expected, '{');
    for (unsigned i = 0; i < 100; i++) {
        buf_printf(&text, "%s\"b\":%u,\"a\":%u", i == 0 ? "" : ",", i, i);
        buf_printf(&expected, "%s\"a\":%u", i == 0 ? "" : ",", i);
    }
    for (unsigned i = 0; i < 100; i++)
        buf_printf(&expected, ",\"b\":%u", i);
    buf_char(&text, '}');
    buf_char(&expected, '}');
    canonical(text.p, &to);
    expect(&to, expected.p);
}

/* What json_parse took is walked without recursion trouble or quadratic time. */
static void test_adv_25__text_functions_survive_deep_and_wide_documents(void **state)
{
    (void)state;
    autobuf struct buf deep = {0};
    autobuf struct buf wide = {0};
    autobuf struct buf to = {0};
    for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
        buf_text(&deep, "[");
    for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
        buf_text(&deep, "]");
    canonical(deep.p, &to);
    assert_true(str_eq(buf_view(&to), buf_view(&deep)));
    buf_char(&wide, '{');
    for (unsigned i = 0; i < 100000; i++)
        buf_printf(&wide, "\"k%u\":%u,", i, i);
    buf_text(&wide, "\"spec\":1.0}");
    assert_true(str_eqz(json_text_member(buf_view(&wide), STR("SPEC"), true), "1.0"));
    buf_clear(&to);
    json_text_write(&to, buf_view(&wide), 0, 0);
    assert_true(str_eq(buf_view(&to), buf_view(&wide)));
}

static void test_adv_25__spelling_survives_put_and_get(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "12345678901234567890",
        "9007199254740993",
        "1.0",
        "1E400",
        "-0",
        "0.10",
        "1e-400",
        "\"\\u00e9\\/\\ud83d\\ude00\"",
        "{\"z\":1,\"a\":2,\"M\":3}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autofree char *object = mem_printf("{\"spec\":%s}", rows[i]);
        autobuf struct buf file = {0};
        autobuf struct buf answer = {0};
        json_text_write(&file, str_from(object), 2, 0);
        json_text_write(&answer, buf_view(&file), 0, 0);
        assert_true(str_eqz(json_text_member(buf_view(&answer), STR("spec"), false), rows[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_text_write__compact_changes_blanks_only),
        cmocka_unit_test(test_json_text_write__indents_as_go_does),
        cmocka_unit_test(test_json_text_write__indented_and_back_is_the_same),
        cmocka_unit_test(test_json_text_member__gives_the_last_with_its_own_tokens),
        cmocka_unit_test(test_json_text_string__writes_as_go),
        cmocka_unit_test(test_json_text_canonical__sorts_keys_and_keeps_numbers),
        cmocka_unit_test(test_json_text_canonical__keeps_the_order_of_equal_keys),
        cmocka_unit_test(test_adv_25__text_functions_survive_deep_and_wide_documents),
        cmocka_unit_test(test_adv_25__spelling_survives_put_and_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
