#include "vfs/trace.h"

#include "base/testing.h"
#include "vfs/memtree.h"

#define SEEN_MAX ((size_t)1 << 20)

/* A tree of lines: "path=bytes" a file, "path@target" a link, "path/" an empty directory. */
static struct vfs *tree_of(const char *lines)
{
    struct vfs *tree = memtree_new();
    struct str rest = str_from(lines);
    struct err err;
    while (rest.p != NULL) {
        struct str line = str_cut(&rest, '\n');
        ptrdiff_t at = str_find(line, '=');
        enum vfs_type type = VFS_FILE;
        if (at < 0) {
            at = str_find(line, '@');
            type = VFS_LINK;
        }
        if (at < 0) {
            at = (ptrdiff_t)line.n - 1;
            type = VFS_DIR;
        }
        struct str bytes = type == VFS_DIR ? STR("") : str_skip(line, (size_t)at + 1);
        assert_int_equal(memtree_add(tree, str_take(line, (size_t)at), type, bytes, &err), ERR_OK);
    }
    return tree;
}

static const char before[] = "a=1\nb=22\nd/e=3\nd/f/g=4\nl@d/e\nempty/";

static void stat_path(struct vfs *v, const char *path, unsigned flags)
{
    struct vfs_stat st;
    enum err_kind ignored = vfs_stat(v, str_from(path), flags, &st, NULL);
    (void)ignored;
}

static void look_stat(struct vfs *v)
{
    stat_path(v, "b", 0);
    stat_path(v, "d", 0);
    stat_path(v, "nothing", 0);
}

static void look_size(struct vfs *v)
{
    stat_path(v, "b", VFS_STAT_SIZE);
    stat_path(v, "d", VFS_STAT_SIZE);
}

static void read_path(struct vfs *v, const char *path)
{
    auto_vfs_data struct vfs_data data = {0};
    enum err_kind ignored = vfs_read(v, str_from(path), &data, NULL);
    (void)ignored;
}

static void look_read(struct vfs *v)
{
    read_path(v, "b");
    read_path(v, "d/e");
    read_path(v, "d");
    read_path(v, "d/none");
}

static void look_link(struct vfs *v)
{
    read_path(v, "l");
}

static void list_path(struct vfs *v, const char *path)
{
    auto_vfs_listing struct vfs_listing listing = {0};
    enum err_kind ignored = vfs_list(v, str_from(path), &listing, NULL);
    (void)ignored;
}

static void look_list(struct vfs *v)
{
    list_path(v, "d");
    list_path(v, "a");
    list_path(v, "missing");
}

static const struct row {
    const char *what;
    void (*look)(struct vfs *v);
    const char *after;
    bool holds;
} rows[] = {
    {"the same tree", look_read, before, true},
    {"stat: other content of another size", look_stat, "b=333\nd/e=3", true},
    {"stat: something came where nothing was", look_stat, "b=22\nd/e=3\nnothing=", false},
    {"stat: a file became a directory", look_stat, "b/x=1\nd/e=3", false},
    {"stat: a file went", look_stat, "d/e=3", false},
    {"stat: a directory became a link", look_stat, "b=22\nd@b", false},
    {"size: other content of that size", look_size, "b=33\nd/e=3", true},
    {"size: another size", look_size, "b=333\nd/e=3", false},
    {"size: a directory's does not count", look_size, "b=22\nd/e=3\nd/more=1", true},
    {"read: another file changed", look_read, "b=22\nd/e=3\na=changed\nd/f/g=5", true},
    {"read: the file changed, not its size", look_read, "b=23\nd/e=3", false},
    {"read: another one changed as well", look_read, "b=22\nd/e=4", false},
    {"read: what could not be read came", look_read, "b=22\nd/e=3\nd/none=1", false},
    {"read: the directory became a file", look_read, "b=22\nd=1", false},
    {"link: what it points to changed", look_link, "l@d/e\nd/e=9", true},
    {"link: the target changed", look_link, "l@d/f", false},
    {"link: it became a file", look_link, "l=d/e", false},
    {"list: a file of it changed", look_list, "d/e=9\nd/f/g=4\na=1", true},
    {"list: below a directory of it changed", look_list, "d/e=3\nd/f/x=4\na=2", true},
    {"list: a name more", look_list, "d/e=3\nd/f/g=4\nd/h=1\na=1", false},
    {"list: a name less", look_list, "d/e=3\na=1", false},
    {"list: another type", look_list, "d/e=3\nd/f=4\na=1", false},
    {"list: what was no directory became one", look_list, "d/e=3\nd/f/g=4\na/x=1", false},
    {"list: what was missing came", look_list, "d/e=3\nd/f/g=4\na=1\nmissing/x=1", false},
};

