#include "oci/sign.h"
#include "base/clock.h"
#include "base/mem.h"
#include "oci/attach.h"
#include "oci/base64.h"
#include "oci/internal.h"
#include "oci/sig_form.h"
#include "oci/tag_edit.h"

#include <inttypes.h>
#include <stdio.h>

struct signing {
    struct oci_place *place;
    const struct oci_sign *in;
    struct oci_subject subject;
    struct str annotations; /* JSON object, or empty */
    struct oci_signed *out;
};

/* --- is it there already? ----------------------------------------------------------------------------- */

/* ECDSA signatures of the same text differ each time: without this, each run would add one. */
static bool is_same(void *data, const struct oci_signature *s)
{
    struct signing *g = data;
    struct str wanted = g->annotations.n > 0 ? g->annotations : STR("{}");
    if (s->form != g->in->form || !str_eq(s->annotations, wanted) ||
        !oci_signature_is_by(s, g->in->key))
        return true;
    memcpy(g->out->digest, s->digest, sizeof(g->out->digest));
    g->out->is_new = false;
    return false;
}

/* --- a bundle ----------------------------------------------------------------------------------------- */

static void write_bundle_annotations(struct buf *to, int64_t created_unix_s)
{
    char created[CLOCK_RFC3339_BYTES];
    clock_rfc3339(created_unix_s, created);
    buf_printf(
        to,
        "{\"dev.sigstore.bundle.content\":\"dsse-envelope\","
        "\"dev.sigstore.bundle.predicateType\":\"" SIG_BUNDLE_PREDICATE
        "\",\"" OCI_ANNOTATION_CREATED "\":\"%s\"}",
        created);
}

static enum err_kind make_bundle(const struct signing *g, struct buf *to, struct err *err)
{
    autobuf struct buf statement = {0}, bytes = {0}, signature = {0};
    sig_bundle_write_statement(&statement, g->subject.digest, g->annotations);
    sig_bundle_write_signed(&bytes, STR(SIG_BUNDLE_PAYLOAD), buf_view(&statement));
    enum err_kind r = oci_key_sign(g->in->key, buf_view(&bytes), &signature, err);
    if (r != ERR_OK)
        return r;
    sig_bundle_write(to, g->in->key, buf_view(&statement), buf_view(&signature));
    return buf_check(to, "the bundle", err);
}

static enum err_kind put_bundle(struct signing *g, struct err *err)
{
    char empty[OCI_DIGEST_MAX];
    autobuf struct buf bundle = {0}, annotations = {0}, manifest = {0};
    struct oci_attach_layer layer = {.media_type = SIG_BUNDLE_TYPE};
    enum err_kind r = make_bundle(g, &bundle, err);
    if (r == ERR_OK)
        r = oci_place_put_small(g->place, buf_view(&bundle), layer.digest, err);
    if (r == ERR_OK)
        r = oci_place_put_small(g->place, STR(OCI_EMPTY_BYTES), empty, err);
    if (r != ERR_OK)
        return r;
    layer.size = bundle.n;
    write_bundle_annotations(&annotations, g->in->created_unix_s);
    oci_attach_write(&manifest, SIG_BUNDLE_TYPE, &layer, 1, &g->subject, buf_view(&annotations));
    return oci_referrers_put(
        g->place, g->subject.digest, buf_view(&manifest), OCI_MEDIA_MANIFEST, g->out->digest, err);
}

/* --- simple signing ----------------------------------------------------------------------------------- */

/* One more layer for the manifest under the .sig tag. */
struct simple_layer {
    struct signing *g;
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
    struct buf signature; /* base64 */
};

static bool has_layer(const struct oci_manifest *m, const struct simple_layer *l)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->items[i].digest, l->digest) == 0 &&
            str_eq(
                oci_annotation(m->items[i].annotations, SIG_SIMPLE_ANNOTATION),
                buf_view(&l->signature)))
            return true;
    }
    return false;
}

/* The configuration that image tools expect: one diff_id a layer. */
static enum err_kind put_config(
    const struct oci_manifest *old,
    const struct simple_layer *l,
    char ret_digest[OCI_DIGEST_MAX],
    uint64_t *ret_size,
    struct err *err)
{
    autobuf struct buf text = {0};
    buf_text(
        &text,
        "{\"architecture\":\"\",\"os\":\"\",\"config\":{},\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[");
    for (size_t i = 0; i < old->count; i++)
        buf_printf(&text, "\"%s\",", old->items[i].digest);
    buf_printf(&text, "\"%s\"]}}", l->digest);
    *ret_size = text.n;
    return oci_place_put_small(l->g->place, buf_view(&text), ret_digest, err);
}

/* Layers of others, and the manifest's annotations, are kept as they were written. */
static void write_simple(
    const struct oci_manifest *old,
    const struct simple_layer *l,
    const char *config_digest,
    uint64_t config_size,
    struct buf *to)
{
    buf_printf(
        to,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST
        "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
        "\"%s\",\"size\":%" PRIu64 "},\"layers\":[",
        config_digest, config_size);
    if (old->count > 0) {
        struct str list = json_text_member(old->json.text, STR("layers"), false);
        buf_str(to, str_trim(str_of(list.p + 1, list.n - 2)));
        buf_char(to, ',');
    }
    buf_printf(
        to,
        "{\"mediaType\":\"" SIG_SIMPLE_LAYER "\",\"digest\":\"%s\",\"size\":%" PRIu64
        ",\"annotations\":{\"" SIG_SIMPLE_ANNOTATION "\":\"" STR_FMT "\"}}]",
        l->digest, l->size, STR_ARG(buf_view(&l->signature)));
    if (old->annotations != NULL) {
        buf_text(to, ",\"annotations\":");
        buf_str(to, json_text_member(old->json.text, STR("annotations"), false));
    }
    buf_char(to, '}');
}

