#include "oci/sign.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "oci/attach.h"
#include "oci/internal.h"
#include "oci/sig_form.h"
#include "oci/sig_tag.h"
#include "oci/tag_edit.h"

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

static enum err_kind put_simple(struct signing *g, const char *docker_reference, struct err *err)
{
    char tag[OCI_REFERRERS_TAG_MAX];
    autobuf struct buf payload = {0}, signature = {0}, text = {0}, manifest = {0};
    struct sig_tag_layer layer = {0};
    oci_referrers_tag(g->subject.digest, ".sig", tag);
    sig_simple_write(&payload, g->subject.digest, docker_reference, g->annotations);
    enum err_kind r = oci_key_sign(g->in->key, buf_view(&payload), &signature, err);
    if (r == ERR_OK)
        r = oci_place_put_small(g->place, buf_view(&payload), layer.digest, err);
    if (r != ERR_OK)
        return r;
    base64_encode(&text, buf_view(&signature));
    layer.size = payload.n;
    layer.signature = buf_view(&text);
    r = sig_tag_write(g->place, &layer, &manifest, err);
    return r == ERR_OK ? sig_tag_add(g->place, tag, buf_view(&manifest), g->out->digest, err) : r;
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
        r = oci_subject_open(s, ref, where, &place, &g.subject, err);
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
    enum err_kind r = oci_subject_open(s, ref, where, &place, &subject, err);
    if (r != ERR_OK)
        return r;
    memcpy(ret_subject, subject.digest, sizeof(subject.digest));
    return oci_trust_inspect(trust, ref, &place, subject.digest, each, data, ret, err);
}

enum err_kind oci_signatures_of(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    bool (*each)(void *data, const struct oci_signature *s),
    void *data,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct oci_subject subject;
    enum err_kind r = oci_subject_open(s, ref, where, &place, &subject, err);
    return r == ERR_OK ? oci_signatures_each(&place, subject.digest, each, data, err) : r;
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
