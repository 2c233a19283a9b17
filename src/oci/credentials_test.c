#include "oci/credential_helper.h"
#include "oci/testing.h"

#include <sys/stat.h>

#define ROBOT "{\"auth\":\"cm9ib3Q6cDphOnNz\"}" /* robot:p:a:ss */

/* --- one file -------------------------------------------------------------------------------------- */

static void test_credentials_read__finds_the_best_key(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *config;
        const char *host, *repository;
        const char *helper, *username, *password, *identity, *registry_token;
    } rows[] = {
        {"an empty file has nothing", "", "a.io", "x", NULL, NULL, NULL, NULL, NULL},
        {"blanks are empty", " \n", "a.io", NULL, NULL, NULL, NULL, NULL, NULL},
        {"the first colon ends the user", "{\"auths\":{\"a.io\":" ROBOT "}}", "a.io", "x", NULL,
         "robot", "p:a:ss", NULL, NULL},
        {"another host's stay where they are", "{\"auths\":{\"a.io\":" ROBOT "}}", "b.io", "x",
         NULL, NULL, NULL, NULL, NULL},
        {"a port is part of the host", "{\"auths\":{\"a.io\":" ROBOT "}}", "a.io:5000", "x", NULL,
         NULL, NULL, NULL, NULL},
        {"keys are compared without case", "{\"auths\":{\"A.io\":" ROBOT "}}", "a.io", "x", NULL,
         "robot", "p:a:ss", NULL, NULL},
        {"a key of old with scheme and path", "{\"auths\":{\"https://a.io/v1/\":" ROBOT "}}",
         "a.io", "x", NULL, "robot", "p:a:ss", NULL, NULL},
        {"... without scheme", "{\"auths\":{\"a.io/v2/\":" ROBOT "}}", "a.io", NULL, NULL, "robot",
         "p:a:ss", NULL, NULL},
        {"... with another path", "{\"auths\":{\"http://a.io/registry\":" ROBOT "}}", "a.io", "x",
         NULL, "robot", "p:a:ss", NULL, NULL},
        {"an IPv6 host", "{\"auths\":{\"[::1]:5000\":" ROBOT "}}", "[::1]:5000", "x", NULL, "robot",
         "p:a:ss", NULL, NULL},
        {"a repository before its host",
         "{\"auths\":{\"a.io/t/x\":{\"username\":\"repo\"},\"a.io\":" ROBOT "}}", "a.io", "t/x",
         NULL, "repo", NULL, NULL, NULL},
        {"... and a folder of repositories, the nearest first",
         "{\"auths\":{\"a.io/t/u\":{\"username\":\"near\"},\"a.io/"
         "t\":{\"username\":\"far\"},\"a.io\":" ROBOT "}}",
         "a.io", "t/u/x", NULL, "near", NULL, NULL, NULL},
        {"a folder is not a prefix of letters",
         "{\"auths\":{\"a.io/te\":{\"username\":\"other\"},\"a.io\":" ROBOT "}}", "a.io", "team/x",
         NULL, "robot", "p:a:ss", NULL, NULL},
        {"a repository's key is not the host's", "{\"auths\":{\"a.io/t/x\":" ROBOT "}}", "a.io",
         NULL, NULL, NULL, NULL, NULL, NULL},
        {"... nor another repository's", "{\"auths\":{\"a.io/t/x\":" ROBOT "}}", "a.io", "t/y",
         NULL, NULL, NULL, NULL, NULL},
        {"Docker Hub's key", "{\"auths\":{\"https://index.docker.io/v1/\":" ROBOT "}}", "docker.io",
         "library/x", NULL, "robot", "p:a:ss", NULL, NULL},
        {"... and podman's", "{\"auths\":{\"docker.io\":" ROBOT "}}", "docker.io", "library/x",
         NULL, "robot", "p:a:ss", NULL, NULL},
        {"... docker's first",
         "{\"auths\":{\"https://index.docker.io/v1/\":{\"username\":\"d\"},\"docker.io\":" ROBOT
         "}}",
         "docker.io", "library/x", NULL, "d", NULL, NULL, NULL},
        {"user name and password of old",
         "{\"auths\":{\"a.io\":{\"username\":\"u\",\"password\":\"p\"}}}", "a.io", "x", NULL, "u",
         "p", NULL, NULL},
        {"an identity token", "{\"auths\":{\"a.io\":{\"auth\":\"dTo=\",\"identitytoken\":\"id\"}}}",
         "a.io", "x", NULL, "u", NULL, "id", NULL},
        {"a registry token", "{\"auths\":{\"a.io\":{\"registrytoken\":\"rt\"}}}", "a.io", "x", NULL,
         NULL, NULL, NULL, "rt"},
        {"an empty entry has nothing", "{\"auths\":{\"a.io\":{}}}", "a.io", "x", NULL, NULL, NULL,
         NULL, NULL},
        {"... and asks the store", "{\"auths\":{\"a.io\":{}},\"credsStore\":\"all\"}", "a.io", "x",
         "all", NULL, NULL, NULL, NULL},
        {"credHelpers before credsStore",
         "{\"credHelpers\":{\"a.io\":\"one\"},\"credsStore\":\"all\"}", "a.io", "x", "one", NULL,
         NULL, NULL, NULL},
        {"... of their own host", "{\"credHelpers\":{\"b.io\":\"one\"},\"credsStore\":\"all\"}",
         "a.io", "x", "all", NULL, NULL, NULL, NULL},
        {"... an empty one means the file",
         "{\"credHelpers\":{\"a.io\":\"\"},\"credsStore\":\"all\",\"auths\":{\"a.io\":" ROBOT "}}",
         "a.io", "x", NULL, "robot", "p:a:ss", NULL, NULL},
        {"NULs that docker wrote behind a password",
         "{\"auths\":{\"a.io\":{\"auth\":\"dTpwAAA=\"}}}", "a.io", "x", NULL, "u", "p", NULL, NULL},
        {"members of other types are passed over",
         "{\"auths\":[1],\"credHelpers\":3,\"credsStore\":{}}", "a.io", "x", NULL, NULL, NULL, NULL,
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_oci_credential_source struct oci_credential_source s = {0};
        struct err err = {0};
        print_message("%s\n", rows[i].what);
        assert_int_equal(
            oci_credentials_read(
                str_from(rows[i].config), rows[i].host, rows[i].repository, &s, &err),
            ERR_OK);
        const char *const got[] = {
            s.helper, s.entry.username, s.entry.password, s.entry.identity_token,
            s.entry.registry_token};
        const char *const wanted[] = {
            rows[i].helper, rows[i].username, rows[i].password, rows[i].identity,
            rows[i].registry_token};
        for (size_t k = 0; k < ARRAY_LEN(got); k++) {
            assert_int_equal(got[k] == NULL, wanted[k] == NULL);
            if (got[k] != NULL)
                assert_string_equal(got[k], wanted[k]);
        }
    }
}