static void test_seen__holds_for_trees_that_look_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_vfs struct vfs *old = tree_of(before);
        auto_vfs struct vfs *new = tree_of(rows[i].after);
        struct vfs_trace *t = vfs_trace_new(old, SEEN_MAX);
        rows[i].look(vfs_trace_vfs(t));
        struct vfs_seen *seen = vfs_trace_seen(t);
        vfs_trace_free(t);
        assert_non_null(seen);
        assert_true(vfs_seen_holds(seen, old));
        if (vfs_seen_holds(seen, new) != rows[i].holds)
            fail_msg("%s", rows[i].what);
        vfs_seen_unref(seen);
    }
}

static void test_trace__gives_what_the_tree_gives(void **state)
{
    (void)state;
    auto_vfs struct vfs *tree = tree_of(before);
    struct vfs_trace *t = vfs_trace_new(tree, SEEN_MAX);
    struct vfs *v = vfs_trace_vfs(t);
    auto_vfs_data struct vfs_data data = {0};
    auto_vfs_listing struct vfs_listing listing = {0};
    struct vfs_stat st;
    struct err err;
    assert_int_equal(vfs_read(v, STR("b"), &data, &err), ERR_OK);
    assert_true(str_eqz(data.bytes, "22"));
    assert_int_equal(vfs_stat(v, STR("b"), VFS_STAT_SIZE, &st, &err), ERR_OK);
    assert_int_equal(st.size, 2);
    assert_int_equal(vfs_list(v, STR(""), &listing, &err), ERR_OK);
    assert_int_equal(listing.count, 5);
    assert_int_equal(vfs_read(v, STR("d"), &data, &err), ERR_INVALID);
    assert_int_equal(vfs_stat(v, STR("x"), 0, &st, &err), ERR_NOT_FOUND);
    vfs_trace_free(t);
}

static void test_trace__that_outgrows_its_room_is_not_whole(void **state)
{
    (void)state;
    auto_vfs struct vfs *tree = tree_of(before);
    struct vfs_trace *t = vfs_trace_new(tree, 300);
    struct vfs_seen *seen = NULL;
    read_path(vfs_trace_vfs(t), "b");
    seen = vfs_trace_seen(t);
    assert_non_null(seen);
    vfs_seen_unref(seen);
    for (char name[] = "x0"; name[1] <= '9'; name[1]++)
        read_path(vfs_trace_vfs(t), name);
    assert_null(vfs_trace_seen(t));
    vfs_trace_free(t);
}

/* A tree whose files have no identity: nothing read of it can be recognised later. */
static enum err_kind stat_without_id(
    struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    (void)v;
    (void)path;
    (void)flags;
    (void)err;
    *ret = (struct vfs_stat){.type = VFS_FILE, .size = 1};
    return ERR_OK;
}

static enum err_kind
read_one_byte(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    (void)v;
    (void)path;
    (void)err;
    *ret = (struct vfs_data){.bytes = STR("1")};
    return ERR_OK;
}

static enum err_kind
list_fails(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    (void)v;
    (void)path;
    (void)ret;
    return err_set(err, ERR_IO, "the disk is gone");
}

static const struct vfs_ops poor_ops = {
    .stat = stat_without_id, .read = read_one_byte, .list = list_fails};

static void test_trace__is_not_whole_without_identities(void **state)
{
    (void)state;
    struct vfs poor = {&poor_ops};
    struct vfs_trace *t = vfs_trace_new(&poor, SEEN_MAX);
    read_path(vfs_trace_vfs(t), "a");
    assert_null(vfs_trace_seen(t));
    vfs_trace_free(t);
}

static void test_trace__is_not_whole_after_a_failure(void **state)
{
    (void)state;
    struct vfs poor = {&poor_ops};
    struct vfs_trace *t = vfs_trace_new(&poor, SEEN_MAX);
    list_path(vfs_trace_vfs(t), "a");
    assert_null(vfs_trace_seen(t));
    vfs_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen__holds_for_trees_that_look_the_same),
        cmocka_unit_test(test_trace__gives_what_the_tree_gives),
        cmocka_unit_test(test_trace__that_outgrows_its_room_is_not_whole),
        cmocka_unit_test(test_trace__is_not_whole_without_identities),
        cmocka_unit_test(test_trace__is_not_whole_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
