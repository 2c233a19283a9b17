#include "wasmhost/wasi.h"

/* Every function of preview1, in the order of the specification. The parameters are those of its
 * core ABI: pointers, sizes and flags i32, offsets, sizes of files, times and rights i64. */
const struct wasi_import wasi_imports[] = {
    {"args_get", "ii", wasi_args_get},
    {"args_sizes_get", "ii", wasi_args_sizes_get},
    {"environ_get", "ii", wasi_environ_get},
    {"environ_sizes_get", "ii", wasi_environ_sizes_get},
    {"clock_res_get", "ii", wasi_clock_res_get},
    {"clock_time_get", "iIi", wasi_clock_time_get},
    {"fd_advise", "iIIi", wasi_fd_advise},
    {"fd_allocate", "iII", wasi_fd_allocate},
    {"fd_close", "i", wasi_fd_close_call},
    {"fd_datasync", "i", wasi_fd_datasync},
    {"fd_fdstat_get", "ii", wasi_fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", wasi_fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII", wasi_fd_fdstat_set_rights},
    {"fd_filestat_get", "ii", wasi_fd_filestat_get},
    {"fd_filestat_set_size", "iI", wasi_fd_filestat_set_size},
    {"fd_filestat_set_times", "iIIi", wasi_fd_filestat_set_times},
    {"fd_pread", "iiiIi", wasi_fd_pread},
    {"fd_prestat_get", "ii", wasi_fd_prestat_get},
    {"fd_prestat_dir_name", "iii", wasi_fd_prestat_dir_name},
    {"fd_pwrite", "iiiIi", wasi_fd_pwrite},
    {"fd_read", "iiii", wasi_fd_read},
    {"fd_readdir", "iiiIi", wasi_fd_readdir},
    {"fd_renumber", "ii", wasi_fd_renumber},
    {"fd_seek", "iIii", wasi_fd_seek},
    {"fd_sync", "i", wasi_fd_sync},
    {"fd_tell", "ii", wasi_fd_tell},
    {"fd_write", "iiii", wasi_fd_write},
    {"path_create_directory", "iii", wasi_path_create_directory},
    {"path_filestat_get", "iiiii", wasi_path_filestat_get},
    {"path_filestat_set_times", "iiiiIIi", wasi_path_filestat_set_times},
    {"path_link", "iiiiiii", wasi_path_link},
    {"path_open", "iiiiiIIii", wasi_path_open},
    {"path_readlink", "iiiiii", wasi_path_readlink},
    {"path_remove_directory", "iii", wasi_path_remove_directory},
    {"path_rename", "iiiiii", wasi_path_rename},
    {"path_symlink", "iiiii", wasi_path_symlink},
    {"path_unlink_file", "iii", wasi_path_unlink_file},
    {"poll_oneoff", "iiii", wasi_poll_oneoff},
    {"proc_exit", "i", wasi_proc_exit},
    {"proc_raise", "i", wasi_proc_raise},
    {"sched_yield", "", wasi_sched_yield},
    {"random_get", "ii", wasi_random_get},
    {"sock_accept", "iii", wasi_sock_accept},
    {"sock_recv", "iiiiii", wasi_sock_recv},
    {"sock_send", "iiiii", wasi_sock_send},
    {"sock_shutdown", "ii", wasi_sock_shutdown},
};
const size_t wasi_import_count = ARRAY_LEN(wasi_imports);

bool wasi_is_import(struct str module, struct str name)
{
    if (!str_eqz(module, WASI_MODULE))
        return false;
    for (size_t i = 0; i < wasi_import_count; i++)
        if (str_eqz(name, wasi_imports[i].name))
            return true;
    return false;
}

/* The memory is known from instantiation on; a start function runs before. */
static void find_memory(struct wasi *w, wasmtime_caller_t *caller)
{
    wasmtime_extern_t item;

    if (!wasmtime_caller_export_get(caller, "memory", 6, &item))
        return;
    if (item.kind == WASMTIME_EXTERN_MEMORY) {
        w->memory = item.of.memory;
        w->has_memory = true;
    }
}

/* What the engine calls for each import: env is its row. */
static wasm_trap_t *
enter(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t arg_count)
{
    const struct wasi_import *row = env;
    wasmtime_context_t *context = wasmtime_caller_context(caller);
    struct wasi *w = wasmtime_context_get_data(context);
    static const char over[] = "the call is over";

    (void)arg_count;
    if (!w->has_memory)
        find_memory(w, caller);
    if (w->has_memory) {
        w->memory_p = wasmtime_memory_data(context, &w->memory);
        w->memory_n = wasmtime_memory_data_size(context, &w->memory);
    }
    if (!wasi_is_late(w)) {
        uint16_t r = row->fn(w, args);

        args[0].i32 = r;
    }
    return w->has_fault || w->has_exited ? wasmtime_trap_new(over, sizeof(over) - 1) : NULL;
}

static wasm_functype_t *type_of(const struct wasi_import *row)
{
    wasm_valtype_vec_t params;
    wasm_valtype_vec_t results;
    size_t n = strlen(row->params);

    wasm_valtype_vec_new_uninitialized(&params, n);
    for (size_t i = 0; i < n; i++)
        params.data[i] = wasm_valtype_new(row->params[i] == 'I' ? WASM_I64 : WASM_I32);
    if (row->fn == wasi_proc_exit) {
        wasm_valtype_vec_new_empty(&results);
    } else {
        wasm_valtype_vec_new_uninitialized(&results, 1);
        results.data[0] = wasm_valtype_new(WASM_I32);
    }
    return wasm_functype_new(&params, &results);
}

enum err_kind wasi_define(wasmtime_linker_t *linker, struct err *err)
{
    for (size_t i = 0; i < wasi_import_count; i++) {
        const struct wasi_import *row = &wasi_imports[i];
        wasm_functype_t *type = type_of(row);
        wasmtime_error_t *e = wasmtime_linker_define_func_unchecked(
            linker, WASI_MODULE, strlen(WASI_MODULE), row->name, strlen(row->name), type, enter,
            (void *)(uintptr_t)row, NULL);

        wasm_functype_delete(type);
        if (e != NULL) {
            wasmtime_error_delete(e);
            return err_set(err, ERR_INTERNAL, "the engine refuses import '%s'", row->name);
        }
    }
    return ERR_OK;
}
