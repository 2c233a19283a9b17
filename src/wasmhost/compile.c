/*
 * Compiling. A module is somebody else's, and one that is made for it takes a compiler any time and
 * memory: so it is compiled in a process of its own, which is ended at its limits, where the program
 * that runs us offers itself for that. Serving goes on meanwhile in any case.
 */
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "wasmhost/internal.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define COMPILE_ARG "--compile-wasm-module"
#define WASM_BYTES_MAX ((size_t)256 << 20)
#define CODE_BYTES_MAX ((size_t)1 << 30)

/* AddressSanitizer's shadow is memory that it may write to: far more than any limit. */
#ifdef __SANITIZE_ADDRESS__
#define CAN_LIMIT_MEMORY false
#else
#define CAN_LIMIT_MEMORY true
#endif

enum { EXIT_REFUSED = 3 }; /* standard output holds why */

/* --- in this process -------------------------------------------------------------------------------- */

static enum err_kind check_magic(struct str wasm, struct err *err)
{
    if (!str_starts(wasm, STR("\0asm")))
        return err_set(err, ERR_INVALID, "not a WebAssembly binary");
    if (wasm.n >= 8 && memcmp(wasm.p + 4, "\1\0\0\0", 4) != 0)
        return err_set(
            err, ERR_INVALID,
            "not a core module (a component, or another version of WebAssembly): controllers are "
            "WASI preview1 command modules");
    return ERR_OK;
}

static enum err_kind
compile_here(wasm_engine_t *engine, struct str wasm, struct buf *ret_code, struct err *err)
{
    wasmtime_module_t *module = NULL;
    wasm_byte_vec_t code;
    enum err_kind r = check_magic(wasm, err);
    if (r != ERR_OK)
        return r;
    wasmtime_error_t *error = wasmtime_module_new(engine, (const uint8_t *)wasm.p, wasm.n, &module);
    if (error != NULL) {
        wasmhost_engine_error(error, err, ERR_INVALID);
        return err_wrap(err, "the module does not compile");
    }
    error = wasmtime_module_serialize(module, &code);
    wasmtime_module_delete(module);
    if (error != NULL)
        return wasmhost_engine_error(error, err, ERR_INTERNAL);
    ret_code->max = CODE_BYTES_MAX;
    buf_add(ret_code, code.data, code.size);
    wasm_byte_vec_delete(&code);
    return buf_check(ret_code, "the compiled module", err);
}

/* --- the compiler's own process ------------------------------------------------------------------------ */

bool wasmhost_is_compiler(int argc, char **argv)
{
    return argc == 4 && strcmp(argv[1], COMPILE_ARG) == 0;
}

static void limit(int what, uint64_t value)
{
    struct rlimit l = {.rlim_cur = value, .rlim_max = value};
    (void)setrlimit(what, &l);
}

/* Memory is what it may write to: the engine reserves address space far beyond what it uses. */
static void limit_process(char **argv)
{
    uint64_t memory = 0;
    uint64_t seconds = 0;
    limit(RLIMIT_CORE, 0);
    if (CAN_LIMIT_MEMORY && str_to_u64(str_from(argv[2]), &memory) && memory > 0)
        limit(RLIMIT_DATA, memory);
    if (str_to_u64(str_from(argv[3]), &seconds) && seconds > 0)
        limit(RLIMIT_CPU, seconds);
}

static enum err_kind read_input(struct buf *to, struct err *err)
{
    to->max = WASM_BYTES_MAX;
    for (;;) {
        char *space = buf_reserve(to, 64 << 10);
        ssize_t n = space == NULL ? 0 : read(STDIN_FILENO, space, 64 << 10);
        if (n < 0)
            return err_set(err, ERR_IO, "the module cannot be read");
        if (n == 0)
            return buf_check(to, "the module", err);
        to->n += (size_t)n;
    }
}

int wasmhost_compile_main(char **argv)
{
    autobuf struct buf wasm = {0};
    autobuf struct buf code = {0};
    struct err err = {0};
    limit_process(argv);
    wasm_engine_t *engine = wasm_engine_new_with_config(wasmhost_config_new(0));
    enum err_kind r = engine == NULL ? err_set(&err, ERR_INTERNAL, "the engine does not start")
                                     : read_input(&wasm, &err);
    if (r == ERR_OK)
        r = compile_here(engine, buf_view(&wasm), &code, &err);
    if (engine != NULL)
        wasm_engine_delete(engine);
    struct str out = r == ERR_OK ? buf_view(&code) : str_from(err.text);
    if (fs_write_all(STDOUT_FILENO, out.p, out.n, NULL) != ERR_OK)
        return 1;
    return r == ERR_OK ? 0 : EXIT_REFUSED;
}

/* --- asking it ------------------------------------------------------------------------------------------ */

static enum err_kind too_dear(const struct wasmhost *h, struct err *err)
{
    return err_set(
        err, ERR_LIMIT,
        "compiling the module takes more than %lld s or %llu MiB of memory: it is refused",
        (long long)(h->compile_timeout_ms + 999) / 1000,
        (unsigned long long)(h->compile_memory_bytes >> 20));
}

static enum err_kind
compile_apart(struct wasmhost *h, struct str wasm, struct buf *ret_code, struct err *err)
{
    /* of all threads together, so a little more than the time on the clock */
    autofree char *seconds = mem_printf("%lld", 2 * (long long)(h->compile_timeout_ms / 1000) + 1);
    autofree char *memory = mem_printf("%llu", (unsigned long long)h->compile_memory_bytes);
    const char *const args[] = {"cup", COMPILE_ARG, memory, seconds, NULL};
    const struct child child = {
        .program = h->compiler,
        .args = args,
        .input = wasm,
        .output_max = CODE_BYTES_MAX,
        .timeout_ms = h->compile_timeout_ms};
    struct child_end end = {0};
    enum err_kind r = child_run(&child, ret_code, &end, err);
    if (r == ERR_TIMEOUT || (r == ERR_OK && end.exit_code == -1))
        return too_dear(h, err);
    if (r != ERR_OK)
        return err_wrap(err, "the compiler '%s'", h->compiler);
    if (end.exit_code == EXIT_REFUSED)
        return err_set(err, ERR_INVALID, STR_FMT, STR_ARG(buf_view(ret_code)));
    return end.exit_code == 0
        ? ERR_OK
        : err_set(err, ERR_INTERNAL, "the compiler '%s' ended with %d", h->compiler, end.exit_code);
}

enum err_kind
wasmhost_compile(struct wasmhost *h, struct str wasm, struct buf *ret_code, struct err *err)
{
    return h->compiler != NULL ? compile_apart(h, wasm, ret_code, err)
                               : compile_here(h->engine, wasm, ret_code, err);
}
