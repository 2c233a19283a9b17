#include "base/testing.h"
#include "http/address.h"
#include "http/proxy.h"

static const char *proxy_of(const struct http_proxies *p, const char *url)
{
    struct http_url parsed;
    assert_int_equal(http_url_parse(url, &parsed, NULL), ERR_OK);
    return http_proxy_for(p, &parsed);
}

static void test_proxy__is_the_one_of_the_scheme_else_the_one_for_all(void **state)
{
    (void)state;
    struct http_proxies p = {.http = "h", .https = "s", .all = "a"};
    assert_string_equal(proxy_of(&p, "http://r.example/"), "h");
    assert_string_equal(proxy_of(&p, "https://r.example/"), "s");
    p.https = NULL;
    assert_string_equal(proxy_of(&p, "https://r.example/"), "a");
    p.all = NULL;
    assert_null(proxy_of(&p, "https://r.example/"));
}

static void test_proxy__never_for_this_machine(void **state)
{
    (void)state;
    static const char *const URLS[] = {"http://localhost:5000/", "https://LOCALHOST/",
                                       "https://a.localhost/",   "http://127.0.0.1/",
                                       "http://127.9.9.9/",      "https://[::1]:5000/"};
    struct http_proxies p = {.all = "a"};
    for (size_t i = 0; i < ARRAY_LEN(URLS); i++)
        assert_null(proxy_of(&p, URLS[i]));
}

static void test_no_proxy__means_names_below_addresses_networks_and_ports(void **state)
{
    (void)state;
    static const struct {
        const char *no;
        const char *url;
        bool is_direct;
    } ROWS[] = {
        {"*", "https://r.example/", true},
        {"r.example", "https://r.example/", true},
        {"R.Example", "https://r.example/", true},
        {"r.example.", "https://r.example/", true},
        {"example", "https://r.example/", true},
        {".example", "https://r.example/", true},
        {"*.example", "https://r.example/", true},
        {"r.example", "https://a.r.example/", true},
        {"a, r.example ,b", "https://r.example/", true},
        {"a r.example", "https://r.example/", true},
        {"r.example:443", "https://r.example/", true},
        {"r.example:8443", "https://r.example/", false},
        {"r.example:8443", "https://r.example:8443/", true},
        {"10.1.2.3", "https://10.1.2.3/", true},
        {"10.1.2.3:444", "https://10.1.2.3/", false},
        {"10.0.0.0/8", "https://10.1.2.3/", true},
        {"10.1.2.0/25", "https://10.1.2.127/", true},
        {"10.1.2.0/25", "https://10.1.2.128/", false},
        {"0.0.0.0/0", "https://10.1.2.3/", true},
        {"10.0.0.0/33", "https://10.1.2.3/", false},
        {"10.0.0.0/", "https://10.1.2.3/", false},
        {"fd00::1", "https://[fd00::1]/", true},
        {"[fd00::1]:443", "https://[fd00::1]/", true},
        {"[fd00::1]:444", "https://[fd00::1]/", false},
        {"fd00::/8", "https://[fd12::1]/", true},
        {"example", "https://rexample/", false},
        {"xample", "https://r.example/", false},
        {"r.example.org", "https://r.example/", false},
        {"10.0.0.0/8", "https://r.example/", false},
        {"1.2.3", "https://10.1.2.3/", false},
        {"", "https://r.example/", false},
        {",,", "https://r.example/", false},
        {".", "https://r.example/", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct http_proxies p = {.all = "a", .no = ROWS[i].no};
        if ((proxy_of(&p, ROWS[i].url) == NULL) != ROWS[i].is_direct)
            fail_msg("no_proxy '%s' for '%s'", ROWS[i].no, ROWS[i].url);
    }
}

static void test_proxy_check__shows_no_password_and_knows_the_schemes(void **state)
{
    (void)state;
    static const struct {
        const char *proxy;
        const char *shown; /* NULL: refused */
    } ROWS[] = {
        {"http://u:canary@p.example:3128", "p.example:3128"},
        {"p.example:3128", "p.example:3128"},
        {"u:canary@p.example:3128", "p.example:3128"},
        {"socks5h://u:canary@p.example", "p.example:1080"},
        {"SOCKS5://p.example:1", "p.example:1"},
        {"https://p.example:443/", "p.example:443"},
        {"ftp://u:canary@p.example", NULL},
        {"http://u:canary@p.example:canary", NULL},
        {"http://u:can ary@", NULL},
        {"://canary", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char shown[HTTP_PROXY_SHOWN_MAX] = "";
        struct err err = {0};
        enum err_kind r = http_proxy_check(ROWS[i].proxy, shown, &err);
        bool is_good = r == (ROWS[i].shown != NULL ? ERR_OK : ERR_INVALID);
        if (!is_good || (r == ERR_OK && strcmp(shown, ROWS[i].shown) != 0))
            fail_msg("'%s': %d '%s'", ROWS[i].proxy, (int)r, shown);
        assert_null(strstr(shown, "canary"));
        assert_null(strstr(err.text, "canary"));
    }
}

static const char *lower(const char *name)
{
    return strcmp(name, "http_proxy") == 0 ? "l" : strcmp(name, "HTTPS_PROXY") == 0 ? "U" : NULL;
}

static const char *cgi(const char *name)
{
    return strcmp(name, "REQUEST_METHOD") == 0 || strcmp(name, "HTTP_PROXY") == 0 ? "x" : NULL;
}

static const char *upper(const char *name)
{
    return name[0] >= 'A' && name[0] <= 'Z' && strcmp(name, "REQUEST_METHOD") != 0 ? name : NULL;
}

static void test_proxies_read__lower_case_first_and_no_httpoxy(void **state)
{
    (void)state;
    struct http_proxies p;
    http_proxies_read(&p, lower);
    assert_string_equal(p.http, "l");
    assert_string_equal(p.https, "U");
    http_proxies_read(&p, cgi);
    assert_null(p.http);
    http_proxies_read(&p, upper);
    assert_string_equal(p.http, "HTTP_PROXY");
    assert_string_equal(p.all, "ALL_PROXY");
    assert_string_equal(p.no, "NO_PROXY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxy__is_the_one_of_the_scheme_else_the_one_for_all),
        cmocka_unit_test(test_proxy__never_for_this_machine),
        cmocka_unit_test(test_no_proxy__means_names_below_addresses_networks_and_ports),
        cmocka_unit_test(test_proxy_check__shows_no_password_and_knows_the_schemes),
        cmocka_unit_test(test_proxies_read__lower_case_first_and_no_httpoxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
