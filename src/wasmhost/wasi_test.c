/* Host calls one by one, without a guest: what wasi-testsuite does not cover, and where we are stricter. */
#include "base/testing.h"
#include "vfs/memtree.h"
#include "wasmhost/testing.h"

#include <pthread.h>

struct fixture {
    struct vfs *tree;
    struct overlay *overlay;
    struct box box;
};

static void begin(struct fixture *f, bool is_writable)
{
    static const struct {
        const char *path;
        enum vfs_type type;
        const char *bytes;
    } nodes[] = {
        {"a", VFS_FILE, "A"},     {"dir/b", VFS_FILE, "B"}, {"dir/sub/c", VFS_FILE, "CCC"},
        {"lnk", VFS_LINK, "dir"}, {"up", VFS_LINK, ".."},   {"out", VFS_LINK, "/proc/self"},
    };
    struct err err;
    *f = (struct fixture){.tree = memtree_new()};
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        assert_int_equal(
            memtree_add(
                f->tree, str_from(nodes[i].path), nodes[i].type, str_from(nodes[i].bytes), &err),
            ERR_OK);
    f->overlay = is_writable ? overlay_new(f->tree, 1 << 20) : NULL;
    f->box.call = (struct wasmhost_call){.tree = f->tree, .overlay = f->overlay};
    box_init(&f->box);
}

static void end(struct fixture *f)
{
    box_deinit(&f->box);
    overlay_free(f->overlay);
    vfs_free(f->tree);
}

static uint32_t open_as(struct box *b, const char *path, uint32_t oflags, uint64_t rights)
{
    assert_int_equal(
        CALL(b, "path_open", 3, 0, PATH(b, path), oflags, rights, rights, 0, BOX_OUT), WASI_OK);
    return wasi_get_u32(b->wasi.mem + BOX_OUT);
}

static enum wasi_errno write_text(struct box *b, uint32_t fd, const char *text)
{
    wasi_put_u32(b->wasi.mem + BOX_OUT + 64, box_text(b, text));
    wasi_put_u32(b->wasi.mem + BOX_OUT + 68, (uint32_t)strlen(text));
    return CALL(b, "fd_write", fd, BOX_OUT + 64, 1, BOX_OUT);
}

static void assert_content(struct fixture *f, const char *path, const char *text)
{
    auto_vfs_data struct vfs_data data = {0};
    struct err err;
    assert_int_equal(vfs_read(overlay_vfs(f->overlay), str_from(path), &data, &err), ERR_OK);
    assert_true(str_eqz(data.bytes, text));
}

static uint64_t stat_field(struct box *b, const char *path, uint32_t offset)
{
    assert_int_equal(CALL(b, "path_filestat_get", 3, 0, PATH(b, path), BOX_OUT), WASI_OK);
    return wasi_get_u64(b->wasi.mem + BOX_OUT + offset);
}
enum { STAT_INO = 8, STAT_LINKS = 24, STAT_MTIM = 48 };

/* --- what no suite covers ---------------------------------------------------------------------------- */

static void test_table__holds_all_of_preview1(void **state)
{
    const struct wasi_row *rows[BOX_ROWS_MAX];
    (void)state;
    assert_int_equal(box_rows(rows), 46);
}

static void test_fd_sync__keeps_what_was_written_before_the_file_is_closed(void **state)
{
    static const char *const names[] = {"fd_sync", "fd_datasync"};
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        begin(&f, true);
        uint32_t fd = open_as(&f.box, "a", 0, WASI_RIGHTS_ALL);
        assert_int_equal(write_text(&f.box, fd, "new"), WASI_OK);
        assert_content(&f, "a", "A");
        assert_int_equal(CALL(&f.box, names[i], fd), WASI_OK);
        assert_content(&f, "a", "new");
        assert_int_equal(CALL(&f.box, names[i], 3), WASI_OK);
        assert_int_equal(CALL(&f.box, names[i], 1), WASI_INVAL);
        assert_int_equal(CALL(&f.box, names[i], 99), WASI_BADF);
        fd = open_as(&f.box, "a", 0, WASI_RIGHT_READ);
        assert_int_equal(CALL(&f.box, names[i], fd), WASI_NOTCAPABLE);
        end(&f);
    }
}

