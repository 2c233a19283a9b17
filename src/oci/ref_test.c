#include "base/mem.h"
#include "base/testing.h"
#include "oci/ref.h"

#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static void test_ref_parse__reads_each_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum oci_ref_kind kind;
        const char *host, *repository, *path, *tag, *digest;
        const char *formatted, *store_name;
    } rows[] = {
        {"localhost:5000/a/b:v1", OCI_REF_REGISTRY, "localhost:5000", "a/b", "", "v1", "",
         "localhost:5000/a/b:v1", "localhost:5000/a/b:v1"},
        {"oci://localhost/a", OCI_REF_REGISTRY, "localhost", "a", "", "", "", "localhost/a:latest",
         "localhost/a:latest"},
        {"ghcr.io/x/y__z.w@sha256:" HEX, OCI_REF_REGISTRY, "ghcr.io", "x/y__z.w", "", "",
         "sha256:" HEX, "ghcr.io/x/y__z.w@sha256:" HEX, "ghcr.io/x/y__z.w@sha256:" HEX},
        {"ghcr.io/x:v1@sha256:" HEX, OCI_REF_REGISTRY, "ghcr.io", "x", "", "v1", "sha256:" HEX,
         "ghcr.io/x:v1@sha256:" HEX, "ghcr.io/x@sha256:" HEX},
        {"GHCR.io/x:V1", OCI_REF_REGISTRY, "ghcr.io", "x", "", "V1", "", "ghcr.io/x:V1",
         "ghcr.io/x:V1"},
        {"[::1]:5000/a:v1", OCI_REF_REGISTRY, "[::1]:5000", "a", "", "v1", "", "[::1]:5000/a:v1",
         "[::1]:5000/a:v1"},
        {"docker.io/flipt", OCI_REF_REGISTRY, "docker.io", "library/flipt", "", "", "",
         "docker.io/library/flipt:latest", "docker.io/library/flipt:latest"},
        {"index.docker.io/a/b:1", OCI_REF_REGISTRY, "docker.io", "a/b", "", "1", "",
         "docker.io/a/b:1", "docker.io/a/b:1"},
        {"registry-1.docker.io/a", OCI_REF_REGISTRY, "docker.io", "library/a", "", "", "",
         "docker.io/library/a:latest", "docker.io/library/a:latest"},
        {"127.0.0.1:5000/x", OCI_REF_REGISTRY, "127.0.0.1:5000", "x", "", "", "",
         "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest"},
        {"127.0.0.1/x", OCI_REF_REGISTRY, "127.0.0.1", "x", "", "", "", "127.0.0.1/x:latest",
         "127.0.0.1/x:latest"},
        {"localhost/x/y:1.x", OCI_REF_REGISTRY, "localhost", "x/y", "", "1.x", "",
         "localhost/x/y:1.x", "localhost/x/y:1.x"},
        {"LocalHost:80/x", OCI_REF_REGISTRY, "localhost:80", "x", "", "", "",
         "localhost:80/x:latest", "localhost:80/x:latest"},
        {"LOCALHOST/x", OCI_REF_REGISTRY, "localhost", "x", "", "", "", "localhost/x:latest",
         "localhost/x:latest"},
        {"[2001:DB8::1]/a/b@sha256:" HEX, OCI_REF_REGISTRY, "[2001:db8::1]", "a/b", "", "",
         "sha256:" HEX, "[2001:db8::1]/a/b@sha256:" HEX, "[2001:db8::1]/a/b@sha256:" HEX},
        {"host:1/" HEX, OCI_REF_REGISTRY, "host:1", HEX, "", "", "", "host:1/" HEX ":latest",
         "host:1/" HEX ":latest"},
        {"host/a", OCI_REF_STORE, "", "host/a", "", "", "", "host/a:latest", "host/a:latest"},
        {"oci-layout:./127.0.0.1:5000/x:v1@sha256:" HEX, OCI_REF_LAYOUT, "", "",
         "./127.0.0.1:5000/x", "v1", "sha256:" HEX, "oci-layout:./127.0.0.1:5000/x:v1@sha256:" HEX,
         "oci-layout:./127.0.0.1:5000/x@sha256:" HEX},
        {"oci-layout:a b/Ä:v1", OCI_REF_LAYOUT, "", "", "a b/Ä", "v1", "", "oci-layout:a b/Ä:v1",
         "oci-layout:a b/Ä:v1"},
        {"flipt:v1", OCI_REF_STORE, "", "flipt", "", "v1", "", "flipt:v1", "flipt:v1"},
        {"team/flipt", OCI_REF_STORE, "", "team/flipt", "", "", "", "team/flipt:latest",
         "team/flipt:latest"},
        {"a.b", OCI_REF_STORE, "", "a.b", "", "", "", "a.b:latest", "a.b:latest"},
        {"oci-layout:/tmp/x:v1", OCI_REF_LAYOUT, "", "", "/tmp/x", "v1", "", "oci-layout:/tmp/x:v1",
         "oci-layout:/tmp/x:v1"},
        {"oci-layout:dir", OCI_REF_LAYOUT, "", "", "dir", "", "", "oci-layout:dir",
         "oci-layout:dir:latest"},
        {"oci-layout:d@h/x@sha256:" HEX, OCI_REF_LAYOUT, "", "", "d@h/x", "", "sha256:" HEX,
         "oci-layout:d@h/x@sha256:" HEX, "oci-layout:d@h/x@sha256:" HEX},
        {"oci-layout:a:b/c", OCI_REF_LAYOUT, "", "", "a:b/c", "", "", "oci-layout:a:b/c",
         "oci-layout:a:b/c:latest"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_ref ref;
        struct err err = {0};
        assert_int_equal(oci_ref_parse(str_from(rows[i].text), &ref, &err), ERR_OK);
        assert_int_equal(ref.kind, rows[i].kind);
        assert_string_equal(ref.host, rows[i].host);
        assert_string_equal(ref.repository, rows[i].repository);
        assert_string_equal(ref.path, rows[i].path);
        assert_string_equal(ref.tag, rows[i].tag);
        assert_string_equal(ref.digest, rows[i].digest);
        autofree char *formatted = oci_ref_format(&ref);
        autofree char *name = oci_ref_store_name(&ref);
        assert_string_equal(formatted, rows[i].formatted);
        assert_string_equal(name, rows[i].store_name);
    }
}

