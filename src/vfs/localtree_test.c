#include "vfs/localtree.h"
#include "vfs/localwrite.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory "in" with a neighbour "out" that nothing may reach. */
struct place {
    char root[64];
    char *in;
    char *secret;
};

static void run(const char *command, const char *dir)
{
    autofree char *line = mem_printf("cd '%s' && %s", dir, command);
    assert_int_equal(system(line), 0);
}

static int set_up(void **state)
{
    struct place *p = mem_new(struct place);
    snprintf(p->root, sizeof(p->root), "/tmp/cup-localtree-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    p->in = mem_printf("%s/in", p->root);
    p->secret = mem_printf("%s/out/secret", p->root);
    run("mkdir -p in/dir in/.git out && echo -n A >in/a && echo -n B >in/dir/b && "
        "echo -n S >out/secret && echo x >in/.git/config && ln -s ../out in/lnk && "
        "ln -s ../out/secret in/file-lnk && mkfifo in/pipe",
        p->root);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    run("rm -rf in out && rmdir \"$PWD\"", p->root);
    free(p->in);
    free(p->secret);
    free(p);
    return 0;
}

static void test_localtree__shows_files_but_not_git(void **state)
{
    struct place *p = *state;
    auto_vfs struct vfs *v = NULL;
    auto_vfs_listing struct vfs_listing l = {0};
    auto_vfs_data struct vfs_data d = {0};
    struct vfs_stat stat;
    struct err err;
    assert_int_equal(vfs_localtree_new(p->in, &v, &err), ERR_OK);
    assert_int_equal(vfs_list(v, STR(""), &l, &err), ERR_OK);
    assert_int_equal(l.count, 5);
    assert_string_equal(l.entries[0].name, "a");
    assert_int_equal(l.entries[2].type, VFS_LINK);
    assert_int_equal(l.entries[4].type, VFS_OTHER);
    assert_int_equal(vfs_read(v, STR("dir/b"), &d, &err), ERR_OK);
    assert_true(str_eqz(d.bytes, "B"));
    assert_int_equal(vfs_stat(v, STR(".git/config"), 0, &stat, &err), ERR_NOT_FOUND);
    assert_int_equal(vfs_stat(v, STR("dir/.GIT"), 0, &stat, &err), ERR_NOT_FOUND);
    assert_int_equal(vfs_stat(v, STR("a/deeper"), 0, &stat, &err), ERR_NOT_FOUND);
}

static void test_localtree__never_reads_through_a_link(void **state)
{
    struct place *p = *state;
    auto_vfs struct vfs *v = NULL;
    auto_vfs_data struct vfs_data d = {0};
    auto_vfs_listing struct vfs_listing l = {0};
    struct err err;
    assert_int_equal(vfs_localtree_new(p->in, &v, &err), ERR_OK);
    assert_int_equal(vfs_read(v, STR("lnk/secret"), &d, &err), ERR_NOT_FOUND);
    assert_int_equal(vfs_list(v, STR("lnk"), &l, &err), ERR_INVALID);
    assert_int_equal(vfs_read(v, STR("file-lnk"), &d, &err), ERR_OK);
    assert_true(str_eqz(d.bytes, "../out/secret"));
    vfs_data_release(&d);
    assert_int_equal(vfs_read(v, STR("pipe"), &d, &err), ERR_INVALID);
    assert_int_equal(vfs_read(v, STR("dir"), &d, &err), ERR_INVALID);
}

static enum err_kind
apply_one(const char *root, enum vfs_change_kind kind, const char *path, struct err *err)
{
    struct vfs_change change = {
        .kind = kind, .path = str_from(path), .type = VFS_FILE, .bytes = STR("new")};
    struct vfs_changes changes = {&change, 1};
    return vfs_localtree_apply(root, &changes, err);
}

static void test_localtree__writes_whole_files_with_plain_modes(void **state)
{
    struct place *p = *state;
    struct err err;
    struct stat st;
    autobuf struct buf text = {0};
    autofree char *deep = mem_printf("%s/x/y/z", p->in);
    autofree char *gone = mem_printf("%s/dir/b", p->in);
    autofree char *dir = mem_printf("%s/dir", p->in);
    assert_int_equal(apply_one(p->in, VFS_CHANGE_PUT, "x/y/z", &err), ERR_OK);
    assert_int_equal(fs_read_file(deep, 100, &text, &err), ERR_OK);
    assert_string_equal(text.p, "new");
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(apply_one(p->in, VFS_CHANGE_DELETE, "dir/b", &err), ERR_OK);
    assert_false(fs_exists(gone));
    assert_true(fs_is_dir(dir));
}

static void test_localtree__refuses_and_leaves_everything_as_it_was(void **state)
{
    static const struct {
        enum vfs_change_kind kind;
        const char *path;
        enum err_kind wanted;
    } rows[] = {
        {VFS_CHANGE_PUT, "lnk/secret", ERR_CONFLICT},
        {VFS_CHANGE_PUT, "file-lnk", ERR_CONFLICT},
        {VFS_CHANGE_PUT, "dir", ERR_CONFLICT},
        {VFS_CHANGE_PUT, "a/b", ERR_CONFLICT},
        {VFS_CHANGE_PUT, ".git/config", ERR_INVALID},
        {VFS_CHANGE_PUT, "dir/.GiT/x", ERR_INVALID},
        {VFS_CHANGE_PUT, "../out/secret", ERR_INVALID},
        {VFS_CHANGE_DELETE, "nothing", ERR_CONFLICT},
        {VFS_CHANGE_DELETE, "lnk/secret", ERR_CONFLICT},
        {VFS_CHANGE_DELETE, "lnk", ERR_CONFLICT},
    };
    struct place *p = *state;
    autobuf struct buf text = {0};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err = (struct err){0};
        assert_int_equal(apply_one(p->in, rows[i].kind, rows[i].path, &err), rows[i].wanted);
        assert_null(strstr(err.text, p->root));
    }
    assert_int_equal(fs_read_file(p->secret, 100, &text, &err), ERR_OK);
    assert_string_equal(text.p, "S");
    run("test \"$(find in -name '.cup-stage-*' | wc -l)\" = 0", p->root);
}