static void test_sockets__are_refused_and_so_are_signals(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, true);
    for (uint32_t fd = 0; fd < 4; fd++) {
        assert_int_equal(CALL(&f.box, "sock_accept", fd, 0, BOX_OUT), WASI_NOTSOCK);
        assert_int_equal(
            CALL(&f.box, "sock_recv", fd, BOX_OUT, 1, 0, BOX_OUT, BOX_OUT), WASI_NOTSOCK);
        assert_int_equal(CALL(&f.box, "sock_send", fd, BOX_OUT, 1, 0, BOX_OUT), WASI_NOTSOCK);
        assert_int_equal(CALL(&f.box, "sock_shutdown", fd, 3), WASI_NOTSOCK);
    }
    assert_int_equal(CALL(&f.box, "sock_accept", 4, 0, BOX_OUT), WASI_BADF);
    assert_int_equal(CALL(&f.box, "proc_raise", 9), WASI_NOTSUP);
    assert_false(f.box.wasi.is_ended);
    end(&f);
}

/* --- rights ------------------------------------------------------------------------------------------ */

static void test_rights__each_function_needs_its_own(void **state)
{
    static const struct {
        const char *name;
        uint64_t right;
    } rows[] = {
        {"path_create_directory", WASI_RIGHT_PATH_CREATE_DIRECTORY},
        {"path_unlink_file", WASI_RIGHT_PATH_UNLINK_FILE},
        {"path_remove_directory", WASI_RIGHT_PATH_REMOVE_DIRECTORY},
    };
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(&f, true);
        uint64_t rest = WASI_RIGHTS_DIR & ~rows[i].right;
        assert_int_equal(CALL(&f.box, "fd_fdstat_set_rights", 3, rest, WASI_RIGHTS_ALL), WASI_OK);
        assert_int_equal(CALL(&f.box, rows[i].name, 3, PATH(&f.box, "new")), WASI_NOTCAPABLE);
        end(&f);
    }
}

static void test_rights__what_a_directory_does_not_pass_on_is_left_out(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, true);
    assert_int_equal(
        CALL(&f.box, "fd_fdstat_set_rights", 3, WASI_RIGHTS_DIR, WASI_RIGHT_READ), WASI_OK);
    uint32_t fd = open_as(&f.box, "a", 0, UINT64_MAX);
    assert_int_equal(write_text(&f.box, fd, "x"), WASI_BADF);
    assert_int_equal(CALL(&f.box, "fd_seek", fd, 0, 0, BOX_OUT), WASI_NOTCAPABLE);
    assert_int_equal(CALL(&f.box, "fd_filestat_get", fd, BOX_OUT), WASI_NOTCAPABLE);
    end(&f);
}

/* --- links and names --------------------------------------------------------------------------------- */

static void test_link__two_names_are_one_node_until_one_goes(void **state)
{
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, true);
    uint32_t fd = open_as(b, "a", 0, WASI_RIGHTS_ALL);
    assert_int_equal(CALL(b, "path_link", 3, 0, PATH(b, "a"), 3, PATH(b, "dir/same")), WASI_OK);
    assert_int_equal(stat_field(b, "a", STAT_INO), stat_field(b, "dir/same", STAT_INO));
    assert_int_equal(stat_field(b, "a", STAT_LINKS), 2);
    assert_int_equal(write_text(b, fd, "both"), WASI_OK);
    assert_int_equal(CALL(b, "path_rename", 3, PATH(b, "a"), 3, PATH(b, "dir/same")), WASI_OK);
    assert_int_equal(CALL(b, "path_unlink_file", 3, PATH(b, "a")), WASI_OK);
    assert_int_equal(stat_field(b, "dir/same", STAT_LINKS), 1);
    assert_int_equal(write_text(b, fd, "!"), WASI_OK);
    assert_int_equal(CALL(b, "fd_close", fd), WASI_OK);
    assert_content(&f, "dir/same", "both!");
    end(&f);
}

static void test_names__who_comes_after_another_is_another_node(void **state)
{
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, true);
    uint64_t first = stat_field(b, "a", STAT_INO);
    assert_int_equal(stat_field(b, "a", STAT_MTIM), WASI_START_NS);
    assert_int_equal(CALL(b, "path_rename", 3, PATH(b, "a"), 3, PATH(b, "moved")), WASI_OK);
    open_as(b, "a", WASI_OFLAG_CREAT, WASI_RIGHTS_ALL);
    assert_int_equal(stat_field(b, "moved", STAT_INO), first);
    assert_int_not_equal(stat_field(b, "a", STAT_INO), first);
    end(&f);
}

enum { SMALL_STACK = 128 << 10 };

/* On a stack that 2,000 calls in each other do not fit on. */
static void *rename_d_to_e(void *data)
{
    struct box *b = data;
    return (void *)(uintptr_t)CALL(b, "path_rename", 3, PATH(b, "d"), 3, PATH(b, "e"));
}

