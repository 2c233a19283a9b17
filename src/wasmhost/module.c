#include "base/mem.h"
#include "wasmhost/internal.h"

#include <stdio.h>

static bool name_is(const wasm_name_t *name, const char *text)
{
    return str_eqz(str_of(name->data, name->size), text);
}

/* Only preview1, each function known; what has another type is found by linking. */
static enum err_kind check_imports(const wasmtime_module_t *module, struct err *err)
{
    wasm_importtype_vec_t imports;
    wasmtime_module_imports(module, &imports);
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < imports.size; i++) {
        const wasm_name_t *from = wasm_importtype_module(imports.data[i]);
        const wasm_name_t *name = wasm_importtype_name(imports.data[i]);
        if (!name_is(from, "wasi_snapshot_preview1"))
            r = err_set(
                err, ERR_INVALID,
                "the module imports '%.*s' from '%.*s': only wasi_snapshot_preview1 is there",
                (int)name->size, name->data, (int)from->size, from->data);
        else if (!wasmhost_knows_import(name->data, name->size))
            r = err_set(
                err, ERR_INVALID, "the module imports '%.*s', which preview1 does not have",
                (int)name->size, name->data);
    }
    wasm_importtype_vec_delete(&imports);
    return r;
}

static bool is_plain_function(const wasm_externtype_t *type)
{
    const wasm_functype_t *f = wasm_externtype_as_functype_const(type);
    return f != NULL && wasm_functype_params(f)->size == 0 && wasm_functype_results(f)->size == 0;
}

static enum err_kind check_exports(const wasmtime_module_t *module, struct err *err)
{
    wasm_exporttype_vec_t exports;
    bool has_start = false;
    bool has_memory = false;
    wasmtime_module_exports(module, &exports);
    for (size_t i = 0; i < exports.size; i++) {
        const wasm_name_t *name = wasm_exporttype_name(exports.data[i]);
        const wasm_externtype_t *type = wasm_exporttype_type(exports.data[i]);
        has_start |= name_is(name, "_start") && is_plain_function(type);
        has_memory |= name_is(name, "memory") && wasm_externtype_kind(type) == WASM_EXTERN_MEMORY;
    }
    wasm_exporttype_vec_delete(&exports);
    if (!has_start)
        return err_set(
            err, ERR_INVALID, "the module exports no function '_start': it is not a WASI command");
    if (!has_memory)
        return err_set(err, ERR_INVALID, "the module exports no memory named 'memory'");
    return ERR_OK;
}

/* Compile it and load what came out. */
static enum err_kind make(
    struct wasmhost *h,
    struct str wasm,
    const char *digest,
    wasmtime_module_t **ret,
    struct err *err)
{
    autobuf struct buf code = {0};
    enum err_kind r = wasmhost_compile(h, wasm, &code, err);
    if (r != ERR_OK)
        return r;
    wasmtime_error_t *error =
        wasmtime_module_deserialize(h->engine, (const uint8_t *)code.p, code.n, ret);
    if (error != NULL) {
        wasmhost_engine_error(error, err, ERR_INTERNAL);
        return err_wrap(err, "the compiled module does not load");
    }
    wasmhost_cache_write(h, digest, buf_view(&code));
    return ERR_OK;
}

/* The checks hold for a cached module as well: they cost microseconds. */
static enum err_kind check_and_link(struct wasmhost_module *m, struct err *err)
{
    enum err_kind r = check_imports(m->module, err);
    if (r == ERR_OK)
        r = check_exports(m->module, err);
    if (r != ERR_OK)
        return r;
    wasmtime_error_t *error =
        wasmtime_linker_instantiate_pre(m->host->linker, m->module, &m->linked);
    return error == NULL ? ERR_OK : wasmhost_engine_error(error, err, ERR_INVALID);
}

static void module_free(struct wasmhost_module *m)
{
    if (m->linked != NULL)
        wasmtime_instance_pre_delete(m->linked);
    if (m->module != NULL)
        wasmtime_module_delete(m->module);
    free(m);
}

static struct wasmhost_module *find(struct wasmhost *h, const char *digest)
{
    struct wasmhost_module *m = h->modules;
    while (m != NULL && strcmp(m->digest, digest) != 0)
        m = m->next;
    return m;
}

