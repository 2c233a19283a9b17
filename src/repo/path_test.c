#include "base/testing.h"

#include "base/mem.h"
#include "repo/repo.h"

struct row {
    const char *path;
    const char *fault; /* what the text says of it; NULL: allowed */
};

/* hardening 34: libgit2's and git's nasty names (t1014, t7415, t7450). */
static const struct row rows[] = {
    {"a", NULL},
    {"features.yml", NULL},
    {"a/b/c.json", NULL},
    {"ünï/код.yml", NULL},
    {".gitignore", NULL}, /* which of them a controller may write is core/paths.h's */
    {".gitx", NULL},
    {"git", NULL},
    {"git~2", NULL},
    {"x.git", NULL},
    {"a b", NULL},
    {"...x", NULL},
    {"", "empty"},
    {"/a", "empty segment"},
    {"a/", "empty segment"},
    {"a//b", "empty segment"},
    {".", "no names"},
    {"a/../b", "no names"},
    {"a/./b", "no names"},
    {".git", "'.git'"},
    {".git/config", "'.git'"},
    {".GIT/x", "'.git'"},
    {"a/.git", "'.git'"},
    {"a/.Git/hooks/post-checkout", "'.git'"},
    {".g\u200cit/x", "'.git'"},
    {"\ufeff.git", "'.git'"},
    {".git\u206f", "'.git'"},
    {"git~1", "'.git'"},
    {"GIT~1/config", "'.git'"},
    {".git::$INDEX_ALLOCATION/config", "'.git'"},
    {".git:x", "'.git'"},
    {".git.", "'.git'"},
    {".git ", "'.git'"},
    {".git . .", "'.git'"},
    {"a.", "dot or blank"},
    {"a /b", "dot or blank"},
    {"a\rb", "control"},
    {"a\n", "control"},
    {"a\x7f", "control"},
    {"a\\..\\.git\\config", "backslash"},
    {"a\xff", "UTF-8"},
    {"\xc0\xaf", "UTF-8"},
};

static void test_path__what_git_or_a_checkout_takes_specially_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        enum err_kind kind = repo_check_path(str_from(rows[i].path), &err);
        enum err_kind expected = rows[i].fault == NULL ? ERR_OK : ERR_INVALID;
        if (kind != expected)
            fail_msg("'%s' gives %d: %s", rows[i].path, kind, err.text);
        if (rows[i].fault != NULL && strstr(err.text, rows[i].fault) == NULL)
            fail_msg("'%s' gives '%s'", rows[i].path, err.text);
    }
}

static void test_path__a_nul_byte_is_refused(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(repo_check_path(str_of("a\0b", 3), &err), ERR_INVALID);
}

static void test_path__the_error_shows_no_control_characters(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(repo_check_path(STR("a\x1b[31m/\r\n"), &err), ERR_INVALID);
    for (const char *c = err.text; *c != '\0'; c++)
        assert_true((unsigned char)*c >= 0x20);
    assert_non_null(strstr(
        err.text,
        "'a?[31m/?"
        "?'"));
}

static char *repeated(const char *part, size_t times)
{
    size_t n = strlen(part);
    char *text = mem_alloc(n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, part, n);
    text[n * times] = '\0';
    return text;
}

static void test_path__long_names_end_at_what_file_systems_hold(void **state)
{
    (void)state;
    struct err err;
    autofree char *segment = repeated("x", 255);
    autofree char *longer = repeated("x", 256);
    autofree char *deep = repeated("x/", 2047);
    autofree char *deepest = mem_printf("%sxx", deep);
    autofree char *deeper = mem_printf("%sxxx", deep);
    assert_int_equal(repo_check_path(str_from(segment), &err), ERR_OK);
    assert_int_equal(repo_check_path(str_from(longer), &err), ERR_INVALID);
    assert_int_equal(repo_check_path(str_from(deepest), &err), ERR_OK);
    assert_int_equal(repo_check_path(str_from(deeper), &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path__what_git_or_a_checkout_takes_specially_is_refused),
        cmocka_unit_test(test_path__a_nul_byte_is_refused),
        cmocka_unit_test(test_path__the_error_shows_no_control_characters),
        cmocka_unit_test(test_path__long_names_end_at_what_file_systems_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
