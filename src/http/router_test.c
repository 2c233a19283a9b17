#include "base/testing.h"
#include "http/router.h"

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/apis"},
    {.method = "GET", .pattern = "/apis/own/v1/things"},
    {.method = "POST", .pattern = "/apis/own/v1/things/{id}/merge"},
    {.method = "GET", .pattern = "/apis/{group}/{version}/namespaces/{ns*}/{plural}"},
    {.method = "GET", .pattern = "/apis/{group}/{version}/namespaces/{ns*}/{plural}/{name}"},
    {.method = "PUT", .pattern = "/apis/{group}/{version}/namespaces/{ns*}/{plural}/{name}"},
    {.method = "DELETE", .pattern = "/apis/{group}/{version}/namespaces/{ns*}/{plural}/{name}"},
    {.method = "GET", .pattern = "/apis/{group}/{version}/{plural}"},
};

static struct http_route_match find(const char *method, const char *path)
{
    struct http_route_match m;
    http_route_find(routes, ARRAY_LEN(routes), str_from(method), str_from(path), &m);
    return m;
}

/* row: index into routes; -1: path unknown; -2: path known, method not */
struct row {
    const char *method;
    const char *path;
    int row;
};

static void test_http_route_find__matches_exactly(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"GET", "/apis", 0},
        {"HEAD", "/apis", 0},
        {"GET", "/apis/", -1},
        {"GET", "//apis", -1},
        {"GET", "/Apis", -1},
        {"GET", "/api%73", -1},
        {"GET", "/./apis", -1},
        {"GET", "/", -1},
        {"GET", "/apis/own/v1/things", 1},
        {"PUT", "/apis/own/v1/things", -2},
        {"POST", "/apis/own/v1/things/1/merge", 2},
        {"GET", "/apis/g/v1/namespaces/default/widgets", 3},
        {"GET", "/apis/g/v1/namespaces//widgets", 3},
        {"GET", "/apis/g/v1/namespaces/default/widgets/", -1},
        {"GET", "/apis/g/v1/namespaces/default/widgets/a", 4},
        {"PUT", "/apis/g/v1/namespaces/default/widgets/a", 5},
        {"DELETE", "/apis/g/v1/namespaces//widgets/a", 6},
        {"PATCH", "/apis/g/v1/namespaces/default/widgets/a", -2},
        {"put", "/apis/g/v1/namespaces/default/widgets/a", -2},
        {"GET", "/apis/g/v1/namespaces/default/widgets/a/b", -1},
        {"GET", "/apis//v1/namespaces/default/widgets", -1},
        {"GET", "/apis/g/v1/widgets", 7},
        {"GET", "/apis/g/v1/", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_route_match m = find(rows[i].method, rows[i].path);
        int got = m.route != NULL ? (int)(m.route - routes) : m.is_known_path ? -2 : -1;
        if (got != rows[i].row)
            fail_msg("%s %s: row %d, not %d", rows[i].method, rows[i].path, got, rows[i].row);
    }
}

static void test_http_route_find__gives_the_segments_undecoded(void **state)
{
    (void)state;
    struct http_route_match m = find("GET", "/apis/g/v1/namespaces//widgets/a%20b");
    assert_int_equal(m.param_count, 5);
    assert_true(str_eqz(m.params[2].name, "ns"));
    assert_int_equal(m.params[2].value.n, 0);
    assert_true(str_eqz(m.params[4].name, "name"));
    assert_true(str_eqz(m.params[4].value, "a%20b"));
}

static void test_http_route_find__says_what_is_allowed(void **state)
{
    (void)state;
    assert_string_equal(find("POST", "/apis").allow, "GET, HEAD");
    assert_string_equal(
        find("PATCH", "/apis/g/v1/namespaces/d/widgets/a").allow, "DELETE, GET, HEAD, PUT");
    assert_string_equal(find("BREW", "/nope").allow, "DELETE, GET, HEAD, POST, PUT");
    assert_string_equal(find("GET", "/apis").allow, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_route_find__matches_exactly),
        cmocka_unit_test(test_http_route_find__gives_the_segments_undecoded),
        cmocka_unit_test(test_http_route_find__says_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
