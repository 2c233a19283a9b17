#include "core/resource.h"
#include "base/mem.h"

static enum err_kind wrong_type(const char *what, const char *wanted, struct err *err)
{
    return err_set(err, ERR_MALFORMED, "'%s' must be %s", what, wanted);
}

static enum err_kind
read_string(yyjson_val *object, const char *key, struct str *ret, struct err *err)
{
    yyjson_val *val = json_get_nocase(object, key);
    *ret = STR("");
    if (val == NULL || yyjson_is_null(val))
        return ERR_OK;
    if (!yyjson_is_str(val))
        return wrong_type(key, "a string", err);
    *ret = json_str(val);
    return ERR_OK;
}

/* Keeps the map sorted; a key that is there already gets the later value. */
static void map_set(struct core_map *m, struct str key, struct str value)
{
    size_t at = m->count;
    while (at > 0 && str_cmp(m->items[at - 1].key, key) > 0)
        at--;
    if (at > 0 && str_eq(m->items[at - 1].key, key)) {
        m->items[at - 1].value = value;
        return;
    }
    mem_grow(&m->items, m->count, &m->cap);
    memmove(&m->items[at + 1], &m->items[at], (m->count - at) * sizeof(*m->items));
    m->items[at] = (struct core_pair){key, value};
    m->count++;
}

static enum err_kind
merge_map(struct core_map *m, yyjson_val *object, const char *what, struct err *err)
{
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    if (yyjson_is_null(object)) {
        m->is_null = true;
        m->count = 0;
        return ERR_OK;
    }
    if (!yyjson_is_obj(object))
        return wrong_type(what, "an object of strings", err);
    m->is_null = false;
    yyjson_obj_foreach(object, i, max, key, value)
    {
        if (!yyjson_is_str(value) && !yyjson_is_null(value))
            return wrong_type(what, "an object of strings", err);
        map_set(m, json_str(key), yyjson_is_null(value) ? STR("") : json_str(value));
    }
    return ERR_OK;
}

/* Of repeated members Go merges the maps (as upstream). */
static enum err_kind
read_map(yyjson_val *metadata, const char *name, struct core_map *ret, struct err *err)
{
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    enum err_kind r = ERR_OK;
    ret->is_null = true;
    if (!yyjson_is_obj(metadata))
        return ERR_OK;
    yyjson_obj_foreach(metadata, i, max, key, value)
    {
        if (r == ERR_OK && str_eq_nocase(json_str(key), str_from(name)))
            r = merge_map(ret, value, name, err);
    }
    return r;
}

/* Go's decoder takes `Kind` for `kind`; of what clients send that would be two spellings of one thing. */
static enum err_kind
check_spelling(yyjson_val *object, const char *const *known, size_t count, struct err *err)
{
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    if (!yyjson_is_obj(object))
        return ERR_OK;
    yyjson_obj_foreach(object, i, max, key, value)
    {
        for (size_t k = 0; k < count; k++) {
            if (str_eq_nocase(json_str(key), str_from(known[k])) &&
                !str_eqz(json_str(key), known[k]))
                return err_set(
                    err, ERR_MALFORMED, "member '" STR_FMT "' must be spelled '%s'",
                    STR_ARG(json_str(key)), known[k]);
        }
    }
    return ERR_OK;
}

static enum err_kind check_strict(yyjson_val *root, yyjson_val *metadata, struct err *err)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec"};
    static const char *const meta[] = {
        "namespace", "name", "labels", "annotations", "resourceVersion"};
    enum err_kind r = check_spelling(root, top, ARRAY_LEN(top), err);
    return r == ERR_OK ? check_spelling(metadata, meta, ARRAY_LEN(meta), err) : r;
}

static enum err_kind read_members(struct core_resource *r, enum json_mode mode, struct err *err)
{
    yyjson_val *root = r->doc.root;
    if (!yyjson_is_obj(root))
        return err_set(err, ERR_MALFORMED, "a resource must be a JSON object");
    yyjson_val *metadata = json_get_nocase(root, "metadata");
    if (metadata != NULL && !yyjson_is_null(metadata) && !yyjson_is_obj(metadata))
        return wrong_type("metadata", "an object", err);
    const struct {
        yyjson_val *object;
        const char *key;
        struct str *ret;
    } strings[] = {
        {root, "apiVersion", &r->api_version},
        {root, "kind", &r->kind},
        {metadata, "namespace", &r->ns},
        {metadata, "name", &r->name},
        {metadata, "resourceVersion", &r->resource_version},
    };
    enum err_kind k = mode == JSON_STRICT ? check_strict(root, metadata, err) : ERR_OK;
    for (size_t i = 0; k == ERR_OK && i < ARRAY_LEN(strings); i++)
        k = read_string(strings[i].object, strings[i].key, strings[i].ret, err);
    if (k == ERR_OK)
        k = read_map(metadata, "labels", &r->labels, err);
    if (k == ERR_OK)
        k = read_map(metadata, "annotations", &r->annotations, err);
    r->spec = json_text_member(r->doc.text, STR("spec"), true);
    return k;
}

