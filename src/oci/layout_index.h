/*
 * index.json of an image layout: names on manifests (image-spec "image-layout.md", annotation
 * org.opencontainers.image.ref.name). What other tools wrote in it is kept as they wrote it. Internal to
 * the layout and the store.
 */
#pragma once

#include "oci/manifest.h"

struct layout_entry {
    const char *name; /* borrowed; only for set */
    const char *media_type;
    const char *artifact_type; /* NULL: none */
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
    char
        said_type[OCI_MEDIA_TYPE_MAX]; /* of find: the entry's mediaType; empty: too long for one */
    const char
        *expected; /* set only over an entry of this digest; "": over none; NULL: either way */
};

/* Make the files of an empty layout, oci-layout and index.json, where they are not there. */
enum err_kind layout_index_init(const char *dir, unsigned mode, struct err *err) MUST_USE;
/* As oci_layout_resolve; of ret only digest, size and said_type are filled. */
enum err_kind layout_index_find(
    const char *dir, const char *name, struct layout_entry *ret, struct err *err) MUST_USE;
/* Takes the lock: replace the entry of that name; all else is kept as it was written. CONFLICT: the
 * entry is not the expected one. */
enum err_kind layout_index_set(
    const char *dir, const struct layout_entry *entry, unsigned mode, struct err *err) MUST_USE;

/* --- for the store ------------------------------------------------------------------------------ */

/* The whole index; `text` must outlive doc, whose root has the list "manifests". */
enum err_kind layout_index_read(
    const char *dir, struct buf *text, struct json_doc *doc, struct err *err) MUST_USE;
/* Remove what a killed writer left; the lock is held exclusively. */
void layout_index_sweep(const char *dir);
/* The name of an entry; {NULL, 0}: it has none. */
struct str layout_index_name(yyjson_val *entry);
/* Write the index anew without the entries, by their position, that is_dropped says. The caller holds the
 * lock (LAYOUT_EXCLUSIVE) since before it read `root`. */
enum err_kind layout_index_drop(
    const char *dir,
    yyjson_val *root,
    const bool *is_dropped,
    unsigned mode,
    struct err *err) MUST_USE;
