/* Compiling in a process of its own: this program is that process, too. */
#include "base/mem.h"
#include "base/testing.h"
#include "wasmhost/handmade.h"
#include "wasmhost/wasmhost.h"

#include <stdio.h>
#include <sys/resource.h>

/* --- modules, byte by byte -------------------------------------------------------------------------- */

/* A command module of `functions` functions with `locals` locals each, of which the first is _start. */
static void make_module(struct buf *to, uint32_t functions, uint32_t locals)
{
    autobuf struct buf declared = {0};
    autobuf struct buf code = {0};
    autobuf struct buf body = {0};
    to->max = (size_t)200 << 20;
    code.max = to->max;
    declared.max = to->max;
    wasm_add_leb(&declared, functions);
    wasm_add_leb(&code, functions);
    buf_char(&body, 1); /* one run of locals */
    wasm_add_leb(&body, locals);
    buf_add(&body, "\x7f\x0b", 2); /* i32; end */
    for (uint32_t i = 0; i < functions; i++) {
        buf_char(&declared, 0);
        wasm_add_leb(&code, (uint32_t)body.n);
        buf_str(&code, buf_view(&body));
    }
    buf_add(to, "\0asm\1\0\0\0", 8);
    wasm_add_section(to, 1, STR("\1\x60\0\0"));
    wasm_add_section(to, 3, buf_view(&declared));
    wasm_add_section(to, 5, STR("\1\0\1"));
    wasm_add_section(to, 7, STR("\2\6_start\0\0\6memory\2\0"));
    wasm_add_section(to, 10, buf_view(&code));
}

static struct wasmhost *new_host(int64_t timeout_ms, uint64_t memory)
{
    struct wasmhost *h = NULL;
    struct err err;
    struct wasmhost_options options = {
        .compiler = "/proc/self/exe",
        .compile_timeout_ms = timeout_ms,
        .compile_memory_bytes = memory};
    assert_int_equal(wasmhost_new(&options, &h, &err), ERR_OK);
    return h;
}

static enum err_kind load(struct wasmhost *h, struct str wasm, struct err *err)
{
    struct wasmhost_module *m = NULL;
    enum err_kind r = wasmhost_load(h, wasm, "sha256:test", &m, err);
    wasmhost_module_unref(m);
    return r;
}

static void test_compile__apart_gives_a_module_that_runs(void **state)
{
    (void)state;
    struct wasmhost *h = new_host(0, 0);
    autobuf struct buf wasm = {0};
    struct wasmhost_module *m = NULL;
    struct wasmhost_result result;
    struct err err = {0};
    make_module(&wasm, 3, 1);
    if (wasmhost_load(h, buf_view(&wasm), "sha256:small", &m, &err) != ERR_OK)
        fail_msg("%s", err.text);
    struct wasmhost_call call = {.args = (const char *const[]){"wasi"}, .arg_count = 1};
    assert_int_equal(wasmhost_call(m, &call, &result, &err), ERR_OK);
    assert_int_equal(result.exit_code, 0);
    wasmhost_result_deinit(&result);
    wasmhost_module_unref(m);
    wasmhost_free(h);
}

static void test_compile__apart_tells_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        struct str wasm;
        const char *text;
    } rows[] = {
        {{"hello", 5}, "not a WebAssembly binary"},
        {{"\0asm\x0d\0\1\0", 8}, "not a core module"},
        {{"\0asm\1\0\0\0\1\5\1\x60", 12}, "does not compile"},
        {{"\0asm\1\0\0\0", 8}, "_start"},
    };
    struct wasmhost *h = new_host(0, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        assert_int_equal(load(h, rows[i].wasm, &err), ERR_INVALID);
        if (strstr(err.text, rows[i].text) == NULL)
            fail_msg("'%s' does not say '%s'", err.text, rows[i].text);
    }
    wasmhost_free(h);
}

/* A few hundred kilobytes that keep a compiler busy for minutes. */
static void t_adv_52_compile_bomb__ends_at_the_time_limit(void **state)
{
    (void)state;
    struct wasmhost *h = new_host(300, 0);
    autobuf struct buf wasm = {0};
    struct err err = {0};
    make_module(&wasm, 60000, 50000);
    assert_int_equal(load(h, buf_view(&wasm), &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "compiling the module takes more than 1 s"));
    wasmhost_free(h);
}

static void t_adv_52_compile_bomb__ends_at_the_memory_limit(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its shadow is far more than any limit */
#endif
    struct wasmhost *h = new_host(60000, (uint64_t)96 << 20);
    autobuf struct buf wasm = {0};
    struct err err = {0};
    struct rusage before, after;
    make_module(&wasm, 1000000, 1);
    getrusage(RUSAGE_CHILDREN, &before);
    assert_int_equal(load(h, buf_view(&wasm), &err), ERR_LIMIT);
    getrusage(RUSAGE_CHILDREN, &after);
    assert_non_null(strstr(err.text, "96 MiB"));
    assert_true(after.ru_maxrss < 512 << 10);
    wasmhost_free(h);
}

static void test_compile__without_the_compiler_is_an_error(void **state)
{
    (void)state;
    struct wasmhost *h = NULL;
    autobuf struct buf wasm = {0};
    struct err err = {0};
    struct wasmhost_options options = {.compiler = "/nowhere/cupd"};
    assert_int_equal(wasmhost_new(&options, &h, &err), ERR_OK);
    make_module(&wasm, 1, 1);
    assert_int_equal(load(h, buf_view(&wasm), &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/cupd"));
    wasmhost_free(h);
}

int main(int argc, char **argv)
{
    if (wasmhost_is_compiler(argc, argv))
        return wasmhost_compile_main(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compile__apart_gives_a_module_that_runs),
        cmocka_unit_test(test_compile__apart_tells_what_is_wrong),
        cmocka_unit_test(t_adv_52_compile_bomb__ends_at_the_time_limit),
        cmocka_unit_test(t_adv_52_compile_bomb__ends_at_the_memory_limit),
        cmocka_unit_test(test_compile__without_the_compiler_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
