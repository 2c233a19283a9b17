#include "base/fs.h"
#include "base/mem.h"
#include "base/testing.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static char dir[] = "/tmp/cup-fs-test-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        autofree char *path = fs_join(dir, e->d_name);
        unlink(path);
    }
    closedir(d);
    return rmdir(dir);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static void test_fs_write_atomic__replaces_and_leaves_no_temporary_file(void **state)
{
    (void)state;
    struct err err = {0};
    autofree char *path = fs_join(dir, "file");
    autobuf struct buf b = {0};
    assert_int_equal(fs_write_atomic(path, STR("one"), 0644, &err), ERR_OK);
    assert_int_equal(fs_write_atomic(path, STR("second"), 0644, &err), ERR_OK);
    assert_int_equal(fs_read_file(path, 100, &b, &err), ERR_OK);
    assert_true(str_eqz(buf_view(&b), "second"));
    assert_int_equal(count_files(), 1);
}

static void test_fs_write_atomic__fails_without_a_trace(void **state)
{
    (void)state;
    struct err err = {0};
    autofree char *path = mem_printf("%s/nowhere/file", dir);
    assert_int_equal(fs_write_atomic(path, STR("x"), 0644, &err), ERR_NOT_FOUND);
    assert_int_equal(count_files(), 1);
}

static void test_fs_read_file__stops_at_the_limit(void **state)
{
    (void)state;
    struct err err = {0};
    autofree char *path = fs_join(dir, "file");
    autobuf struct buf b = {0};
    assert_int_equal(fs_write_atomic(path, STR("0123456789"), 0644, &err), ERR_OK);
    assert_int_equal(fs_read_file(path, 10, &b, &err), ERR_OK);
    assert_int_equal(b.n, 10);
    assert_int_equal(fs_read_file(path, 9, &b, &err), ERR_LIMIT);
    assert_int_equal(fs_read_file("/nowhere/at/all", 9, &b, &err), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fs_write_atomic__replaces_and_leaves_no_temporary_file),
        cmocka_unit_test(test_fs_write_atomic__fails_without_a_trace),
        cmocka_unit_test(test_fs_read_file__stops_at_the_limit),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
