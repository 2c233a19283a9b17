/*
 * index.json of an image layout: names on manifests (image-spec "image-layout.md", annotation
 * org.opencontainers.image.ref.name). Internal to the layout.
 */
#pragma once

#include "oci/manifest.h"

struct layout_entry {
    const char *name; /* borrowed; only for set */
    const char *media_type;
    const char *artifact_type; /* NULL: none */
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
    const char
        *expected; /* set only over an entry of this digest; "": over none; NULL: either way */
};

/* Make an empty index.json when there is none. */
enum err_kind layout_index_init(const char *dir, unsigned mode, struct err *err) MUST_USE;
/* As oci_layout_resolve; of ret only digest and size are filled. */
enum err_kind layout_index_find(
    const char *dir, const char *name, struct layout_entry *ret, struct err *err) MUST_USE;
/* Under the lock file: replace the entry of that name; all else is kept as it was written. CONFLICT: the
 * entry is not the expected one. */
enum err_kind layout_index_set(
    const char *dir, const struct layout_entry *entry, unsigned mode, struct err *err) MUST_USE;