static void test_localtree__a_failure_of_one_writes_none(void **state)
{
    struct place *p = *state;
    struct vfs_change items[] = {
        {.kind = VFS_CHANGE_PUT, .path = STR("a"), .type = VFS_FILE, .bytes = STR("new")},
        {.kind = VFS_CHANGE_PUT, .path = STR("dir"), .type = VFS_FILE, .bytes = STR("new")},
    };
    struct vfs_changes changes = {items, 2};
    struct err err;
    assert_int_equal(vfs_localtree_apply(p->in, &changes, &err), ERR_CONFLICT);
    run("test \"$(cat in/a)\" = A && test \"$(find in -name '.cup-stage-*' | wc -l)\" = 0",
        p->root);
}

/* Look at what a reader of dir/b and of the root's listing looks at. */
static void look(struct vfs *v)
{
    struct err err;
    struct vfs_stat st;
    auto_vfs_listing struct vfs_listing l = {0};
    auto_vfs_data struct vfs_data d = {0};
    (void)!vfs_stat(v, STR("dir/b"), 0, &st, &err);
    (void)!vfs_read(v, STR("dir/b"), &d, &err);
    (void)!vfs_list(v, STR(""), &l, &err);
}

static bool stamp_after_look(struct vfs *v, uint8_t ret[VFS_LOCALTREE_STAMP_BYTES])
{
    look(v);
    return vfs_localtree_stamp(v, ret);
}

static bool is_stamp(struct vfs *v, const uint8_t stamp[VFS_LOCALTREE_STAMP_BYTES])
{
    uint8_t now[VFS_LOCALTREE_STAMP_BYTES];
    return vfs_localtree_stamp(v, now) && memcmp(stamp, now, sizeof(now)) == 0;
}

static void test_localtree__a_stamp_ends_with_any_change_of_what_was_looked_at(void **state)
{
    static const char *const changes[] = {
        "printf C >>in/dir/b",    ": >in/dir/b",
        "chmod +x in/dir/b",      "rm in/dir/b",
        "printf D >in/dir/b",     "printf E >x && mv x in/dir/b",
        "mv in/dir in/away",      "mkdir in/dir",
        "printf F >in/dir/b",     "touch in/new",
        "rm -r in/dir",           "mv in/away in/dir",
        "ln -s ../out in/second", "rm in/second",
    };
    struct place *p = *state;
    auto_vfs struct vfs *v = NULL;
    struct err err;
    uint8_t stamp[VFS_LOCALTREE_STAMP_BYTES];
    assert_int_equal(vfs_localtree_new_watched(p->in, &v, &err), ERR_OK);
    if (vfs_localtree_is_unwatched(v, &err))
        skip();
    look(v);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        assert_true(stamp_after_look(v, stamp));
        run(changes[i], p->root);
        if (is_stamp(v, stamp))
            fail_msg("'%s' was not seen", changes[i]);
    }
}

/* A stamp also ends by its age: of some tries one falls between two ends. */
static void test_localtree__a_stamp_outlasts_what_does_not_concern_it(void **state)
{
    struct place *p = *state;
    auto_vfs struct vfs *v = NULL;
    struct err err;
    uint8_t stamp[VFS_LOCALTREE_STAMP_BYTES];
    bool lasts = false;
    assert_int_equal(vfs_localtree_new_watched(p->in, &v, &err), ERR_OK);
    if (vfs_localtree_is_unwatched(v, &err))
        skip();
    run("mkdir -p in/other", p->root);
    look(v);
    for (int i = 0; i < 20 && !lasts; i++) {
        assert_true(stamp_after_look(v, stamp));
        run("date >in/other/x && date >in/.git/y && cat in/dir/b >/dev/null && date >out/z",
            p->root);
        look(v);
        lasts = is_stamp(v, stamp);
    }
    assert_true(lasts);
}

static void test_localtree__knows_when_its_path_leads_elsewhere(void **state)
{
    struct place *p = *state;
    auto_vfs struct vfs *v = NULL;
    struct err err;
    autofree char *path = mem_printf("%s/current", p->root);
    run("ln -s in current", p->root);
    assert_int_equal(vfs_localtree_new(path, &v, &err), ERR_OK);
    assert_true(vfs_localtree_is_at(v, path));
    run("ln -sfn out current", p->root);
    assert_false(vfs_localtree_is_at(v, path));
    run("rm current", p->root);
    assert_false(vfs_localtree_is_at(v, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_localtree__shows_files_but_not_git, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__never_reads_through_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__writes_whole_files_with_plain_modes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__refuses_and_leaves_everything_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__a_failure_of_one_writes_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__a_stamp_ends_with_any_change_of_what_was_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__a_stamp_outlasts_what_does_not_concern_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_localtree__knows_when_its_path_leads_elsewhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
