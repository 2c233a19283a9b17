/*
 * What needs what in an image layout: the blobs on disk, the roots (entries of index.json, pins of living
 * processes), and the blobs that each root keeps. Made under the layout's lock by those who act on it.
 * Internal to the store.
 *
 * A root keeps: its manifest; of an index its manifests, of a manifest its config, layers and subject; and
 * what refers to any of these by name (the fallback tag sha256-<hex>, sha256-<hex>.sig and the like) or by
 * an entry without a name whose manifest has a subject.
 * source: image-spec "image-layout.md", "descriptor.md" (subject); distribution-spec "Referrers Tag Schema"
 */
#pragma once

#include "oci/layout_files.h"
#include "oci/manifest.h"

#define STORE_NONE SIZE_MAX

struct store_edge {
    char digest[OCI_DIGEST_MAX];
    size_t blob; /* STORE_NONE: not on disk */
    bool is_manifest;
};

struct store_blob {
    char digest[OCI_DIGEST_MAX];
    uint64_t bytes; /* of its file */
    int64_t mtime_unix_s;
    unsigned refs; /* roots that keep it */
    bool was_kept; /* it had refs when the graph was made */
    bool is_parsed;
    bool is_manifest; /* it parsed as one */
    struct store_edge *edges;
    size_t edge_count;
    struct store_edge subject; /* digest empty: none */
    size_t visited;            /* walks: number of the last one that came by */
};

enum store_root_kind {
    STORE_NAME,     /* an entry that keeps what it needs */
    STORE_REFERRER, /* an entry that stays while its subject stays */
    STORE_PIN,
};

struct store_root {
    enum store_root_kind kind;
    struct str name; /* of the index; {NULL, 0}: none */
    char digest[OCI_DIGEST_MAX];
    char subject[OCI_DIGEST_MAX]; /* of a REFERRER */
    size_t blob;                  /* STORE_NONE: not on disk */
    size_t position;              /* in the index; STORE_NONE: a pin */
    size_t *keeps;                /* blobs, each once */
    size_t keep_count;
    size_t missing; /* blobs that it needs and that are not there */
    bool is_dropped;
};

struct store_graph {
    struct oci_layout *layout;
    struct buf text; /* index.json */
    struct json_doc index;
    struct store_blob *blobs; /* sorted by digest */
    size_t blob_count;
    size_t blob_cap;
    struct store_root *roots;
    size_t root_count;
    size_t root_cap;
    size_t walks;
};

/*
 * Read index, blobs and pins. UNVERIFIED, INVALID, NOT_FOUND name the entry whose manifest cannot be read
 * or is not there: what it needs is not known then. With `tolerant` such an entry keeps what could be
 * found, and counts as missing something.
 */
enum err_kind store_graph_read(
    struct oci_layout *l, bool tolerant, struct store_graph *ret, struct err *err) MUST_USE;
void store_graph_deinit(struct store_graph *g);
#define auto_store_graph CLEANUP(store_graph_deinit)

/* STORE_NONE when it is not on disk. */
size_t store_graph_find(const struct store_graph *g, const char *digest);
/* Root no longer keeps anything. */
void store_graph_drop(struct store_graph *g, struct store_root *root);
/* Drop the referrers that no longer have a subject here; returns how many. */
size_t store_graph_drop_orphans(struct store_graph *g);
/* Write index.json without the dropped entries; the lock is held exclusively. */
enum err_kind store_graph_write_index(struct store_graph *g, struct err *err) MUST_USE;
/* Is the root, or what it names, pinned by a living process? */
bool store_graph_is_pinned(const struct store_graph *g, const struct store_root *root);
