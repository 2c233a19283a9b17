#include "oci/manifest.h"
#include "base/mem.h"
#include "oci/digest.h"

#include <stdio.h>

bool oci_media_is_manifest(struct str media_type)
{
    return str_eqz(media_type, OCI_MEDIA_MANIFEST) ||
        str_eqz(media_type, OCI_MEDIA_DOCKER_MANIFEST);
}

bool oci_media_is_index(struct str media_type)
{
    return str_eqz(media_type, OCI_MEDIA_INDEX) || str_eqz(media_type, OCI_MEDIA_DOCKER_LIST);
}

struct str oci_annotation(yyjson_val *annotations, const char *key)
{
    return json_str(json_get(annotations, key));
}

/*
 * The size of a descriptor. Numbers arrive as they were written, so 1e3, -1, 12.0 and "12" are told
 * from 12 (descriptor.md: int64; hardening: a size that lies in any spelling is refused).
 */
static enum err_kind parse_size(yyjson_val *val, const char *where, uint64_t *ret, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    if (val == NULL)
        return err_set(err, ERR_INVALID, "%s has no size", where);
    if (!yyjson_is_raw(val))
        return err_set(err, ERR_INVALID, "%s: size is not a number", where);
    struct str text = str_of(yyjson_get_raw(val), yyjson_get_len(val));
    uint64_t size;
    if (!str_to_u64(text, &size) || size > INT64_MAX)
        return err_set(
            err, ERR_INVALID, "%s: size %s is not a plain non-negative integer", where,
            oci_show(text, shown));
    *ret = size;
    return ERR_OK;
}

static enum err_kind check_annotations(yyjson_val *val, const char *where, struct err *err)
{
    if (val == NULL)
        return ERR_OK;
    if (!yyjson_is_obj(val))
        return err_set(err, ERR_INVALID, "%s: annotations is not an object", where);
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(val, i, n, key, value)
    {
        if (!yyjson_is_str(value))
            return err_set(err, ERR_INVALID, "%s: an annotation's value is not text", where);
    }
    return ERR_OK;
}

enum err_kind oci_descriptor_parse(
    yyjson_val *val, const char *where, struct oci_descriptor *ret, struct err *err)
{
    struct oci_descriptor d = {0};
    if (!yyjson_is_obj(val))
        return err_set(err, ERR_INVALID, "%s is not an object", where);
    d.media_type = json_str(json_get(val, "mediaType"));
    if (d.media_type.n == 0)
        return err_set(err, ERR_INVALID, "%s has no mediaType", where);
    d.artifact_type = json_str(json_get(val, "artifactType"));
    struct str digest = json_str(json_get(val, "digest"));
    enum err_kind r = oci_digest_check(digest, err);
    if (r != ERR_OK)
        return err_wrap(err, "%s", where);
    memcpy(d.digest, digest.p, digest.n);
    r = parse_size(json_get(val, "size"), where, &d.size, err);
    if (r != ERR_OK)
        return r;
    d.annotations = json_get(val, "annotations");
    r = check_annotations(d.annotations, where, err);
    if (r == ERR_OK)
        *ret = d;
    return r;
}

static enum err_kind
parse_items(yyjson_val *list, const char *what, struct oci_manifest *m, struct err *err)
{
    if (!yyjson_is_arr(list))
        return err_set(err, ERR_INVALID, "%ss is not a list", what);
    size_t n = yyjson_arr_size(list);
    if (n > OCI_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "%zu %ss are more than %d", n, what, OCI_LAYERS_MAX);
    m->items = mem_realloc_array(NULL, n, sizeof(*m->items));
    for (; m->count < n; m->count++) {
        char where[48];
        snprintf(where, sizeof(where), "%s %zu", what, m->count + 1);
        enum err_kind r =
            oci_descriptor_parse(yyjson_arr_get(list, m->count), where, &m->items[m->count], err);
        if (r != ERR_OK)
            return r;
    }
    return ERR_OK;
}

/* "Media type confusion": a document that is both, or says it is the other, is refused
 * (image-spec manifest.md and image-index.md; CVE-2021-41190). */
static enum err_kind check_form(struct oci_manifest *m, struct err *err)
{
    yyjson_val *root = m->json.root;
    bool has_layers = json_get(root, "layers") != NULL || json_get(root, "config") != NULL;
    bool has_manifests = json_get(root, "manifests") != NULL;
    bool has_schema1 = json_get(root, "fsLayers") != NULL || json_get(root, "history") != NULL;
    if ((has_layers && has_manifests) || has_schema1)
        return err_set(
            err, ERR_INVALID,
            "ambiguous manifest: it has members of more than one kind "
            "(layers, manifests, fsLayers)");
    if (!has_layers && !has_manifests)
        return err_set(err, ERR_INVALID, "it has neither layers nor manifests");
    m->is_index = has_manifests;
    if (m->media_type.p == NULL)
        return ERR_OK;
    if (m->is_index ? !oci_media_is_index(m->media_type) : !oci_media_is_manifest(m->media_type)) {
        char shown[OCI_SHOWN_MAX];
        return err_set(
            err, ERR_INVALID, "ambiguous manifest: it has %s but its mediaType is '%s'",
            m->is_index ? "manifests" : "layers", oci_show(m->media_type, shown));
    }
    return ERR_OK;
}

static enum err_kind parse_root(struct oci_manifest *m, struct err *err)
{
    yyjson_val *root = m->json.root;
    if (!yyjson_is_obj(root))
        return err_set(err, ERR_INVALID, "it is not an object");
    yyjson_val *schema = json_get(root, "schemaVersion");
    if (!yyjson_is_raw(schema) ||
        !str_eqz(str_of(yyjson_get_raw(schema), yyjson_get_len(schema)), "2"))
        return err_set(err, ERR_INVALID, "its schemaVersion is not 2");
    m->media_type = json_str(json_get(root, "mediaType"));
    m->artifact_type = json_str(json_get(root, "artifactType"));
    m->annotations = json_get(root, "annotations");
    enum err_kind r = check_form(m, err);
    if (r == ERR_OK)
        r = check_annotations(m->annotations, "it", err);
    if (r == ERR_OK && !m->is_index)
        r = oci_descriptor_parse(json_get(root, "config"), "config", &m->config, err);
    if (r != ERR_OK)
        return r;
    if (m->is_index)
        return parse_items(json_get(root, "manifests"), "manifest", m, err);
    return parse_items(json_get(root, "layers"), "layer", m, err);
}

enum err_kind oci_manifest_parse(struct str text, struct oci_manifest *ret, struct err *err)
{
    struct oci_manifest m = {0};
    enum err_kind r = json_parse(text, JSON_STRICT, &m.json, err);
    if (r == ERR_OK)
        r = parse_root(&m, err);
    else if (r == ERR_MALFORMED)
        r = err_as(err, ERR_INVALID);
    if (r != ERR_OK) {
        oci_manifest_deinit(&m);
        return err_wrap(err, "reading a manifest");
    }
    *ret = m;
    return ERR_OK;
}

void oci_manifest_deinit(struct oci_manifest *m)
{
    if (m == NULL)
        return;
    free(m->items);
    json_doc_deinit(&m->json);
    *m = (struct oci_manifest){0};
}
