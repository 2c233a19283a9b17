#include "vfs/memtree.h"

#include "base/testing.h"

static void test_memtree__lists_in_byte_order_and_reads_back(void **state)
{
    auto_vfs struct vfs *v = memtree_new();
    auto_vfs_listing struct vfs_listing l = {0};
    auto_vfs_data struct vfs_data d = {0};
    struct vfs_stat stat;
    struct err err;

    (void)state;
    assert_int_equal(memtree_add(v, STR("b/z"), VFS_FILE, STR("1"), &err), ERR_OK);
    assert_int_equal(memtree_add(v, STR("b/a.c"), VFS_FILE, STR(""), &err), ERR_OK);
    assert_int_equal(memtree_add(v, STR("b/a/x"), VFS_LINK, STR("../z"), &err), ERR_OK);
    assert_int_equal(vfs_list(v, STR("b"), &l, &err), ERR_OK);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.entries[0].name, "a");
    assert_int_equal(l.entries[0].type, VFS_DIR);
    assert_string_equal(l.entries[1].name, "a.c");
    assert_string_equal(l.entries[2].name, "z");
    assert_int_equal(vfs_read(v, STR("b/a/x"), &d, &err), ERR_OK);
    assert_true(str_eqz(d.bytes, "../z"));
    assert_int_equal(vfs_stat(v, STR("b/z"), VFS_STAT_SIZE, &stat, &err), ERR_OK);
    assert_int_equal(stat.size, 1);
    assert_int_equal(vfs_stat(v, STR("b/z/deeper"), 0, &stat, &err), ERR_NOT_FOUND);
}

static void test_memtree__refuses_what_is_no_path_or_clashes(void **state)
{
    static const char *const bad[] = {"/a", "a/", "a//b", ".", "a/../b", ".."};
    auto_vfs struct vfs *v = memtree_new();
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(memtree_add(v, str_from(bad[i]), VFS_FILE, STR(""), &err), ERR_INVALID);
    assert_int_equal(memtree_add(v, str_of("a\0b", 3), VFS_FILE, STR(""), &err), ERR_INVALID);
    assert_int_equal(memtree_add(v, STR("f"), VFS_FILE, STR(""), &err), ERR_OK);
    assert_int_equal(memtree_add(v, STR("f/g"), VFS_FILE, STR(""), &err), ERR_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memtree__lists_in_byte_order_and_reads_back),
        cmocka_unit_test(test_memtree__refuses_what_is_no_path_or_clashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
