#include "base/mem.h"
#include "oci/referrers.h"
#include "oci/tag_edit.h"

/* What the fallback index gets. */
struct entry {
    char digest[OCI_DIGEST_MAX];
    struct buf text; /* the descriptor as JSON */
};

static void add_text(struct buf *to, const char *key, struct str value)
{
    buf_printf(to, "\"%s\":", key);
    json_text_string(to, value);
}

/* distribution-spec, "Pushing Manifests with Subject": artifactType, else the config's media type, and
 * all annotations of the manifest. */
static enum err_kind
describe(struct str manifest, const char *media_type, struct entry *ret, struct err *err)
{
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = oci_manifest_parse(manifest, &m, err);
    if (r != ERR_OK)
        return r;
    struct str type = m.artifact_type.n > 0 ? m.artifact_type : m.config.media_type;
    oci_digest_of(manifest, ret->digest);
    buf_char(&ret->text, '{');
    add_text(&ret->text, "mediaType", str_from(media_type));
    buf_printf(&ret->text, ",\"digest\":\"%s\",\"size\":%zu", ret->digest, manifest.n);
    if (type.n > 0) {
        buf_char(&ret->text, ',');
        add_text(&ret->text, "artifactType", type);
    }
    struct str annotations = json_text_member(m.json.text, STR("annotations"), false);
    if (annotations.n > 0) {
        buf_text(&ret->text, ",\"annotations\":");
        json_text_write(&ret->text, annotations, 0, 0);
    }
    buf_char(&ret->text, '}');
    return buf_check(&ret->text, "the descriptor", err);
}

static bool is_in(const struct oci_manifest *index, const char *digest)
{
    for (size_t i = 0; i < index->count; i++) {
        if (strcmp(index->items[i].digest, digest) == 0)
            return true;
    }
    return false;
}

/* The neighbours' entries are kept as they were written. */
static void write_index(const struct oci_manifest *old, const struct entry *e, struct buf *to)
{
    struct str text = old->json.text;
    buf_text(to, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_INDEX "\",\"manifests\":[");
    if (old->count > 0) {
        struct str list = json_text_member(text, STR("manifests"), false);
        buf_str(to, str_trim(str_of(list.p + 1, list.n - 2)));
        buf_char(to, ',');
    }
    buf_str(to, buf_view(&e->text));
    buf_char(to, ']');
    if (old->annotations != NULL) {
        buf_text(to, ",\"annotations\":");
        buf_str(to, json_text_member(text, STR("annotations"), false));
    }
    buf_char(to, '}');
}

static enum err_kind
edit_index(void *data, const struct oci_raw *now, struct buf *to, bool *ret_is_in, struct err *err)
{
    const struct entry *e = data;
    auto_oci_manifest struct oci_manifest index = {0};
    enum err_kind r = ERR_OK;
    if (now->bytes.n > 0)
        r = oci_manifest_parse(buf_view(&now->bytes), &index, err);
    if (r == ERR_OK && now->bytes.n > 0 && !index.is_index)
        r = err_set(err, ERR_INVALID, "it is not an image index, so nothing can be added");
    if (r != ERR_OK)
        return r;
    *ret_is_in = is_in(&index, e->digest);
    if (*ret_is_in)
        return ERR_OK;
    if (index.count >= OCI_REFERRERS_MAX)
        return err_set(err, ERR_LIMIT, "it lists %zu referrers already", index.count);
    write_index(&index, e, to);
    return ERR_OK;
}

static enum err_kind put_manifest(
    struct oci_place *p,
    struct str manifest,
    const char *media_type,
    const char *digest,
    bool *ret_took_subject,
    struct err *err)
{
    char written[OCI_DIGEST_MAX];
    if (p->layout != NULL)
        return oci_layout_put(p->layout, manifest, written, err);
    struct oci_manifest_put put = {
        .reference = digest, .media_type = media_type, .bytes = manifest, .digest = digest};
    return oci_registry_put_manifest(p->registry, &put, ret_took_subject, err);
}

enum err_kind oci_referrers_put(
    struct oci_place *p,
    const char *subject_digest,
    struct str manifest,
    const char *media_type,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    char tag[OCI_REFERRERS_TAG_MAX];
    bool took_subject = false;
    struct entry e = {0};
    struct oci_tag_edit edit = {.media_type = OCI_MEDIA_INDEX, .edit = edit_index, .data = &e};
    oci_referrers_tag(subject_digest, "", tag);
    enum err_kind r = describe(manifest, media_type, &e, err);
    if (r == ERR_OK)
        r = put_manifest(p, manifest, media_type, e.digest, &took_subject, err);
    if (r == ERR_OK && !took_subject)
        r = oci_tag_edit(p, tag, &edit, err);
    if (r == ERR_OK)
        memcpy(ret_digest, e.digest, OCI_DIGEST_MAX);
    buf_deinit(&e.text);
    return r;
}
