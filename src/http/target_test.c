#include "base/testing.h"
#include "http/guard.h"
#include "http/target.h"

static void test_http_target_parse__cuts_the_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *authority; /* NULL: none */
        const char *path;
        const char *query; /* NULL: none */
    } rows[] = {
        {"/", NULL, "/", NULL},
        {"/a/b?x=1&y=2", NULL, "/a/b", "x=1&y=2"},
        {"/a?", NULL, "/a", ""},
        {"/a?b?c", NULL, "/a", "b?c"},
        {"//evil.example/x", NULL, "//evil.example/x", NULL},
        {"http://h:1/a?b", "h:1", "/a", "b"},
        {"HTTPS://h", "h", "/", NULL},
        {"http://h?q", "h", "/", "q"},
        {"/\xC3\xBC", NULL, "/\xC3\xBC", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_target t;
        struct err err = {0};
        if (http_target_parse(str_from(rows[i].text), &t, &err) != ERR_OK)
            fail_msg("'%s': %s", rows[i].text, err.text);
        assert_int_equal(t.authority.p != NULL, rows[i].authority != NULL);
        assert_true(str_eqz(t.authority, rows[i].authority));
        assert_true(str_eqz(t.path, rows[i].path));
        assert_int_equal(t.query.p != NULL, rows[i].query != NULL);
        assert_true(str_eqz(t.query, rows[i].query));
    }
}

static void test_http_target_parse__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "*", "a", "?x", "/a b", "/a\tb", "/a\x7F", "/a#b", "ftp://h/a", "h:443", "http:/h/a",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_target t;
        if (http_target_parse(str_from(rows[i]), &t, NULL) != ERR_MALFORMED)
            fail_msg("'%s' was taken", rows[i]);
    }
}

static void test_http_decode__decodes_once(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool plus_is_blank;
        const char *decoded; /* NULL: refused */
    } rows[] = {
        {"abc", false, "abc"},   {"a%20b", false, "a b"},
        {"a+b", false, "a+b"},   {"a+b", true, "a b"},
        {"%2e%2E", false, ".."}, {"a%2Fb", false, "a/b"},
        {"%252F", false, "%2F"}, {"%c3%BC", false, "\xC3\xBC"},
        {"%", false, NULL},      {"%4", false, NULL},
        {"%4g", false, NULL},    {"%00", false, NULL},
        {"a%zz", true, NULL},    {"", false, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char space[32];
        struct http_decoder d = {space, 0};
        struct str got;
        enum err_kind r =
            http_decode(&d, str_from(rows[i].text), rows[i].plus_is_blank, &got, NULL);
        if ((r == ERR_OK) != (rows[i].decoded != NULL))
            fail_msg("'%s': kind %d", rows[i].text, (int)r);
        if (r == ERR_OK && !str_eqz(got, rows[i].decoded))
            fail_msg("'%s' became '" STR_FMT "'", rows[i].text, STR_ARG(got));
        bool is_wellformed = http_decode_check(str_from(rows[i].text), NULL) == ERR_OK;
        assert_int_equal(is_wellformed, rows[i].decoded != NULL);
    }
}

static void test_http_query_parse__keeps_order_and_stops_at_its_maximum(void **state)
{
    (void)state;
    char space[256];
    struct http_decoder d = {space, 0};
    struct http_param items[HTTP_QUERY_MAX];
    size_t n = 0;
    assert_int_equal(http_query_parse(&d, STR("a=1&&b&c=x%3Dy=z"), items, &n, NULL), ERR_OK);
    assert_int_equal(n, 3);
    assert_true(str_eqz(items[1].name, "b") && items[1].value.n == 0);
    assert_true(str_eqz(items[2].value, "x=y=z"));
    char many[2 * (HTTP_QUERY_MAX + 1)];
    for (size_t i = 0; i < sizeof(many); i += 2)
        memcpy(many + i, "a&", 2);
    d.used = 0;
    assert_int_equal(http_query_parse(&d, str_of(many, sizeof(many)), items, &n, NULL), ERR_LIMIT);
    d.used = 0;
    assert_int_equal(http_query_parse(&d, STR("a=%f"), items, &n, NULL), ERR_MALFORMED);
}

static void test_http_host__knows_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool is_wellformed;
        bool is_loopback;
    } rows[] = {
        {"localhost", true, true},
        {"LOCALHOST:8181", true, true},
        {"localhost.", true, true},
        {"a.localhost:1", true, true},
        {"127.0.0.1:80", true, true},
        {"127.9.9.9", true, true},
        {"[::1]:80", true, true},
        {"[::ffff:127.0.0.1]", true, true},
        {"evil.example", true, false},
        {"localhost.evil.example:80", true, false},
        {"evillocalhost", true, false},
        {"128.0.0.1", true, false},
        {"127.0.0.1.evil.example", true, false},
        {"0.0.0.0", true, false},
        {"[::2]", true, false},
        {"", false, false},
        {"a b", false, false},
        {"user@localhost", false, false},
        {"localhost/x", false, false},
        {"localhost:x", false, true},
        {"localhost:99999", false, true},
        {"[::1", false, false},
        {"[::1]x", false, false},
        {":80", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str host = str_from(rows[i].host);
        if (http_host_is_wellformed(host) != rows[i].is_wellformed ||
            http_host_is_loopback(host) != rows[i].is_loopback)
            fail_msg("'%s'", rows[i].host);
    }
}

static void test_http_origin__is_compared_whole(void **state)
{
    (void)state;
    static const char *const listed[] = {"https://ui.example", NULL};
    static const char *const any[] = {"*", NULL};
    bool is_any;
    assert_true(http_origin_is_listed(STR("https://ui.example"), listed, &is_any) && !is_any);
    assert_false(http_origin_is_listed(STR("https://ui.example.evil"), listed, &is_any));
    assert_false(http_origin_is_listed(STR("null"), listed, &is_any));
    assert_false(http_origin_is_listed(STR("https://ui.example"), NULL, &is_any));
    assert_true(http_origin_is_listed(STR("null"), any, &is_any) && is_any);
    assert_true(http_origin_is_host(STR("http://localhost:1"), STR("localhost:1")));
    assert_false(http_origin_is_host(STR("http://localhost:2"), STR("localhost:1")));
    assert_false(http_origin_is_host(STR("null"), STR("localhost:1")));
    assert_false(http_origin_is_host(STR("http://"), STR("")));
}

static void test_http_host__can_be_listed_with_or_without_port(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a.example", "b.example:81", NULL};
    assert_true(http_host_is_listed(STR("A.example:5"), hosts));
    assert_true(http_host_is_listed(STR("b.example:81"), hosts));
    assert_false(http_host_is_listed(STR("b.example:82"), hosts));
    assert_false(http_host_is_listed(STR("c.example"), hosts));
    assert_false(http_host_is_listed(STR("c.example"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_target_parse__cuts_the_parts),
        cmocka_unit_test(test_http_target_parse__refuses_what_is_none),
        cmocka_unit_test(test_http_decode__decodes_once),
        cmocka_unit_test(test_http_query_parse__keeps_order_and_stops_at_its_maximum),
        cmocka_unit_test(test_http_host__knows_this_machine),
        cmocka_unit_test(test_http_origin__is_compared_whole),
        cmocka_unit_test(test_http_host__can_be_listed_with_or_without_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
