/*
 * The other half of bench/wasm: the same calls in the bare engine with its own WASI over a directory,
 * pooled and linked once. Compiled by bench/wasm against the library that PyPI's package `wasmtime`
 * brings, since the one that cup links is built without that WASI.
 *
 *   wasm_bare CACHE MODULE DIR COUNT ARG…       prints the lower quartile of COUNT calls in microseconds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wasi.h>
#include <wasmtime.h>

/* Not declared where a build leaves WASI out. */
wasmtime_error_t *wasmtime_linker_define_wasi(wasmtime_linker_t *linker);
wasmtime_error_t *wasmtime_context_set_wasi(wasmtime_context_t *context, wasi_config_t *wasi);
bool wasmtime_error_exit_status(const wasmtime_error_t *error, int *status);

enum { WARM_UP = 30, OUTPUT_MAX = 16 << 20 };

struct output {
    size_t n;
    char bytes[OUTPUT_MAX];
};
static struct output output;

static void die(const char *what, wasmtime_error_t *error)
{
    wasm_name_t text = {0};
    if (error != NULL)
        wasmtime_error_message(error, &text);
    fprintf(stderr, "wasm_bare: %s: %.*s\n", what, (int)text.size, text.data);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

static ptrdiff_t take_output(void *data, const unsigned char *p, size_t n)
{
    struct output *o = data;
    if (n > OUTPUT_MAX - o->n)
        return -1;
    memcpy(o->bytes + o->n, p, n);
    o->n += n;
    return (ptrdiff_t)n;
}

/* The settings of our own pool. */
static wasm_engine_t *new_engine(void)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, 4);
    wasmtime_pooling_allocation_config_total_memories_set(pool, 4);
    wasmtime_pooling_allocation_config_total_tables_set(pool, 16);
    wasmtime_pooling_allocation_config_table_elements_set(pool, 200000);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, 4 << 20);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 64 << 10);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
    return wasm_engine_new_with_config(config);
}

static void keep(const wasmtime_module_t *module, const char *path)
{
    wasm_byte_vec_t code;
    FILE *f = fopen(path, "wb");
    wasmtime_error_t *error = wasmtime_module_serialize(module, &code);
    if (f == NULL || error != NULL || fwrite(code.data, 1, code.size, f) != code.size)
        die(path, error);
    fclose(f);
    wasm_byte_vec_delete(&code);
}

static wasmtime_module_t *load(wasm_engine_t *engine, const char *cache, const char *path)
{
    static uint8_t bytes[64 << 20];
    static char kept[4096];
    wasmtime_module_t *module = NULL;
    const char *slash = strrchr(path, '/');
    snprintf(kept, sizeof(kept), "%s/bare-%s", cache, slash == NULL ? path : slash + 1);
    FILE *f = fopen(kept, "rb");
    if (f != NULL) {
        fclose(f);
        wasmtime_error_t *failed = wasmtime_module_deserialize_file(engine, kept, &module);
        if (failed != NULL)
            die(kept, failed);
        return module;
    }
    f = fopen(path, "rb");
    if (f == NULL)
        die(path, NULL);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    wasmtime_error_t *error = wasmtime_module_new(engine, bytes, n, &module);
    if (error != NULL)
        die(path, error);
    keep(module, kept);
    return module;
}

static void call_once(
    wasm_engine_t *engine, wasmtime_instance_pre_t *linked, const char *dir, int argc, char **argv)
{
    wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    wasi_config_t *wasi = wasi_config_new();
    wasmtime_instance_t instance;
    wasmtime_extern_t item;
    wasm_trap_t *trap = NULL;
    int status = 0;
    output.n = 0;
    wasi_config_set_argv(wasi, (size_t)argc, (const char **)argv);
    wasi_config_preopen_dir(wasi, dir, "/", false);
    wasi_config_set_stdout_custom(wasi, take_output, &output, NULL);
    wasmtime_error_t *error = wasmtime_context_set_wasi(context, wasi);
    if (error == NULL)
        error = wasmtime_instance_pre_instantiate(linked, context, &instance, &trap);
    if (error != NULL || trap != NULL)
        die("no instance", error);
    wasmtime_instance_export_get(context, &instance, "_start", 6, &item);
    error = wasmtime_func_call(context, &item.of.func, NULL, 0, NULL, 0, &trap);
    if (trap != NULL || (error != NULL && (!wasmtime_error_exit_status(error, &status) || status)))
        die("the call failed", error);
    if (error != NULL)
        wasmtime_error_delete(error);
    if (output.n == 0)
        die("no output", NULL);
    wasmtime_store_delete(store);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    int count = atoi(argv[4]);
    double *times = malloc((size_t)count * sizeof(double));
    wasm_engine_t *engine = new_engine();
    wasmtime_module_t *module = load(engine, argv[1], argv[2]);
    wasmtime_linker_t *linker = wasmtime_linker_new(engine);
    wasmtime_instance_pre_t *linked = NULL;
    wasmtime_error_t *error = wasmtime_linker_define_wasi(linker);
    if (error == NULL)
        error = wasmtime_linker_instantiate_pre(linker, module, &linked);
    if (error != NULL)
        die("linking", error);
    for (int i = 0; i < count + WARM_UP; i++) {
        double start = now_us();
        call_once(engine, linked, argv[3], argc - 5, argv + 5);
        if (i >= WARM_UP)
            times[i - WARM_UP] = now_us() - start;
    }
    qsort(times, (size_t)count, sizeof(double), compare);
    printf("%.1f\n", times[count / 4]);
    return 0;
}
