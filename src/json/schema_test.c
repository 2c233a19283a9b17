#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/testing.h"
#include "json/schema.h"

#include <yyjson.h>

static enum err_kind validate(const char *schema, struct str document, struct err *err)
{
    struct json_schema *s = NULL;
    if (json_schema_compile(str_from(schema), &s, err) != ERR_OK)
        fail_msg("'%s': %s", schema, err->text);
    enum err_kind r = json_schema_validate(s, document, err);
    json_schema_free(s);
    return r;
}

struct row {
    const char *schema;
    const char *document;
    enum err_kind kind;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        if (validate(rows[i].schema, str_from(rows[i].document), &err) != rows[i].kind)
            fail_msg("'%s' on '%s': %s", rows[i].document, rows[i].schema, err.text);
    }
}

#define DRAFT(n) "\"$schema\":\"http://json-schema.org/draft-0" n "/schema#\","
#define DRAFT_2019 "\"$schema\":\"https://json-schema.org/draft/2019-09/schema\","
#define DRAFT_2020 "\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","

static void test_schema_validate__follows_the_draft(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{" DRAFT("4") "\"minimum\":1,\"exclusiveMinimum\":true}", "1", ERR_INVALID},
        {"{" DRAFT("4") "\"minimum\":1,\"exclusiveMinimum\":true}", "2", ERR_OK},
        {"{" DRAFT("4") "\"const\":1}", "2", ERR_OK},
        {"{" DRAFT("6") "\"exclusiveMinimum\":1}", "1", ERR_INVALID},
        {"{" DRAFT("6") "\"const\":1}", "2", ERR_INVALID},
        {"{" DRAFT("6") "\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":5}}", "1", ERR_OK},
        {"{" DRAFT("7") "\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":5}}", "1",
         ERR_INVALID},
        {"{" DRAFT("7") "\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", ERR_OK},
        {"{" DRAFT_2019 "\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", ERR_INVALID},
        {"{" DRAFT_2019 "\"prefixItems\":[{\"type\":\"string\"}]}", "[1]", ERR_OK},
        {"{" DRAFT_2020 "\"prefixItems\":[{\"type\":\"string\"}]}", "[1]", ERR_INVALID},
        {"{\"prefixItems\":[{\"type\":\"string\"}]}", "[1]", ERR_INVALID},
        {"{\"$defs\":{\"a\":{\"type\":\"string\"}},\"$ref\":\"#/$defs/a\"}", "1", ERR_INVALID},
        {"{\"$defs\":{\"a\":{\"type\":\"string\"}},\"$ref\":\"#/$defs/a\"}", "\"\"", ERR_OK},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_schema_validate__takes_boolean_and_empty_schemas(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"true", "{\"a\":1}", ERR_OK},
        {"{}", "[]", ERR_OK},
        {"false", "1", ERR_INVALID},
        {" { } ", "null", ERR_OK},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_schema_validate__asserts_formats(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"format\":\"date-time\"}", "\"2022-01-01T00:00:00Z\"", ERR_OK},
        {"{\"format\":\"date-time\"}", "\"yesterday\"", ERR_INVALID},
        {"{\"format\":\"ipv4\"}", "\"10.0.0.256\"", ERR_INVALID},
        {"{\"format\":\"email\"}", "\"no at sign\"", ERR_INVALID},
        {"{\"format\":\"email\"}", "\"a@example.com\"", ERR_OK},
        {"{\"format\":\"uuid\"}", "\"x\"", ERR_INVALID},
        {"{" DRAFT("7") "\"format\":\"ipv4\"}", "\"x\"", ERR_INVALID},
        {"{\"format\":\"no-such-format\"}", "\"x\"", ERR_OK},
        {"{\"format\":\"ipv4\"}", "5", ERR_OK},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_schema_validate__compares_numbers_beyond_double(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"type\":\"integer\"}", "12345678901234567890123", ERR_OK},
        {"{\"type\":\"integer\"}", "5.0", ERR_OK},
        {"{\"type\":\"integer\"}", "5.5", ERR_INVALID},
        {"{\"type\":\"integer\"}", "-0", ERR_OK},
        {"{\"type\":\"number\"}", "1e400", ERR_OK},
        {"{\"type\":\"string\"}", "1e400", ERR_INVALID},
        {"{\"maximum\":10}", "1e400", ERR_INVALID},
        {"{\"minimum\":10}", "1e400", ERR_OK},
        {"{\"maximum\":9007199254740992}", "9007199254740993", ERR_INVALID},
        {"{\"const\":9007199254740993}", "9007199254740992", ERR_INVALID},
        {"{\"const\":9007199254740993}", "9007199254740993", ERR_OK},
        {"{\"enum\":[12345678901234567890]}", "12345678901234567891", ERR_INVALID},
        {"{\"multipleOf\":0.1}", "0.3", ERR_OK},
        {"{\"const\":1}", "1.0", ERR_OK},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_schema_validate__counts_the_last_of_duplicate_keys(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":\"x\",\"a\":1}", ERR_OK},
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":1,\"a\":\"x\"}", ERR_INVALID},
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"A\":\"x\"}", ERR_OK},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_schema_validate__tells_each_cause_with_its_field(void **state)
{
    (void)state;
    static const char *const schema =
        "{\"properties\":{\"spec\":{\"properties\":{\"size\":{\"minimum\":1},\"note\":{\"type\":"
        "\"string\"},\"list\":{\"items\":{\"type\":\"integer\"}}}}}}";
    static const struct {
        const char *document;
        const char *field;
    } rows[] = {
        {"{\"spec\":{\"size\":0}}", "spec.size"},
        {"{\"spec\":{\"list\":[1,\"x\"]}}", "spec.list.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(validate(schema, str_from(rows[i].document), &err), ERR_INVALID);
        autofree char *start = mem_printf("[{\"field\":\"%s\",\"message\":\"", rows[i].field);
        assert_true(str_starts(str_from(err.causes), str_from(start)));
        assert_true(str_starts(str_from(err.text), str_from(rows[i].field)));
    }
    struct err err = {0};
    assert_int_equal(validate("{\"type\":\"object\"}", STR("[]"), &err), ERR_INVALID);
    assert_true(str_starts(str_from(err.causes), STR("[{\"field\":\"(root)\"")));
    assert_int_equal(
        validate(schema, STR("{\"spec\":{\"size\":0,\"note\":5}}"), &err), ERR_INVALID);
    assert_non_null(strstr(err.causes, "\"spec.size\""));
    assert_non_null(strstr(err.causes, "\"spec.note\""));
}

/* At most twenty causes, never half of one, whatever the document holds. */
static void test_schema_validate__bounds_the_causes(void **state)
{
    (void)state;
    static const char *const items[] = {"\"x\"", "\"<&>\\\"\\\\ \\u0000\\u001b\"", NULL};
    autobuf struct buf long_item = {0};
    buf_char(&long_item, '"');
    for (unsigned i = 0; i < 2000; i++)
        buf_text(&long_item, "\xC3\xA9");
    buf_char(&long_item, '"');
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        autobuf struct buf document = {0};
        struct err err = {0};
        buf_char(&document, '[');
        for (unsigned k = 0; k < 100; k++) {
            buf_text(&document, k == 0 ? "" : ",");
            buf_text(&document, items[i] == NULL ? long_item.p : items[i]);
        }
        buf_char(&document, ']');
        assert_int_equal(
            validate("{\"items\":{\"type\":\"integer\"}}", buf_view(&document), &err), ERR_INVALID);
        yyjson_doc *causes = yyjson_read(err.causes, strlen(err.causes), 0);
        assert_non_null(causes);
        size_t count = yyjson_arr_size(yyjson_doc_get_root(causes));
        assert_true(count >= 5 && count <= 20);
        yyjson_doc_free(causes);
        assert_true(str_is_utf8(str_from(err.text)));
    }
}