static enum wasi_errno on_a_small_stack(void *(*run)(void *), struct box *b)
{
    pthread_t thread;
    pthread_attr_t attr;
    void *got = NULL;
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, run, b), 0);
    assert_int_equal(pthread_join(thread, &got), 0);
    pthread_attr_destroy(&attr);
    return (enum wasi_errno)(uintptr_t)got;
}

/* As deep as a path can say. */
static void test_rename__moves_a_tree_of_any_depth(void **state)
{
    struct fixture f;
    struct box *b = &f.box;
    char path[WASI_PATH_MAX + 1] = "d";
    struct err err;
    (void)state;
    begin(&f, true);
    for (size_t n = 1; n < WASI_PATH_MAX - 1; n += 2)
        memcpy(path + n, "/d", 3);
    assert_int_equal(memtree_add(f.tree, str_from(path), VFS_DIR, STR(""), &err), ERR_OK);
    assert_int_equal(on_a_small_stack(rename_d_to_e, b), WASI_OK);
    assert_int_equal(CALL(b, "path_filestat_get", 3, 0, PATH(b, path), BOX_OUT), WASI_NOENT);
    path[0] = 'e';
    assert_int_equal(CALL(b, "path_filestat_get", 3, 0, PATH(b, path), BOX_OUT), WASI_OK);
    end(&f);
}

static void test_names__are_bounded_and_those_that_went_do_not_count(void **state)
{
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, true);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(CALL(b, "path_create_directory", 3, PATH(b, "same")), WASI_OK);
        assert_int_equal(CALL(b, "path_remove_directory", 3, PATH(b, "same")), WASI_OK);
    }
    assert_int_equal(HASH_COUNT(b->wasi.names), 1);
    enum wasi_errno e = WASI_OK;
    for (int i = 0; e == WASI_OK && i < 300000; i++) {
        autofree char *name = mem_printf("n%d", i);
        e = CALL(b, "path_create_directory", 3, PATH(b, name));
    }
    assert_int_equal(e, WASI_IO);
    assert_int_equal(b->wasi.err.kind, ERR_LIMIT);
    end(&f);
}

/* --- hardening 51 ------------------------------------------------------------------------------------ */

static void test_adv_51__a_slash_behind_a_link_never_moves_what_it_leads_to(void **state)
{
    static const char *const names[] = {"lnk/", "lnk//", "up/", "out/"};
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, true);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = names[i];
        assert_int_equal(CALL(b, "path_rename", 3, PATH(b, name), 3, PATH(b, "x")), WASI_NOTDIR);
        assert_int_equal(CALL(b, "path_link", 3, 0, PATH(b, name), 3, PATH(b, "x")), WASI_NOTDIR);
        assert_int_equal(CALL(b, "path_unlink_file", 3, PATH(b, name)), WASI_NOTDIR);
        assert_int_equal(CALL(b, "path_remove_directory", 3, PATH(b, name)), WASI_NOTDIR);
    }
    struct vfs_changes changes;
    struct err err;
    assert_int_equal(overlay_changes(f.overlay, &changes, &err), ERR_OK);
    assert_int_equal(changes.count, 0);
    end(&f);
}

static void test_adv_51__no_path_of_any_call_leads_out(void **state)
{
    static const char *const paths[] = {
        "..",   "../x",        "/",   "/proc/self/environ", "dir/../..", "lnk/../../x",
        "up/x", "out/environ", "up/", "lnk/sub/../../../x"};
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, true);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const char *p = paths[i];
        const enum wasi_errno results[] = {
            CALL(b, "path_open", 3, 1, PATH(b, p), 0, WASI_RIGHTS_ALL, 0, 0, BOX_OUT),
            CALL(b, "path_open", 3, 1, PATH(b, p), 9, WASI_RIGHTS_ALL, 0, 0, BOX_OUT),
            CALL(b, "path_filestat_get", 3, 1, PATH(b, p), BOX_OUT),
            CALL(b, "path_filestat_set_times", 3, 1, PATH(b, p), 1, 1, 5),
        };
        for (size_t k = 0; k < ARRAY_LEN(results); k++)
            assert_int_equal(results[k], WASI_NOTCAPABLE);
    }
    assert_int_equal(
        CALL(b, "path_symlink", PATH(b, "/etc/passwd"), 3, PATH(b, "own")), WASI_NOTCAPABLE);
    assert_int_equal(CALL(b, "path_symlink", PATH(b, "../x"), 3, PATH(b, "own")), WASI_OK);
    assert_int_equal(
        CALL(b, "path_open", 3, 1, PATH(b, "own"), 1, WASI_RIGHTS_ALL, 0, 0, BOX_OUT),
        WASI_NOTCAPABLE);
    end(&f);
}

