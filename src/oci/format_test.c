#include "oci/format.h"
#include "oci/testing.h"

#define D(type)                                                                                    \
    "{\"mediaType\":\"" type "\",\"size\":2,\"digest\":\"sha256:"                                  \
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}"
#define M(more, config, layers)                                                                    \
    "{\"schemaVersion\":2," more "\"config\":" D(config) ",\"layers\":[" layers "]}"
#define OURS "\"artifactType\":\"application/vnd.io.flipt.cup.controller+type\","
#define CNCF "application/vnd.wasm.config.v0+json"
#define KWCTL "application/vnd.wasm.config.v1+json"
#define WASM D("application/wasm")
#define KWCTL_WASM D("application/vnd.wasm.content.layer.v1+wasm")
#define ISTIO_WASM D("application/vnd.module.wasm.content.layer.v1+wasm")
#define ISTIO_CONFIG D("application/vnd.module.wasm.config.v1+json")
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define OCI_LAYER D("application/vnd.oci.image.layer.v1.tar+gzip")
#define DOCKER_LAYER D("application/vnd.docker.image.rootfs.diff.tar.gzip")

static enum err_kind find(const char *text, enum oci_format *ret, struct err *err)
{
    auto_oci_manifest struct oci_manifest m = {0};
    assert_int_equal(oci_manifest_parse(str_from(text), &m, err), ERR_OK);
    return oci_format_find(&m, ret, err);
}

static void test_format_find__knows_the_layouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
    } rows[] = {
        {M(OURS, "application/vnd.oci.empty.v1+json", ""), "cup"},
        {M("", CNCF, WASM), "cncf"},
        {M("", KWCTL, KWCTL_WASM), "kwctl"},
        {M("", "text/plain", KWCTL_WASM), "wasm"},
        {M("", "application/vnd.oci.empty.v1+json", WASM), "wasm"},
        {M("", OCI_CONFIG, WASM), "wasm"},
        {M("", OCI_CONFIG, ISTIO_WASM "," ISTIO_CONFIG), "istio"},
        {M("", "application/vnd.module.wasm.config.v1+json", D("text/plain") "," ISTIO_WASM),
         "istio"},
        {M("", OCI_CONFIG, OCI_LAYER), "istio-compat"},
        {M("", DOCKER_CONFIG, DOCKER_LAYER), "istio-compat"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        enum oci_format format;
        print_message("row %zu %s\n", i, rows[i].name);
        assert_int_equal(find(rows[i].text, &format, &err), ERR_OK);
        assert_string_equal(oci_format_name(format), rows[i].name);
    }
}

static void test_format_find__says_what_it_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {M("", CNCF, WASM "," WASM), "exactly one layer, application/wasm; this one has 2"},
        {M("", CNCF, ""), "this one has 0"},
        {M("", CNCF, D("a/b")), "the first a/b"},
        {M("", KWCTL, KWCTL_WASM "," D("a/b")), "kwctl"},
        {M("", OCI_CONFIG, ISTIO_WASM), "a container image"},
        {M("", OCI_CONFIG, ISTIO_WASM "," ISTIO_WASM), "a container image"},
        {M("", OCI_CONFIG, OCI_LAYER "," OCI_LAYER), "a container image"},
        {M("", OCI_CONFIG, D("application/vnd.oci.image.layer.v1.tar+zstd")), "a container image"},
        {M("", "application/vnd.fermyon.spin.application.v1+config", WASM "," WASM),
         "a Spin application: its type is 'application/vnd.fermyon.spin.application.v1+config'"},
        {M("", "application/vnd.cncf.helm.config.v1+json",
           D("application/vnd.cncf.helm.chart.content.v1.tar+gzip")),
         "a Helm chart"},
        {M("\"artifactType\":\"x/y\",", "application/vnd.oci.empty.v1+json", D("a/b")), "'x/y'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        enum oci_format format;
        assert_int_equal(find(rows[i].text, &format, &err), ERR_INVALID);
        print_message("row %zu %s\n", i, err.text);
        assert_non_null(strstr(err.text, rows[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_find__knows_the_layouts),
        cmocka_unit_test(test_format_find__says_what_it_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
