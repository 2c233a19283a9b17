/* index.json of a layout: looked into, changed, and then found to say what it was told. */
#include "base/fs.h"
#include "base/mem.h"
#include "fuzz.h"
#include "oci/layout.h"

#include <stdio.h>

#define DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

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
    HOLDS(mkdtemp(dir) != NULL);
    HOLDS(oci_layout_open(dir, true, false, &layout, NULL) == ERR_OK);
    atexit(clean);
}

static void write_index(struct str bytes)
{
    autofree char *path = fs_join(dir, "index.json");
    FILE *file = fopen(path, "w");
    HOLDS(file != NULL && fwrite(bytes.p, 1, bytes.n, file) == bytes.n);
    fclose(file);
}

static void name_one(void)
{
    struct oci_layout_entry entry;
    if (oci_layout_name(layout, "v2", OCI_MEDIA_MANIFEST, NULL, DIGEST, 2, NULL) != ERR_OK)
        return;
    HOLDS(oci_layout_resolve(layout, "v2", &entry, NULL) == ERR_OK);
    HOLDS(strcmp(entry.digest, DIGEST) == 0 && entry.size == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct oci_layout_entry entry;
    struct err err = {0};
    if (layout == NULL)
        make_layout();
    write_index(str_of((const char *)data, n));
    if (oci_layout_resolve(layout, NULL, &entry, &err) == ERR_OK)
        HOLDS(oci_digest_check(str_from(entry.digest), NULL) == ERR_OK);
    else
        HOLDS(err.text[0] != '\0');
    (void)!oci_layout_resolve(layout, "v1", &entry, NULL);
    (void)!oci_layout_resolve(layout, DIGEST, &entry, NULL);
    name_one();
    return 0;
}
