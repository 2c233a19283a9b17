#include "oci/manifest.h"
#include "oci/testing.h"

#define D "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define DESCRIPTOR(size) "{\"mediaType\":\"a/b\",\"digest\":\"" D "\",\"size\":" size "}"
#define MANIFEST(layers)                                                                           \
    "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("2") ",\"layers\":[" layers "]}"

static void test_manifest_parse__reads_ours(void **state)
{
    (void)state;
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"artifactType\":\"x/y\","
        "\"future\":{\"kept\":1e400},\"config\":" DESCRIPTOR(
            "2") ",\"layers\":["
                 "{\"mediaType\":\"a/b\",\"digest\":\"" D "\",\"size\":9223372036854775807,"
                 "\"annotations\":{\"k\":\"v\"}}],\"annotations\":{\"a\":\"b\"}}";
    struct oci_manifest m;
    struct err err = {0};
    assert_int_equal(oci_manifest_parse(str_from(text), &m, &err), ERR_OK);
    assert_false(m.is_index);
    assert_true(str_eqz(m.artifact_type, "x/y"));
    assert_int_equal(m.count, 1);
    assert_true(m.items[0].size == INT64_MAX);
    assert_true(str_eqz(oci_annotation(m.items[0].annotations, "k"), "v"));
    assert_true(str_eqz(oci_annotation(m.annotations, "a"), "b"));
    assert_null(oci_annotation(m.config.annotations, "a").p);
    oci_manifest_deinit(&m);
}

static void test_t_adv_04_descriptor_size_lies__refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {MANIFEST(DESCRIPTOR("-1")), "-1 is not a plain non-negative integer"},
        {MANIFEST(DESCRIPTOR("9223372036854775808")), "not a plain"},
        {MANIFEST(DESCRIPTOR("99999999999999999999999")), "not a plain"},
        {MANIFEST(DESCRIPTOR("1e3")), "1e3 is not a plain"},
        {MANIFEST(DESCRIPTOR("12.0")), "not a plain"},
        {MANIFEST(DESCRIPTOR("-0")), "not a plain"},
        {MANIFEST(DESCRIPTOR("\"12\"")), "size is not a number"},
        {MANIFEST(DESCRIPTOR("null")), "size is not a number"},
        {MANIFEST(DESCRIPTOR("[1]")), "size is not a number"},
        {MANIFEST("{\"mediaType\":\"a/b\",\"digest\":\"" D "\"}"), "layer 1 has no size"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_manifest m;
        struct err err = {0};
        assert_int_equal(oci_manifest_parse(str_from(rows[i].text), &m, &err), ERR_INVALID);
        print_message("%s\n", err.text);
        assert_non_null(strstr(err.text, rows[i].why));
    }
}

static void test_manifest_parse__refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"", "not JSON"},
        {"[]", "not an object"},
        {"{}", "schemaVersion"},
        {"{\"schemaVersion\":1,\"layers\":[]}", "schemaVersion"},
        {"{\"schemaVersion\":\"2\",\"layers\":[]}", "schemaVersion"},
        {"{\"schemaVersion\":2}", "neither"},
        {"{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}", "ambiguous manifest"},
        {"{\"schemaVersion\":2,\"config\":{},\"manifests\":[]}", "ambiguous manifest"},
        {"{\"schemaVersion\":2,\"fsLayers\":[],\"layers\":[]}", "ambiguous manifest"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_INDEX "\",\"layers\":[]}",
         "ambiguous manifest"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"manifests\":[]}",
         "ambiguous manifest"},
        {"{\"schemaVersion\":2,\"schemaVersion\":2,\"layers\":[]}", "schemaVersion"},
        {"{\"schemaVersion\":2,\"layers\":[]}", "config"},
        {"{\"schemaVersion\":2,\"layers\":{},\"config\":" DESCRIPTOR("2") "}", "not a list"},
        {MANIFEST("1"), "layer 1 is not an object"},
        {MANIFEST("{\"digest\":\"" D "\",\"size\":1}"), "no mediaType"},
        {MANIFEST("{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\",\"size\":1}"), "digest"},
        {MANIFEST("{\"mediaType\":\"a/b\",\"digest\":\"../x\",\"size\":1}"), "digest"},
        {MANIFEST("{\"mediaType\":\"a/b\",\"digest\":\"" D "\",\"size\":1,\"annotations\":[]}"),
         "annotations"},
        {MANIFEST("{\"mediaType\":\"a/b\",\"digest\":\"" D
                  "\",\"size\":1,\"annotations\":{\"a\":1}}"),
         "annotation"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_manifest m;
        struct err err = {0};
        assert_int_equal(oci_manifest_parse(str_from(rows[i].text), &m, &err), ERR_INVALID);
        print_message("%s\n", err.text);
        assert_non_null(strstr(err.text, rows[i].why));
    }
}

static void test_manifest_parse__bounds_layers(void **state)
{
    (void)state;
    autobuf struct buf text = {0};
    struct oci_manifest m;
    struct err err = {0};
    buf_text(&text, "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("2") ",\"layers\":[");
    for (int i = 0; i < 100000; i++)
        buf_printf(&text, "%s" DESCRIPTOR("1"), i == 0 ? "" : ",");
    buf_text(&text, "]}");
    assert_int_equal(oci_manifest_parse(buf_view(&text), &m, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "100000 layers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_parse__reads_ours),
        cmocka_unit_test(test_t_adv_04_descriptor_size_lies__refused),
        cmocka_unit_test(test_manifest_parse__refuses),
        cmocka_unit_test(test_manifest_parse__bounds_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
