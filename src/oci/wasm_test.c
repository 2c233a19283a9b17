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
    assert_int_equal(oci_wasm_check(TEST_WASM, &err), ERR_OK);
    /* custom sections may stand anywhere and repeat */
    static const char with_custom[] = WASM_HEAD "\x00\x02\x01x\x00\x02\x01x" BOTH "\x00\x02\x01x";
    assert_int_equal(oci_wasm_check(str_of(with_custom, sizeof(with_custom) - 1), &err), ERR_OK);
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
        assert_int_equal(oci_wasm_check(rows[i], &err), ERR_INVALID);
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
        ROW(WASM_HEAD "\x07\xff\xff\xff\xff\xff", "middle of a section"),
        ROW(WASM_HEAD "\x07\x02\x05\x01", "torn"),
        ROW(WASM_HEAD "\x07\x0b\x01\x06_start\x00\x00\x00", "torn"),
        ROW(WASM_HEAD START_ONLY START_ONLY, "repeated section 7"),
        ROW(WASM_HEAD "\x1f\x00" BOTH, "unknown or repeated section 31"),
        ROW(WASM_HEAD "\x02\x06\x01\x01m\x01x\x09" BOTH, "torn"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        print_message("row %zu\n", i);
        assert_int_equal(oci_wasm_check(rows[i].bytes, &err), ERR_INVALID);
        print_message("  %s\n", err.text);
        assert_non_null(strstr(err.text, rows[i].text));
    }
}

static void test_wasm_check__survives_every_cut_and_flip(void **state)
{
    (void)state;
    char work[sizeof(test_wasm)];
    for (size_t n = 0; n + 1 < sizeof(test_wasm) - 6; n++) {
        enum err_kind r = oci_wasm_check(str_of(test_wasm, n), NULL);
        assert_int_equal(r, ERR_INVALID);
    }
    for (size_t i = 0; i < sizeof(test_wasm) - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(work, test_wasm, sizeof(work));
            work[i] = (char)(work[i] ^ (1 << bit));
            enum err_kind r = oci_wasm_check(str_of(work, sizeof(work) - 1), NULL);
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
        cmocka_unit_test(test_wasm_check__survives_every_cut_and_flip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
