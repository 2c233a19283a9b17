#include "oci/definition.h"
#include "oci/testing.h"

#define BODY(api, kind, name, names, spec)                                                         \
    "{\"apiVersion\":\"" api "\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"" name             \
    "\"},\"names\":" names ",\"spec\":" spec "}"
#define NAMES(kind, plural) "{\"kind\":\"" kind "\",\"plural\":\"" plural "\"}"
#define API "cup.flipt.io/v1alpha1"
#define RD "ResourceDefinition"
#define SPEC(group, versions) "{\"group\":\"" group "\",\"versions\":" versions "}"

static void test_definition_check__reads(void **state)
{
    (void)state;
    static const char text[] = BODY(
        API, RD, "flags.flipt.io", NAMES("Flag", "flags"),
        SPEC("flipt.io", "{\"v2\":true,\"v1alpha1\":{\"type\":\"object\"}}"));
    struct oci_definition_info info;
    struct err err = {0};
    assert_int_equal(oci_definition_check(str_from(text), &info, &err), ERR_OK);
    assert_string_equal(info.name, "flags.flipt.io");
    assert_string_equal(info.group, "flipt.io");
    assert_string_equal(info.plural, "flags");
    assert_int_equal(info.version_count, 2);
    assert_string_equal(info.versions[0], "v2");
    oci_definition_info_deinit(&info);
}

static void test_t_adv_08_bad_definition__refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"", "not JSON"},
        {"[]", "apiVersion"},
        {BODY("v1", RD, "a", NAMES("A", "as"), SPEC("g", "{\"v1\":{}}")), "apiVersion 'v1'"},
        {BODY(API, "Controller", "a", NAMES("A", "as"), SPEC("g", "{\"v1\":{}}")), "kind"},
        {BODY(API, RD, "", NAMES("A", "as"), SPEC("g", "{\"v1\":{}}")), "metadata.name"},
        {BODY(API, RD, "../a", NAMES("A", "as"), SPEC("g", "{\"v1\":{}}")), "metadata.name"},
        {BODY(API, RD, "a", NAMES("a", "as"), SPEC("g", "{\"v1\":{}}")), "names.kind"},
        {BODY(API, RD, "a", NAMES("A-b", "as"), SPEC("g", "{\"v1\":{}}")), "names.kind"},
        {BODY(API, RD, "a", NAMES("A\\u0011\\r", "as"), SPEC("g", "{\"v1\":{}}")), "names.kind"},
        {BODY(API, RD, "a", NAMES("A", "As"), SPEC("g", "{\"v1\":{}}")), "names.plural"},
        {BODY(API, RD, "a", NAMES("A", "a.s"), SPEC("g", "{\"v1\":{}}")), "names.plural"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("g/x", "{\"v1\":{}}")), "spec.group"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("g", "{}")), "no version"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("g", "{\"v1\":null}")), "schema"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("g", "{\"v1\":{\"type\":\"wrong\"}}")),
         "the schema of version 'v1'"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("g", "{\"V 1\":{}}")), "version 'V 1'"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("cup.flipt.io", "{\"v1\":{}}")), "reserved"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("x.cup.flipt.io", "{\"v1\":{}}")), "reserved"},
        {BODY(API, RD, "a", NAMES("A", "namespaces"), SPEC("g", "{\"v1\":{}}")), "reserved"},
        {BODY(API, RD, "a", NAMES("A", "status"), SPEC("g", "{\"v1\":{}}")), "reserved"},
        {BODY(API, RD, "a", NAMES("A", "as"), SPEC("g", "{\"v1\":{},\"v1\":{}}")), "v1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_definition_info info;
        struct err err = {0};
        assert_int_equal(oci_definition_check(str_from(rows[i].text), &info, &err), ERR_INVALID);
        print_message("%s\n", err.text);
        assert_non_null(strstr(err.text, rows[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition_check__reads),
        cmocka_unit_test(test_t_adv_08_bad_definition__refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
