/*
 * Adding to an image what points at it: files under an artifact type of one's own (an SBOM, a report),
 * and the listing of what is there. Signatures are sign.c's, which writes its manifests by this too.
 * source: image-spec "manifest.md", "Guidelines for Artifact Usage"; distribution-spec "Referrers"
 */
#pragma once

#include "oci/image.h"
#include "oci/referrers.h"

#define OCI_ATTACH_FILES_MAX 100

struct oci_attach_file {
    const char *path;
    const char *media_type; /* NULL: application/octet-stream */
};
struct oci_attach {
    const char *artifact_type;
    const struct oci_attach_file *files; /* may be none: the annotations say it all */
    size_t count;
    const char *const *annotations; /* "K=V", NULL-terminated or NULL */
};
struct oci_attached {
    char subject[OCI_DIGEST_MAX]; /* what the reference resolved to */
    char digest[OCI_DIGEST_MAX];  /* of the manifest that points at it */
};
/*
 * Attach to the image that ref names there. Equal files under equal names make an equal manifest, which
 * is kept once. NOT_FOUND (image or file), INVALID: a media type, or "K=V" without '='.
 */
enum err_kind oci_attach(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    const struct oci_attach *attach,
    struct oci_attached *ret,
    struct err *err) MUST_USE;

/*
 * What points at the image that ref names there, and what points at that, down to OCI_REFERRERS_DEPTH_MAX
 * levels: each digest once, parents before what points at them, `depth` says which level. artifact_type is
 * the manifest's own where the listing does not say it. LIMIT above OCI_REFERRERS_MAX in all.
 */
#define OCI_REFERRERS_DEPTH_MAX 4
enum err_kind oci_referrers_of(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    char ret_subject[OCI_DIGEST_MAX],
    struct oci_referrers *ret,
    struct err *err) MUST_USE;

/* --- for sign.c ----------------------------------------------------------------------------------- */

struct oci_subject {
    char media_type[OCI_MEDIA_TYPE_MAX];
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
};
/* The place that signing, attaching and verifying mean by a reference (a layout stays a layout), and what
 * it stands for there. */
enum err_kind oci_subject_open(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_place *ret,
    struct oci_subject *ret_subject,
    struct err *err) MUST_USE;

/* Append "K=V" texts as a canonical JSON object; nothing when there is none. INVALID. */
enum err_kind
oci_annotations_write(const char *const *annotations, struct buf *to, struct err *err) MUST_USE;

struct oci_attach_layer {
    const char *media_type;
    const char *title; /* NULL: none */
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
};
/* Append a manifest with an empty configuration; annotations: a JSON object, or empty. */
void oci_attach_write(
    struct buf *to,
    const char *artifact_type,
    const struct oci_attach_layer *layers,
    size_t count,
    const struct oci_subject *subject,
    struct str annotations);
