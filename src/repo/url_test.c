#include "base/testing.h"

#include "base/mem.h"
#include "repo/url.h"

struct row {
    const char *url;
    enum err_kind kind;
    const char *is; /* the path, or a part of the error */
};

static const struct row rows[] = {
    {"/srv/a.git", ERR_OK, "/srv/a.git"},
    {"./a", ERR_OK, "./a"},
    {"a", ERR_OK, "a"},
    {"./host:path", ERR_OK, "./host:path"},
    {"dir/host:path", ERR_OK, "dir/host:path"},
    {"file:///srv/a%20b.git", ERR_OK, "/srv/a b.git"},
    {"file://localhost/srv/a", ERR_OK, "/srv/a"},
    {"FILE:///srv/a", ERR_OK, "/srv/a"},
    {"", ERR_INVALID, "empty"},
    {"--upload-pack=x", ERR_INVALID, "looks like an option"},
    {"/a\nb", ERR_INVALID, "control"},
    {"file://host/a", ERR_INVALID, "three slashes"},
    {"file:///a%2", ERR_INVALID, "percent"},
    {"file:///a%zz", ERR_INVALID, "percent"},
    {"file:///a%00b", ERR_INVALID, "percent"},
    {"file:///a%0ab", ERR_INVALID, "percent"},
    {"ext::sh -c x", ERR_INVALID, "transport helper"},
    {"fd::17", ERR_INVALID, "transport helper"},
    {"weird://x/y", ERR_INVALID, "scheme 'weird'"},
    {"https://me:hunter2@example.com/a", ERR_UNSUPPORTED, "'https://example.com/a' is remote"},
    {"https://me:hun@ter2@example.com/a", ERR_UNSUPPORTED, "'https://example.com/a' is remote"},
    {"HTTP://example.com", ERR_UNSUPPORTED, "remote"},
    {"ssh://git@example.com/a", ERR_UNSUPPORTED, "remote"},
    {"git@example.com:a/b", ERR_UNSUPPORTED, "remote"},
};

static void test_url__leads_to_a_path_or_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        autofree char *path = NULL;
        enum err_kind kind = repo_url_path(str_from(rows[i].url), &path, &err);
        if (kind != rows[i].kind)
            fail_msg("'%s' gives %d: %s", rows[i].url, kind, err.text);
        if (kind == ERR_OK ? strcmp(path, rows[i].is) != 0 : strstr(err.text, rows[i].is) == NULL)
            fail_msg("'%s' gives '%s'", rows[i].url, kind == ERR_OK ? path : err.text);
        assert_null(strstr(err.text, "hun"));
    }
}

static void test_url__is_shown_without_credentials(void **state)
{
    (void)state;
    static const char *const shown[][2] = {
        {"https://me:secret@example.com/a", "https://example.com/a"},
        {"https://to:k@e:n@example.com:8443/a@b", "https://example.com:8443/a@b"},
        {"https://me:pa/ss@example.com/a", "https://example.com/a"},
        {"http://[::1]:80/a@b", "http://[::1]:80/a@b"},
        {"https://example.com", "https://example.com"},
        {"/srv/a@b", "/srv/a@b"},
        {"://x@y", "://x@y"},
    };
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        autofree char *text = repo_url_shown(str_from(shown[i][0]));
        assert_string_equal(text, shown[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url__leads_to_a_path_or_an_error),
        cmocka_unit_test(test_url__is_shown_without_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
