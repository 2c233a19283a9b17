#include "base/testing.h"
#include "core/paths.h"

static char *everything[] = {(char[]){"**"}, NULL};

/* May a controller with this one list of globs write the path? */
static enum err_kind check(const char *const *patterns, const char *path, struct err *err)
{
    char *list[8] = {NULL};
    struct core_globs globs;
    for (size_t i = 0; patterns[i] != NULL; i++)
        list[i] = (char *)(uintptr_t)patterns[i];
    assert_int_equal(core_globs_init(&globs, list, err), ERR_OK);
    enum err_kind r = core_paths_check_write(&globs, 1, str_from(path), err);
    core_globs_deinit(&globs);
    return r;
}

static void test_globs_init__defaults_to_everything(void **state)
{
    (void)state;
    char *none[] = {NULL};
    char *some[] = {(char[]){"a/*.yml"}, (char[]){"b/**"}, NULL};
    char *const *const lists[] = {NULL, none, everything};
    struct core_globs globs;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        assert_int_equal(core_globs_init(&globs, lists[i], &err), ERR_OK);
        assert_int_equal(globs.count, 1);
        assert_true(core_globs_is_all(&globs));
        core_globs_deinit(&globs);
        assert_int_equal(globs.count, 0);
    }
    assert_int_equal(core_globs_init(&globs, some, &err), ERR_OK);
    some[0][0] = 'X'; /* its own copy is meant to stand */
    assert_int_equal(globs.count, 2);
    assert_false(core_globs_is_all(&globs));
    assert_true(str_eqz(globs.items[0], "a/*.yml"));
    core_globs_deinit(&globs);
}

static void test_globs_init__names_a_bad_pattern(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/a", "../a", "a/../b", "a/[b", "a//b", "a/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *list[] = {(char[]){"fine/**"}, (char *)(uintptr_t)bad[i], NULL};
        struct core_globs globs;
        struct err err = {0};
        assert_int_equal(core_globs_init(&globs, list, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, bad[i]));
        assert_int_equal(globs.count, 0);
    }
}

static void test_paths_check_write__keeps_to_the_globs(void **state)
{
    (void)state;
    static const struct {
        const char *patterns[4];
        const char *path;
        bool may;
    } rows[] = {
        {{"**"}, "a", true},
        {{"**"}, "a/b/c.yml", true},
        {{"flags/*.yml"}, "flags/a.yml", true},
        {{"flags/*.yml"}, "flags/a/b.yml", false},
        {{"flags/*.yml"}, "a.yml", false},
        {{"flags/*.yml", "b/**"}, "b/c/d", true},
        {{"flags/**"}, "flags", false},
        {{"flags/**"}, "flagsx/a", false},
        {{"a.yml"}, "a.yml", true},
        {{"a.yml"}, "A.yml", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        enum err_kind r = check(rows[i].patterns, rows[i].path, &err);
        if (r != (rows[i].may ? ERR_OK : ERR_DENIED))
            fail_msg("'%s': %d %s", rows[i].path, r, err.text);
        if (!rows[i].may)
            assert_non_null(strstr(err.text, rows[i].path));
    }
}

static void test_paths_check_write__asks_every_list(void **state)
{
    (void)state;
    char *image[] = {(char[]){"a/**"}, (char[]){"b/**"}, NULL};
    char *controller[] = {(char[]){"**/*.yml"}, NULL};
    struct core_globs lists[2];
    struct err err = {0};
    assert_int_equal(core_globs_init(&lists[0], image, &err), ERR_OK);
    assert_int_equal(core_globs_init(&lists[1], controller, &err), ERR_OK);
    assert_int_equal(core_paths_check_write(lists, 2, STR("a/x.yml"), &err), ERR_OK);
    assert_int_equal(core_paths_check_write(lists, 2, STR("a/x.txt"), &err), ERR_DENIED);
    assert_int_equal(core_paths_check_write(lists, 2, STR("c/x.yml"), &err), ERR_DENIED);
    core_globs_deinit(&lists[0]);
    core_globs_deinit(&lists[1]);
}

/* What steers Git, a forge or cup is not part of `**`, nor of any other pattern with marks. */
static void test_adv_34__reserved_paths_are_opened_by_a_literal_name_only(void **state)
{
    (void)state;
    static const char *const reserved[] = {
        ".git",
        ".git/config",
        ".GIT/x",
        "a/.git",
        "a/.git/hooks/x",
        ".gitmodules",
        ".gitattributes",
        ".gitignore",
        "sub/.gitattributes",
        ".github/workflows/x.yml",
        ".GitHub/workflows/x.yml",
        ".gitlab-ci.yml",
        ".gitea/workflows/x.yml",
        ".git::$INDEX_ALLOCATION",
        ".git /config",
        ".git./config",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        "docs/codeowners",
        ".cup/controllers.json",
        ".CUP/x",
        "git~1",
        "GIT~1/config",
        "a/git~1/config",
        "GITHUB~1/workflows/x.yml",
        "GITMOD~1",
        "CODEOWNERS. ",
        ".cup::$DATA",
        ".cup                                                  /x",
        ".g\xE2\x80\x8Cit/config",
        ".gi\xE2\x80\x8Dt",
        "\xEF\xBB\xBF.git/config",
    };
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        const char *all[] = {"**", NULL};
        const char *marked[] = {"*/**", "*", "**/*", NULL};
        const char *literal[] = {"**", reserved[i], NULL};
        struct err err = {0};
        if (check(all, reserved[i], &err) != ERR_DENIED)
            fail_msg("'**' opens '%s'", reserved[i]);
        assert_non_null(strstr(err.text, "path not allowed"));
        if (check(marked, reserved[i], &err) != ERR_DENIED)
            fail_msg("a pattern opens '%s'", reserved[i]);
        if (check(literal, reserved[i], &err) != ERR_OK)
            fail_msg("its own name does not open '%s': %s", reserved[i], err.text);
    }
}

static void test_paths_check_write__leaves_what_only_looks_reserved(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "git/config", "github/x",   "a.git/x",       "codeowners.md",  "a/.cup/x",
        "cup/x",      ".flipt.yml", "gitlab-ci.yml", "CODEOWNERS.d/x",
    };
    const char *all[] = {"**", NULL};
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        struct err err = {0};
        if (check(all, fine[i], &err) != ERR_OK)
            fail_msg("'%s': %s", fine[i], err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs_init__defaults_to_everything),
        cmocka_unit_test(test_globs_init__names_a_bad_pattern),
        cmocka_unit_test(test_paths_check_write__keeps_to_the_globs),
        cmocka_unit_test(test_paths_check_write__asks_every_list),
        cmocka_unit_test(test_adv_34__reserved_paths_are_opened_by_a_literal_name_only),
        cmocka_unit_test(test_paths_check_write__leaves_what_only_looks_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
