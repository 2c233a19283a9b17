/*
 * oci_manifest_parse, and all that an image is read by: the input is the manifest in a layout that also
 * has the definition which the corpus names.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "fuzz.h"
#include "oci/internal.h"

#include <stdio.h>
#include <unistd.h>

static const char DEFINITION[] =
    "{\"apiVersion\":\"cup.flipt.io/v1alpha1\",\"kind\":\"ResourceDefinition\","
    "\"metadata\":{\"name\":\"a.b.c\"},\"names\":{\"kind\":\"A\",\"plural\":\"as\"},"
    "\"spec\":{\"group\":\"b.c\",\"versions\":{\"v1\":true}}}";

static struct oci_layout *layout;
static char dir[] = "/tmp/cup-fuzz-XXXXXX";

static void clean(void)
{
    char command[64];
    oci_layout_close(layout);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    HOLDS(system(command) == 0);
}

static void make_layout(void)
{
    char digest[OCI_DIGEST_MAX];
    HOLDS(mkdtemp(dir) != NULL);
    HOLDS(oci_layout_open(dir, true, false, &layout, NULL) == ERR_OK);
    HOLDS(oci_layout_put(layout, str_from(DEFINITION), digest, NULL) == ERR_OK);
    atexit(clean);
}

/* Without the syncs of oci_layout_put, which would be most of the time. */
static char *put(struct str bytes, char ret_digest[OCI_DIGEST_MAX])
{
    oci_digest_of(bytes, ret_digest);
    char *path = mem_printf("%s/blobs/sha256/%s", dir, ret_digest + strlen("sha256:"));
    FILE *file = fopen(path, "wx");
    if (file != NULL) {
        HOLDS(fwrite(bytes.p, 1, bytes.n, file) == bytes.n);
        fclose(file);
    }
    return path;
}

static void read_image(struct str bytes)
{
    char digest[OCI_DIGEST_MAX];
    struct err err = {0};
    struct oci_image image = {0};
    auto_oci_read_image struct oci_read_image read = {0};
    autofree char *path = put(bytes, digest);
    struct oci_place place = {.layout = layout, .name = digest, .shown = dir};
    if (oci_image_read(&place, &read, &image, &err) == ERR_OK)
        HOLDS(image.content_digest[0] != '\0' && image.read_globs != NULL);
    else
        HOLDS(err.text[0] != '\0');
    oci_image_deinit(&image);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str bytes = str_of((const char *)data, n);
    auto_oci_manifest struct oci_manifest m = {0};
    struct err err = {0};
    if (layout == NULL)
        make_layout();
    if (oci_manifest_parse(bytes, &m, &err) != ERR_OK) {
        HOLDS(err.text[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < m.count; i++) {
        HOLDS(oci_digest_check(str_from(m.items[i].digest), NULL) == ERR_OK);
        HOLDS(m.items[i].size <= INT64_MAX);
    }
    read_image(bytes);
    return 0;
}