/* Whatever is wrong, no piece of the file stands in the error: it could be the secret. */
static void t_adv_19_credentials_read__refuses_without_quoting(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"auths\":{\"a.io\":{\"username\":\"u\\r\\ncanary: 1\",\"password\":\"p\"}}}",
        "{\"auths\":{\"a.io\":{\"username\":\"u\",\"password\":\"canary\\n\"}}}",
        "{\"auths\":{\"a.io\":{\"username\":\"u\",\"password\":\"canary\\u0000x\"}}}",
        "{\"auths\":{\"a.io\":{\"identitytoken\":\"canary\\nx\"}}}",
        "{\"auths\":{\"a.io\":{\"registrytoken\":\"canary\\rx\"}}}",
        "{\"auths\":{\"a.io\":{\"auth\":\"dTpjYW5hcnkKeA==\"}}}", /* u:canary LF x */
        "{\"auths\":{\"a.io\":{\"auth\":\"dQphOmNhbmFyeQ==\"}}}", /* u LF a:canary */
        "{\"auths\":{\"a.io\":{\"auth\":\"canary\"}}}",           /* no colon in it */
        "{\"auths\":{\"a.io\":{\"auth\":\"canary!!\"}}}",
        "{\"auths\":{\"a.io\":{\"auth\":\"canary",
        "[\"canary\"]",
        "canary",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_credential_source s;
        struct err err = {0};
        assert_int_equal(
            oci_credentials_read(str_from(rows[i]), "a.io", "x", &s, &err), ERR_INVALID);
        assert_null(strstr(err.text, "canary"));
        assert_null(s.entry.username);
        assert_null(s.entry.password);
    }
}

