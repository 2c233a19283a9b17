#include "oci/signature.h"
#include "base/base64.h"
#include "base/mem.h"
#include "oci/sig_form.h"

#include <stdio.h>

void sig_read_deinit(struct sig_read *r)
{
    buf_deinit(&r->signed_bytes);
    buf_deinit(&r->signature);
    buf_deinit(&r->hint);
    buf_deinit(&r->annotations);
}

bool oci_signature_is_by(const struct oci_signature *s, const struct oci_key *k)
{
    return s->problem == NULL && oci_key_verifies(k, s->signed_bytes, s->bytes);
}

struct walk {
    struct oci_place *place;
    const char *digest; /* of the image */
    bool (*each)(void *data, const struct oci_signature *s);
    void *data;
    size_t seen;
    bool is_enough;
};

/* What a manifest or blob is may be wrong without anything being wrong with the place: the signature does
 * not count, and the others are looked at. */
bool oci_err_is_about_bytes(enum err_kind r)
{
    return r == ERR_NOT_FOUND || r == ERR_UNVERIFIED || r == ERR_INVALID || r == ERR_LIMIT ||
        r == ERR_MALFORMED || r == ERR_UNSUPPORTED;
}

static enum err_kind
show(struct walk *w, struct oci_signature *s, struct sig_read *read, struct err *err)
{
    if (++w->seen > OCI_SIGNATURES_MAX)
        return err_set(
            err, ERR_LIMIT, "more than %d signatures of %s", OCI_SIGNATURES_MAX, w->digest);
    s->problem = read->problem[0] == '\0' ? NULL : read->problem;
    s->signed_bytes = buf_view(&read->signed_bytes);
    s->bytes = buf_view(&read->signature);
    s->hint = buf_view(&read->hint);
    s->annotations = read->annotations.n > 0 ? buf_view(&read->annotations) : STR("{}");
    w->is_enough = !w->each(w->data, s);
    return ERR_OK;
}

/* The bytes of a layer; false with the problem told when it is the layer's fault. */
static enum err_kind read_layer(
    struct walk *w,
    const struct oci_descriptor *d,
    struct sig_read *read,
    struct buf *ret,
    struct err *err)
{
    struct err why = {0};
    enum err_kind r = d->size > OCI_SIGNED_MAX
        ? err_set(&why, ERR_LIMIT, "it is larger than a signature can be")
        : oci_place_read_all(w->place, d, ret, &why);
    if (r == ERR_OK)
        return r;
    if (!oci_err_is_about_bytes(r)) {
        if (err != NULL)
            *err = why;
        return r;
    }
    snprintf(read->problem, sizeof(read->problem), "%.500s", why.text);
    return ERR_OK;
}

static enum err_kind show_simple(
    struct walk *w, const struct oci_descriptor *d, struct oci_signature *s, struct err *err)
{
    auto_sig_read struct sig_read read = {0};
    struct str text = oci_annotation(d->annotations, SIG_SIMPLE_ANNOTATION);
    s->form = OCI_SIGNATURE_SIMPLE;
    s->has_certificate = oci_annotation(d->annotations, "dev.sigstore.cosign/certificate").n > 0;
    enum err_kind r = read_layer(w, d, &read, &read.signed_bytes, err);
    if (r != ERR_OK)
        return r;
    if (read.problem[0] == '\0' && !base64_decode(&read.signature, text))
        snprintf(read.problem, sizeof(read.problem), "its signature is not base64");
    if (read.problem[0] == '\0')
        sig_simple_read(&read, buf_view(&read.signed_bytes), w->digest);
    return show(w, s, &read, err);
}

static enum err_kind show_bundle(
    struct walk *w, const struct oci_descriptor *d, struct oci_signature *s, struct err *err)
{
    auto_sig_read struct sig_read read = {0};
    autobuf struct buf bundle = {0};
    s->form = OCI_SIGNATURE_BUNDLE;
    s->has_certificate = false;
    enum err_kind r = read_layer(w, d, &read, &bundle, err);
    if (r != ERR_OK)
        return r;
    if (read.problem[0] == '\0')
        sig_bundle_read(&read, buf_view(&bundle), w->digest, &s->has_certificate);
    return show(w, s, &read, err);
}

bool oci_manifest_holds_signatures(const struct oci_manifest *m)
{
    for (size_t i = 0; !m->is_index && i < m->count; i++) {
        if (str_eqz(m->items[i].media_type, SIG_SIMPLE_LAYER) ||
            sig_bundle_is_type(m->items[i].media_type))
            return true;
    }
    return false;
}

bool oci_manifest_is_only_signatures(const struct oci_manifest *m)
{
    uint64_t bytes = m->config.size;
    bool is_small = bytes <= OCI_SIGNED_MAX;
    for (size_t i = 0; is_small && i < m->count; i++) {
        bytes += m->items[i].size;
        is_small = m->items[i].size <= OCI_SIGNED_MAX && bytes <= 4 * OCI_SIGNED_MAX;
    }
    return is_small && oci_manifest_holds_signatures(m);
}

/* The layers say what a manifest holds; what an index says of it is not to be relied on. */
static enum err_kind
show_layers(struct walk *w, const struct oci_manifest *m, struct oci_signature *s, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && !w->is_enough && i < m->count; i++) {
        const struct oci_descriptor *d = &m->items[i];
        if (str_eqz(d->media_type, SIG_SIMPLE_LAYER))
            r = show_simple(w, d, s, err);
        else if (sig_bundle_is_type(d->media_type))
            r = show_bundle(w, d, s, err);
    }
    return r;
}

static bool looks_like_signature(const struct oci_referrer *r)
{
    return r->tag != NULL ||
        (r->artifact_type != NULL && sig_bundle_is_type(str_from(r->artifact_type)));
}

static enum err_kind show_referrer(struct walk *w, const struct oci_referrer *r, struct err *err)
{
    struct err why = {0};
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    struct oci_signature s = {.form = OCI_SIGNATURE_BUNDLE, .tag = r->tag};
    memcpy(s.digest, r->digest, sizeof(s.digest));
    if (r->tag != NULL)
        s.form = OCI_SIGNATURE_SIMPLE;
    enum err_kind k = oci_place_manifest(w->place, r->digest, &raw, &why);
    if (k == ERR_OK)
        k = oci_manifest_parse(buf_view(&raw.bytes), &m, &why);
    if (k == ERR_OK)
        return m.is_index ? ERR_OK : show_layers(w, &m, &s, err);
    if (!oci_err_is_about_bytes(k)) {
        if (err != NULL)
            *err = why;
        return k;
    }
    if (!looks_like_signature(r))
        return ERR_OK;
    struct sig_read read = {0};
    snprintf(read.problem, sizeof(read.problem), "%.500s", why.text);
    return show(w, &s, &read, err);
}

enum err_kind oci_signatures_each(
    struct oci_place *p,
    const char *digest,
    bool (*each)(void *data, const struct oci_signature *s),
    void *data,
    struct err *err)
{
    auto_oci_referrers struct oci_referrers found = {0};
    struct walk w = {.place = p, .digest = digest, .each = each, .data = data};
    enum err_kind r = oci_referrers_list(p, digest, &found, err);
    /* The likeliest first: who has seen enough asks no more. */
    for (int likely = 1; likely >= 0; likely--) {
        for (size_t i = 0; r == ERR_OK && !w.is_enough && i < found.count; i++) {
            if (looks_like_signature(&found.items[i]) == (likely == 1))
                r = show_referrer(&w, &found.items[i], err);
        }
    }
    return r;
}
