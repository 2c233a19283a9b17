#include "cup_sdk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum cup_sdk_result echo_get(
    void *data, const char *ns, const char *name, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    (void)data;
    if (strcmp(name, "none") == 0)
        return cup_sdk_not_found(err, "no echo '%s'", name);
    if (strcmp(name, "bad") == 0)
        return cup_sdk_fail(err, "bad echo");
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object =
        cup_sdk_object(doc, "e.io/v1", "Echo", ns, name, yyjson_mut_rawcpy(doc, "1.0"));
    enum cup_sdk_result r = cup_sdk_write(out, object, err);
    yyjson_mut_doc_free(doc);
    return r;
}

static enum cup_sdk_result
echo_list(void *data, const char *ns, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    enum cup_sdk_result r = echo_get(data, ns, "a", out, err);
    return r == CUP_SDK_OK ? echo_get(data, ns, "b", out, err) : r;
}

/* Says what came in as an error, numbers and order as they were. */
static enum cup_sdk_result
echo_put(void *data, const char *ns, const char *name, yyjson_val *object, struct cup_sdk_err *err)
{
    (void)data;
    char *text = yyjson_val_write(object, YYJSON_WRITE_NOFLAG, NULL);
    enum cup_sdk_result r = cup_sdk_fail(err, "%s/%s %s", ns, name, text);
    free(text);
    return r;
}

static enum cup_sdk_result
echo_delete(void *data, const char *ns, const char *name, struct cup_sdk_err *err)
{
    (void)data;
    (void)ns;
    return strcmp(name, "none") == 0 ? cup_sdk_not_found(err, "no echo '%s'", name) : CUP_SDK_OK;
}

static const struct cup_sdk_kind kinds[] = {
    {.kind = "Echo", .get = echo_get, .list = echo_list, .put = echo_put, .delete = echo_delete},
    {.kind = "Mute"},
};

#define A(ns, name)                                                                                \
    "{\"apiVersion\":\"e.io/v1\",\"kind\":\"Echo\",\"metadata\":{\"namespace\":\"" ns              \
    "\",\"name\":\"" name "\",\"labels\":null,\"annotations\":null},\"spec\":1.0}\n"

static void test_run__follows_the_abi(void **state)
{
    static const struct {
        const char *args[6];
        const char *in;
        int code;
        const char *out;
        const char *errors;
    } rows[] = {
        {{"wasi"}, "", 1, "", "too few arguments: count 1\n"},
        {{"wasi", "get"}, "", 1, "", "too few arguments: count 2\n"},
        {{"wasi", "get", "Nope"}, "", 1, "", "unsupported kind: \"Nope\"\n"},
        {{"wasi", "get", "a\"\n"}, "", 1, "", "unsupported kind: \"a\\\"\\x0a\"\n"},
        {{"wasi", "fly", "Echo", "n", "a"}, "", 1, "", "unexpected command: \"fly\""},
        {{"wasi", "namespaces", "Echo"}, "", 1, "", "unexpected command: \"namespaces\""},
        {{"wasi", "get", "Mute", "n", "a"}, "", 1, "", "unexpected command: \"get\""},
        {{"wasi", "get", "Echo", "n"}, "", 1, "", "too few arguments: count 4\n"},
        {{"wasi", "delete", "Echo", "n"}, "", 1, "", "too few arguments: count 4\n"},
        {{"wasi", "list", "Echo"}, "", 1, "", "too few arguments: count 3\n"},
        {{"wasi", "get", "Echo", "n", "a"}, "", 0, A("n", "a"), ""},
        {{"wasi", "get", "Echo", "n", "none"}, "", 2, "", "no echo 'none'"},
        {{"wasi", "get", "Echo", "n", "bad"}, "", 1, "", "bad echo"},
        {{"wasi", "list", "Echo", "n"}, "", 0, A("n", "a") A("n", "b"), ""},
        {{"wasi", "delete", "Echo", "n", "a"}, "", 0, "", ""},
        {{"wasi", "delete", "Echo", "n", "none"}, "", 2, "", "no echo 'none'"},
        {{"wasi", "put", "Echo", "n", "a"},
         "{\"b\" : 12345678901234567890, \"a\":1.0,\"c\":1e400} trailing",
         1,
         "",
         "n/a {\"b\":12345678901234567890,\"a\":1.0,\"c\":1e400}"},
        {{"wasi", "put", "Echo", "n", "a"}, "[]", 1, "", "standard input is not a JSON object"},
        {{"wasi", "put", "Echo", "n", "a"}, "{\"a\":}", 1, "", "not JSON: "},
        {{"wasi", "put", "Echo", "n", "a"}, "", 1, "", "not JSON: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[7] = {NULL}, out[4096] = "", errors[4096] = "", in[256];
        int argc = 0;
        for (; argc < 6 && rows[i].args[argc] != NULL; argc++)
            argv[argc] = cup_sdk_copy(rows[i].args[argc], strlen(rows[i].args[argc]));
        snprintf(in, sizeof(in), "%s", rows[i].in);
        FILE *from = in[0] != 0 ? fmemopen(in, strlen(in), "r") : fopen("/dev/null", "r");
        FILE *to = fmemopen(out, sizeof(out), "w"), *text = fmemopen(errors, sizeof(errors), "w");
        int code = cup_sdk_run_on(kinds, 2, argc, argv, from, to, text);
        fclose(from);
        fclose(to);
        fclose(text);
        if (code != rows[i].code || strcmp(out, rows[i].out) != 0 ||
            strncmp(errors, rows[i].errors, strlen(rows[i].errors)) != 0)
            fail_msg("row %zu: exit %d, '%s', '%s'", i, code, out, errors);
        for (int k = 0; k < argc; k++)
            free(argv[k]);
    }
}

static void test_parse__refuses_deep_nesting(void **state)
{
    char text[2 * CUP_SDK_DEPTH_MAX + 8];
    yyjson_doc *doc = NULL;
    struct cup_sdk_err err;
    (void)state;
    memset(text, '[', CUP_SDK_DEPTH_MAX);
    memset(text + CUP_SDK_DEPTH_MAX, ']', CUP_SDK_DEPTH_MAX);
    assert_int_equal(cup_sdk_parse(text, 2 * (size_t)CUP_SDK_DEPTH_MAX, &doc, &err), CUP_SDK_OK);
    yyjson_doc_free(doc);
    memset(text, '[', CUP_SDK_DEPTH_MAX + 1);
    memset(text + CUP_SDK_DEPTH_MAX + 1, ']', CUP_SDK_DEPTH_MAX + 1);
    assert_int_equal(
        cup_sdk_parse(text, 2 * (size_t)CUP_SDK_DEPTH_MAX + 2, &doc, &err), CUP_SDK_ERROR);
    assert_non_null(strstr(err.text, "deeper"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__follows_the_abi),
        cmocka_unit_test(test_parse__refuses_deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
