#include "oci/tar.h"
#include "oci/testing.h"
#include "oci/tests_layer.h"

static enum err_kind list(void *data, struct str path, struct str bytes, struct err *err)
{
    buf_printf(data, STR_FMT "=" STR_FMT ";", STR_ARG(path), STR_ARG(bytes));
    return buf_check(data, "the list", err);
}

static struct oci_test_file file(const char *path, const char *bytes)
{
    return (struct oci_test_file){(char *)(uintptr_t)path, (char *)(uintptr_t)bytes, strlen(bytes)};
}

static void test_tests_layer__comes_back_in_order(void **state)
{
    (void)state;
    char deep[240];
    memset(deep, 'd', sizeof(deep));
    deep[120] = '/';
    deep[220] = '\0';
    const struct oci_test_file files[] = {file("b/call", "get"), file(deep, "x"), file("a", "")};
    autobuf struct buf layer = {0}, again = {0}, seen = {0}, want = {0};
    struct err err = {0};
    assert_int_equal(oci_tests_pack(files, 3, 0, &layer, &err), ERR_OK);
    assert_int_equal(oci_tests_pack(files, 3, 0, &again, &err), ERR_OK);
    assert_true(str_eq(buf_view(&layer), buf_view(&again)));
    assert_int_equal(oci_tests_unpack(buf_view(&layer), list, &seen, &err), ERR_OK);
    buf_printf(&want, "a=;b/call=get;%s=x;", deep);
    assert_string_equal(seen.p, want.p);
}

static void test_tests_pack__refuses_paths_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/a", "a/../b", "a//b", "./a", "a/", "a\nb", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct oci_test_file files[] = {file(bad[i], "x")};
        autobuf struct buf layer = {0};
        assert_int_equal(oci_tests_pack(files, 1, 0, &layer, NULL), ERR_INVALID);
    }
    const struct oci_test_file twins[] = {file("a", "x"), file("a", "y")};
    char long_name[400];
    memset(long_name, 'n', sizeof(long_name));
    long_name[300] = '\0';
    const struct oci_test_file too_long[] = {file(long_name, "x")};
    autobuf struct buf layer = {0};
    assert_int_equal(oci_tests_pack(twins, 2, 0, &layer, NULL), ERR_INVALID);
    assert_int_equal(oci_tests_pack(too_long, 1, 0, &layer, NULL), ERR_INVALID);
}

/* One entry of that name, type and claimed size, a block behind it, and an end or none. */
static void make_layer(const char *name, char type, uint64_t size, bool has_end, struct buf *layer)
{
    autobuf struct buf tar = {0};
    tar_entry(&tar, name, type, size, STR("x"));
    if (has_end)
        tar_end(&tar);
    gzip_all(layer, buf_view(&tar));
}

static void test_t_adv_01_tests_unpack__refuses_what_is_no_file_inside(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        char type;
        uint64_t size;
        bool has_end;
        enum err_kind kind;
    } rows[] = {
        {"a", '0', 1, true, ERR_OK},
        {"./a", '0', 1, true, ERR_OK},
        {"../a", '0', 1, true, ERR_INVALID},
        {"a/../../b", '0', 1, true, ERR_INVALID},
        {"/etc/passwd", '0', 1, true, ERR_INVALID},
        {"a", '1', 0, true, ERR_INVALID},
        {"a", '2', 0, true, ERR_INVALID},
        {"a", '3', 0, true, ERR_INVALID},
        {"a", 'x', 0, true, ERR_INVALID},
        {"a", 'L', 0, true, ERR_INVALID},
        {"a", '0', 1 << 30, true, ERR_INVALID},
        {"a", '0', 512, false, ERR_INVALID},
        {"a\x1b[2J", '0', 1, true, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf layer = {0}, seen = {0};
        struct err err = {0};
        make_layer(rows[i].name, rows[i].type, rows[i].size, rows[i].has_end, &layer);
        enum err_kind r = oci_tests_unpack(buf_view(&layer), list, &seen, &err);
        if (r != rows[i].kind)
            print_message("row %zu: %s\n", i, err.text);
        assert_int_equal(r, rows[i].kind);
        assert_null(strchr(err.text, 0x1b));
    }
}

static void test_t_adv_02_tests_unpack__a_bomb_stops_at_the_limit(void **state)
{
    (void)state;
    autobuf struct buf zeros = {.max = (size_t)64 << 20}, layer = {0};
    struct err err = {0};
    size_t n = (size_t)32 << 20;
    memset(buf_reserve(&zeros, n), 0, n);
    zeros.n = n;
    gzip_all(&layer, buf_view(&zeros));
    assert_int_equal(oci_tests_unpack(buf_view(&layer), list, NULL, &err), ERR_LIMIT);
    assert_int_equal(oci_tests_unpack(STR("no gzip"), list, NULL, &err), ERR_INVALID);
    layer.n /= 4;
    assert_int_equal(oci_tests_unpack(buf_view(&layer), list, NULL, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tests_layer__comes_back_in_order),
        cmocka_unit_test(test_tests_pack__refuses_paths_that_are_none),
        cmocka_unit_test(test_t_adv_01_tests_unpack__refuses_what_is_no_file_inside),
        cmocka_unit_test(test_t_adv_02_tests_unpack__a_bomb_stops_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
