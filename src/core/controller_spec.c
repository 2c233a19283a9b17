#include "core/controller_spec.h"
#include "base/mem.h"
#include "base/units.h"

static char *dup_string(yyjson_val *object, const char *key)
{
    struct str s = json_str(json_get_nocase(object, key));
    return s.n == 0 ? NULL : mem_strdup_str(s);
}

static enum err_kind
check_string(yyjson_val *object, const char *key, const char *where, struct err *err)
{
    yyjson_val *val = json_get_nocase(object, key);
    if (val == NULL || yyjson_is_null(val) || yyjson_is_str(val))
        return ERR_OK;
    return err_set(err, ERR_MALFORMED, "%s.%s must be a string", where, key);
}

/* Upstream's documentation names these; its code never knew them, so such files ran on the defaults. */
static enum err_kind refuse_documented_keys(yyjson_val *spec, struct err *err)
{
    static const char *const keys[][2] = {
        {"directory_template", "list_template"}, {"path_template", "resource_template"}};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (json_get_nocase(spec, keys[i][0]) != NULL)
            return err_set(
                err, ERR_INVALID, "spec.spec.%s is not known: the right name is %s", keys[i][0],
                keys[i][1]);
    }
    return ERR_OK;
}

static enum err_kind
parse_template(yyjson_val *spec, struct core_controller_spec *ret, struct err *err)
{
    if (spec != NULL && !yyjson_is_null(spec) && !yyjson_is_obj(spec))
        return err_set(err, ERR_MALFORMED, "spec.spec must be an object");
    enum err_kind r = refuse_documented_keys(spec, err);
    if (r == ERR_OK)
        r = check_string(spec, "list_template", "spec.spec", err);
    if (r == ERR_OK)
        r = check_string(spec, "resource_template", "spec.spec", err);
    ret->list_template = dup_string(spec, "list_template");
    ret->resource_template = dup_string(spec, "resource_template");
    return r;
}

/* --- wasm ----------------------------------------------------------------------------------------- */

static enum err_kind parse_policy(yyjson_val *image, enum core_pull_policy *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum core_pull_policy policy;
    } rows[] = {
        {"Always", CORE_PULL_ALWAYS},
        {"IfNotPresent", CORE_PULL_IF_NOT_PRESENT},
        {"Never", CORE_PULL_NEVER}};
    struct str text = json_str(json_get_nocase(image, "pullPolicy"));
    *ret = CORE_PULL_DEFAULT;
    if (text.n == 0)
        return ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eqz(text, rows[i].name)) {
            *ret = rows[i].policy;
            return ERR_OK;
        }
    }
    return err_set(
        err, ERR_INVALID,
        "spec.spec.image.pullPolicy '" STR_FMT "' is not Always, IfNotPresent or Never",
        STR_ARG(str_take(text, 64)));
}

/* {"keys": [FILE…]}. Anything else was meant to be checked as well, so it is not passed over. */
static enum err_kind parse_verify(yyjson_val *verify, struct core_image_spec *ret, struct err *err)
{
    if (verify == NULL || yyjson_is_null(verify))
        return ERR_OK;
    yyjson_val *keys = json_get_nocase(verify, "keys");
    size_t i, n;
    yyjson_val *item;
    if (yyjson_obj_size(verify) != 1 || !yyjson_is_arr(keys) || yyjson_arr_size(keys) == 0)
        return err_set(
            err, ERR_INVALID,
            "spec.spec.image.verify must be {\"keys\": [public key files]} and nothing else");
    ret->verify_keys = mem_alloc((yyjson_arr_size(keys) + 1) * sizeof(char *));
    size_t count = 0;
    yyjson_arr_foreach(keys, i, n, item)
    {
        if (json_str(item).n == 0)
            return err_set(
                err, ERR_INVALID, "spec.spec.image.verify.keys must be an array of file names");
        ret->verify_keys[count++] = mem_strdup_str(json_str(item));
    }
    return ERR_OK;
}

static enum err_kind parse_image(yyjson_val *image, struct core_image_spec *ret, struct err *err)
{
    if (image == NULL || yyjson_is_null(image))
        return ERR_OK;
    if (yyjson_is_str(image)) {
        ret->reference = mem_strdup_str(json_str(image));
        return ERR_OK;
    }
    if (!yyjson_is_obj(image))
        return err_set(
            err, ERR_MALFORMED,
            "spec.spec.image must be a reference or an object with 'reference'");
    ret->reference = dup_string(image, "reference");
    ret->ca_file = dup_string(image, "caFile");
    ret->is_plain_http = yyjson_is_true(json_get_nocase(image, "plainHTTP"));
    if (ret->reference == NULL)
        return err_set(err, ERR_INVALID, "spec.spec.image has no 'reference'");
    enum err_kind r = parse_policy(image, &ret->policy, err);
    if (r == ERR_OK)
        r = parse_verify(json_get_nocase(image, "verify"), ret, err);
    struct str interval = json_str(json_get_nocase(image, "interval"));
    if (r == ERR_OK && interval.n > 0 &&
        units_parse_duration(interval, &ret->interval_ms, err) != ERR_OK)
        r = err_wrap(err, "spec.spec.image.interval");
    return r;
}

