#include "oci/testing.h"
#include "oci/wasm.h"

#define START_ONLY "\x07\x0a\x01\x06_start\x00\x00"
#define MEMORY_ONLY "\x07\x0a\x01\x06memory\x02\x00"
#define BOTH "\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x01"
#define ROW(bytes, text)                                                                           \
    {                                                                                              \
        {bytes, sizeof(bytes) - 1}, text                                                           \
    }

static void test_wasm_check__accepts_a_command(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(oci_wasm_check(TEST_WASM, NULL, &err), ERR_OK);
    /* custom sections may stand anywhere and repeat */
    static const char with_custom[] = WASM_HEAD "\x00\x02\x01x\x00\x02\x01x" BOTH "\x00\x02\x01x";
    assert_int_equal(
        oci_wasm_check(str_of(with_custom, sizeof(with_custom) - 1), NULL, &err), ERR_OK);
}

static void test_wasm_check__reads_each_kind_of_import(void **state)
{
    (void)state;
    /* table, memory, global: of another kind than functions, so refused by name, not as torn */
    static const char table[] = WASM_HEAD "\x02\x09\x01\x01m\x01t\x01\x70\x00\x01" BOTH;
    static const char memory[] = WASM_HEAD "\x02\x08\x01\x01m\x01y\x02\x00\x01" BOTH;
    static const char global[] = WASM_HEAD "\x02\x08\x01\x01m\x01g\x03\x7f\x00" BOTH;
    const struct str rows[] = {
        {table, sizeof(table) - 1}, {memory, sizeof(memory) - 1}, {global, sizeof(global) - 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(oci_wasm_check(rows[i], NULL, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, "from 'm'"));
    }
}

static void test_t_adv_08_wasm_that_is_no_controller__refused(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *text;
    } rows[] = {
        ROW("", "not a WebAssembly binary"),
        ROW("text", "not a WebAssembly binary"),
        ROW("\0as", "not a WebAssembly binary"),
        ROW("(module)", "not a WebAssembly binary"),
        ROW("\0asm\x0d\0\1\0", "component"),
        ROW("\0asm\2\0\0\0", "version"),
        ROW("\0asm\1\0", "version"),
        ROW(WASM_HEAD, "_start"),
        ROW(WASM_HEAD START_ONLY, "memory"),
        ROW(WASM_HEAD MEMORY_ONLY, "_start"),
        ROW(WASM_HEAD "\x07\x13\x02\x06memory\x00\x00\x06_start\x02\x01", "_start"),
        ROW(WASM_HEAD "\x02\x0a\x01\x03"
                      "env\x01"
                      "f\x00\x00" BOTH,
            "'f' from 'env'"),
        ROW(WASM_HEAD "\x02\x0a\x01\x03"
                      "e\nv\x01"
                      "f\x00\x00" BOTH,
            "'e\\x0av'"),
        ROW(WASM_HEAD "\x07\x7f", "middle of a section"),
        ROW(WASM_HEAD "\x07\xff\xff\xff\xff\xff", "length of section 7"),
        ROW(WASM_HEAD "\x07\x02\x05\x01", "torn"),
        ROW(WASM_HEAD "\x07\x0b\x01\x06_start\x00\x00\x00", "torn"),
        ROW(WASM_HEAD START_ONLY START_ONLY, "repeated section 7"),
        ROW(WASM_HEAD "\x1f\x00" BOTH, "unknown or repeated section 31"),
        ROW(WASM_HEAD "\x02\x06\x01\x01m\x01x\x09" BOTH, "'x' from 'm'"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        print_message("row %zu\n", i);
        assert_int_equal(oci_wasm_check(rows[i].bytes, NULL, &err), ERR_INVALID);
        print_message("  %s\n", err.text);
        assert_non_null(strstr(err.text, rows[i].text));
    }
}

/* A section with one item of these bytes, between the head and the exports. */
#define WITH(section) WASM_HEAD section BOTH

static void test_t_adv_52_module_that_no_host_runs__refused(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *text;
    } rows[] = {
        ROW(WITH("\x02\x1f\x01\x16wasi_snapshot_preview1\x04"
                 "nope\x00\x00"),
            "imports 'nope' from 'wasi_snapshot_preview1'; that is no function of it"),
        ROW(WITH("\x02\x15\x01\x04wasi\x0cthread-spawn\x00\x00"), "'thread-spawn' from 'wasi'"),
        ROW(WITH("\x05\x04\x01\x03\x01\x02"), "shared memory"),
        ROW(WITH("\x05\x04\x01\x07\x01\x02"), "shared memory"),
        ROW(WITH("\x05\x03\x01\x04\x01"), "memory64"),
        ROW(WITH("\x05\x03\x01\x08\x01"), "limits of the module's memory"),
        ROW(WITH("\x05\x05\x02\x00\x01\x00\x01"), "2 memories"),
        ROW(WITH("\x05\x05\x01\x00\x81\x80\x04"), "limits of the module's memory"),
        ROW(WITH("\x05\x04\x01\x01\x02\x01"), "limits of the module's memory"),
        ROW(WITH("\x05\x02\x01\x00"), "section 5 of the module is torn"),
        ROW(WITH("\x05\x04\x01\x00\x01\x00"), "section 5 of the module is torn"),
        ROW("\0asm\x0d\0\1\0", "component"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        enum err_kind r = oci_wasm_check(rows[i].bytes, NULL, &err);
        print_message("row %zu: %s\n", i, err.text);
        assert_int_equal(r, ERR_INVALID);
        assert_non_null(strstr(err.text, rows[i].text));
    }
}

static void test_wasm_check__bounds_what_it_holds(void **state)
{
    (void)state;
    static const char long_export[] = WASM_HEAD "\x07\xff\xff\xff\x7f";
    static const char many[] = WASM_HEAD "\x07\xc6\xb8\x02\x91\x4e";
    struct err err = {0};
    assert_int_equal(
        oci_wasm_check(str_of(long_export, sizeof(long_export) - 1), NULL, &err), ERR_LIMIT);
    assert_string_equal(err.text, "section 7 of the module has 268435455 bytes, more than 1048576");
    autobuf struct buf module = {0};
    buf_add(&module, many, sizeof(many) - 1);
    for (int i = 0; i < 10001; i++)
        buf_add(&module, "\x01x\x00\x00", 4);
    assert_int_equal(oci_wasm_check(buf_view(&module), NULL, &err), ERR_LIMIT);
    assert_string_equal(err.text, "the module has more than 10000 exports");
}

static void test_wasm_reader__takes_pieces_of_any_size(void **state)
{
    (void)state;
    autobuf struct buf big = {0};
    buf_str(&big, TEST_WASM);
    buf_add(&big, "\x00\x80\x80\x04", 4); /* a custom section of 64 KiB */
    for (int i = 0; i < 65536; i++)
        buf_char(&big, (char)i);
    for (size_t piece = 1; piece < 3000; piece = piece * 3 + 1) {
        autorelease(oci_wasm_reader_free) struct oci_wasm_reader *w = oci_wasm_reader_new();
        auto_oci_wasm_info struct oci_wasm_info info = {0};
        for (size_t at = 0; at < big.n; at += piece)
            assert_int_equal(
                oci_wasm_add(w, big.p + at, big.n - at < piece ? big.n - at : piece, NULL), ERR_OK);
        assert_int_equal(oci_wasm_end(w, &info, NULL), ERR_OK);
        assert_int_equal(info.import_count, 1);
        assert_string_equal(info.imports[0], "wasi_snapshot_preview1.proc_exit");
        assert_int_equal(info.export_count, 2);
        assert_string_equal(info.exports[0], "memory memory");
        assert_string_equal(info.exports[1], "func _start");
        assert_int_equal(info.memory_min_pages, 1);
        assert_true(info.memory_max_pages == UINT64_MAX);
    }
}

static void test_wasm_check__survives_every_cut_and_flip(void **state)
{
    (void)state;
    char work[sizeof(test_wasm)];
    for (size_t n = 0; n + 1 < sizeof(test_wasm) - 6; n++) {
        enum err_kind r = oci_wasm_check(str_of(test_wasm, n), NULL, NULL);
        assert_int_equal(r, ERR_INVALID);
    }
    for (size_t i = 0; i < sizeof(test_wasm) - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(work, test_wasm, sizeof(work));
            work[i] = (char)(work[i] ^ (1 << bit));
            enum err_kind r = oci_wasm_check(str_of(work, sizeof(work) - 1), NULL, NULL);
            assert_true(r == ERR_OK || r == ERR_INVALID);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wasm_check__accepts_a_command),
        cmocka_unit_test(test_wasm_check__reads_each_kind_of_import),
        cmocka_unit_test(test_t_adv_08_wasm_that_is_no_controller__refused),
        cmocka_unit_test(test_t_adv_52_module_that_no_host_runs__refused),
        cmocka_unit_test(test_wasm_check__bounds_what_it_holds),
        cmocka_unit_test(test_wasm_reader__takes_pieces_of_any_size),
        cmocka_unit_test(test_wasm_check__survives_every_cut_and_flip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
