#include "oci/compare.h"
#include "oci/compare_schema.h"
#include "oci/testing.h"

static void test_compare_schemas__judges_each_change(void **state)
{
    (void)state;
    static const struct {
        const char *old;
        const char *new;
        int breaking; /* 1, 0, or -1: nothing differs */
        const char *path;
        const char *detail;
    } rows[] = {
        {"{\"type\":\"object\"}", "{ \"type\" : \"object\" }", -1, "", ""},
        {"{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{},\"b\":{}}}", 0, "b",
         "property added"},
        {"{\"properties\":{\"a\":{},\"b\":{}}}", "{\"properties\":{\"a\":{}}}", 1, "b",
         "property removed"},
        {"{\"required\":[\"a\"]}", "{\"required\":[\"b\",\"a\"]}", 1, "", "required \"b\" added"},
        {"{\"required\":[\"a\"]}", "{}", 0, "", "required \"a\" removed"},
        {"{\"type\":\"string\"}", "{\"type\":\"integer\"}", 1, "",
         "type \"string\" became \"integer\""},
        {"{\"type\":\"integer\"}", "{\"type\":\"number\"}", 0, "", "became \"number\""},
        {"{\"type\":[\"string\",\"null\"]}", "{\"type\":\"string\"}", 1, "", "type"},
        {"{\"type\":\"string\"}", "{\"type\":[\"null\",\"string\"]}", 0, "", "type"},
        {"{\"type\":\"string\"}", "{}", 0, "", "became none"},
        {"{}", "{\"type\":\"string\"}", 1, "", "type none became"},
        {"{\"enum\":[1,2]}", "{\"enum\":[1]}", 1, "", "value 2 removed"},
        {"{\"enum\":[1]}", "{\"enum\":[1,2]}", 0, "", "value 2 added"},
        {"{}", "{\"enum\":[1]}", 1, "", "only [1] is allowed now"},
        {"{\"enum\":[1]}", "{}", 0, "", "any value"},
        {"{\"maxLength\":9}", "{\"maxLength\":10}", 0, "", "maxLength 9 became 10"},
        {"{\"maxLength\":10}", "{\"maxLength\":9}", 1, "", "maxLength 10 became 9"},
        {"{\"minimum\":1}", "{\"minimum\":2}", 1, "", "minimum"},
        {"{\"minimum\":2}", "{\"minimum\":1}", 0, "", "minimum"},
        {"{}", "{\"pattern\":\"x\"}", 1, "", "pattern none became \"x\""},
        {"{\"pattern\":\"x\"}", "{}", 0, "", "pattern"},
        {"{\"description\":\"x\"}", "{\"description\":\"y\"}", 0, "", "description changed"},
        {"{}", "{\"additionalProperties\":false}", 1, "", "additionalProperties"},
        {"{\"additionalProperties\":false}", "{}", 0, "", "additionalProperties"},
        {"{\"properties\":{\"a\":{\"items\":{\"type\":\"string\"}}}}",
         "{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}", 1, "a[]", "type"},
        {"{\"additionalProperties\":{\"maximum\":2}}", "{\"additionalProperties\":{\"maximum\":1}}",
         1, "*", "maximum 2 became 1"},
        {"true", "{}", -1, "", ""},
        {"true", "false", 1, "", "another"},
        {"false", "{}", 0, "", "another"},
        {"true", "{\"maximum\":1}", 1, "", "maximum none became 1"},
        {"{\"oneOf\":[{}]}", "{\"oneOf\":[{},{}]}", 1, "", "oneOf"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_json struct json_doc old = {0}, new = {0};
        auto_oci_comparison struct oci_comparison c = {0};
        assert_int_equal(json_parse(str_from(rows[i].old), JSON_STRICT, &old, NULL), ERR_OK);
        assert_int_equal(json_parse(str_from(rows[i].new), JSON_STRICT, &new, NULL), ERR_OK);
        oci_compare_schemas(&c, "as.b/v1", old.root, new.root);
        print_message("row %zu: %s\n", i, c.count > 0 ? c.items[0].detail : "same");
        assert_int_equal(c.count, rows[i].breaking >= 0 ? 1 : 0);
        if (c.count == 0)
            continue;
        assert_int_equal(c.items[0].is_breaking, rows[i].breaking);
        assert_int_equal(c.breaking_count, rows[i].breaking);
        assert_string_equal(c.items[0].path, rows[i].path);
        assert_non_null(strstr(c.items[0].detail, rows[i].detail));
    }
}

static struct oci_image image_of(char *verbs, char **read, char **write, struct oci_definition *d)
{
    return (struct oci_image){
        .abi = (char *)(uintptr_t) "wasi-cli/v1",
        .verbs = verbs,
        .read_globs = read,
        .write_globs = write,
        .definitions = d,
        .definition_count = d == NULL ? 0 : 1,
    };
}

static void assert_only(
    const struct oci_image *a, const struct oci_image *b, bool is_breaking, const char *what)
{
    auto_oci_comparison struct oci_comparison c = {0};
    struct oci_side x = {.image = a, .wasm_digest = ""}, y = {.image = b, .wasm_digest = ""};
    oci_compare(&x, &y, &c);
    for (size_t i = 0; i < c.count; i++)
        print_message("%s %s: %s\n", c.items[i].what, c.items[i].subject, c.items[i].detail);
    assert_int_equal(c.count, what == NULL ? 0 : 1);
    if (c.count == 0)
        return;
    assert_string_equal(c.items[0].what, what);
    assert_int_equal(c.items[0].is_breaking, is_breaking);
}

static void test_compare__judges_what_a_controller_may_do(void **state)
{
    (void)state;
    char all[] = "**", some[] = "a/**", verbs[] = "get,list", more[] = "get,list,put,delete";
    char *every[] = {all, NULL}, *two[] = {all, some, NULL}, *one[] = {some, NULL};
    struct oci_definition d = {.n = 0};
    char text[] = TEST_DEFINITION("flags.flipt.io", "flipt.io", "flags");
    d.bytes = text;
    d.n = strlen(text);
    struct oci_image base = image_of(NULL, every, every, NULL);
    struct oci_image with_definition = image_of(NULL, every, every, &d);
    struct oci_image fewer = image_of(verbs, every, every, NULL);
    struct oci_image same = image_of(more, every, every, NULL);
    struct oci_image reads_less = image_of(NULL, one, every, NULL);
    struct oci_image reads_both = image_of(NULL, two, every, NULL);
    assert_only(&base, &base, false, NULL);
    assert_only(&base, &same, false, NULL);
    assert_only(&base, &with_definition, false, "definition");
    assert_only(&with_definition, &base, true, "definition");
    assert_only(&reads_less, &reads_both, true, "read");
    assert_only(&reads_both, &reads_less, false, "read");
    auto_oci_comparison struct oci_comparison c = {0};
    struct oci_side x = {.image = &base, .wasm_digest = ""},
                    y = {.image = &fewer, .wasm_digest = ""};
    oci_compare(&x, &y, &c);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.breaking_count, 2);
    assert_string_equal(c.items[0].subject, "put");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_schemas__judges_each_change),
        cmocka_unit_test(test_compare__judges_what_a_controller_may_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