/* What a client or an image wrote is shown, so nothing in it may act upon a terminal or a log. */
static void test_schema_errors__hold_no_control_characters(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{\"a\\u001b[31m\\r\\nb\":1}",
        "{\"\\u009b31m\\u0085x\":1}",
        "{\"\\u007f\\u0000\":1}",
    };
    static const char *const schemas[] = {
        "{\"additionalProperties\":false}",
        "{\"additionalProperties\":{\"type\":\"string\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(documents) * ARRAY_LEN(schemas); i++) {
        struct err err = {0};
        assert_int_equal(validate(schemas[i % 2], str_from(documents[i / 2]), &err), ERR_INVALID);
        for (const char *p = err.text; *p != '\0'; p++)
            assert_false((unsigned char)*p < ' ' || *p == 0x7F);
        assert_null(strstr(err.text, "\xC2\x9B"));
        assert_true(str_is_utf8(str_from(err.text)));
        assert_true(err.causes[0] == '[');
    }
    struct json_schema *s = NULL;
    struct err err = {0};
    struct str bad = STR("{\"pattern\":\"(\\u001b[31m\\n\"}");
    assert_int_equal(json_schema_compile(bad, &s, &err), ERR_INVALID);
    assert_null(strpbrk(err.text, "\x1b\n"));
}

