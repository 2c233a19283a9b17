#include "core/twins.h"

#include "base/testing.h"
#include "vfs/memtree.h"

static void test_twins__are_told_by_case_and_composition(void **state)
{
    static const struct {
        const char *a, *b;
        bool wanted;
    } rows[] = {
        {"a", "A", true},
        {"a", "a", false},
        {"a", "b", false},
        {"a", "ab", false},
        {"", "a", false},
        {"Readme.md", "README.MD", true},
        {"caf\xc3\xa9", "cafe\xcc\x81", true}, /* NFC, NFD */
        {"CAF\xc3\x89", "cafe\xcc\x81", true}, /* and case */
        {"stra\xc3\x9f"
         "e",
         "STRASSE", true},
        {"caf\xc3\xa9", "cafe", false},
        {"\xff", "\xfe", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (core_twins_are(str_from(rows[i].a), str_from(rows[i].b)) != rows[i].wanted)
            fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
    }
}

static enum err_kind check(struct vfs *base, const char *const paths[2], struct err *err)
{
    struct overlay *o = overlay_new(base, 1 << 20);
    struct vfs_changes changes = {0};
    for (size_t i = 0; i < 2 && paths[i] != NULL; i++)
        assert_int_equal(overlay_write(o, str_from(paths[i]), STR("x"), false, err), ERR_OK);
    assert_int_equal(overlay_changes(o, &changes, err), ERR_OK);
    enum err_kind r = core_twins_check(base, overlay_vfs(o), &changes, err);
    overlay_free(o);
    return r;
}

static void test_adv_36__a_change_adds_no_twin(void **state)
{
    static const struct {
        const char *paths[2];
        bool is_fine;
        const char *said;
    } rows[] = {
        {{"dir/c"}, true, NULL},
        {{"dir/A"}, false, "path 'dir/A' conflicts with 'dir/a'"},
        {{"Dir/new"}, false, "path 'Dir' conflicts with 'dir'"},
        {{"dir/caf\xc3\xa9"}, false, "conflicts with 'dir/cafe\xcc\x81'"},
        {{"new/x", "new/X"}, false, "path 'new/X' conflicts with 'new/x'"},
        {{"new/deep/x", "new/Deep/y"}, false, "conflicts with"},
        {{"dir/a"}, true, NULL},
        {{"old/TWIN"}, true, NULL}, /* both were there */
    };
    (void)state;
    auto_vfs struct vfs *base = memtree_new();
    static const char *const files[] = {"dir/a", "dir/cafe\xcc\x81", "old/TWIN", "old/twin"};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_int_equal(memtree_add(base, str_from(files[i]), VFS_FILE, STR("1"), &err), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum err_kind r = check(base, rows[i].paths, &err);
        assert_int_equal(r, rows[i].is_fine ? ERR_OK : ERR_CONFLICT);
        if (rows[i].said != NULL && strstr(err.text, rows[i].said) == NULL)
            fail_msg("%s", err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins__are_told_by_case_and_composition),
        cmocka_unit_test(test_adv_36__a_change_adds_no_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