static enum err_kind parse_size(yyjson_val *limits, const char *key, uint64_t *ret, struct err *err)
{
    struct str text = json_str(json_get_nocase(limits, key));
    if (text.n == 0)
        return ERR_OK;
    enum err_kind r = units_parse_size(text, ret, err);
    return r == ERR_OK ? r : err_wrap(err, "spec.spec.limits.%s", key);
}

static enum err_kind parse_limits(yyjson_val *limits, struct wasmhost_limits *ret, struct err *err)
{
    uint64_t files = 0;
    struct str timeout = json_str(json_get_nocase(limits, "timeout"));
    enum err_kind r = ERR_OK;
    if (timeout.n > 0 && units_parse_duration(timeout, &ret->timeout_ms, err) != ERR_OK)
        r = err_wrap(err, "spec.spec.limits.timeout");
    if (r == ERR_OK)
        r = parse_size(limits, "memory", &ret->memory_bytes, err);
    if (r == ERR_OK)
        r = parse_size(limits, "output", &ret->output_bytes, err);
    if (r == ERR_OK)
        r = parse_size(limits, "written", &ret->written_bytes, err);
    if (r == ERR_OK)
        r = parse_size(limits, "openFiles", &files, err);
    if (r == ERR_OK && files > UINT32_MAX)
        r = err_set(err, ERR_INVALID, "spec.spec.limits.openFiles is too large");
    ret->open_files = (uint32_t)files;
    return r;
}

static enum err_kind parse_globs(yyjson_val *paths, const char *key, char ***ret, struct err *err)
{
    yyjson_val *list = json_get_nocase(paths, key);
    size_t i;
    size_t max;
    yyjson_val *item;
    if (list == NULL || yyjson_is_null(list))
        return ERR_OK;
    if (!yyjson_is_arr(list))
        return err_set(err, ERR_MALFORMED, "spec.spec.paths.%s must be an array of strings", key);
    *ret = mem_alloc((yyjson_arr_size(list) + 1) * sizeof(char *));
    size_t count = 0;
    yyjson_arr_foreach(list, i, max, item)
    {
        if (!yyjson_is_str(item))
            return err_set(
                err, ERR_MALFORMED, "spec.spec.paths.%s must be an array of strings", key);
        (*ret)[count++] = mem_strdup_str(json_str(item));
    }
    return ERR_OK;
}

static enum err_kind parse_wasm(yyjson_val *spec, struct core_controller_spec *ret, struct err *err)
{
    if (!yyjson_is_obj(spec))
        return err_set(err, ERR_MALFORMED, "spec.spec of a wasm controller must be an object");
    enum err_kind r = check_string(spec, "path", "spec.spec", err);
    ret->wasm_path = dup_string(spec, "path");
    if (r == ERR_OK)
        r = parse_image(json_get_nocase(spec, "image"), &ret->image, err);
    if (r != ERR_OK)
        return r;
    if (ret->wasm_path != NULL && ret->image.reference != NULL)
        return err_set(err, ERR_INVALID, "spec.spec has both 'path' and 'image': give one");
    if (ret->wasm_path == NULL && ret->image.reference == NULL)
        return err_set(err, ERR_INVALID, "spec.spec has neither 'path' nor 'image'");
    yyjson_val *paths = json_get_nocase(spec, "paths");
    r = parse_limits(json_get_nocase(spec, "limits"), &ret->limits, err);
    if (r == ERR_OK)
        r = parse_globs(paths, "read", &ret->read_globs, err);
    if (r == ERR_OK)
        r = parse_globs(paths, "write", &ret->write_globs, err);
    return r;
}

enum err_kind core_controller_spec_parse(
    const struct core_resource *r, struct core_controller_spec *ret, struct err *err)
{
    yyjson_val *outer = json_get_nocase(r->doc.root, "spec");
    yyjson_val *inner = json_get_nocase(outer, "spec");
    struct str type = json_str(json_get_nocase(outer, "type"));
    enum err_kind k;
    *ret = (struct core_controller_spec){.name = mem_strdup_str(r->name)};
    ret->is_wasm = str_eqz(type, "wasm");
    if (ret->is_wasm)
        k = parse_wasm(inner, ret, err);
    else if (str_eqz(type, "template"))
        k = parse_template(inner, ret, err);
    else
        k = err_set(
            err, ERR_INVALID, "controller type not supported: \"" STR_FMT "\" (template or wasm)",
            STR_ARG(str_take(type, 64)));
    if (k != ERR_OK) {
        err_wrap(err, "controller '%s'", ret->name);
        core_controller_spec_deinit(ret);
    }
    return k;
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void core_controller_spec_deinit(struct core_controller_spec *s)
{
    free(s->name);
    free(s->list_template);
    free(s->resource_template);
    free(s->wasm_path);
    free(s->image.reference);
    free(s->image.ca_file);
    free_list(s->image.verify_keys);
    free_list(s->read_globs);
    free_list(s->write_globs);
    *s = (struct core_controller_spec){0};
}
