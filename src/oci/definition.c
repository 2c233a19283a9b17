#include "oci/definition.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "json/json.h"
#include "json/schema.h"

#define RESERVED_GROUP "cup.flipt.io"

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Labels of lower-case letters, digits and '-', joined by dots: a DNS subdomain (RFC 1123). */
static bool is_dns_name(struct str name, bool with_dots)
{
    if (name.n == 0 || name.n > 253)
        return false;
    while (name.p != NULL) {
        struct str label = with_dots ? str_cut(&name, '.') : name;
        if (!with_dots)
            name = str_of(NULL, 0);
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            if (!is_name_char(label.p[i]))
                return false;
        }
    }
    return true;
}

static enum err_kind refuse(const char *field, struct str value, const char *why, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    return err_set(err, ERR_INVALID, "%s '%s' %s", field, oci_show(value, shown), why);
}

static enum err_kind check_reserved(struct str group, struct str plural, struct err *err)
{
    if (str_eqz(group, RESERVED_GROUP) || str_ends(group, STR("." RESERVED_GROUP)))
        return refuse("spec.group", group, "is reserved for cup itself", err);
    if (str_eqz(plural, "namespaces") || str_eqz(plural, "status"))
        return refuse("names.plural", plural, "is reserved", err);
    return ERR_OK;
}

static enum err_kind
check_names(yyjson_val *root, struct str group, struct str plural, struct err *err)
{
    yyjson_val *names = json_get(root, "names");
    struct str kind = json_str(json_get(names, "kind"));
    struct str singular = json_str(json_get(names, "singular"));
    if (kind.n == 0 || kind.n > 63 || kind.p[0] < 'A' || kind.p[0] > 'Z')
        return refuse("names.kind", kind, "must begin with an upper-case letter", err);
    for (size_t i = 0; i < kind.n; i++) {
        bool is_upper = kind.p[i] >= 'A' && kind.p[i] <= 'Z';
        if (!is_upper && (!is_name_char(kind.p[i]) || kind.p[i] == '-'))
            return refuse("names.kind", kind, "must be letters and digits", err);
    }
    if (!is_dns_name(plural, false))
        return refuse("names.plural", plural, "must be lower-case letters, digits and '-'", err);
    if (singular.p != NULL && singular.n > 0 && !is_dns_name(singular, false))
        return refuse(
            "names.singular", singular, "must be lower-case letters, digits and '-'", err);
    if (!is_dns_name(group, true))
        return refuse("spec.group", group, "must be a lower-case domain name", err);
    return check_reserved(group, plural, err);
}

static enum err_kind check_version(struct str version, yyjson_val *schema, struct err *err)
{
    if (!is_dns_name(version, false))
        return refuse("version", version, "must be lower-case letters, digits and '-'", err);
    if (!yyjson_is_obj(schema) && !yyjson_is_bool(schema))
        return refuse("the schema of version", version, "is neither an object nor a boolean", err);
    return ERR_OK;
}

static enum err_kind
check_versions(yyjson_val *versions, struct oci_definition_info *info, struct err *err)
{
    if (!yyjson_is_obj(versions) || yyjson_obj_size(versions) == 0)
        return err_set(err, ERR_INVALID, "spec.versions names no version");
    info->versions = mem_realloc_array(NULL, yyjson_obj_size(versions), sizeof(char *));
    size_t i, n;
    yyjson_val *key, *schema;
    yyjson_obj_foreach(versions, i, n, key, schema)
    {
        struct str version = json_str(key);
        enum err_kind r = check_version(version, schema, err);
        if (r != ERR_OK)
            return r;
        info->versions[info->version_count++] = mem_strdup_str(version);
    }
    return ERR_OK;
}

static enum err_kind check_root(yyjson_val *root, struct oci_definition_info *info, struct err *err)
{
    struct str api_version = json_str(json_get(root, "apiVersion"));
    struct str kind = json_str(json_get(root, "kind"));
    struct str name = json_str(json_get(json_get(root, "metadata"), "name"));
    struct str group = json_str(json_get(json_get(root, "spec"), "group"));
    struct str plural = json_str(json_get(json_get(root, "names"), "plural"));
    if (!str_eqz(api_version, RESERVED_GROUP "/v1alpha1"))
        return refuse("apiVersion", api_version, "is not " RESERVED_GROUP "/v1alpha1", err);
    if (!str_eqz(kind, "ResourceDefinition"))
        return refuse("kind", kind, "is not ResourceDefinition", err);
    if (!is_dns_name(name, true))
        return refuse("metadata.name", name, "must be a lower-case domain name", err);
    enum err_kind r = check_names(root, group, plural, err);
    if (r != ERR_OK)
        return r;
    info->name = mem_strdup_str(name);
    info->group = mem_strdup_str(group);
    info->plural = mem_strdup_str(plural);
    return check_versions(json_get(json_get(root, "spec"), "versions"), info, err);
}

static enum err_kind parse(struct str text, struct json_doc *ret, struct err *err)
{
    enum err_kind r = json_parse(text, JSON_STRICT, ret, err);
    return r == ERR_MALFORMED ? err_as(err, ERR_INVALID) : r;
}

enum err_kind oci_definition_read(struct str text, struct oci_definition_info *ret, struct err *err)
{
    if (text.n > OCI_DEFINITION_MAX)
        return err_set(
            err, ERR_LIMIT, "a definition of %zu bytes is over the limit of %zu", text.n,
            OCI_DEFINITION_MAX);
    auto_json struct json_doc doc = {0};
    auto_oci_definition_info struct oci_definition_info info = {0};
    enum err_kind r = parse(text, &doc, err);
    if (r == ERR_OK)
        r = check_root(doc.root, &info, err);
    if (r != ERR_OK)
        return r;
    *ret = info;
    info = (struct oci_definition_info){0};
    return ERR_OK;
}

static enum err_kind check_schema(struct str version, yyjson_val *schema, struct err *err)
{
    autobuf struct buf text = {.max = OCI_DEFINITION_MAX};
    json_text_canonical(&text, schema);
    enum err_kind r = buf_check(&text, "the schema", err);
    if (r != ERR_OK)
        return r;
    struct json_schema *compiled = NULL;
    r = json_schema_compile(buf_view(&text), &compiled, err);
    json_schema_free(compiled);
    if (r != ERR_OK)
        return err_wrap(err, "the schema of version '" STR_FMT "'", STR_ARG(version));
    return ERR_OK;
}

enum err_kind oci_definition_check_schemas(struct str text, struct err *err)
{
    size_t i, n;
    yyjson_val *key, *schema;
    auto_json struct json_doc doc = {0};
    enum err_kind r = parse(text, &doc, err);
    if (r != ERR_OK)
        return r;
    yyjson_obj_foreach(json_get(json_get(doc.root, "spec"), "versions"), i, n, key, schema)
    {
        r = check_schema(json_str(key), schema, err);
        if (r != ERR_OK)
            return r;
    }
    return ERR_OK;
}

enum err_kind
oci_definition_check(struct str text, struct oci_definition_info *ret, struct err *err)
{
    enum err_kind r = oci_definition_read(text, ret, err);
    if (r != ERR_OK)
        return r;
    r = oci_definition_check_schemas(text, err);
    if (r != ERR_OK)
        oci_definition_info_deinit(ret);
    return r;
}

void oci_definition_info_deinit(struct oci_definition_info *info)
{
    if (info == NULL)
        return;
    free(info->name);
    free(info->group);
    free(info->plural);
    for (size_t i = 0; i < info->version_count; i++)
        free(info->versions[i]);
    free(info->versions);
    *info = (struct oci_definition_info){0};
}
