#include "base/testing.h"
#include "cli/yaml.h"
#include "json/json.h"

static void test_yaml_read__gives_json_with_its_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *json;
    } rows[] = {
        {"a: 1\nb: 1.0\nc: 12345678901234567890\nd: -0.5e+10\n",
         "{\"a\":1,\"b\":1.0,\"c\":12345678901234567890,\"d\":-0.5e+10}\n"},
        {"a: '1'\nb: \"1.0\"\nc: 1 2\nd: v1.2.3\n",
         "{\"a\":\"1\",\"b\":\"1.0\",\"c\":\"1 2\",\"d\":\"v1.2.3\"}\n"},
        {"a: true\nb: False\nc: yes\nd: no\ne: on\n",
         "{\"a\":true,\"b\":false,\"c\":\"yes\",\"d\":\"no\",\"e\":\"on\"}\n"},
        {"a: ~\nb:\nc: null\nd: 'null'\n", "{\"a\":null,\"b\":null,\"c\":null,\"d\":\"null\"}\n"},
        {"- a\n- [b, {c: d}]\n- - e\n", "[\"a\",[\"b\",{\"c\":\"d\"}],[\"e\"]]\n"},
        {"a: |\n  one\n  two\nb: >-\n  one\n  two\n",
         "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}\n"},
        {"# nothing\n---\n---\na: 1\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}\n"},
        {"1: x\ntrue: y\n", "{\"1\":\"x\",\"true\":\"y\"}\n"},
        {"a: 1\na: 2\n", "{\"a\":1,\"a\":2}\n"},
        {"{\"a\": [1, \"\\u00e4\"]}", "{\"a\":[1,\"\xc3\xa4\"]}\n"},
        {"a: 2001-01-01\nb: 1e\nc: 1_000\n",
         "{\"a\":\"2001-01-01\",\"b\":\"1e\",\"c\":\"1_000\"}\n"},
        {"a: .5.\nb: .\nc: -x\n", "{\"a\":\".5.\",\"b\":\".\",\"c\":\"-x\"}\n"},
        {"", ""},
        {"# a comment\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf json = {0};
        assert_int_equal(cli_yaml_read(str_from(rows[i].yaml), &json, NULL), ERR_OK);
        assert_string_equal(json.p == NULL ? "" : json.p, rows[i].json);
    }
}

static void test_yaml_read__refuses_what_json_cannot_say(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *words;
    } rows[] = {
        {"a: 1\nb: 007\n", "line 2"},
        {"a: +1\n", "'+1'"},
        {"a: .5\n", "'.5'"},
        {"a: 5.\n", "'5.'"},
        {"a: 0x1F\n", "'0x1F'"},
        {"a: 0o17\n", "'0o17'"},
        {"a: .inf\n", "'.inf'"},
        {"a: -.Inf\n", "'-.Inf'"},
        {"a: .nan\n", "'.nan'"},
        {"a: &x 1\nb: *x\n", "anchors"},
        {"a: &x {b: 1}\n", "anchors"},
        {"a: *x\n", "alias"},
        {"*x : 1\n", "alias"},
        {"a: !!str 1\n", "tags"},
        {"a: !mine {}\n", "tags"},
        {"{[a]: 1}\n", "a key has to be text"},
        {"? {a: 1}\n: 2\n", "a key has to be text"},
        {"a: [1\n", "line"},
        {"a: b: c\n", "line 1"},
        {"a: \"\\q\"\n", "line 1"},
        {"a: \xff\n", "line"},
        {"\ta: 1\n", "line 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf json = {0};
        struct err err = {0};
        assert_int_equal(cli_yaml_read(str_from(rows[i].yaml), &json, &err), ERR_MALFORMED);
        assert_non_null(strstr(err.text, rows[i].words));
    }
}

static void test_yaml_read__bounds_nesting(void **state)
{
    (void)state;
    autobuf struct buf yaml = {0};
    autobuf struct buf json = {0};
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        buf_char(&yaml, '[');
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        buf_char(&yaml, ']');
    struct err err = {0};
    enum err_kind r = cli_yaml_read(buf_view(&yaml), &json, &err);
    assert_true(r == ERR_LIMIT || r == ERR_MALFORMED); /* libyaml may have a lower limit */
    assert_true(err.text[0] != '\0');
}

static void test_yaml_write__reads_back_as_the_same_json(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"a\":1.0,\"b\":1e400,\"c\":12345678901234567890,\"d\":\"1.0\"}",
        "{\"a\":\"yes\",\"b\":\"no\",\"c\":\"null\",\"d\":\"~\",\"e\":\"\",\"f\":\" x "
        "\",\"n\":\"y\"}",
        "{\"a\":{},\"b\":[],\"c\":[[],[{}],[1,[2,3]]],\"d\":[{\"e\":1,\"f\":[{\"g\":null}]}]}",
        "{\"a\":\"line\\nline\\ttab\",\"b\":\"# no comment\",\"c\":\"- no item\",\"d\":\"k: v\"}",
        "{\"true\":1,\"1\":2,\"\":3,\"a b\":4,\"ns/name\":5}",
        "[true,false,null,\"true\"]",
        "\"text\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf yaml = {0};
        autobuf struct buf json = {0};
        assert_int_equal(cli_yaml_write(&yaml, str_from(rows[i]), NULL), ERR_OK);
        assert_int_equal(cli_yaml_read(buf_view(&yaml), &json, NULL), ERR_OK);
        assert_true(str_eqz(str_trim(buf_view(&json)), rows[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_read__gives_json_with_its_spelling),
        cmocka_unit_test(test_yaml_read__refuses_what_json_cannot_say),
        cmocka_unit_test(test_yaml_read__bounds_nesting),
        cmocka_unit_test(test_yaml_write__reads_back_as_the_same_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
