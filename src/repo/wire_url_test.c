#include "repo/wire_url.h"

#include "base/mem.h"
#include "base/testing.h"

static const struct {
    const char *url;
    enum err_kind kind;
    const char *base; /* of http(s); of an error what its text holds */
    const char *user, *password, *host, *port, *path;
} rows[] = {
    {"https://example.com/a/b.git/", ERR_OK, "https://example.com/a/b.git", NULL, NULL, NULL, NULL,
     NULL},
    {"http://me:s%40x@h:8080/a", ERR_OK, "http://h:8080/a", "me", "s@x", NULL, NULL, NULL},
    {"https://token@h/a", ERR_OK, "https://h/a", "token", NULL, NULL, NULL, NULL},
    {"ssh://git@h:2222/srv/a.git", ERR_OK, NULL, "git", NULL, "h", "2222", "/srv/a.git"},
    {"ssh://h/~me/a", ERR_OK, NULL, NULL, NULL, "h", NULL, "~me/a"},
    {"git@h:team/a.git", ERR_OK, NULL, "git", NULL, "h", NULL, "team/a.git"},
    {"https://me:hun/ter2@h/a", ERR_INVALID, "bad port", NULL, NULL, NULL, NULL, NULL},
    {"https://me:hunter2@h", ERR_INVALID, "no path", NULL, NULL, NULL, NULL, NULL},
    {"https://h/a?x=hunter2", ERR_INVALID, "query", NULL, NULL, NULL, NULL, NULL},
    {"https://h/a b", ERR_INVALID, "blanks", NULL, NULL, NULL, NULL, NULL},
    {"git://h/a", ERR_UNSUPPORTED, "git://", NULL, NULL, NULL, NULL, NULL},
    {"ssh://-oProxyCommand=x/a", ERR_INVALID, "option", NULL, NULL, NULL, NULL, NULL},
    {"-x@h:a", ERR_INVALID, "option", NULL, NULL, NULL, NULL, NULL},
    {"h:-x", ERR_INVALID, "option", NULL, NULL, NULL, NULL, NULL},
    {"ssh://h:99999/a", ERR_INVALID, "port", NULL, NULL, NULL, NULL, NULL},
    {"ssh://$(x)/a", ERR_INVALID, "characters", NULL, NULL, NULL, NULL, NULL},
};

static void assert_text(const char *is, const char *wanted, const char *url)
{
    if (is == NULL ? wanted != NULL : wanted == NULL || strcmp(is, wanted) != 0)
        fail_msg("'%s' gives '%s', not '%s'", url, is, wanted);
}

static void test_wire_url__is_taken_apart_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wire_url u = {0};
        struct err err = {0};
        const char *url = rows[i].url;
        enum err_kind kind = wire_url_parse(str_from(url), &u, &err);
        if (kind != rows[i].kind)
            fail_msg("'%s' gives %d: %s", url, kind, err.text);
        if (kind != ERR_OK) {
            if (strstr(err.text, rows[i].base) == NULL)
                fail_msg("'%s' gives '%s'", url, err.text);
            continue;
        }
        assert_text(u.base, rows[i].base, url);
        assert_text(u.user, rows[i].user, url);
        assert_text(u.password, rows[i].password, url);
        assert_text(u.host, rows[i].host, url);
        assert_text(u.port, rows[i].port, url);
        assert_text(u.path, rows[i].path, url);
        wire_url_deinit(&u);
    }
}

static void test_wire_url__an_error_shows_no_password(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://me:hunter2@h", "https://me:hun/ter2@h/a", "https://me:hunter2%zz@h/a"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct wire_url u = {0};
        struct err err = {0};
        assert_int_equal(wire_url_parse(str_from(urls[i]), &u, &err), ERR_INVALID);
        assert_null(strstr(err.text, "hun"));
        assert_null(strstr(err.text, "ter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_url__is_taken_apart_or_refused),
        cmocka_unit_test(test_wire_url__an_error_shows_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