static void test_oci_auth_files__are_podmans_places(void **state)
{
    (void)state;
    const struct oci_auth_places named = {.registry_auth_file = "/f", .xdg_runtime_dir = "/run"};
    char **files = oci_auth_files(&named);
    assert_string_equal(files[0], "/f");
    assert_null(files[1]);
    oci_auth_files_free(files);
    const struct oci_auth_places usual = {.xdg_runtime_dir = "/run", .home = "/home"};
    files = oci_auth_files(&usual);
    assert_string_equal(files[0], "/run/containers/auth.json");
    assert_string_equal(files[1], "/home/.config/containers/auth.json");
    assert_null(files[2]);
    oci_auth_files_free(files);
}

/* --- files and helpers ------------------------------------------------------------------------------ */

/* A folder on PATH with docker-credential-test in it. */
struct folder {
    char *dir;
    char *path;
};

static void folder_init(struct folder *f, const char *script)
{
    f->dir = test_dir();
    f->path = mem_strdup(getenv("PATH"));
    autofree char *path = mem_printf("%s:%s", f->dir, f->path);
    autofree char *text = mem_printf("#!/bin/sh\n%s\n", script);
    autofree char *file = test_file(f->dir, "docker-credential-test", str_from(text));
    assert_int_equal(chmod(file, 0755), 0);
    setenv("PATH", path, 1);
}

static void folder_deinit(struct folder *f)
{
    setenv("PATH", f->path, 1);
    free(f->path);
    test_dir_remove(&f->dir);
}
#define auto_folder CLEANUP(folder_deinit)

static void test_helper_get__reads_what_the_helper_says(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum err_kind kind;
        const char *username, *password, *identity;
    } rows[] = {
        {"read s; echo "
         "\"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"$s\\\",\\\"Secret\\\":\\\"p\\\"}\"",
         ERR_OK, "a.io", "p", NULL},
        {"echo '{\"Username\":\"<token>\",\"Secret\":\"id\"}'", ERR_OK, NULL, NULL, "id"},
        {"echo credentials not found in native keychain; exit 1", ERR_OK, NULL, NULL, NULL},
        {"echo canary locked; echo canary >&2; exit 1", ERR_FAILED, NULL, NULL, NULL},
        {"echo canary", ERR_FAILED, NULL, NULL, NULL},
        {"echo '{\"Username\":\"canary\"}'", ERR_FAILED, NULL, NULL, NULL},
        {"printf %s '{\"Username\":\"u\",\"Secret\":\"canary\\nx\"}'", ERR_INVALID, NULL, NULL,
         NULL},
        {"printf %s '{\"Username\":\"canary\\rx\",\"Secret\":\"p\"}'", ERR_INVALID, NULL, NULL,
         NULL},
        {"head -c 100000 /dev/zero", ERR_LIMIT, NULL, NULL, NULL},
        {"exec sleep 60", ERR_TIMEOUT, NULL, NULL, NULL},
        {"exec >&- <&-; exec sleep 60", ERR_TIMEOUT, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_folder struct folder f = {0};
        auto_oci_credential struct oci_credential c = {0};
        struct err err = {0};
        folder_init(&f, rows[i].script);
        int64_t limit_ms = rows[i].kind == ERR_TIMEOUT ? 300 : 0;
        assert_int_equal(
            oci_credential_helper_get("test", "a.io", limit_ms, &c, &err), rows[i].kind);
        assert_null(strstr(err.text, "canary"));
        const char *const got[] = {c.username, c.password, c.identity_token};
        const char *const wanted[] = {rows[i].username, rows[i].password, rows[i].identity};
        for (size_t k = 0; k < ARRAY_LEN(got); k++) {
            assert_int_equal(got[k] == NULL, wanted[k] == NULL);
            if (got[k] != NULL)
                assert_string_equal(got[k], wanted[k]);
        }
    }
}

static void test_helper__takes_plain_names_only(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "../x", "a/b", "-x", ".x", "a b", "a;b", "a\n"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_credential c = {0};
        assert_int_equal(oci_credential_helper_get(rows[i], "a.io", 0, &c, NULL), ERR_INVALID);
    }
}

