#include "oci/referrers.h"
#include "base/mem.h"

#include <stdio.h>

void oci_referrers_tag(const char *digest, const char *suffix, char ret[OCI_REFERRERS_TAG_MAX])
{
    snprintf(ret, OCI_REFERRERS_TAG_MAX, "sha256-%s%s", digest + strlen("sha256:"), suffix);
}

void oci_referrer_deinit(struct oci_referrer *r)
{
    free(r->media_type);
    free(r->artifact_type);
    free(r->tag);
    free(r->annotations);
    *r = (struct oci_referrer){0};
}

void oci_referrers_deinit(struct oci_referrers *r)
{
    for (size_t i = 0; i < r->count; i++)
        oci_referrer_deinit(&r->items[i]);
    free(r->items);
    *r = (struct oci_referrers){0};
}

struct listing {
    struct oci_referrers found;
    size_t cap;
    const char *subject;
};

static bool is_listed(const struct listing *l, const char *digest)
{
    for (size_t i = 0; i < l->found.count; i++) {
        if (strcmp(l->found.items[i].digest, digest) == 0)
            return true;
    }
    return false;
}

static enum err_kind
add(struct listing *l, const struct oci_descriptor *d, const char *tag, struct err *err)
{
    autobuf struct buf annotations = {0};
    if (is_listed(l, d->digest))
        return ERR_OK;
    if (l->found.count >= OCI_REFERRERS_MAX)
        return err_set(
            err, ERR_LIMIT, "more than %d referrers of %s", OCI_REFERRERS_MAX, l->subject);
    if (d->annotations != NULL)
        json_text_canonical(&annotations, d->annotations);
    mem_grow(&l->found.items, l->found.count, &l->cap);
    struct oci_referrer *to = &l->found.items[l->found.count++];
    *to = (struct oci_referrer){
        .size = d->size,
        .media_type = mem_strdup_str(d->media_type),
        .artifact_type = d->artifact_type.n == 0 ? NULL : mem_strdup_str(d->artifact_type),
        .tag = mem_strdup(tag),
        .annotations = annotations.n == 0 ? NULL : buf_steal(&annotations)};
    memcpy(to->digest, d->digest, sizeof(to->digest));
    return ERR_OK;
}

/* One page of the API, or the index behind the fallback tag. */
static enum err_kind add_index(struct listing *l, struct str index, struct err *err)
{
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = oci_manifest_parse(index, &m, err);
    if (r == ERR_OK && !m.is_index)
        r = err_set(err, ERR_INVALID, "it is not an image index");
    for (size_t i = 0; r == ERR_OK && i < m.count; i++)
        r = add(l, &m.items[i], NULL, err);
    return r;
}

static bool add_page(void *data, struct str index, struct err *err)
{
    return add_index(data, index, err) == ERR_OK;
}

static enum err_kind list_fallback(struct oci_place *p, struct listing *l, struct err *err)
{
    char tag[OCI_REFERRERS_TAG_MAX];
    auto_oci_raw struct oci_raw raw = {0};
    oci_referrers_tag(l->subject, "", tag);
    enum err_kind r = oci_place_manifest(p, tag, &raw, err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    if (r == ERR_OK)
        r = add_index(l, buf_view(&raw.bytes), err);
    return r == ERR_OK ? r : err_wrap(err, "tag '%s'", tag);
}

/* Does this manifest of a layout point at the subject? What cannot be read does not. */
static bool points_at(struct oci_place *p, const char *digest, const char *subject)
{
    struct err ignored;
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    if (oci_place_manifest(p, digest, &raw, &ignored) != ERR_OK ||
        oci_manifest_parse(buf_view(&raw.bytes), &m, &ignored) != ERR_OK)
        return false;
    struct str found = json_str(json_get(json_get(m.json.root, "subject"), "digest"));
    return str_eqz(found, subject);
}

struct unnamed {
    struct oci_place *place;
    struct listing *listing;
};

static bool add_unnamed(void *data, const struct oci_descriptor *d, struct err *err)
{
    struct unnamed *u = data;
    if (!points_at(u->place, d->digest, u->listing->subject))
        return true;
    return add(u->listing, d, NULL, err) == ERR_OK;
}

/* oras keeps what points at an image in index.json itself, without a name. */
static enum err_kind list_unnamed(struct oci_place *p, struct listing *l, struct err *err)
{
    struct unnamed u = {.place = p, .listing = l};
    return p->layout == NULL ? ERR_OK : oci_layout_unnamed(p->layout, add_unnamed, &u, err);
}

/* The signatures of cosign before version 3: a manifest under a tag of its own. */
static enum err_kind list_sig_tag(struct oci_place *p, struct listing *l, struct err *err)
{
    char tag[OCI_REFERRERS_TAG_MAX];
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    oci_referrers_tag(l->subject, ".sig", tag);
    enum err_kind r = oci_place_manifest(p, tag, &raw, err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    if (r == ERR_OK)
        r = oci_manifest_parse(buf_view(&raw.bytes), &m, err);
    if (r == ERR_OK) {
        struct oci_descriptor d = {
            .media_type = m.media_type.n > 0 ? m.media_type : STR(OCI_MEDIA_MANIFEST),
            .artifact_type = m.artifact_type,
            .size = raw.bytes.n,
            .annotations = m.annotations};
        memcpy(d.digest, raw.digest, sizeof(d.digest));
        r = add(l, &d, tag, err);
    }
    return r == ERR_OK ? r : err_wrap(err, "tag '%s'", tag);
}

enum err_kind oci_referrers_list(
    struct oci_place *p, const char *digest, struct oci_referrers *ret, struct err *err)
{
    struct listing l = {.subject = digest};
    enum err_kind r = ERR_UNSUPPORTED;
    if (p->registry != NULL)
        r = oci_registry_referrers(p->registry, digest, add_page, &l, err);
    if (r == ERR_UNSUPPORTED)
        r = list_fallback(p, &l, err);
    if (r == ERR_OK)
        r = list_unnamed(p, &l, err);
    if (r == ERR_OK)
        r = list_sig_tag(p, &l, err);
    if (r != ERR_OK) {
        oci_referrers_deinit(&l.found);
        return err_wrap(err, "what points at %s", digest);
    }
    *ret = l.found;
    return ERR_OK;
}
