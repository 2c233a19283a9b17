#include "oci/sig_tag.h"
#include "oci/sig_form.h"
#include "oci/tag_edit.h"

#include <inttypes.h>
#include <stdio.h>

struct adding {
    struct oci_place *place;
    struct str text;          /* of the manifest whose signatures are added */
    struct oci_manifest more; /* the same, parsed */
    char type[OCI_MEDIA_TYPE_MAX];
    struct oci_tag_edit how;
    char digest[OCI_DIGEST_MAX];
};

static struct str signature_of(const struct oci_descriptor *d)
{
    return oci_annotation(d->annotations, SIG_SIMPLE_ANNOTATION);
}

static bool has_layer(const struct oci_manifest *m, const struct oci_descriptor *layer)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->items[i].digest, layer->digest) == 0 &&
            str_eq(signature_of(&m->items[i]), signature_of(layer)))
            return true;
    }
    return false;
}

static size_t count_missing(const struct oci_manifest *old, const struct oci_manifest *more)
{
    size_t n = 0;
    for (size_t i = 0; i < more->count; i++)
        n += !has_layer(old, &more->items[i]);
    return n;
}

/* --- writing ------------------------------------------------------------------------------------------ */

/* The configuration that image tools expect: one diff_id a layer. The text begun here is ended, and put,
 * by put_config. */
static void begin_config(struct buf *to)
{
    buf_text(
        to,
        "{\"architecture\":\"\",\"os\":\"\",\"config\":{},\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[");
}

static void add_diff_id(struct buf *to, const char *digest)
{
    buf_printf(to, "%s\"%s\"", str_ends(buf_view(to), STR("[")) ? "" : ",", digest);
}

/* Puts it, and begins a manifest that names it. */
static enum err_kind
put_config(struct oci_place *p, struct buf *config, struct buf *to, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    buf_text(config, "]}}");
    enum err_kind r = oci_place_put_small(p, buf_view(config), digest, err);
    buf_printf(
        to,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST
        "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
        "\"%s\",\"size\":%zu},\"layers\":[",
        digest, config->n);
    return r;
}

enum err_kind sig_tag_write(
    struct oci_place *p, const struct sig_tag_layer *layer, struct buf *to, struct err *err)
{
    autobuf struct buf config = {0};
    begin_config(&config);
    add_diff_id(&config, layer->digest);
    enum err_kind r = put_config(p, &config, to, err);
    buf_printf(
        to,
        "{\"mediaType\":\"" SIG_SIMPLE_LAYER "\",\"digest\":\"%s\",\"size\":%" PRIu64
        ",\"annotations\":{\"" SIG_SIMPLE_ANNOTATION "\":\"" STR_FMT "\"}}]}",
        layer->digest, layer->size, STR_ARG(layer->signature));
    return r;
}

/* The layers that are there, as they were written, and behind them those that are missing. */
static void
write_layers(const struct oci_manifest *old, const struct oci_manifest *more, struct buf *to)
{
    struct str list = json_text_member(old->json.text, STR("layers"), false);
    buf_str(to, str_trim(str_of(list.p + 1, list.n - 2)));
    for (size_t i = 0, written = old->count; i < more->count; i++) {
        if (has_layer(old, &more->items[i]))
            continue;
        if (written++ > 0)
            buf_char(to, ',');
        json_text_canonical(to, yyjson_arr_get(json_get(more->json.root, "layers"), i));
    }
    buf_char(to, ']');
}

static enum err_kind merge(
    struct oci_place *p,
    const struct oci_manifest *old,
    const struct oci_manifest *more,
    struct buf *to,
    struct err *err)
{
    autobuf struct buf config = {0};
    begin_config(&config);
    for (size_t i = 0; i < old->count; i++)
        add_diff_id(&config, old->items[i].digest);
    for (size_t i = 0; i < more->count; i++) {
        if (!has_layer(old, &more->items[i]))
            add_diff_id(&config, more->items[i].digest);
    }
    enum err_kind r = put_config(p, &config, to, err);
    if (r != ERR_OK)
        return r;
    write_layers(old, more, to);
    if (old->annotations != NULL) {
        buf_text(to, ",\"annotations\":");
        buf_str(to, json_text_member(old->json.text, STR("annotations"), false));
    }
    buf_char(to, '}');
    return ERR_OK;
}

/* --- adding ------------------------------------------------------------------------------------------- */

static enum err_kind add_to_old(
    struct adding *a, const struct oci_raw *now, struct buf *to, bool *ret_is_in, struct err *err)
{
    auto_oci_manifest struct oci_manifest old = {0};
    enum err_kind r = oci_manifest_parse(buf_view(&now->bytes), &old, err);
    if (r == ERR_OK && old.is_index)
        r = err_set(err, ERR_INVALID, "it is an image index, so nothing can be added");
    if (r != ERR_OK)
        return r;
    *ret_is_in = count_missing(&old, &a->more) == 0;
    if (*ret_is_in)
        memcpy(a->digest, now->digest, sizeof(a->digest));
    return *ret_is_in ? ERR_OK : merge(a->place, &old, &a->more, to, err);
}

static enum err_kind
edit(void *data, const struct oci_raw *now, struct buf *to, bool *ret_is_in, struct err *err)
{
    struct adding *a = data;
    enum err_kind r = ERR_OK;
    *ret_is_in = false;
    a->how.media_type = now->bytes.n > 0 ? OCI_MEDIA_MANIFEST : a->type;
    if (now->bytes.n > 0)
        r = add_to_old(a, now, to, ret_is_in, err);
    else
        buf_str(to, a->text);
    if (r == ERR_OK && !*ret_is_in)
        oci_digest_of(buf_view(to), a->digest);
    return r;
}

enum err_kind sig_tag_add(
    struct oci_place *p,
    const char *tag,
    struct str manifest,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct adding a = {.place = p, .text = manifest, .type = OCI_MEDIA_MANIFEST};
    a.how = (struct oci_tag_edit){.edit = edit, .data = &a};
    enum err_kind r = oci_manifest_parse(manifest, &a.more, err);
    if (r == ERR_OK && a.more.media_type.n > 0)
        snprintf(a.type, sizeof(a.type), STR_FMT, STR_ARG(a.more.media_type));
    if (r == ERR_OK)
        r = oci_tag_edit(p, tag, &a.how, err);
    if (r == ERR_OK)
        memcpy(ret_digest, a.digest, OCI_DIGEST_MAX);
    oci_manifest_deinit(&a.more);
    return r;
}
