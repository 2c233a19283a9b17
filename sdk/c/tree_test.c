#include "cup_sdk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    char text[1024];
    size_t root;  /* bytes of the path that are the root's */
    size_t limit; /* files after which the visit fails */
};

static enum cup_sdk_result visit(void *data, const char *path, struct cup_sdk_err *err)
{
    struct seen *seen = data;
    if (seen->limit-- == 0)
        return cup_sdk_fail(err, "enough at '%s'", path + seen->root);
    size_t n = strlen(seen->text);
    snprintf(seen->text + n, sizeof(seen->text) - n, "%s\n", path + seen->root);
    return CUP_SDK_OK;
}

static void write_file(const char *root, const char *name, const char *text)
{
    char path[256];
    struct cup_sdk_err err;
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(cup_sdk_write_file(path, text, strlen(text), &err), CUP_SDK_OK);
}

static void remove_file(const char *root, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(remove(path), 0);
}

static void test_walk__goes_in_byte_order(void **state)
{
    static const char *const names[] = {"b/x", "b-c", "a/y/z", "a.txt", ".git/config", ".hidden"};
    static const char *const folders[] = {"b", "a/y", "a", ".git"};
    char root[] = "/tmp/cup-sdk-test-XXXXXX", link_path[256], link_folder[256];
    struct cup_sdk_err err;
    (void)state;
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        write_file(root, names[i], "x");
    snprintf(link_path, sizeof(link_path), "%s/link", root);
    snprintf(link_folder, sizeof(link_folder), "%s/folder", root);
    assert_int_equal(symlink("a.txt", link_path), 0);
    assert_int_equal(symlink("a", link_folder), 0);
    struct seen seen = {.root = strlen(root) + 1, .limit = 100};
    assert_int_equal(cup_sdk_walk(root, visit, &seen, &err), CUP_SDK_OK);
    assert_string_equal(seen.text, ".hidden\na/y/z\na.txt\nb/x\nb-c\nlink\n");
    seen.limit = 1;
    assert_int_equal(cup_sdk_walk(root, visit, &seen, &err), CUP_SDK_ERROR);
    assert_string_equal(err.text, "enough at 'a/y/z'");
    remove_file(root, "link");
    remove_file(root, "folder");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove_file(root, names[i]);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        remove_file(root, folders[i]);
    assert_int_equal(cup_sdk_walk(root, visit, &seen, &err), CUP_SDK_OK);
    assert_int_equal(rmdir(root), 0);
    assert_int_equal(cup_sdk_walk(root, visit, &seen, &err), CUP_SDK_ERROR);
    assert_non_null(strstr(err.text, "cannot read folder"));
}

static void test_file__is_bounded_and_told_apart(void **state)
{
    char root[] = "/tmp/cup-sdk-test-XXXXXX", path[256], *text = NULL;
    size_t n = 0;
    struct cup_sdk_err err;
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/f", root);
    assert_int_equal(cup_sdk_read_file(path, 10, &text, &n, &err), CUP_SDK_NOT_FOUND);
    write_file(root, "f", "0123456789");
    assert_int_equal(cup_sdk_read_file(path, 10, &text, &n, &err), CUP_SDK_OK);
    assert_int_equal(n, 10);
    assert_string_equal(text, "0123456789");
    free(text);
    assert_int_equal(cup_sdk_read_file(path, 9, &text, &n, &err), CUP_SDK_ERROR);
    assert_non_null(strstr(err.text, "larger than 9 bytes"));
    write_file(root, "f", "");
    assert_int_equal(cup_sdk_read_file(path, 0, &text, &n, &err), CUP_SDK_OK);
    assert_int_equal(n, 0);
    free(text);
    remove_file(root, "f");
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk__goes_in_byte_order),
        cmocka_unit_test(test_file__is_bounded_and_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
