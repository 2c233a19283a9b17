#include "vfs/overlay.h"

#include "base/buf.h"
#include "base/testing.h"
#include "vfs/memtree.h"

/* A base of four files; each test says what it does as lines of "+path=bytes" (write), "-path"
 * (remove), and expects changes and the whole merged tree as such lines. */
static struct vfs *new_base(void)
{
    static const char *const files[][2] = {
        {"a.yml", "A"}, {"dir/b.yml", "B"}, {"dir/deep/c.yml", "C"}, {"dir.d", "D"}};
    struct vfs *v = memtree_new();
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_int_equal(
            memtree_add(v, str_from(files[i][0]), VFS_FILE, str_from(files[i][1]), &err), ERR_OK);
    return v;
}

static enum err_kind run(struct overlay *o, const char *script, struct err *err)
{
    struct str rest = str_from(script);
    enum err_kind kind = ERR_OK;

    while (rest.p != NULL && kind == ERR_OK) {
        struct str line = str_cut(&rest, '\n');
        struct str path = str_skip(line, 1);
        bool is_write = str_starts(line, STR("+"));

        if (line.n == 0)
            continue;
        if (is_write) {
            struct str bytes = path;

            path = str_cut(&bytes, '=');
            kind = overlay_write(o, path, bytes, false, err);
        } else {
            kind = overlay_remove(o, path, err);
        }
    }
    return kind;
}

static void show_changes(struct overlay *o, struct buf *to)
{
    struct vfs_changes changes;
    struct err err;

    assert_int_equal(overlay_changes(o, &changes, &err), ERR_OK);
    for (size_t i = 0; i < changes.count; i++) {
        const struct vfs_change *c = &changes.items[i];

        if (c->kind == VFS_CHANGE_PUT)
            buf_printf(to, "+" STR_FMT "=" STR_FMT "\n", STR_ARG(c->path), STR_ARG(c->bytes));
        else
            buf_printf(to, "-" STR_FMT "\n", STR_ARG(c->path));
    }
}

static void show_tree(struct vfs *v, const char *dir, struct buf *to)
{
    auto_vfs_listing struct vfs_listing l = {0};
    struct err err;

    assert_int_equal(vfs_list(v, str_from(dir), &l, &err), ERR_OK);
    for (size_t i = 0; i < l.count; i++) {
        autobuf struct buf path = {0};
        struct vfs_stat stat;

        buf_printf(&path, "%s%s%s", dir, *dir == '\0' ? "" : "/", l.entries[i].name);
        assert_int_equal(vfs_stat(v, buf_view(&path), VFS_STAT_SIZE, &stat, &err), ERR_OK);
        assert_int_equal(stat.type, l.entries[i].type);
        buf_printf(to, "%s%s ", path.p, stat.type == VFS_DIR ? "/" : "");
        if (stat.type == VFS_DIR)
            show_tree(v, path.p, to);
    }
}