static void test_ref_parse__refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        ":v1",
        "@sha256:" HEX,
        "a:",
        "a:-x",
        "a:.x",
        "A",
        "a/B",
        "localhost/A",
        "oci-layout",
        "OCI-layout:5000/a",
        "a//b",
        "/a",
        "a/",
        "a..b",
        "a___b",
        "a_",
        "-a",
        "localhost:0/a",
        "localhost:99999/a",
        "localhost:x/a",
        "localhost:/a",
        "-x.y/a",
        "x..y/a",
        "[::1/a",
        "[::1]x/a",
        "[zz]:1/a",
        "a@sha256:12",
        "a@sha512:" HEX HEX,
        "a@sha256:" HEX "0",
        "a@md5:1",
        "http://localhost/a",
        "https://localhost/a",
        "oci://flipt:v1",
        "oci://team/flipt",
        HEX,
        HEX ":v1",
        "Host/a",
        "a/b-_c",
        "docker.io/",
        "docker.io/A",
        "[fe80::1%eth0]:1/a",
        "[::1]:/a",
        "[]/a",
        "::1/a",
        "host.io:1:2/a",
        "a.io/b/:v1",
        "a:~1.2",
        "a.io/b:^1",
        "a.io/b:>=1.2 <2",
        "oci-layout:dir:~1",
        "oci-layout:",
        "oci-layout::v1",
        "oci-layout:dir:",
        "oci-layout:dir:..",
        "oci-layout:dir@sha256:1",
        "a b",
        "a\n",
        "localhost/a:v1\r",
        "localhost/../a",
        "user@host.io/a",
        "a?b",
        "a#b",
        "host.io/a%2e",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_ref ref = {.tag = "kept"};
        struct err err = {0};
        assert_int_equal(oci_ref_parse(str_from(rows[i]), &ref, &err), ERR_INVALID);
        assert_string_equal(ref.tag, "kept");
        assert_true(strstr(err.text, "reference") != NULL);
        assert_null(strpbrk(err.text, "\r\n"));
    }
}

