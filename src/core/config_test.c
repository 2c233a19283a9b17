#include "core/config.h"

#include "base/mem.h"
#include "base/testing.h"

#define HEAD "{\"apiVersion\":\"cup.flipt.io/v1alpha1\",\"metadata\":{\"name\":\"x\"},"

static enum err_kind add(struct core_config *c, const char *text, struct err *err)
{
    return core_config_add(c, str_from(text), err);
}

static void test_config__reads_the_three_kinds(void **state)
{
    struct core_config c = {0};
    struct err err;
    (void)state;
    assert_int_equal(
        add(&c,
            HEAD "\"kind\":\"ResourceDefinition\",\"names\":{\"kind\":\"W\",\"singular\":\"w\","
                 "\"plural\":\"ws\"},\"spec\":{\"group\":\"g\",\"versions\":{\"v2\":{},\"v1\":"
                 "{\"b\":1,\"a\":2}}}}",
            &err),
        ERR_OK);
    assert_int_equal(
        add(&c,
            HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{\"image\":"
                 "{\"reference\":\"r:1\",\"pullPolicy\":\"Never\",\"interval\":\"5m\"},\"limits\":"
                 "{\"timeout\":\"2s\",\"memory\":\"16MiB\"},\"paths\":{\"read\":[\"a/**\"]}}}}",
            &err),
        ERR_OK);
    assert_int_equal(
        add(&c,
            HEAD
            "\"kind\":\"Binding\",\"spec\":{\"controller\":\"x\",\"resources\":[\"g/v1/ws\"]}}",
            &err),
        ERR_OK);
    assert_int_equal(add(&c, HEAD "\"kind\":\"Other\"} junk", &err), ERR_OK);
    assert_int_equal(c.definition_count, 1);
    assert_int_equal(c.definitions[0]->version_count, 2);
    assert_true(str_eqz(c.definitions[0]->versions[0].name, "v1"));
    assert_true(str_eqz(c.definitions[0]->versions[0].schema, "{\"b\":1,\"a\":2}"));
    assert_int_equal(c.controllers[0].image.policy, CORE_PULL_NEVER);
    assert_int_equal(c.controllers[0].image.interval_ms, 300000);
    assert_int_equal(c.controllers[0].limits.timeout_ms, 2000);
    assert_string_equal(c.controllers[0].read_globs[0], "a/**");
    assert_string_equal(c.bindings[0].resources[0], "g/v1/ws");
    core_config_deinit(&c);
}

static void test_config__a_later_one_replaces_the_earlier(void **state)
{
    struct core_config c = {0};
    struct err err;
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            add(&c, HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"template\"}}", &err),
            ERR_OK);
        assert_int_equal(add(&c, HEAD "\"kind\":\"Binding\",\"spec\":null}", &err), ERR_OK);
        assert_int_equal(
            add(&c,
                HEAD "\"kind\":\"ResourceDefinition\",\"names\":{\"plural\":\"ws\"},\"spec\":"
                     "{\"group\":\"g\",\"versions\":{\"v1\":true}}}",
                &err),
            ERR_OK);
    }
    assert_int_equal(c.controller_count, 1);
    assert_int_equal(c.binding_count, 1);
    assert_int_equal(c.definition_count, 1);
    core_config_deinit(&c);
}

static void test_config__refuses_and_says_why(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
        const char *names;
    } rows[] = {
        {"{}", ERR_INVALID, "unexpected APIVersion"},
        {"[]", ERR_MALFORMED, "object"},
        {"nope", ERR_MALFORMED, "not JSON"},
        {"{\"apiVersion\":\"cup.flipt.io/v1alpha1\"}", ERR_INVALID, "name cannot be empty"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"zzz\"}}", ERR_INVALID, "\"zzz\""},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"template\",\"spec\":"
              "{\"path_template\":\"x\"}}}",
         ERR_INVALID, "resource_template"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"template\",\"spec\":[]}}",
         ERR_MALFORMED, "spec.spec"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{}}}", ERR_INVALID,
         "neither"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":"
              "{\"path\":\"a\",\"image\":\"b\"}}}",
         ERR_INVALID, "both"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{\"image\":"
              "{\"reference\":\"a\",\"verify\":{\"key\":\"k\"}}}}}",
         ERR_INVALID, "verify"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{\"image\":"
              "{\"reference\":\"a\",\"verify\":{\"keys\":[]}}}}}",
         ERR_INVALID, "verify"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{\"image\":"
              "{\"reference\":\"a\",\"verify\":{\"keys\":[7]}}}}}",
         ERR_INVALID, "verify.keys"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{\"image\":"
              "{\"reference\":\"a\",\"pullPolicy\":\"Sometimes\"}}}}",
         ERR_INVALID, "Sometimes"},
        {HEAD "\"kind\":\"Controller\",\"spec\":{\"type\":\"wasm\",\"spec\":{\"path\":\"a\","
              "\"limits\":{\"timeout\":\"soon\"}}}}",
         ERR_MALFORMED, "timeout"},
        {HEAD "\"kind\":\"ResourceDefinition\",\"spec\":{\"group\":\"cup.flipt.io\"}}", ERR_INVALID,
         "reserved"},
        {HEAD "\"kind\":\"ResourceDefinition\",\"names\":{\"plural\":\"status\"},\"spec\":"
              "{\"group\":\"g\"}}",
         ERR_INVALID, "reserved"},
        {HEAD "\"kind\":\"ResourceDefinition\",\"spec\":{\"group\":\"g\",\"versions\":[]}}",
         ERR_MALFORMED, "versions"},
        {HEAD "\"kind\":\"Binding\",\"spec\":{\"resources\":[1]}}", ERR_MALFORMED, "resources"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_config c = {0};
        struct err err = {0};
        assert_int_equal(add(&c, rows[i].text, &err), rows[i].kind);
        assert_non_null(strstr(err.text, rows[i].names));
        core_config_deinit(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__reads_the_three_kinds),
        cmocka_unit_test(test_config__a_later_one_replaces_the_earlier),
        cmocka_unit_test(test_config__refuses_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