static void test_overlay__shows_and_lists_what_changed(void **state)
{
    static const struct {
        const char *script, *changes, *tree;
    } rows[] = {
        {"", "", "a.yml dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir.d "},
        {"+a.yml=A", "", "a.yml dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir.d "},
        {"+a.yml=X\n+dir/new=N", "+a.yml=X\n+dir/new=N\n",
         "a.yml dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir/new dir.d "},
        {"-dir/deep/c.yml", "-dir/deep/c.yml\n", "a.yml dir/ dir/b.yml dir/deep/ dir.d "},
        {"-dir/deep/c.yml\n-dir/deep", "-dir/deep/c.yml\n", "a.yml dir/ dir/b.yml dir.d "},
        {"-dir/deep/c.yml\n-dir/deep\n+dir/deep/d=1", "-dir/deep/c.yml\n+dir/deep/d=1\n",
         "a.yml dir/ dir/b.yml dir/deep/ dir/deep/d dir.d "},
        {"-dir/deep/c.yml\n-dir/deep\n+dir/deep=F", "+dir/deep=F\n-dir/deep/c.yml\n",
         "a.yml dir/ dir/b.yml dir/deep dir.d "},
        {"-a.yml\n+a.yml/in=1", "-a.yml\n+a.yml/in=1\n",
         "a.yml/ a.yml/in dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir.d "},
        {"+x/y/z=1\n-x/y/z", "", "a.yml dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir.d x/ x/y/ "},
        {"-a.yml\n+a.yml=A", "", "a.yml dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir.d "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_vfs struct vfs *base = new_base();
        struct overlay *o = overlay_new(base, 1000);
        autobuf struct buf changes = {0};
        autobuf struct buf tree = {0};
        struct err err;

        assert_int_equal(run(o, rows[i].script, &err), ERR_OK);
        show_changes(o, &changes);
        show_tree(overlay_vfs(o), "", &tree);
        assert_string_equal(changes.p == NULL ? "" : changes.p, rows[i].changes);
        assert_string_equal(tree.p, rows[i].tree);
        overlay_free(o);
    }
}

static void test_overlay__refuses_with_the_reason(void **state)
{
    static const struct {
        const char *script;
        enum err_kind kind;
        const char *names;
    } rows[] = {
        {"+dir=x", ERR_INVALID, "'dir' is a directory"},
        {"+a.yml/b=x", ERR_INVALID, "'a.yml' is not a directory"},
        {"+../b=x", ERR_INVALID, "'../b'"},
        {"-dir/deep", ERR_INVALID, "'dir/deep' is not empty"},
        {"-nothing", ERR_NOT_FOUND, "'nothing'"},
        {"-a.yml\n-a.yml", ERR_NOT_FOUND, "'a.yml'"},
        {"+big=12345678901", ERR_LIMIT, "10 bytes"},
        {"+a=123456\n+b=12345", ERR_LIMIT, "10 bytes"},
        {"+a=123456\n-a\n+b=1234567890", ERR_OK, ""},
        {"+a=123456\n+a=1234567890", ERR_OK, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_vfs struct vfs *base = new_base();
        struct overlay *o = overlay_new(base, 10);
        struct err err = {0};

        assert_int_equal(run(o, rows[i].script, &err), rows[i].kind);
        assert_non_null(strstr(err.text, rows[i].names));
        overlay_free(o);
    }
}

static void test_overlay__makes_links_and_empty_directories(void **state)
{
    auto_vfs struct vfs *base = new_base();
    struct overlay *o = overlay_new(base, 1000);
    autobuf struct buf tree = {0};
    struct vfs_changes changes;
    struct err err;

    (void)state;
    assert_int_equal(overlay_link(o, STR("l"), STR("a.yml"), &err), ERR_OK);
    assert_int_equal(overlay_link(o, STR("a.yml"), STR("x"), &err), ERR_EXISTS);
    assert_int_equal(overlay_write(o, STR("l"), STR("x"), false, &err), ERR_INVALID);
    assert_int_equal(overlay_make_dir(o, STR("empty/e"), &err), ERR_OK);
    assert_int_equal(overlay_make_dir(o, STR("dir"), &err), ERR_EXISTS);
    show_tree(overlay_vfs(o), "", &tree);
    assert_string_equal(
        tree.p, "a.yml dir/ dir/b.yml dir/deep/ dir/deep/c.yml dir.d empty/ empty/e/ l ");
    assert_int_equal(overlay_changes(o, &changes, &err), ERR_OK);
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.items[0].type, VFS_LINK);
    overlay_free(o);
}

static void test_overlay__a_path_of_many_segments_needs_no_stack(void **state)
{
    auto_vfs struct vfs *base = memtree_new();
    struct overlay *o = overlay_new(base, 10);
    autobuf struct buf path = {0};
    struct vfs_changes changes;
    struct err err;

    (void)state;
    for (size_t i = 0; i < 100000; i++)
        buf_text(&path, "d/");
    buf_text(&path, "f");
    assert_int_equal(overlay_write(o, buf_view(&path), STR("1"), false, &err), ERR_OK);
    assert_int_equal(overlay_changes(o, &changes, &err), ERR_OK);
    assert_int_equal(changes.count, 1);
    assert_true(str_eq(changes.items[0].path, buf_view(&path)));
    overlay_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlay__shows_and_lists_what_changed),
        cmocka_unit_test(test_overlay__refuses_with_the_reason),
        cmocka_unit_test(test_overlay__makes_links_and_empty_directories),
        cmocka_unit_test(test_overlay__a_path_of_many_segments_needs_no_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
