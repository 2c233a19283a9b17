#include "oci/format.h"
#include "oci/archive.h"
#include "oci/digest.h"

#define MEDIA_KWCTL_CONFIG "application/vnd.wasm.config.v1+json"
#define MEDIA_KWCTL_LAYER "application/vnd.wasm.content.layer.v1+wasm"
#define MEDIA_ISTIO_LAYER "application/vnd.module.wasm.content.layer.v1+wasm"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"

struct row {
    const char *name;
    const char *words;
    const char *configs[2]; /* it has one of these; none: any */
    const char *contents[2];
    size_t layers; /* that it has; 0: any number */
    const char *entry;
};

/*
 * Sources: CNCF TAG Runtime "Wasm OCI artifact layout"; kwctl and wasm-to-oci as they push; Istio
 * "Wasm image specification", variants "oci" and "compat".
 */
static const struct row rows[OCI_FORMAT_COUNT] = {
    [OCI_FORMAT_CUP] =
        {.name = "cup",
         .words = "cup controller image",
         .contents = {OCI_MEDIA_CONTENT},
         .entry = OCI_ARCHIVE_ENTRY},
    [OCI_FORMAT_CNCF] =
        {.name = "cncf",
         .words = "CNCF wasm image (wkg, wash)",
         .configs = {OCI_MEDIA_CNCF_CONFIG},
         .contents = {OCI_MEDIA_WASM},
         .layers = 1},
    [OCI_FORMAT_KWCTL] =
        {.name = "kwctl",
         .words = "wasm image of kwctl or wasm-to-oci",
         .configs = {MEDIA_KWCTL_CONFIG},
         .contents = {MEDIA_KWCTL_LAYER},
         .layers = 1},
    [OCI_FORMAT_ISTIO] =
        {.name = "istio",
         .words = "Istio wasm image",
         .contents = {MEDIA_ISTIO_LAYER},
         .layers = 2},
    [OCI_FORMAT_WASM] =
        {.name = "wasm",
         .words = "image of one wasm layer",
         .contents = {OCI_MEDIA_WASM, MEDIA_KWCTL_LAYER},
         .layers = 1},
    [OCI_FORMAT_ISTIO_COMPAT] =
        {.name = "istio-compat",
         .words = "container image with plugin.wasm (Istio)",
         .configs = {MEDIA_OCI_CONFIG, MEDIA_DOCKER_CONFIG},
         .contents = {MEDIA_OCI_LAYER, MEDIA_DOCKER_LAYER},
         .layers = 1,
         .entry = "plugin.wasm"},
};

/* What is not for us but can be told by its type. */
static const struct {
    const char *type;
    const char *words;
} strangers[] = {
    {"application/vnd.fermyon.spin.application.v1+config", "a Spin application"},
    {"application/vnd.cncf.helm.config.v1+json", "a Helm chart"},
    {"application/vnd.cncf.flux.config.v1+json", "a Flux artifact"},
    {"application/vnd.cncf.openpolicyagent.config.v1+json", "a policy of Open Policy Agent"},
    {MEDIA_OCI_CONFIG, "a container image"},
    {MEDIA_DOCKER_CONFIG, "a container image"},
};

static bool is_one_of(struct str type, const char *const list[2])
{
    return (list[0] != NULL && str_eqz(type, list[0])) ||
        (list[1] != NULL && str_eqz(type, list[1]));
}

bool oci_format_is_content(enum oci_format format, struct str media_type)
{
    return is_one_of(media_type, rows[format].contents);
}

const char *oci_format_entry(enum oci_format format)
{
    return rows[format].entry;
}

const char *oci_format_name(enum oci_format format)
{
    return rows[format].name;
}

const char *oci_format_words(enum oci_format format)
{
    return rows[format].words;
}

static size_t count_contents(const struct oci_manifest *m, enum oci_format format)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++)
        n += oci_format_is_content(format, m->items[i].media_type);
    return n;
}

static bool has_config(const struct oci_manifest *m, const struct row *row)
{
    return row->configs[0] == NULL || is_one_of(m->config.media_type, row->configs);
}

/* It has the config of these, but not their layers: two readers could take it for two things. */
static enum err_kind
refuse_layers(const struct oci_manifest *m, const struct row *row, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    return err_set(
        err, ERR_INVALID, "a %s has exactly one layer, %s; this one has %zu%s%s", row->words,
        row->contents[0], m->count, m->count > 0 ? ", the first " : "",
        m->count > 0 ? oci_show(m->items[0].media_type, shown) : "");
}

static enum err_kind refuse(const struct oci_manifest *m, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str type = m->artifact_type.p != NULL ? m->artifact_type : m->config.media_type;
    oci_show(type, shown);
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        if (str_eqz(m->config.media_type, strangers[i].type))
            return err_set(
                err, ERR_INVALID, "it is not a controller image but %s: its type is '%s'",
                strangers[i].words, shown);
    }
    return err_set(err, ERR_INVALID, "it is not a controller image: its type is '%s'", shown);
}

enum err_kind oci_format_find(const struct oci_manifest *m, enum oci_format *ret, struct err *err)
{
    if (str_eqz(m->artifact_type, OCI_ARTIFACT_TYPE)) {
        *ret = OCI_FORMAT_CUP;
        return ERR_OK;
    }
    for (enum oci_format f = OCI_FORMAT_CUP + 1; f < OCI_FORMAT_COUNT; f++) {
        const struct row *row = &rows[f];
        bool is_whole = m->count == row->layers && count_contents(m, f) == 1;
        bool is_told_by_config = f == OCI_FORMAT_CNCF || f == OCI_FORMAT_KWCTL;
        if (!has_config(m, row))
            continue;
        if (is_whole) {
            *ret = f;
            return ERR_OK;
        }
        if (is_told_by_config)
            return refuse_layers(m, row, err);
    }
    return refuse(m, err);
}
