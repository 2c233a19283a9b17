#include "oci/login.h"
#include "oci/testing.h"

#include <sys/stat.h>

static void test_login_edit__changes_the_entry_alone(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *before, *host;
        const char *entry; /* NULL: removed */
        const char *after;
        bool had;
    } rows[] = {
        {"nothing becomes a file", "", "a.io", "\"auth\": \"x\"",
         "{\n\t\"auths\": {\n\t\t\"a.io\": {\n\t\t\t\"auth\": \"x\"\n\t\t}\n\t}\n}\n", false},
        {"an empty object", "{}", "a.io", "", "{\n\t\"auths\": {\n\t\t\"a.io\": {}\n\t}\n}", false},
        {"behind other members", "{ \"b\" : 1.0 \n}\n", "a.io", "",
         "{ \"b\" : 1.0,\n\t\"auths\": {\n\t\t\"a.io\": {}\n\t}\n}\n", false},
        {"before others", "{\"auths\":{},\"z\":\"\\/\"}", "a.io", "",
         "{\"auths\":{\n\t\t\"a.io\": {}\n\t},\"z\":\"\\/\"}", false},
        {"null is no entry", "{\"auths\":null}", "a.io", "", "{\"auths\":{\n\t\t\"a.io\": {}\n\t}}",
         false},
        {"in its place", "{\"auths\":{\"x\":{ },\"a.io\":{\"auth\":\"o\"},\"y\":[1, 2]}}", "a.io",
         "\"auth\": \"n\"",
         "{\"auths\":{\n\t\t\"x\": { },\n\t\t\"a.io\": {\n\t\t\t\"auth\": "
         "\"n\"\n\t\t},\n\t\t\"y\": [1, "
         "2]\n\t}}",
         true},
        {"members of others stay in it",
         "{\"auths\":{\"a.io\":{\"email\":\"\\u0065\",\"password\":\"o\",\"identitytoken\":\"o\"}}"
         "}",
         "a.io", "\"auth\": \"n\"",
         "{\"auths\":{\n\t\t\"a.io\": {\n\t\t\t\"auth\": \"n\",\n\t\t\t\"email\": "
         "\"\\u0065\"\n\t\t}\n\t}}",
         true},
        {"one for all keys of the host",
         "{\"auths\":{\"https://a.io/v1/\":{},\"b\":{},\"a.io\":{\"auth\":\"o\"}}}", "a.io",
         "\"auth\": \"n\"",
         "{\"auths\":{\n\t\t\"https://a.io/v1/\": {\n\t\t\t\"auth\": \"n\"\n\t\t},\n\t\t\"b\": "
         "{}\n\t}}",
         true},
        {"not those of its repositories", "{\"auths\":{\"a.io/team\":{\"auth\":\"o\"}}}", "a.io",
         NULL, "{\"auths\":{\n\t\t\"a.io/team\": {\"auth\":\"o\"}\n\t}}", false},
        {"Docker Hub's key", "{}", "docker.io", "",
         "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {}\n\t}\n}", false},
        {"removed", "{\"auths\":{\"a.io\":{\"auth\":\"o\"},\"b\":{}}}", "a.io", NULL,
         "{\"auths\":{\n\t\t\"b\": {}\n\t}}", true},
        {"the last one removed", "{\"auths\":{\"a.io\":{}}}", "a.io", NULL, "{\"auths\":{}}", true},
        {"of duplicates the last one stays", "{\"auths\":{\"b\":{\"n\":1},\"b\":{\"n\":2}}}",
         "a.io", NULL, "{\"auths\":{\n\t\t\"b\": {\"n\":2}\n\t}}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf got = {0};
        bool had;
        print_message("%s\n", rows[i].what);
        assert_int_equal(
            oci_login_edit(
                str_from(rows[i].before), rows[i].host, str_from(rows[i].entry), &got, &had, NULL),
            ERR_OK);
        assert_string_equal(got.p, rows[i].after);
        assert_int_equal(had, rows[i].had);
    }
}

static void test_login_edit__refuses_what_it_could_not_keep(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[]",           "\"x\"",  "{\"auths\":[]}", "{\"auths\":\"x\"}",
        "{\"auths\":{", "canary", "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf got = {0};
        bool had;
        struct err err = {0};
        assert_int_equal(
            oci_login_edit(str_from(rows[i]), "a.io", STR(""), &got, &had, &err), ERR_INVALID);
        assert_null(strstr(err.text, "canary"));
        assert_int_equal(got.n, 0);
    }
}

/* What is kept is what is found, and gone when it is erased. */
static void test_login_store__is_read_back(void **state)
{
    (void)state;
    char *dir CLEANUP(test_dir_remove) = test_dir();
    autofree char *folder = fs_join(dir, "docker");
    autofree char *path = fs_join(folder, "config.json");
    const struct oci_credential_files files = {.config = path};
    char user[] = "u", password[] = "p:\"\\ \xC3\xA4", token[] = "t\"</script>";
    const struct oci_credential rows[] = {
        {.username = user, .password = password},
        {.username = user, .identity_token = token},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_login_kept kept;
        struct stat st;
        auto_oci_credential struct oci_credential got = {0};
        bool had;
        assert_int_equal(oci_login_store(path, "a.io:5000", &rows[i], &kept, NULL), ERR_OK);
        assert_null(kept.helper);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(stat(folder, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(oci_credentials_find(&files, "a.io:5000", "x", &got, NULL), ERR_OK);
        assert_string_equal(got.username, "u");
        if (rows[i].password != NULL)
            assert_string_equal(got.password, rows[i].password);
        else
            assert_string_equal(got.identity_token, rows[i].identity_token);
        assert_int_equal(oci_login_erase(path, "a.io:5000", &had, NULL), ERR_OK);
        assert_true(had);
        assert_int_equal(oci_login_erase(path, "a.io:5000", &had, NULL), ERR_OK);
        assert_false(had);
    }
}

static void test_login_erase__makes_no_file(void **state)
{
    (void)state;
    char *dir CLEANUP(test_dir_remove) = test_dir();
    autofree char *path = fs_join(dir, "none/config.json");
    bool had = true;
    assert_int_equal(oci_login_erase(path, "a.io", &had, NULL), ERR_OK);
    assert_false(had);
    assert_false(fs_exists(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login_edit__changes_the_entry_alone),
        cmocka_unit_test(test_login_edit__refuses_what_it_could_not_keep),
        cmocka_unit_test(test_login_store__is_read_back),
        cmocka_unit_test(test_login_erase__makes_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
