#include "base/mem.h"
#include "base/testing.h"
#include "scm/place.h"

static char *dot_com(const char *host)
{
    return strcmp(host, "hub.test") == 0 ? mem_strdup("https://api.hub.test") : NULL;
}

static const struct scm_place_rules pairs = {
    .forge = "gitea", .suffix = "/api/v1", .own_api = dot_com};
static const struct scm_place_rules groups = {
    .forge = "gitlab", .suffix = "/api/v4", .has_subgroups = true};

static void test_place__is_read_from_the_repository_s_url(void **state)
{
    (void)state;
    static const struct {
        const char *repo;
        const char *api; /* given */
        const struct scm_place_rules *rules;
        const char *wanted_api;
        const char *wanted_path;
        const char *wanted_token;
    } ROWS[] = {
        {"https://h.test/o/n", NULL, &pairs, "https://h.test/api/v1", "o/n", NULL},
        {"https://h.test/o/n.git", NULL, &pairs, "https://h.test/api/v1", "o/n", NULL},
        {"https://h.test:3000/o/n/", NULL, &pairs, "https://h.test:3000/api/v1", "o/n", NULL},
        {"http://[::1]:3000/o/n", NULL, &pairs, "http://[::1]:3000/api/v1", "o/n", NULL},
        {"https://h.test/git/o/n", NULL, &pairs, "https://h.test/git/api/v1", "o/n", NULL},
        {"https://u:p%40ss@h.test/o/n", NULL, &pairs, "https://h.test/api/v1", "o/n", "p@ss"},
        {"https://u@h.test/o/n", NULL, &pairs, "https://h.test/api/v1", "o/n", NULL},
        {"ssh://git@h.test:2222/o/n.git", NULL, &pairs, "https://h.test/api/v1", "o/n", NULL},
        {"git@h.test:o/n.git", NULL, &pairs, "https://h.test/api/v1", "o/n", NULL},
        {"https://hub.test/o/n", NULL, &pairs, "https://api.hub.test", "o/n", NULL},
        {"git@hub.test:o/n.git", NULL, &pairs, "https://api.hub.test", "o/n", NULL},
        {"https://h.test/o/n", "https://x.test", &pairs, "https://x.test/api/v1", "o/n", NULL},
        {"https://h.test/o/n", "https://x.test/y/", &pairs, "https://x.test/y", "o/n", NULL},
        {"https://h.test/o/n", "https://api.x.test", &pairs, "https://api.x.test", "o/n", NULL},
        {"/srv/o/n.git", "http://127.0.0.1:1", &pairs, "http://127.0.0.1:1/api/v1", "o/n", NULL},
        {"file:///srv/o/n.git", "https://x.test", &pairs, "https://x.test/api/v1", "o/n", NULL},
        {"https://h.test/g/s/n", NULL, &groups, "https://h.test/api/v4", "g/s/n", NULL},
        {"/srv/g/s/n", "https://h.test", &groups, "https://h.test/api/v4", "s/n", NULL},
        {"https://h.test/lab/g/s/n", "https://h.test/lab/api/v4", &groups,
         "https://h.test/lab/api/v4", "g/s/n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct scm_place place = {0};
        struct err err = {0};
        struct scm_options options = {.repo_url = ROWS[i].repo, .api_url = ROWS[i].api};
        if (scm_place_read(&options, ROWS[i].rules, &place, &err) != ERR_OK)
            fail_msg("'%s': %s", ROWS[i].repo, err.text);
        assert_string_equal(place.api, ROWS[i].wanted_api);
        assert_string_equal(place.path, ROWS[i].wanted_path);
        if (ROWS[i].wanted_token == NULL)
            assert_null(place.token);
        else
            assert_string_equal(place.token, ROWS[i].wanted_token);
        scm_place_deinit(&place);
    }
}

static void test_place__what_names_no_repository_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *repo;
        const char *api;
        const char *token;
        const char *says;
    } ROWS[] = {
        {"https://h.test/n", NULL, NULL, "OWNER/NAME"},
        {"https://h.test/", NULL, NULL, "OWNER/NAME"},
        {"https://h.test", NULL, NULL, "OWNER/NAME"},
        {"", NULL, NULL, "OWNER/NAME"},
        {"https://h.test/../n", NULL, NULL, "OWNER/NAME"},
        {"https://h.test/o/n?x=1", NULL, NULL, "OWNER/NAME"},
        {"https://h.test/o//n", NULL, NULL, "OWNER/NAME"},
        {"https://h.test/o/a b", NULL, NULL, "OWNER/NAME"},
        {"/srv/o/n", NULL, NULL, "-api-git-scm-url"},
        {"https://h.test/o/n", "ftp://x.test", NULL, "-api-git-scm-url"},
        {"https://h.test/o/n", "https://u:secret@x.test", NULL, "-api-git-scm-url"},
        {"https://h.test/o/n", NULL, "se\ncret", "blank or control"},
        {"https://u:secret%zz@h.test/o/n", NULL, NULL, "badly encoded"},
        {"https://h t/o/n", NULL, NULL, "host"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct scm_place place = {0};
        struct err err = {0};
        struct scm_options options = {
            .repo_url = ROWS[i].repo, .api_url = ROWS[i].api, .token = ROWS[i].token};
        assert_int_equal(scm_place_read(&options, &pairs, &place, &err), ERR_INVALID);
        if (strstr(err.text, ROWS[i].says) == NULL || strstr(err.text, "secret") != NULL)
            fail_msg("'%s': %s", ROWS[i].repo, err.text);
    }
}

static void test_name_for__is_that_of_well_known_hosts_else_plain(void **state)
{
    (void)state;
    assert_string_equal(scm_name_for("https://github.com/o/n"), "github");
    assert_string_equal(scm_name_for("git@GitHub.com:o/n.git"), "github");
    assert_string_equal(scm_name_for("https://u:p@gitlab.com/g/s/n"), "gitlab");
    assert_string_equal(scm_name_for("ssh://git@codeberg.org/o/n"), "gitea");
    assert_string_equal(scm_name_for("https://github.com.evil.test/o/n"), "plain");
    assert_string_equal(scm_name_for("https://h.test/o/n"), "plain");
    assert_string_equal(scm_name_for("/srv/github.com/o/n"), "plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place__is_read_from_the_repository_s_url),
        cmocka_unit_test(test_place__what_names_no_repository_is_refused),
        cmocka_unit_test(test_name_for__is_that_of_well_known_hosts_else_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