static void test_ref_parse_source__takes_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *tag, *range;
        const char *formatted;
    } rows[] = {
        {"a.io/b:~1.2", "", "~1.2", "a.io/b:~1.2"},
        {"a.io:5000/b:^1.2.3-rc.1", "", "^1.2.3-rc.1", "a.io:5000/b:^1.2.3-rc.1"},
        {"oci://a.io/b:>=1.2 <2", "", ">=1.2 <2", "a.io/b:>=1.2 <2"},
        {"b:1.x", "", "1.x", "b:1.x"},
        {"b:v1.2.X", "", "v1.2.X", "b:v1.2.X"},
        {"b:*", "", "*", "b:*"},
        {"oci-layout:d:r/x:~1 || ~2", "", "~1 || ~2", "oci-layout:d:r/x:~1 || ~2"},
        {"b:1.2", "1.2", "", "b:1.2"},
        {"b:1.2.3", "1.2.3", "", "b:1.2.3"},
        {"b:x", "x", "", "b:x"},
        {"b", "", "", "b:latest"},
        {"b:1.x@sha256:" HEX, "1.x", "", "b:1.x@sha256:" HEX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_ref ref;
        assert_int_equal(oci_ref_parse_source(str_from(rows[i].text), &ref, NULL), ERR_OK);
        assert_string_equal(ref.tag, rows[i].tag);
        assert_string_equal(ref.range, rows[i].range);
        autofree char *formatted = oci_ref_format(&ref);
        assert_string_equal(formatted, rows[i].formatted);
    }
}

static void test_ref_parse_source__refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "a.io/b:~",      "a.io/b:~x",     "a.io/b:>=1.2 <",   "a.io/b:~1.2@sha256:" HEX,
        "a.io/b:~1.2/c", "a.io/b:~1.2:3", "a.io/b:1.2 - 1.4", "oci-layout:d:~",
        ":~1.2",         "A/b:~1.2",      "a.io/b:~1.2\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_ref ref = {0};
        struct err err = {0};
        assert_int_equal(oci_ref_parse_source(str_from(rows[i]), &ref, &err), ERR_INVALID);
        assert_null(strchr(err.text, '\n'));
    }
}

static void test_ref_parse_host__takes_a_registry_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
    } rows[] = {
        {"ghcr.io", "ghcr.io"},
        {"GHCR.io:443", "ghcr.io:443"},
        {"localhost", "localhost"},
        {"[::1]:5000", "[::1]:5000"},
        {"https://ghcr.io", "ghcr.io"},
        {"https://index.docker.io/v1/", "docker.io"},
        {"registry-1.docker.io", "docker.io"},
        {"docker.io", "docker.io"},
        {"ghcr.io/", "ghcr.io"},
        {"ghcr.io/v2/", "ghcr.io"},
        {"http://ghcr.io", NULL},
        {"ghcr.io/team", NULL},
        {"ghcr", NULL},
        {"", NULL},
        {"https://", NULL},
        {"user@ghcr.io", NULL},
        {"ghcr.io:0", NULL},
        {"ghcr.io\n", NULL},
        {"ghcr.io?x", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char host[OCI_HOST_MAX];
        struct err err = {0};
        enum err_kind r = oci_ref_parse_host(str_from(rows[i].text), host, &err);
        assert_int_equal(r, rows[i].host == NULL ? ERR_INVALID : ERR_OK);
        if (rows[i].host != NULL)
            assert_string_equal(host, rows[i].host);
    }
}

static void test_ref_parse__bounds_lengths(void **state)
{
    (void)state;
    struct oci_ref ref;
    char text[OCI_REF_MAX + 2];
    memset(text, 'a', sizeof(text));
    assert_int_equal(oci_ref_parse(str_of(text, sizeof(text)), &ref, NULL), ERR_INVALID);
    assert_int_equal(oci_ref_parse(str_of(text, 255), &ref, NULL), ERR_OK);
    assert_int_equal(oci_ref_parse(str_of(text, 256), &ref, NULL), ERR_INVALID);
    memcpy(text, "a.io/", 5);
    assert_int_equal(oci_ref_parse(str_of(text, 255), &ref, NULL), ERR_OK);
    assert_int_equal(oci_ref_parse(str_of(text, 256), &ref, NULL), ERR_INVALID);
    memset(text, 'a', 5);
    text[1] = ':';
    assert_int_equal(oci_ref_parse(str_of(text, 2 + 128), &ref, NULL), ERR_OK);
    assert_int_equal(oci_ref_parse(str_of(text, 2 + 129), &ref, NULL), ERR_INVALID);
    assert_int_equal(oci_ref_parse(str_of("a\0b", 3), &ref, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_parse__reads_each_form),
        cmocka_unit_test(test_ref_parse__refuses),
        cmocka_unit_test(test_ref_parse_source__takes_ranges),
        cmocka_unit_test(test_ref_parse_source__refuses),
        cmocka_unit_test(test_ref_parse_host__takes_a_registry_alone),
        cmocka_unit_test(test_ref_parse__bounds_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