static void test_schema_errors__cut_long_names_between_characters(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 3; shift++) {
        autobuf struct buf document = {0};
        struct err err = {0};
        buf_text(&document, "{\"");
        for (unsigned i = 0; i < shift; i++)
            buf_char(&document, 'a');
        for (unsigned i = 0; i < 1000; i++)
            buf_text(&document, "\xE2\x82\xAC");
        buf_text(&document, "\":1}");
        assert_int_equal(
            validate("{\"additionalProperties\":{\"type\":\"string\"}}", buf_view(&document), &err),
            ERR_INVALID);
        assert_true(str_is_utf8(str_from(err.text)));
        assert_non_null(strstr(err.text, ": 1 is not of type"));
    }
}

static void test_schema_validate__works_without_err(void **state)
{
    (void)state;
    assert_int_equal(validate("{\"type\":\"object\"}", STR("[]"), NULL), ERR_INVALID);
    assert_int_equal(validate("{\"type\":\"object\"}", STR("["), NULL), ERR_MALFORMED);
}

static void test_schema_validate__refuses_what_is_not_json(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"true", "", ERR_MALFORMED},
        {"true", "{", ERR_MALFORMED},
        {"true", "{} x", ERR_MALFORMED},
        {"true", "\"\xFF\"", ERR_MALFORMED},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_schema_compile__refuses_what_is_no_schema(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *says;
    } rows[] = {
        {"null", "a schema is an object, true or false"},
        {"1", "a schema is an object"},
        {"[]", "a schema is an object"},
        {"\"x\"", "a schema is an object"},
        {"", "not a JSON Schema"},
        {"{", "not a JSON Schema"},
        {"{} x", "not a JSON Schema"},
        {"{\"type\":\"strin\"}", "strin"},
        {"{\"type\":5}", "not a JSON Schema"},
        {"{\"properties\":[]}", "not a JSON Schema"},
        {"{\"required\":\"a\"}", "not a JSON Schema"},
        {"{\"minimum\":\"1\"}", "not a JSON Schema"},
        {"{\"pattern\":\"(\"}", "not a JSON Schema"},
        {"{\"pattern\":\"(?=a)b\"}", "not a JSON Schema"},
        {"{\"pattern\":\"(a)\\\\1\"}", "not a JSON Schema"},
        {"{\"$ref\":\"#/$defs/missing\"}", "missing"},
        {"{\"properties\":{\"a\":{\"type\":\"strin\"}}}", "properties/a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_schema *s = NULL;
        struct err err = {0};
        if (json_schema_compile(str_from(rows[i].schema), &s, &err) != ERR_INVALID)
            fail_msg("'%s' is taken", rows[i].schema);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("'%s' says '%s'", rows[i].schema, err.text);
        assert_null(s);
    }
}

/* Neither files nor other hosts are asked. */
static void test_schema_compile__follows_no_remote_reference(void **state)
{
    (void)state;
    static const char *const references[] = {
        "http://127.0.0.1:1/x.json",
        "https://schema.invalid/x.json",
        "file:///etc/passwd",
        "other.json",
    };
    for (size_t i = 0; i < ARRAY_LEN(references); i++) {
        struct json_schema *s = NULL;
        struct err err = {0};
        autofree char *schema =
            mem_printf("{\"properties\":{\"a\":{\"$ref\":\"%s\"}}}", references[i]);
        if (json_schema_compile(str_from(schema), &s, &err) != ERR_INVALID)
            fail_msg("'%s' is taken", references[i]);
        if (strstr(err.text, "retrieving it failed") == NULL)
            fail_msg("'%s' says '%s'", references[i], err.text);
    }
}

static void test_adv_25__deep_schemas_are_refused_as_such(void **state)
{
    (void)state;
    autobuf struct buf schema = {0};
    struct json_schema *s = NULL;
    struct err err = {0};
    for (unsigned i = 0; i < 100000; i++)
        buf_text(&schema, "{\"not\":");
    assert_int_equal(json_schema_compile(buf_view(&schema), &s, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "not a JSON Schema: nested deeper than 127 levels"));
}