static enum err_kind
edit_simple(void *data, const struct oci_raw *now, struct buf *to, bool *ret_is_in, struct err *err)
{
    struct simple_layer *l = data;
    uint64_t config_size;
    char config[OCI_DIGEST_MAX];
    auto_oci_manifest struct oci_manifest old = {0};
    enum err_kind r = ERR_OK;
    if (now->bytes.n > 0)
        r = oci_manifest_parse(buf_view(&now->bytes), &old, err);
    if (r == ERR_OK && old.is_index)
        r = err_set(err, ERR_INVALID, "it is an image index, so nothing can be added");
    if (r != ERR_OK)
        return r;
    *ret_is_in = has_layer(&old, l);
    if (*ret_is_in) {
        memcpy(l->g->out->digest, now->digest, sizeof(l->g->out->digest));
        return ERR_OK;
    }
    r = put_config(&old, l, config, &config_size, err);
    if (r != ERR_OK)
        return r;
    write_simple(&old, l, config, config_size, to);
    oci_digest_of(buf_view(to), l->g->out->digest);
    return ERR_OK;
}

static enum err_kind put_simple(struct signing *g, const char *docker_reference, struct err *err)
{
    char tag[OCI_REFERRERS_TAG_MAX];
    autobuf struct buf payload = {0}, signature = {0};
    struct simple_layer l = {.g = g};
    struct oci_tag_edit edit = {.media_type = OCI_MEDIA_MANIFEST, .edit = edit_simple, .data = &l};
    oci_referrers_tag(g->subject.digest, ".sig", tag);
    sig_simple_write(&payload, g->subject.digest, docker_reference, g->annotations);
    enum err_kind r = oci_key_sign(g->in->key, buf_view(&payload), &signature, err);
    if (r == ERR_OK)
        r = oci_place_put_small(g->place, buf_view(&payload), l.digest, err);
    if (r != ERR_OK)
        return r;
    l.size = payload.n;
    oci_base64_encode(&l.signature, buf_view(&signature));
    r = oci_tag_edit(g->place, tag, &edit, err);
    buf_deinit(&l.signature);
    return r;
}

/* --- the call ----------------------------------------------------------------------------------------- */

/* What cosign calls the image: without tag, for the digest says which. A layout has no such name. */
static char *docker_reference(const struct oci_ref *ref)
{
    if (ref->kind == OCI_REF_LAYOUT)
        return mem_strdup("");
    if (ref->kind == OCI_REF_STORE)
        return mem_strdup(ref->repository);
    return mem_printf("%s/%s", ref->host, ref->repository);
}

enum err_kind oci_sign(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    const struct oci_sign *sign,
    struct oci_signed *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    autobuf struct buf annotations = {0};
    struct oci_signed out = {.is_new = true};
    struct signing g = {.place = &place, .in = sign, .out = &out};
    enum err_kind r = oci_annotations_write(sign->annotations, &annotations, err);
    if (r == ERR_OK)
        r = oci_attach_place(s, ref, where, &place, err);
    if (r == ERR_OK)
        r = oci_subject_read(&place, &g.subject, err);
    g.annotations = buf_view(&annotations);
    if (r == ERR_OK)
        r = oci_signatures_each(&place, g.subject.digest, is_same, &g, err);
    if (r == ERR_OK && out.is_new) {
        autofree char *name = docker_reference(ref);
        r = sign->form == OCI_SIGNATURE_BUNDLE ? put_bundle(&g, err) : put_simple(&g, name, err);
    }
    if (r != ERR_OK)
        return r;
    memcpy(out.subject, g.subject.digest, sizeof(out.subject));
    *ret = out;
    return ERR_OK;
}

enum err_kind oci_verify(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    const struct oci_trust *trust,
    bool (*each)(void *data, const struct oci_signature *s, const char *signer),
    void *data,
    char ret_subject[OCI_DIGEST_MAX],
    struct oci_verdict *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct oci_subject subject;
    enum err_kind r = oci_attach_place(s, ref, where, &place, err);
    if (r == ERR_OK)
        r = oci_subject_read(&place, &subject, err);
    if (r != ERR_OK)
        return r;
    memcpy(ret_subject, subject.digest, sizeof(subject.digest));
    return oci_trust_inspect(trust, ref, &place, subject.digest, each, data, ret, err);
}

enum err_kind oci_verify_stored(
    struct oci_session *s,
    const struct oci_ref *ref,
    const char *digest,
    const struct oci_trust *trust,
    struct oci_verdict *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    enum err_kind r = oci_session_place(s, ref, true, false, &place, err);
    return r == ERR_OK ? oci_trust_check(trust, ref, &place, digest, ret, err) : r;
}
