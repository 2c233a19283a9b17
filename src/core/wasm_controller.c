#include "core/wasm_controller.h"
#include "base/mem.h"
#include "core/paths.h"
#include "repo/repo.h"
#include "json/json.h"

enum { NOTES_MAX = 2000 }; /* lines of one call */

struct wasm_controller {
    struct core_controller base;
    struct wasmhost_module *module;
    struct core_globs read[2]; /* the image's, the Controller's */
    struct core_globs write[2];
    struct wasmhost_limits limits;
    bool has_namespaces;
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
};

static struct wasm_controller *self(struct core_controller *c)
{
    return (struct wasm_controller *)c;
}

/* The last line of standard error that is not blank: the message of a failure (docs/image-format.md 4). */
static struct str last_line(struct str text)
{
    text = str_trim(text);
    ptrdiff_t at = str_rfind(text, '\n');
    return str_trim(at < 0 ? text : str_skip(text, (size_t)at + 1));
}

/* For people's eyes only: control characters and bad UTF-8 become '?'. */
static void escape(struct str text, char *ret, size_t ret_bytes)
{
    size_t n = text.n < ret_bytes - 1 ? text.n : ret_bytes - 1;
    bool is_text = str_is_utf8(str_take(text, n)) || str_is_utf8(text);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_c1 = i > 0 && (unsigned char)text.p[i - 1] == 0xC2 && c < 0xA0;
        ret[i] = c < ' ' || c == 0x7F || is_c1 || (c >= 0x80 && !is_text) ? '?' : (char)c;
    }
    ret[n] = '\0';
}

/* A crashed Go guest exits with 2 as well, which otherwise means "not found". */
static bool looks_like_a_crash(struct str diagnostics)
{
    while (diagnostics.p != NULL) {
        struct str line = str_cut(&diagnostics, '\n');
        if (str_starts(line, STR("panic: ")) || str_starts(line, STR("fatal error: ")) ||
            str_starts(line, STR("goroutine ")))
            return true;
    }
    return false;
}

static enum err_kind not_found(const struct core_call *call, struct err *err)
{
    return err_set(
        err, ERR_NOT_FOUND, "no %s '" STR_FMT "' in namespace '" STR_FMT "'", call->kind->singular,
        STR_ARG(call->name), STR_ARG(call->ns));
}

static enum err_kind failed(
    const struct wasm_controller *w,
    const char *verb,
    const struct wasmhost_result *result,
    struct err *err)
{
    char message[400];
    escape(last_line(buf_view(&result->diagnostics)), message, sizeof(message));
    if (message[0] == '\0')
        return err_set(
            err, ERR_FAILED, "controller '%s' failed on %s with exit code %d and no message",
            w->base.name, verb, result->exit_code);
    return err_set(
        err, ERR_FAILED, "controller '%s' failed on %s: %s", w->base.name, verb, message);
}

/* Limits of the guest are its fault, not the client's: LIMIT would read as "your request is too large". */
static enum err_kind call_error(const struct wasm_controller *w, const char *verb, struct err *err)
{
    err_wrap(err, "controller '%s' failed on %s", w->base.name, verb);
    if (err->kind == ERR_LIMIT || err->kind == ERR_INVALID)
        return err_as(err, ERR_FAILED);
    return err->kind;
}

static enum err_kind judge(
    const struct wasm_controller *w,
    const char *verb,
    const struct core_call *call,
    const struct wasmhost_result *result,
    struct err *err)
{
    if (result->exit_code == 0)
        return ERR_OK;
    bool may_miss = strcmp(verb, "get") == 0 || strcmp(verb, "delete") == 0;
    if (may_miss && result->exit_code == 2 && !looks_like_a_crash(buf_view(&result->diagnostics)))
        return not_found(call, err);
    return failed(w, verb, result, err);
}

/* argv of the ABI; NUL-terminated copies live in `strings`. */
struct arguments {
    const char *args[5];
    size_t count;
    char *strings[2];
};

static void arguments_init(struct arguments *a, const char *verb, const struct core_call *call)
{
    *a = (struct arguments){.args = {"wasi", verb, call->kind->kind}, .count = 3};
    a->strings[0] = call->ns.p == NULL ? NULL : mem_strdup_str(call->ns);
    a->strings[1] = call->name.n == 0 ? NULL : mem_strdup_str(call->name);
    for (size_t i = 0; i < 2 && a->strings[i] != NULL; i++)
        a->args[a->count++] = a->strings[i];
}

static void arguments_deinit(struct arguments *a)
{
    free(a->strings[0]);
    free(a->strings[1]);
}