static void test_adv_51__a_tree_to_read_refuses_each_change(void **state)
{
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, false);
    const enum wasi_errno results[] = {
        CALL(b, "path_open", 3, 0, PATH(b, "a"), 8, WASI_RIGHTS_ALL, 0, 0, BOX_OUT),
        CALL(b, "path_open", 3, 0, PATH(b, "new"), 1, WASI_RIGHTS_ALL, 0, 0, BOX_OUT),
        CALL(b, "path_unlink_file", 3, PATH(b, "a")),
        CALL(b, "path_filestat_set_times", 3, 0, PATH(b, "a"), 1, 1, 5),
        CALL(b, "path_link", 3, 0, PATH(b, "a"), 3, PATH(b, "new")),
        CALL(b, "path_rename", 3, PATH(b, "a"), 3, PATH(b, "new")),
        CALL(b, "path_symlink", PATH(b, "a"), 3, PATH(b, "new")),
        CALL(b, "path_create_directory", 3, PATH(b, "new")),
    };
    for (size_t k = 0; k < ARRAY_LEN(results); k++)
        assert_int_equal(results[k], WASI_ROFS);
    uint32_t fd = open_as(b, "a", 0, WASI_RIGHTS_ALL);
    assert_int_equal(write_text(b, fd, "x"), WASI_BADF);
    assert_int_equal(CALL(b, "fd_filestat_set_size", fd, 0), WASI_BADF);
    assert_int_equal(CALL(b, "fd_allocate", fd, 0, 10), WASI_BADF);
    assert_int_equal(CALL(b, "fd_filestat_set_times", fd, 1, 1, 5), WASI_ROFS);
    end(&f);
}

/* --- hardening 50 ------------------------------------------------------------------------------------ */

static void test_adv_50__renumbering_and_closing_keep_the_books(void **state)
{
    static const uint32_t wrong[] = {4, 9, 1000, 0x7fffffff, 0xffffffff};
    struct fixture f;
    struct box *b = &f.box;
    (void)state;
    begin(&f, true);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(CALL(b, "fd_renumber", 3, wrong[i]), WASI_BADF);
        assert_int_equal(CALL(b, "fd_renumber", wrong[i], 3), WASI_BADF);
        assert_int_equal(CALL(b, "fd_close", wrong[i]), WASI_BADF);
    }
    for (int i = 0; i < 100000; i++) {
        uint32_t fd = open_as(b, "a", 0, WASI_RIGHTS_ALL);
        assert_int_equal(fd, 4);
        uint32_t to = open_as(b, "dir/b", 0, WASI_RIGHTS_ALL);
        assert_int_equal(CALL(b, "fd_renumber", fd, to), WASI_OK);
        assert_int_equal(CALL(b, "fd_close", to), WASI_OK);
    }
    assert_int_equal(b->wasi.open_count, 4);
    assert_null(b->wasi.files);
    uint32_t fd = open_as(b, "a", 0, WASI_RIGHTS_ALL);
    assert_int_equal(CALL(b, "fd_renumber", 3, fd), WASI_OK); /* the preopen under another number */
    assert_int_equal(CALL(b, "fd_prestat_get", fd, BOX_OUT), WASI_OK);
    assert_int_equal(CALL(b, "fd_prestat_get", 3, BOX_OUT), WASI_BADF);
    for (uint32_t i = 0; i < 10; i++)
        (void)CALL(b, "fd_close", i);
    assert_int_equal(b->wasi.open_count, 0);
    end(&f);
}

static void test_adv_50__a_million_opens_end_at_the_limit(void **state)
{
    struct fixture f;
    struct box *b = &f.box;
    enum wasi_errno e = WASI_OK;
    int opened = 0;
    (void)state;
    begin(&f, true);
    while (opened < 1000000 && e == WASI_OK) {
        e = CALL(b, "path_open", 3, 0, PATH(b, "a"), 0, WASI_RIGHTS_ALL, 0, 0, BOX_OUT);
        opened += e == WASI_OK;
    }
    assert_int_equal(opened, 1024 - 4);
    assert_true(b->wasi.is_ended);
    assert_int_equal(b->wasi.err.kind, ERR_LIMIT);
    end(&f);
}

