/*
 * Image manifests and indexes as they stand in a registry or a layout: parsing, with the rules that
 * any OCI artifact must keep (image-spec "manifest.md", "image-index.md", "descriptor.md"). What makes
 * one a controller image is image.c.
 */
#pragma once

#include "oci/image.h"
#include "json/json.h"

#define OCI_MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_MEDIA_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define OCI_MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_MEDIA_EMPTY "application/vnd.oci.empty.v1+json"
#define OCI_ARTIFACT_TYPE "application/vnd.io.flipt.cup.controller+type"
#define OCI_MEDIA_CONTENT "application/vnd.io.flipt.cup.controller.content.v1.tar+gzip"
#define OCI_MEDIA_TESTS "application/vnd.io.flipt.cup.tests.v1.tar+gzip"
#define OCI_MEDIA_RESOURCE "application/vnd.io.flipt.cup.resource.v1+json"

#define OCI_MEDIA_TYPE_MAX 128 /* with its NUL; longer ones are never said by us or believed */
#define OCI_EMPTY_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define OCI_EMPTY_BYTES "{}"

#define OCI_LAYERS_MAX 1000 /* layers of a manifest, manifests of an index */

struct oci_descriptor {
    struct str media_type; /* views and values live as long as the manifest they come from */
    struct str artifact_type;
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
    yyjson_val *annotations; /* NULL when absent */
};

struct oci_manifest {
    struct json_doc json;
    bool is_index;
    struct str media_type; /* its own field; {NULL, 0} when absent */
    struct str artifact_type;
    yyjson_val *annotations;
    struct oci_descriptor config; /* not for an index */
    struct oci_descriptor *items; /* layers, or an index's manifests, in order */
    size_t count;
};

/*
 * Parse; `text` must outlive ret. INVALID: "ambiguous manifest" (both layers and manifests, duplicate
 * keys), a field that is missing or of the wrong form; LIMIT: more than OCI_LAYERS_MAX items.
 */
enum err_kind
oci_manifest_parse(struct str text, struct oci_manifest *ret, struct err *err) MUST_USE;
void oci_manifest_deinit(struct oci_manifest *m);
#define auto_oci_manifest CLEANUP(oci_manifest_deinit)

/* One descriptor. `where` names it in errors: "layer 2". Size: a plain non-negative integer. */
enum err_kind oci_descriptor_parse(
    yyjson_val *val, const char *where, struct oci_descriptor *ret, struct err *err) MUST_USE;

/* String annotation of that key, or {NULL, 0}. */
struct str oci_annotation(yyjson_val *annotations, const char *key);

/* Is the text a media type of a manifest (not of an index) that we read? Parameters not allowed. */
bool oci_media_is_manifest(struct str media_type);
bool oci_media_is_index(struct str media_type);