static void
tell(struct core_call_watch *watch, const struct wasmhost_result *result, enum err_kind kind)
{
    if (watch == NULL)
        return;
    watch->is_run = kind == ERR_OK;
    watch->exit_code = result->exit_code;
    if (watch->out != NULL)
        buf_str(watch->out, buf_view(&result->out));
    if (watch->diagnostics != NULL)
        buf_str(watch->diagnostics, buf_view(&result->diagnostics));
}

/* What a guest says on standard error is for whoever looks for a mistake: line by line, bounded. The log
 * makes it harmless. */
static void
note_diagnostics(const struct wasm_controller *w, const char *verb, struct str diagnostics)
{
    if (w->note == NULL || diagnostics.n == 0)
        return;
    autofree char *what = mem_printf("Controller '%s' on %s", w->base.name, verb);
    for (int i = 0; i < NOTES_MAX && diagnostics.p != NULL; i++) {
        struct str line = str_trim(str_cut(&diagnostics, '\n'));
        if (line.n > 0)
            w->note(w->note_data, LOG_DEBUG, what, line);
    }
}

static enum err_kind
run(struct wasm_controller *w,
    const char *verb,
    const struct core_call *call,
    struct str input,
    struct wasmhost_result *result,
    struct err *err)
{
    struct arguments a;
    arguments_init(&a, verb, call);
    struct wasmhost_call host_call = {
        .args = a.args,
        .arg_count = a.count,
        .stdin_bytes = input,
        .tree = call->tree,
        .overlay = call->overlay,
        .limits = w->limits,
        .cancel = call->cancel,
        .profile = call->watch == NULL ? NULL : call->watch->profile,
    };
    if (!core_globs_is_all(&w->read[0])) {
        host_call.read_globs = w->read[0].items;
        host_call.read_glob_count = w->read[0].count;
    }
    if (!core_globs_is_all(&w->read[1])) {
        host_call.narrow_globs = w->read[1].items;
        host_call.narrow_glob_count = w->read[1].count;
    }
    enum err_kind r = wasmhost_call(w->module, &host_call, result, err);
    note_diagnostics(w, verb, buf_view(&result->diagnostics));
    tell(call->watch, result, r);
    r = r == ERR_OK ? judge(w, verb, call, result, err) : call_error(w, verb, err);
    arguments_deinit(&a);
    return r;
}

static enum err_kind emit_documents(
    const struct wasm_controller *w,
    const char *verb,
    const struct wasmhost_result *result,
    core_emit_fn emit,
    void *data,
    size_t *ret_count,
    struct err *err)
{
    autofree char *origin = mem_printf("controller '%s'", w->base.name);
    struct str rest = buf_view(&result->out);
    *ret_count = 0;
    for (;;) {
        auto_json struct json_doc doc = {0};
        if (json_parse_next(&rest, &doc, err) != ERR_OK) {
            err_wrap(err, "controller '%s' printed on %s what is not JSON", w->base.name, verb);
            return err_as(err, ERR_FAILED);
        }
        if (doc.doc == NULL)
            return ERR_OK;
        (*ret_count)++;
        enum err_kind r = emit(data, doc.text, origin, err);
        if (r != ERR_OK)
            return r;
    }
}

static enum err_kind wasm_get(
    struct core_controller *c,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    struct wasmhost_result result = {0};
    size_t count = 0;
    enum err_kind r = run(self(c), "get", call, STR(""), &result, err);
    if (r == ERR_OK && str_trim(buf_view(&result.out)).n == 0)
        r = not_found(call, err);
    if (r == ERR_OK)
        r = emit_documents(self(c), "get", &result, emit, data, &count, err);
    if (r == ERR_OK && count != 1)
        r = err_set(
            err, ERR_FAILED, "controller '%s' printed %zu documents on get instead of one", c->name,
            count);
    wasmhost_result_deinit(&result);
    return r;
}

static enum err_kind list_verb(
    struct core_controller *c,
    const char *verb,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    struct wasmhost_result result = {0};
    size_t count = 0;
    enum err_kind r = run(self(c), verb, call, STR(""), &result, err);
    if (r == ERR_OK)
        r = emit_documents(self(c), verb, &result, emit, data, &count, err);
    wasmhost_result_deinit(&result);
    return r;
}

static enum err_kind wasm_list(
    struct core_controller *c,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    return list_verb(c, "list", call, emit, data, err);
}

static enum err_kind wasm_namespaces(
    struct core_controller *c,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    if (!self(c)->has_namespaces)
        return err_set(
            err, ERR_UNSUPPORTED,
            "controller '%s' cannot list across namespaces (it has no verb 'namespaces'): name one",
            c->name);
    struct core_call without_ns = *call;
    without_ns.ns = str_of(NULL, 0);
    return list_verb(c, "namespaces", &without_ns, emit, data, err);
}

