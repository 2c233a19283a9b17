/*
 * Where an image is read from and written to: a registry's repository or an image layout, behind the
 * same few functions. Internal to this folder; what is made of the bytes is image.c, push.c, pull.c.
 */
#pragma once

#include "oci/layout.h"
#include "oci/registry.h"

/* A manifest as it came: its digest is that of the bytes, and the one that was asked for, if any. */
struct oci_raw {
    struct buf bytes;
    char media_type[OCI_MEDIA_TYPE_MAX];
    char digest[OCI_DIGEST_MAX];
    char etag[OCI_ETAG_MAX]; /* empty: none, or a layout */
};
void oci_raw_deinit(struct oci_raw *raw);
#define auto_oci_raw CLEANUP(oci_raw_deinit)

struct oci_place {
    struct oci_layout *layout; /* one of both is set */
    struct oci_registry *registry;
    bool owns_layout;
    char *
        name; /* what is asked for there: a tag, a digest or a layout's entry; NULL: see layout.h */
    char *shown; /* for errors */
};
void oci_place_deinit(struct oci_place *p);
#define auto_oci_place CLEANUP(oci_place_deinit)

/* The manifest of that name or digest (NULL: the place's own); digest and size are checked. */
enum err_kind oci_place_manifest(
    struct oci_place *p, const char *reference, struct oci_raw *ret, struct err *err) MUST_USE;
/* A blob in pieces, digest and size checked; a failure of write ends it. */
enum err_kind oci_place_read(
    struct oci_place *p,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err) MUST_USE;
enum err_kind oci_place_read_all(
    struct oci_place *p, const struct oci_descriptor *d, struct buf *ret, struct err *err) MUST_USE;
