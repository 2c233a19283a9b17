/*
 * What the files of this folder share: the session and reading an image from a place.
 */
#pragma once

#include "base/apart.h"
#include "oci/image.h"
#include "oci/source.h"

struct oci_session {
    struct oci_transport *transport;
    struct oci_layout *store; /* NULL until it is needed */
    char *store_dir;
    void (*progress)(
        void *data, const char *what, const char *digest, uint64_t done, uint64_t total);
    void *progress_data;
    void (*note)(void *data, const char *text); /* NULL: nobody listens */
    void *note_data;
    bool (*is_cancelled)(void *data); /* NULL: never */
    void *cancel_data;
    unsigned concurrency;          /* blobs at once, at least 1 */
    const struct oci_trust *trust; /* borrowed; NULL: no policy */
};

#define OCI_CONCURRENCY_DEFAULT 6

/* CANCELLED when whoever runs the session wants it to end; asked now and then by all that takes long. */
enum err_kind oci_session_check(const struct oci_session *s, struct err *err) MUST_USE;
/* The store, made when `create` says so; NOT_FOUND when there is none. Borrowed. */
enum err_kind oci_session_store(
    struct oci_session *s, bool create, struct oci_layout **ret, struct err *err) MUST_USE;
/* The place that a reference names; for `in_store` the store's copy. */
enum err_kind oci_session_place(
    struct oci_session *s,
    const struct oci_ref *ref,
    bool in_store,
    bool create,
    struct oci_place *ret,
    struct err *err) MUST_USE;

/* An image as read from a place, with what was parsed to get there. */
struct oci_read_image {
    struct oci_raw raw;           /* what the reference resolved to */
    struct oci_raw child;         /* the manifest, where that was an index */
    struct oci_manifest index;    /* parsed raw, where it is one */
    struct oci_manifest manifest; /* the image's own */
    bool has_index;
    struct apart schemas; /* whoever looks at the definitions' schemas; see oci_image_read_ahead */
};
void oci_read_image_deinit(struct oci_read_image *r);
#define auto_oci_read_image CLEANUP(oci_read_image_deinit)

/* Parse a manifest as it came; `raw` must outlive ret. INVALID: ambiguous, what it is called and what it
 * calls itself differ (distribution-spec, "Pulling manifests"). */
enum err_kind
oci_raw_parse(const struct oci_raw *raw, struct oci_manifest *ret, struct err *err) MUST_USE;
/* Is it of the type that a descriptor of it says? Some writers leave it out, there (empty) or in the manifest
 * itself. */
bool oci_manifest_is_said(const struct oci_manifest *m, struct str said);
/* Resolve, follow an index, check the rules of docs/image-format.md section 1, read the definitions. */
enum err_kind oci_image_read(
    struct oci_place *place,
    struct oci_read_image *ret_read,
    struct oci_image *ret,
    struct err *err) MUST_USE;

/*
 * The same, but that the schemas of the definitions are schemas is still being found out, in a copy of this
 * process (compiling them takes memory that a pull does not need otherwise): apart_end(&ret_read->schemas)
 * says. ret must stay where it is until then.
 */
enum err_kind oci_image_read_ahead(
    struct oci_place *place,
    struct oci_read_image *ret_read,
    struct oci_image *ret,
    struct err *err) MUST_USE;

/* An image of another layout has no name of its own: it gets that of the repository's last component (of a
 * layout: of its directory), where that is one. */
void oci_image_name_after(struct oci_image *image, const struct oci_ref *ref);

/* Name grammar of io.flipt.cup.controller.name; INVALID. */
enum err_kind oci_check_controller_name(struct str name, struct err *err) MUST_USE;
#define OCI_ANNOTATION_PREFIX "io.flipt.cup."
#define OCI_ANNOTATION_NAME OCI_ANNOTATION_PREFIX "controller.name"
#define OCI_ANNOTATION_ABI OCI_ANNOTATION_PREFIX "controller.abi"
#define OCI_ANNOTATION_KINDS OCI_ANNOTATION_PREFIX "controller.kinds"
#define OCI_ANNOTATION_VERBS OCI_ANNOTATION_PREFIX "controller.verbs"
#define OCI_ANNOTATION_PATHS OCI_ANNOTATION_PREFIX "controller.paths"
#define OCI_ANNOTATION_WASM_DIGEST OCI_ANNOTATION_PREFIX "wasm.digest"
#define OCI_ANNOTATION_WASM_SIZE OCI_ANNOTATION_PREFIX "wasm.size"
#define OCI_ANNOTATION_TITLE "org.opencontainers.image.title"
#define OCI_ANNOTATION_CREATED "org.opencontainers.image.created"
#define OCI_ABI "wasi-cli/v1"