static enum err_kind
check_writes(const struct wasm_controller *w, struct overlay *overlay, struct err *err)
{
    struct vfs_changes changes;
    enum err_kind r = overlay_changes(overlay, &changes, err);
    for (size_t i = 0; r == ERR_OK && i < changes.count; i++) {
        const struct vfs_change *change = &changes.items[i];
        if (change->kind == VFS_CHANGE_PUT && change->type == VFS_LINK)
            r = err_set(
                err, ERR_FAILED,
                "controller '%s' made a link at '" STR_FMT "': links are not committed",
                w->base.name, STR_ARG(change->path));
        else if (
            core_paths_check_write(w->write, ARRAY_LEN(w->write), change->path, err) != ERR_OK ||
            repo_check_path(change->path, err) != ERR_OK) {
            err_wrap(err, "controller '%s'", w->base.name);
            r = err_as(err, ERR_FAILED);
        }
    }
    return r;
}

static enum err_kind write_verb(
    struct core_controller *c,
    const char *verb,
    const struct core_call *call,
    struct str input,
    struct err *err)
{
    struct wasmhost_result result = {0};
    enum err_kind r = run(self(c), verb, call, input, &result, err);
    if (r == ERR_OK)
        r = check_writes(self(c), call->overlay, err);
    wasmhost_result_deinit(&result);
    return r;
}

static enum err_kind
wasm_put(struct core_controller *c, const struct core_call *call, struct str body, struct err *err)
{
    return write_verb(c, "put", call, body, err);
}

static enum err_kind
wasm_remove(struct core_controller *c, const struct core_call *call, struct err *err)
{
    return write_verb(c, "delete", call, STR(""), err);
}

static void wasm_free(struct core_controller *c)
{
    struct wasm_controller *w = self(c);
    wasmhost_module_unref(w->module);
    for (size_t i = 0; i < 2; i++) {
        core_globs_deinit(&w->read[i]);
        core_globs_deinit(&w->write[i]);
    }
    free(w);
}

static const struct core_controller_ops wasm_ops = {
    .get = wasm_get,
    .list = wasm_list,
    .namespaces = wasm_namespaces,
    .put = wasm_put,
    .remove = wasm_remove,
    .free = wasm_free,
};

static bool has_verb(const char *verbs, const char *verb)
{
    struct str rest = str_from(verbs);
    while (rest.p != NULL) {
        if (str_eqz(str_trim(str_cut(&rest, ',')), verb))
            return true;
    }
    return false;
}

static enum err_kind
init_globs(struct wasm_controller *w, const struct core_wasm_spec *spec, struct err *err)
{
    char *const *const lists[] = {spec->image_read, spec->read, spec->image_write, spec->write};
    struct core_globs *const to[] = {&w->read[0], &w->read[1], &w->write[0], &w->write[1]};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (core_globs_init(to[i], lists[i], err) != ERR_OK)
            return err_wrap(err, "controller '%s'", spec->name);
    }
    return ERR_OK;
}

static void add_globs(struct buf *to, const struct core_globs *globs)
{
    for (size_t i = 0; i < globs->count; i++)
        buf_printf(to, STR_FMT "\n", STR_ARG(globs->items[i]));
    buf_text(to, ";");
}

/* Reads do not depend on the write globs. */
static char *identity_of(const struct wasm_controller *w)
{
    struct wasmhost_limits limits = w->limits;
    struct buf text = {0};
    wasmhost_limits_default(&limits);
    buf_printf(
        &text, "wasm;%s;%lld;%llu;%llu;%u;%d;", w->base.module_digest, (long long)limits.timeout_ms,
        (unsigned long long)limits.memory_bytes, (unsigned long long)limits.output_bytes,
        limits.open_files, w->has_namespaces);
    for (size_t i = 0; i < ARRAY_LEN(w->read); i++)
        add_globs(&text, &w->read[i]);
    return buf_steal(&text);
}

enum err_kind core_wasm_controller_new(
    const struct core_wasm_spec *spec, struct core_controller **ret, struct err *err)
{
    struct wasm_controller *w = mem_new(struct wasm_controller);
    core_controller_init(&w->base, &wasm_ops, spec->name, "wasm");
    w->base.checks_results = true;
    w->base.module_digest = mem_strdup(wasmhost_module_digest(spec->module));
    w->module = wasmhost_module_ref(spec->module);
    w->limits = spec->limits;
    w->note = spec->note;
    w->note_data = spec->note_data;
    w->base.written_max = spec->limits.written_bytes;
    w->has_namespaces = spec->verbs != NULL && has_verb(spec->verbs, "namespaces");
    enum err_kind r = init_globs(w, spec, err);
    if (r != ERR_OK) {
        core_controller_unref(&w->base);
        return r;
    }
    w->base.identity = identity_of(w);
    *ret = &w->base;
    return ERR_OK;
}
