#include "vfs/subtree.h"

#include "base/mem.h"
#include "base/testing.h"
#include "vfs/memtree.h"

static void test_subtree__is_what_lies_below(void **state)
{
    (void)state;
    struct err err;
    auto_vfs struct vfs *base = memtree_new();
    assert_int_equal(memtree_add(base, STR("a/b/c"), VFS_FILE, STR("text"), &err), ERR_OK);
    assert_int_equal(memtree_add(base, STR("a/d"), VFS_FILE, STR("other"), &err), ERR_OK);
    auto_vfs struct vfs *sub = vfs_subtree_new(base, STR("a"));
    auto_vfs_listing struct vfs_listing listing = {0};
    auto_vfs_data struct vfs_data data = {0};
    struct vfs_stat st;
    assert_int_equal(vfs_list(sub, STR(""), &listing, &err), ERR_OK);
    assert_int_equal(listing.count, 2);
    assert_string_equal(listing.entries[0].name, "b");
    assert_int_equal(vfs_read(sub, STR("b/c"), &data, &err), ERR_OK);
    assert_true(str_eq(data.bytes, STR("text")));
    assert_int_equal(vfs_stat(sub, STR(""), 0, &st, &err), ERR_OK);
    assert_int_equal(st.type, VFS_DIR);
    assert_int_equal(vfs_stat(sub, STR("a/d"), 0, &st, &err), ERR_NOT_FOUND);
}

static void test_subtree__of_nothing_is_empty(void **state)
{
    (void)state;
    struct err err;
    auto_vfs struct vfs *base = memtree_new();
    auto_vfs struct vfs *sub = vfs_subtree_new(base, STR("nothing"));
    auto_vfs_listing struct vfs_listing listing = {0};
    auto_vfs_data struct vfs_data data = {0};
    assert_int_equal(vfs_list(sub, STR(""), &listing, &err), ERR_OK);
    assert_int_equal(listing.count, 0);
    assert_int_equal(vfs_read(sub, STR("x"), &data, &err), ERR_NOT_FOUND);
    struct vfs_stat st;
    assert_int_equal(vfs_stat(sub, STR(""), 0, &st, &err), ERR_OK);
    assert_int_equal(st.type, VFS_DIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subtree__is_what_lies_below),
        cmocka_unit_test(test_subtree__of_nothing_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