static void test_helper__one_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct oci_credential c = {0};
    struct err err = {0};
    assert_int_equal(oci_credential_helper_get("cup-none", "a.io", 0, &c, &err), ERR_FAILED);
    assert_non_null(strstr(err.text, "docker-credential-cup-none"));
}

static void t_adv_19_helper_store__gives_the_secret_by_standard_input(void **state)
{
    (void)state;
    auto_folder struct folder f = {0};
    autobuf struct buf got = {0};
    folder_init(&f, "d=$(dirname \"$0\"); echo \"$@\" >\"$d/args\"; cat >\"$d/input\"");
    struct oci_credential c = {.username = mem_strdup("u\"x"), .password = mem_strdup("canary")};
    assert_int_equal(oci_credential_helper_store("test", "a.io", 0, &c, NULL), ERR_OK);
    oci_credential_deinit(&c);
    autofree char *args = fs_join(f.dir, "args");
    autofree char *input = fs_join(f.dir, "input");
    assert_int_equal(fs_read_file(args, 1000, &got, NULL), ERR_OK);
    assert_string_equal(got.p, "store\n");
    assert_int_equal(fs_read_file(input, 1000, &got, NULL), ERR_OK);
    assert_string_equal(
        got.p, "{\"ServerURL\":\"a.io\",\"Username\":\"u\\\"x\",\"Secret\":\"canary\"}");
}

static void test_credentials_find__goes_through_files_and_helpers(void **state)
{
    (void)state;
    auto_folder struct folder f = {0};
    folder_init(
        &f,
        "read s; case $s in h.io) echo '{\"Username\":\"helped\",\"Secret\":\"p\"}';; "
        "*) echo credentials not found; exit 1;; esac");
    autofree char *docker = test_file(
        f.dir, "config.json",
        STR("{\"credsStore\":\"test\",\"auths\":{\"a.io\":" ROBOT ",\"h.io\":{}}}"));
    autofree char *podman = test_file(
        f.dir, "auth.json",
        STR("{\"auths\":{\"p.io\":{\"username\":\"podman\"},\"a.io\":{\"username\":\"not me\"}}}"));
    autofree char *none = fs_join(f.dir, "none.json");
    const char *const others[] = {none, podman, NULL};
    const struct oci_credential_files files = {.config = docker, .auth_files = others};
    static const struct {
        const char *host;
        const char *username;
    } rows[] = {{"h.io", "helped"}, {"a.io", "robot"}, {"p.io", "podman"}, {"x.io", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_oci_credential struct oci_credential c = {0};
        struct err err = {0};
        assert_int_equal(oci_credentials_find(&files, rows[i].host, "r", &c, &err), ERR_OK);
        assert_int_equal(c.username == NULL, rows[i].username == NULL);
        if (c.username != NULL)
            assert_string_equal(c.username, rows[i].username);
    }
    const struct oci_credential_files nothing = {.config = none};
    auto_oci_credential struct oci_credential c = {0};
    assert_int_equal(oci_credentials_find(&nothing, "a.io", NULL, &c, NULL), ERR_OK);
    assert_true(oci_credential_is_empty(&c));
}

static void test_credentials_find__a_broken_file_is_named(void **state)
{
    (void)state;
    char *dir CLEANUP(test_dir_remove) = test_dir();
    autofree char *path = test_file(dir, "config.json", STR("{\"auths\": canary"));
    const struct oci_credential_files files = {.config = path};
    struct oci_credential c;
    struct err err = {0};
    assert_int_equal(oci_credentials_find(&files, "a.io", NULL, &c, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, path));
    assert_null(strstr(err.text, "canary"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials_read__finds_the_best_key),
        cmocka_unit_test(t_adv_19_credentials_read__refuses_without_quoting),
        cmocka_unit_test(test_oci_auth_files__are_podmans_places),
        cmocka_unit_test(test_helper_get__reads_what_the_helper_says),
        cmocka_unit_test(test_helper__takes_plain_names_only),
        cmocka_unit_test(test_helper__one_that_is_not_there_is_an_error),
        cmocka_unit_test(t_adv_19_helper_store__gives_the_secret_by_standard_input),
        cmocka_unit_test(test_credentials_find__goes_through_files_and_helpers),
        cmocka_unit_test(test_credentials_find__a_broken_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
