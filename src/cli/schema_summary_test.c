#include "base/testing.h"
#include "cli/schema_summary.h"

#include <string.h>

static void test_schema_summary__names_members_and_marks_what_must_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *summary;
    } rows[] = {
        {"{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"required\":[\"key\"]"
         ","
         "\"properties\":{\"name\":{},\"key\":{}}}}}",
         "spec: name, key*"},
        {"{\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"a\",\"b\"]}", "a*, b*"},
        {"{\"properties\":{\"spec\":{\"type\":\"object\"}}}", "spec: any object"},
        {"{\"properties\":{\"spec\":true}}", "spec: any value"},
        {"true", "any value"},
        {"{\"type\":\"object\",\"properties\":{}}", "any object"},
        {"{\"type\":[\"object\",\"null\"],\"required\":\"a\",\"properties\":[]}", "any value"},
        {"{\"properties\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,"
         "\"j\":1,"
         "\"k\":1,\"l\":1,\"m\":1,\"n\":1}}",
         "a, b, c, d, e, f, g, h, i, j, k, l and 2 more"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_json struct json_doc doc = {0};
        autobuf struct buf text = {0};
        assert_int_equal(json_parse(str_from(rows[i].schema), JSON_STORED, &doc, NULL), ERR_OK);
        cli_schema_summary(&text, doc.root);
        buf_char(&text, '\0');
        assert_string_equal(text.p, rows[i].summary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_summary__names_members_and_marks_what_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
