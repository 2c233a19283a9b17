/* The import table: all families, and the one way in from the guest. */
#include "wasmhost/wasi.h"

static const char module_name[] = "wasi_snapshot_preview1";

static const struct wasi_family *const families[] = {
    &wasi_args_family, &wasi_clock_family, &wasi_fd_family,   &wasi_dir_family,
    &wasi_path_family, &wasi_move_family,  &wasi_poll_family,
};

/* Where the guest's memory is now: it moves when it grows. */
static void see_memory(struct wasi *w, wasmtime_caller_t *caller)
{
    wasmtime_context_t *context = wasmtime_caller_context(caller);
    if (!w->has_memory) {
        wasmtime_extern_t item;
        if (!wasmtime_caller_export_get(caller, "memory", 6, &item) ||
            item.kind != WASMTIME_EXTERN_MEMORY)
            return;
        w->memory = item.of.memory;
        w->has_memory = true;
    }
    w->mem = wasmtime_memory_data(context, &w->memory);
    w->mem_n = wasmtime_memory_data_size(context, &w->memory);
}

static wasm_trap_t *
enter(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args_and_results, size_t count)
{
    const struct wasi_row *row = env;
    struct wasi *w = wasmtime_context_get_data(wasmtime_caller_context(caller));
    (void)count;
    see_memory(w, caller);
    enum wasi_errno e =
        w->profile == NULL ? row->fn(w, args_and_results) : wasi_profiled(w, row, args_and_results);
    if (w->is_ended)
        return wasmtime_trap_new("ended", 5);
    if (!row->has_no_result)
        args_and_results[0].i32 = (int32_t)e;
    return NULL;
}

static void fill(wasm_valtype_vec_t *to, const char *params)
{
    size_t n = strlen(params);
    wasm_valtype_vec_new_uninitialized(to, n);
    for (size_t i = 0; i < n; i++)
        to->data[i] = wasm_valtype_new(params[i] == 'I' ? WASM_I64 : WASM_I32);
}

static enum err_kind define(wasmtime_linker_t *linker, const struct wasi_row *row, struct err *err)
{
    wasm_valtype_vec_t params;
    wasm_valtype_vec_t results;
    fill(&params, row->params);
    fill(&results, row->has_no_result ? "" : "i");
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(
        linker, module_name, sizeof(module_name) - 1, row->name, strlen(row->name), type, enter,
        (void *)(uintptr_t)row, NULL);
    wasm_functype_delete(type);
    return error == NULL ? ERR_OK : wasmhost_engine_error(error, err, ERR_INTERNAL);
}

enum err_kind wasmhost_define_wasi(wasmtime_linker_t *linker, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        for (size_t i = 0; r == ERR_OK && i < families[f]->count; i++)
            r = define(linker, &families[f]->rows[i], err);
    }
    return r;
}

bool wasmhost_knows_import(const char *name, size_t n)
{
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        for (size_t i = 0; i < families[f]->count; i++) {
            if (str_eqz(str_of(name, n), families[f]->rows[i].name))
                return true;
        }
    }
    return false;
}