enum err_kind core_resource_parse(
    struct str text, enum json_mode mode, struct core_resource *ret, struct err *err)
{
    *ret = (struct core_resource){0};
    enum err_kind k = json_parse(text, mode, &ret->doc, err);
    if (k == ERR_OK)
        k = read_members(ret, mode, err);
    if (k != ERR_OK)
        core_resource_deinit(ret);
    return k;
}

void core_resource_deinit(struct core_resource *r)
{
    json_doc_deinit(&r->doc);
    free(r->labels.items);
    free(r->annotations.items);
    *r = (struct core_resource){0};
}

/* --- writing -------------------------------------------------------------------------------------- */

static void write_map(struct buf *to, const struct core_map *m)
{
    if (m->is_null) {
        buf_text(to, "null");
        return;
    }
    buf_char(to, '{');
    for (size_t i = 0; i < m->count; i++) {
        if (i > 0)
            buf_char(to, ',');
        json_text_string(to, m->items[i].key);
        buf_char(to, ':');
        json_text_string(to, m->items[i].value);
    }
    buf_char(to, '}');
}

void core_resource_write_metadata(struct buf *to, const struct core_resource *r, bool has_namespace)
{
    buf_char(to, '{');
    if (has_namespace) {
        buf_text(to, "\"namespace\":");
        json_text_string(to, r->ns);
        buf_char(to, ',');
    }
    buf_text(to, "\"name\":");
    json_text_string(to, r->name);
    buf_text(to, ",\"labels\":");
    write_map(to, &r->labels);
    buf_text(to, ",\"annotations\":");
    write_map(to, &r->annotations);
    buf_char(to, '}');
}

static void write_compact(struct buf *to, const struct core_resource *r)
{
    buf_text(to, "{\"apiVersion\":");
    json_text_string(to, r->api_version);
    buf_text(to, ",\"kind\":");
    json_text_string(to, r->kind);
    buf_text(to, ",\"metadata\":");
    core_resource_write_metadata(to, r, true);
    buf_text(to, ",\"spec\":");
    if (r->spec.p == NULL)
        buf_text(to, "null");
    else
        json_text_write(to, r->spec, 0, 0);
    buf_char(to, '}');
}

void core_resource_write(struct buf *to, const struct core_resource *r, unsigned indent)
{
    if (indent == 0) {
        write_compact(to, r);
        return;
    }
    autobuf struct buf compact = {.max = to->max};
    write_compact(&compact, r);
    if (compact.is_failed)
        to->is_failed = true;
    else
        json_text_write(to, buf_view(&compact), indent, 0);
}

/* --- as it was sent ----------------------------------------------------------------------------------- */

static void put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct str value)
{
    yyjson_mut_val *name = yyjson_mut_str(doc, key);
    yyjson_mut_obj_put(object, name, yyjson_mut_strn(doc, value.p == NULL ? "" : value.p, value.n));
}

static void remove_all(yyjson_mut_val *object, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        yyjson_mut_obj_remove_key(object, keys[i]);
}

/* The object under `metadata`, made where there is none. */
static yyjson_mut_val *metadata_of(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *metadata = yyjson_mut_obj_get(root, "metadata");
    if (yyjson_mut_is_obj(metadata))
        return metadata;
    metadata = yyjson_mut_obj(doc);
    yyjson_mut_obj_put(root, yyjson_mut_str(doc, "metadata"), metadata);
    return metadata;
}

void core_resource_write_sent(struct buf *to, const struct core_resource *r)
{
    static const char *const of_server[] = {
        "resourceVersion", "uid", "generation", "creationTimestamp", "managedFields"};
    static const char *const top[] = {"status"};
    size_t n = 0;
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(r->doc.doc, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    yyjson_mut_val *metadata = metadata_of(doc, root);
    remove_all(root, top, ARRAY_LEN(top));
    remove_all(metadata, of_server, ARRAY_LEN(of_server));
    put_text(doc, root, "apiVersion", r->api_version);
    put_text(doc, root, "kind", r->kind);
    put_text(doc, metadata, "namespace", r->ns);
    put_text(doc, metadata, "name", r->name);
    char *text = yyjson_mut_write(doc, 0, &n);
    if (text == NULL)
        to->is_failed = true;
    else
        buf_add(to, text, n);
    free(text);
    yyjson_mut_doc_free(doc);
}