static void test_adv_25__deep_documents_are_refused_as_such(void **state)
{
    (void)state;
    static const char *const recursive = "{\"items\":{\"$ref\":\"#\"},\"type\":\"array\"}";
    static const struct {
        size_t depth;
        enum err_kind kind;
    } rows[] = {
        {JSON_SCHEMA_DEPTH_MAX, ERR_OK},
        {JSON_SCHEMA_DEPTH_MAX + 1, ERR_LIMIT},
        {100000, ERR_LIMIT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf document = {0};
        struct err err = {0};
        for (size_t k = 0; k < rows[i].depth; k++)
            buf_char(&document, '[');
        for (size_t k = 0; k < rows[i].depth; k++)
            buf_char(&document, ']');
        if (validate(recursive, buf_view(&document), &err) != rows[i].kind)
            fail_msg("depth %zu: %s", rows[i].depth, err.text);
    }
}

static void test_adv_27__a_catastrophic_pattern_is_matched_in_linear_time(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "{\"pattern\":\"(a+)+$\"}",
        "{\"pattern\":\"^(a|a)*$\"}",
        "{\"pattern\":\"^(a*)*b$\"}",
        "{\"pattern\":\"^(.*a){12}$\"}",
    };
    autobuf struct buf document = {0};
    buf_char(&document, '"');
    for (unsigned i = 0; i < 50000; i++)
        buf_char(&document, 'a');
    buf_text(&document, "!\"");
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct err err = {0};
        int64_t started = clock_monotonic_ms();
        assert_int_equal(validate(patterns[i], buf_view(&document), &err), ERR_INVALID);
        assert_true(clock_monotonic_ms() - started < 1000);
    }
}

static void test_adv_27__a_thousand_patterns_take_less_than_a_second(void **state)
{
    (void)state;
    autobuf struct buf schema = {0};
    autobuf struct buf document = {0};
    struct json_schema *s = NULL;
    struct err err = {0};
    buf_text(&schema, "{\"properties\":{");
    buf_char(&document, '{');
    for (unsigned i = 0; i < 1000; i++) {
        buf_printf(&schema, "%s\"p%u\":{\"pattern\":\"^(a+)+%u$\"}", i == 0 ? "" : ",", i, i);
        buf_printf(
            &document, "%s\"p%u\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"", i ? "," : "", i);
    }
    buf_text(&schema, "}}");
    buf_char(&document, '}');
    assert_int_equal(json_schema_compile(buf_view(&schema), &s, &err), ERR_OK);
    int64_t started = clock_monotonic_ms();
    assert_int_equal(json_schema_validate(s, buf_view(&document), &err), ERR_INVALID);
    assert_true(clock_monotonic_ms() - started < 1000);
    json_schema_free(s);
}

/* A pattern that would need much memory is refused when it is compiled, not when it is used. */
static void test_adv_27__a_pattern_that_explodes_is_refused(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{\"pattern\":\"((((a{100}){100}){100}){100}){100}\"}",
        "{\"patternProperties\":{\"(a{1000}){1000}\":true}}",
        "{\"pattern\":\"\\\\w{100000}\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        struct json_schema *s = NULL;
        struct err err = {0};
        int64_t started = clock_monotonic_ms();
        assert_int_equal(json_schema_compile(str_from(schemas[i]), &s, &err), ERR_INVALID);
        assert_true(clock_monotonic_ms() - started < 1000);
    }
}

static void test_schema_free__takes_null(void **state)
{
    (void)state;
    assert_null(json_schema_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_validate__follows_the_draft),
        cmocka_unit_test(test_schema_validate__takes_boolean_and_empty_schemas),
        cmocka_unit_test(test_schema_validate__asserts_formats),
        cmocka_unit_test(test_schema_validate__compares_numbers_beyond_double),
        cmocka_unit_test(test_schema_validate__counts_the_last_of_duplicate_keys),
        cmocka_unit_test(test_schema_validate__tells_each_cause_with_its_field),
        cmocka_unit_test(test_schema_validate__bounds_the_causes),
        cmocka_unit_test(test_schema_errors__hold_no_control_characters),
        cmocka_unit_test(test_schema_errors__cut_long_names_between_characters),
        cmocka_unit_test(test_schema_validate__works_without_err),
        cmocka_unit_test(test_schema_validate__refuses_what_is_not_json),
        cmocka_unit_test(test_schema_compile__refuses_what_is_no_schema),
        cmocka_unit_test(test_schema_compile__follows_no_remote_reference),
        cmocka_unit_test(test_adv_25__deep_schemas_are_refused_as_such),
        cmocka_unit_test(test_adv_25__deep_documents_are_refused_as_such),
        cmocka_unit_test(test_adv_27__a_catastrophic_pattern_is_matched_in_linear_time),
        cmocka_unit_test(test_adv_27__a_thousand_patterns_take_less_than_a_second),
        cmocka_unit_test(test_adv_27__a_pattern_that_explodes_is_refused),
        cmocka_unit_test(test_schema_free__takes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
