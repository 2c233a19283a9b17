#include "core/definition.h"
#include "base/mem.h"

static struct str string_in(yyjson_val *object, const char *key)
{
    struct str s = json_str(json_get_nocase(object, key));
    return s.p == NULL ? STR("") : s;
}

/* They stand in lines of text: commits, logs, tables. */
static enum err_kind check_text(const char *field, struct str text, struct err *err)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return err_set(err, ERR_INVALID, "%s holds a control character", field);
    return ERR_OK;
}

static enum err_kind check_texts(const struct core_definition *d, struct err *err)
{
    enum err_kind r = check_text("names.kind", d->kind, err);
    if (r == ERR_OK)
        r = check_text("names.singular", d->singular, err);
    if (r == ERR_OK)
        r = check_text("names.plural", d->plural, err);
    if (r == ERR_OK)
        r = check_text("spec.group", d->group, err);
    for (size_t i = 0; r == ERR_OK && i < d->version_count; i++)
        r = check_text("a version of spec.versions", d->versions[i].name, err);
    return r;
}

static enum err_kind check_reserved(const struct core_definition *d, struct err *err)
{
    if (str_eqz(d->group, "cup.flipt.io") || str_ends(d->group, STR(".cup.flipt.io")))
        return err_set(
            err, ERR_INVALID, "spec.group '" STR_FMT "' is reserved for cup itself",
            STR_ARG(d->group));
    if (str_eqz(d->plural, "namespaces") || str_eqz(d->plural, "status"))
        return err_set(
            err, ERR_INVALID, "names.plural '" STR_FMT "' is reserved", STR_ARG(d->plural));
    return ERR_OK;
}

static int compare_versions(const void *a, const void *b)
{
    return str_cmp(((const struct core_version *)a)->name, ((const struct core_version *)b)->name);
}

/* Of repeated versions the last one counts, as everywhere in stored documents. */
static void read_versions(struct core_definition *d, yyjson_val *versions, struct str text)
{
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    d->versions = mem_alloc((yyjson_obj_size(versions) + 1) * sizeof(*d->versions));
    if (!yyjson_is_obj(versions))
        return; /* yyjson steps from the pointer, also from NULL */
    yyjson_obj_foreach(versions, i, max, key, value)
    {
        struct str name = json_str(key);
        if (json_get(versions, yyjson_get_str(key)) != value)
            continue;
        d->versions[d->version_count++] =
            (struct core_version){name, json_text_member(text, name, false)};
    }
    qsort(d->versions, d->version_count, sizeof(*d->versions), compare_versions);
}

static enum err_kind read_all(struct core_definition *d, struct err *err)
{
    enum err_kind r = core_resource_parse(str_from(d->text), JSON_STORED, &d->head, err);
    if (r != ERR_OK)
        return r;
    yyjson_val *root = d->head.doc.root;
    yyjson_val *names = json_get_nocase(root, "names");
    yyjson_val *spec = json_get_nocase(root, "spec");
    yyjson_val *versions = json_get_nocase(spec, "versions");
    d->kind = string_in(names, "kind");
    d->singular = string_in(names, "singular");
    d->plural = string_in(names, "plural");
    d->group = string_in(spec, "group");
    if (versions != NULL && !yyjson_is_null(versions) && !yyjson_is_obj(versions))
        return err_set(err, ERR_MALFORMED, "spec.versions must be an object");
    read_versions(d, versions, json_text_member(d->head.spec, STR("versions"), true));
    r = check_texts(d, err);
    return r == ERR_OK ? check_reserved(d, err) : r;
}

enum err_kind core_definition_parse(
    struct str text, const char *origin, struct core_definition **ret, struct err *err)
{
    struct core_definition *d = mem_new(struct core_definition);
    d->text = mem_strdup_str(text);
    d->origin = mem_strdup(origin);
    enum err_kind r = read_all(d, err);
    if (r != ERR_OK) {
        core_definition_free(d);
        return r;
    }
    *ret = d;
    return ERR_OK;
}

struct core_definition *core_definition_free(struct core_definition *d)
{
    if (d == NULL)
        return NULL;
    core_resource_deinit(&d->head);
    free(d->versions);
    free(d->origin);
    free(d->text);
    free(d);
    return NULL;
}

static void member(struct buf *to, const char *lead, struct str value)
{
    buf_text(to, lead);
    json_text_string(to, value);
}

void core_definition_write(struct buf *to, const struct core_definition *d)
{
    member(to, "{\"apiVersion\":", d->head.api_version);
    member(to, ",\"kind\":", d->head.kind);
    buf_text(to, ",\"metadata\":");
    core_resource_write_metadata(to, &d->head, false);
    member(to, ",\"names\":{\"kind\":", d->kind);
    member(to, ",\"singular\":", d->singular);
    member(to, ",\"plural\":", d->plural);
    member(to, "},\"spec\":{\"group\":", d->group);
    buf_text(to, ",\"versions\":{");
    for (size_t i = 0; i < d->version_count; i++) {
        member(to, i == 0 ? "" : ",", d->versions[i].name);
        buf_char(to, ':');
        json_text_write(to, d->versions[i].schema, 0, 0);
    }
    buf_text(to, "}}}");
}