/* Each function, each pointer of it in turn: nothing is done, nothing outside is touched. */
static void test_adv_50__a_pointer_that_leads_nowhere_is_a_fault(void **state)
{
    static const struct {
        const char *name;
        uint64_t args[9];
        size_t count;
    } rows[] = {
        {"args_sizes_get", {BOX_MEMORY, BOX_OUT}, 2},
        {"environ_sizes_get", {BOX_OUT, BOX_MEMORY - 3}, 2},
        {"clock_res_get", {0, BOX_MEMORY - 7}, 2},
        {"clock_time_get", {0, 0, UINT32_MAX}, 3},
        {"random_get", {1, BOX_MEMORY}, 2},
        {"random_get", {0, UINT32_MAX}, 2},
        {"fd_read", {0, BOX_MEMORY - 7, 1, BOX_OUT}, 4},
        {"fd_write", {1, 0, UINT32_MAX, BOX_OUT}, 4},
        {"fd_pread", {3, BOX_MEMORY, 1, 0, BOX_OUT}, 5},
        {"fd_readdir", {3, BOX_OUT, BOX_MEMORY, 0, BOX_OUT}, 5},
        {"fd_readdir", {3, BOX_OUT, 10, 0, BOX_MEMORY}, 5},
        {"fd_fdstat_get", {3, BOX_MEMORY - 23}, 2},
        {"fd_filestat_get", {3, BOX_MEMORY - 63}, 2},
        {"fd_prestat_get", {3, BOX_MEMORY - 7}, 2},
        {"fd_prestat_dir_name", {3, BOX_MEMORY, 1}, 3},
        {"path_open", {3, 0, BOX_MEMORY - 1, 2, 1, 0, 0, 0, BOX_OUT}, 9},
        {"path_open", {3, 0, BOX_TEXT, 1, 1, 0, 0, 0, BOX_MEMORY - 3}, 9},
        {"path_filestat_get", {3, 0, UINT32_MAX, 1, BOX_OUT}, 5},
        {"path_filestat_get", {3, 0, BOX_TEXT, 1, BOX_MEMORY - 63}, 5},
        {"path_create_directory", {3, 1, UINT32_MAX}, 3},
        {"path_symlink", {UINT32_MAX, 2, 3, BOX_TEXT, 1}, 5},
        {"path_rename", {3, UINT32_MAX, 1, 3, BOX_TEXT, 1}, 6},
        {"path_rename", {3, BOX_TEXT, 1, 3, UINT32_MAX, 1}, 6},
        {"path_link", {3, 0, UINT32_MAX, 1, 3, BOX_TEXT, 1}, 7},
        {"poll_oneoff", {BOX_MEMORY - 47, BOX_OUT, 1, BOX_OUT}, 4},
        {"poll_oneoff", {BOX_OUT, BOX_MEMORY - 31, 1, BOX_OUT}, 4},
        {"poll_oneoff", {BOX_OUT, BOX_OUT, UINT32_MAX, BOX_OUT}, 4},
    };
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(&f, true);
        box_text(&f.box, "a");
        enum wasi_errno e = box_call(&f.box, rows[i].name, rows[i].args, rows[i].count);
        bool is_dir_read = strcmp(rows[i].name, "fd_pread") == 0;
        if (e != (is_dir_read ? WASI_ISDIR : WASI_FAULT))
            fail_msg("row %zu, %s: errno %d", i, rows[i].name, (int)e);
        assert_int_equal(f.box.wasi.open_count, 4);
        assert_int_equal(f.box.result.out.n, 0);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__holds_all_of_preview1),
        cmocka_unit_test(test_fd_sync__keeps_what_was_written_before_the_file_is_closed),
        cmocka_unit_test(test_sockets__are_refused_and_so_are_signals),
        cmocka_unit_test(test_rights__each_function_needs_its_own),
        cmocka_unit_test(test_rights__what_a_directory_does_not_pass_on_is_left_out),
        cmocka_unit_test(test_link__two_names_are_one_node_until_one_goes),
        cmocka_unit_test(test_names__who_comes_after_another_is_another_node),
        cmocka_unit_test(test_rename__moves_a_tree_of_any_depth),
        cmocka_unit_test(test_names__are_bounded_and_those_that_went_do_not_count),
        cmocka_unit_test(test_adv_51__a_slash_behind_a_link_never_moves_what_it_leads_to),
        cmocka_unit_test(test_adv_51__no_path_of_any_call_leads_out),
        cmocka_unit_test(test_adv_51__a_tree_to_read_refuses_each_change),
        cmocka_unit_test(test_adv_50__renumbering_and_closing_keep_the_books),
        cmocka_unit_test(test_adv_50__a_million_opens_end_at_the_limit),
        cmocka_unit_test(test_adv_50__a_pointer_that_leads_nowhere_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
