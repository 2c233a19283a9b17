#include "oci/compat.h"
#include "base/clock.h"
#include "oci/format.h"

static void write_config(struct buf *to, const struct oci_compat *c)
{
    char created[CLOCK_RFC3339_BYTES];
    clock_rfc3339(c->created_unix_s, created);
    buf_printf(
        to,
        "{\"created\":\"%s\",\"architecture\":\"wasm\",\"os\":\"wasip1\",\"layerDigests\":[\"%s\"]"
        "}",
        created, c->wasm_digest);
}

static void write_manifest(
    struct buf *to, const struct oci_compat *c, const char *config_digest, size_t config_bytes)
{
    buf_printf(
        to,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST "\","
        "\"config\":{\"mediaType\":\"" OCI_MEDIA_CNCF_CONFIG "\",\"digest\":\"%s\",\"size\":%zu},"
        "\"layers\":[{\"mediaType\":\"" OCI_MEDIA_WASM "\",\"digest\":\"%s\",\"size\":%zu}]}",
        config_digest, config_bytes, c->wasm_digest, c->wasm.n);
}

static void
write_index(struct buf *to, const struct oci_compat *c, const char *cncf_digest, size_t cncf_bytes)
{
    buf_printf(
        to,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_INDEX "\",\"manifests\":["
        "{\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"artifactType\":\"" OCI_ARTIFACT_TYPE
        "\",\"digest\":\"%s\",\"size\":%zu},"
        "{\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"artifactType\":\"" OCI_MEDIA_CNCF_CONFIG
        "\",\"digest\":\"%s\",\"size\":%zu,"
        "\"platform\":{\"architecture\":\"wasm\",\"os\":\"wasip1\"}}]}",
        c->manifest_digest, c->manifest_bytes, cncf_digest, cncf_bytes);
}

enum err_kind oci_compat_put(
    struct oci_layout *layout,
    const struct oci_compat *c,
    char ret_digest[OCI_DIGEST_MAX],
    size_t *ret_bytes,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autobuf struct buf config = {0}, manifest = {0}, index = {0};
    write_config(&config, c);
    enum err_kind r = oci_layout_put(layout, c->wasm, digest, err);
    if (r == ERR_OK)
        r = oci_layout_put(layout, buf_view(&config), digest, err);
    if (r != ERR_OK)
        return r;
    write_manifest(&manifest, c, digest, config.n);
    r = oci_layout_put(layout, buf_view(&manifest), digest, err);
    if (r != ERR_OK)
        return r;
    write_index(&index, c, digest, manifest.n);
    *ret_bytes = index.n;
    return oci_layout_put(layout, buf_view(&index), ret_digest, err);
}