static struct wasmhost_module *find_and_ref(struct wasmhost *h, const char *digest)
{
    pthread_mutex_lock(&h->lock);
    struct wasmhost_module *m = find(h, digest);
    if (m != NULL)
        m->refs++;
    pthread_mutex_unlock(&h->lock);
    return m;
}

/* Two threads may have compiled the same module: the first one published wins. */
static struct wasmhost_module *publish(struct wasmhost *h, struct wasmhost_module *take_module)
{
    pthread_mutex_lock(&h->lock);
    struct wasmhost_module *other = find(h, take_module->digest);
    if (other != NULL) {
        other->refs++;
    } else {
        take_module->next = h->modules;
        h->modules = take_module;
    }
    pthread_mutex_unlock(&h->lock);
    if (other == NULL)
        return take_module;
    module_free(take_module);
    return other;
}

/* Takes the engine's module; makes ours of it, or takes the one that somebody else published. */
static enum err_kind adopt(
    struct wasmhost *h,
    const char *digest,
    wasmtime_module_t *take_module,
    struct wasmhost_module **ret,
    struct err *err)
{
    struct wasmhost_module *m = mem_new(struct wasmhost_module);
    m->host = h;
    m->refs = 1;
    m->module = take_module;
    snprintf(m->digest, sizeof(m->digest), "%s", digest);
    enum err_kind r = check_and_link(m, err);
    if (r == ERR_OK)
        *ret = publish(h, m);
    else
        module_free(m);
    return r;
}

/* Loaded already, or compiled at some time before; NULL with ERR_OK: neither. */
static enum err_kind
find_or_read(struct wasmhost *h, const char *digest, struct wasmhost_module **ret, struct err *err)
{
    *ret = find_and_ref(h, digest);
    wasmtime_module_t *module = *ret != NULL ? NULL : wasmhost_cache_read(h, digest);
    return module == NULL ? ERR_OK : adopt(h, digest, module, ret, err);
}

static void begin_compiling(struct wasmhost *h)
{
    pthread_mutex_lock(&h->lock);
    while (h->is_compiling)
        pthread_cond_wait(&h->wake, &h->lock);
    h->is_compiling = true;
    pthread_mutex_unlock(&h->lock);
}

static void end_compiling(struct wasmhost *h)
{
    pthread_mutex_lock(&h->lock);
    h->is_compiling = false;
    pthread_cond_broadcast(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

enum err_kind wasmhost_load(
    struct wasmhost *h,
    struct str wasm,
    const char *digest,
    struct wasmhost_module **ret,
    struct err *err)
{
    wasmtime_module_t *module = NULL;
    enum err_kind r = find_or_read(h, digest, ret, err);
    if (r != ERR_OK || *ret != NULL)
        return r;
    begin_compiling(h);
    r = find_or_read(h, digest, ret, err); /* by whoever compiled before us? */
    if (r == ERR_OK && *ret == NULL) {
        r = make(h, wasm, digest, &module, err);
        if (r == ERR_OK)
            r = adopt(h, digest, module, ret, err);
    }
    end_compiling(h);
    return r;
}

struct wasmhost_module *wasmhost_recall(struct wasmhost *h, struct str source)
{
    char digest[WASMHOST_DIGEST_MAX];
    struct wasmhost_module *m = NULL;
    if (!wasmhost_cache_source(h, source, digest))
        return NULL;
    return find_or_read(h, digest, &m, NULL) == ERR_OK ? m : NULL;
}

void wasmhost_remember(struct wasmhost *h, struct str source, const struct wasmhost_module *m)
{
    wasmhost_cache_write_source(h, source, m->digest);
}

struct wasmhost_module *wasmhost_module_ref(struct wasmhost_module *m)
{
    pthread_mutex_lock(&m->host->lock);
    m->refs++;
    pthread_mutex_unlock(&m->host->lock);
    return m;
}

struct wasmhost_module *wasmhost_module_unref(struct wasmhost_module *m)
{
    if (m == NULL)
        return NULL;
    struct wasmhost *h = m->host;
    pthread_mutex_lock(&h->lock);
    bool is_last = --m->refs == 0;
    struct wasmhost_module **at = &h->modules;
    while (is_last && *at != NULL && *at != m)
        at = &(*at)->next;
    if (is_last && *at == m)
        *at = m->next;
    pthread_mutex_unlock(&h->lock);
    if (is_last)
        module_free(m);
    return NULL;
}

const char *wasmhost_module_digest(const struct wasmhost_module *m)
{
    return m->digest;
}
