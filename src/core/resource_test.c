#include "core/resource.h"

#include "base/testing.h"

static char *rewrite(const char *text, enum json_mode mode, unsigned indent)
{
    auto_resource struct core_resource r = {0};
    struct buf b = {0};
    struct err err;
    assert_int_equal(core_resource_parse(str_from(text), mode, &r, &err), ERR_OK);
    core_resource_write(&b, &r, indent);
    return buf_steal(&b);
}

/* How upstream writes JSON. */
static void test_resource__is_written_as_upstream_writes_it(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"{}",
         "{\"apiVersion\":\"\",\"kind\":\"\",\"metadata\":{\"namespace\":\"\",\"name\":\"\","
         "\"labels\":null,\"annotations\":null},\"spec\":null}"},
        {"{\"spec\":{\"b\":1.0,\"a\":[12345678901234567890, 1e400 ,-0]},\"kind\":\"W\","
         "\"apiVersion\":\"g/v\",\"metadata\":{\"name\":\"n\",\"labels\":{\"z\":\"1\",\"a\":null},"
         "\"annotations\":{},\"uid\":7},\"status\":{}}",
         "{\"apiVersion\":\"g/v\",\"kind\":\"W\",\"metadata\":{\"namespace\":\"\",\"name\":\"n\","
         "\"labels\":{\"a\":\"\",\"z\":\"1\"},\"annotations\":{}},"
         "\"spec\":{\"b\":1.0,\"a\":[12345678901234567890,1e400,-0]}}"},
        {"{\"kind\":\"\\u00e9\\/<\",\"spec\":\"\\u00e9\\/<\"}",
         "{\"apiVersion\":\"\",\"kind\":\"\xC3\xA9/\\u003c\",\"metadata\":{\"namespace\":\"\","
         "\"name\":\"\",\"labels\":null,\"annotations\":null},\"spec\":\"\\u00e9\\/\\u003c\"}"},
        {"{\"KIND\":\"a\",\"Kind\":\"b\",\"metadata\":{\"Labels\":{\"x\":\"1\"},"
         "\"labels\":{\"y\":\"2\"}}}",
         "{\"apiVersion\":\"\",\"kind\":\"b\",\"metadata\":{\"namespace\":\"\",\"name\":\"\","
         "\"labels\":{\"x\":\"1\",\"y\":\"2\"},\"annotations\":null},\"spec\":null}"},
        {"{\"metadata\":null,\"kind\":null,\"spec\":null}",
         "{\"apiVersion\":\"\",\"kind\":\"\",\"metadata\":{\"namespace\":\"\",\"name\":\"\","
         "\"labels\":null,\"annotations\":null},\"spec\":null}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *out = rewrite(rows[i].in, JSON_STORED, 0);
        assert_string_equal(out, rows[i].out);
        free(out);
    }
}

static void test_resource__is_indented_as_files_are(void **state)
{
    (void)state;
    char *out = rewrite(
        "{\"kind\":\"W\",\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"x\":[1,{}],\"y\":[]}}",
        JSON_STRICT, 2);
    assert_string_equal(
        out,
        "{\n  \"apiVersion\": \"\",\n  \"kind\": \"W\",\n  \"metadata\": {\n"
        "    \"namespace\": \"\",\n    \"name\": \"\",\n    \"labels\": {\n      \"a\": \"b\"\n"
        "    },\n    \"annotations\": null\n  },\n  \"spec\": {\n    \"x\": [\n      1,\n"
        "      {}\n    ],\n    \"y\": []\n  }\n}");
    free(out);
}

static void test_resource__refuses_what_is_none(void **state)
{
    static const struct {
        const char *in;
        const char *names;
    } rows[] = {
        {"", "not JSON"},
        {"[]", "object"},
        {"{} x", "not JSON"},
        {"{\"kind\":1}", "'kind'"},
        {"{\"metadata\":[]}", "'metadata'"},
        {"{\"metadata\":{\"labels\":{\"a\":1}}}", "'labels'"},
        {"{\"metadata\":{\"annotations\":\"x\"}}", "'annotations'"},
        {"{\"kind\":\"a\",\"kind\":\"b\"}", "\"kind\""},
        {"{\"Kind\":\"a\"}", "'Kind'"},
        {"{\"metadata\":{\"Name\":\"a\"}}", "'Name'"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_resource r;
        struct err err = {0};
        assert_int_equal(
            core_resource_parse(str_from(rows[i].in), JSON_STRICT, &r, &err), ERR_MALFORMED);
        assert_non_null(strstr(err.text, rows[i].names));
    }
}

/* What a schema sees: a member that the client left out is not there, one that nobody knows is. */
static void test_resource__as_sent_keeps_what_the_client_wrote(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"{\"type\":\"NOPE\",\"spec\":{\"n\":1.50,\"big\":12345678901234567890,\"e\":1e400}}",
         "{\"type\":\"NOPE\",\"spec\":{\"n\":1.50,\"big\":12345678901234567890,\"e\":1e400},"
         "\"metadata\":{\"namespace\":\"ns\",\"name\":\"n\"},\"apiVersion\":\"\",\"kind\":\"\"}"},
        {"{\"kind\":\"W\",\"metadata\":{\"name\":\"n\",\"uid\":\"1\",\"generation\":2,\"mine\":3,"
         "\"resourceVersion\":\"4\",\"creationTimestamp\":null,\"managedFields\":[]},\"status\":{"
         "\"x\":1}}",
         "{\"kind\":\"W\",\"metadata\":{\"name\":\"n\",\"mine\":3,\"namespace\":\"ns\"},"
         "\"apiVersion\":\"\"}"},
        {"{\"metadata\":null}",
         "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"n\"},\"apiVersion\":\"\",\"kind\":\"\"}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_resource struct core_resource r = {0};
        autobuf struct buf sent = {0};
        struct err err;
        assert_int_equal(core_resource_parse(str_from(rows[i].in), JSON_STRICT, &r, &err), ERR_OK);
        r.ns = STR("ns");
        r.name = STR("n");
        core_resource_write_sent(&sent, &r);
        assert_string_equal(sent.p, rows[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resource__is_written_as_upstream_writes_it),
        cmocka_unit_test(test_resource__is_indented_as_files_are),
        cmocka_unit_test(test_resource__refuses_what_is_none),
        cmocka_unit_test(test_resource__as_sent_keeps_what_the_client_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
