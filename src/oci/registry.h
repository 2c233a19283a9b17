/*
 * One repository of a registry, over HTTP: the calls of the OCI distribution specification 1.1 that
 * moving an image needs. Credentials and tokens are auth.c's; what a manifest means is not known here.
 */
#pragma once

#include "oci/auth.h"
#include "oci/digest.h"
#include "oci/manifest.h"

struct oci_registry; /* any number of threads at once */

/* Nothing is asked yet. The transport outlives the registry. */
struct oci_registry *
oci_registry_open(struct oci_transport *transport, const char *host, const char *repository);
struct oci_registry *oci_registry_close(struct oci_registry *r);

#define OCI_ETAG_MAX 256
#define OCI_TAGS_MAX 100000 /* of one repository; more is LIMIT */

/* What the registry said of a manifest beside its bytes; empty where it said nothing. */
struct oci_manifest_head {
    char digest[OCI_DIGEST_MAX]; /* computed where there were bytes, else as the registry says */
    char media_type[OCI_MEDIA_TYPE_MAX];
    char etag[OCI_ETAG_MAX];
    uint64_t size; /* of a HEAD: UINT64_MAX when it was not said */
};

/*
 * GET a manifest by tag or digest. Its digest is computed from the bytes and compared with the one
 * asked for and with Docker-Content-Digest. NOT_FOUND, UNVERIFIED, UNAUTHENTICATED, DENIED, LIMIT,
 * UNAVAILABLE. source: "Pulling manifests"
 */
enum err_kind oci_registry_manifest(
    struct oci_registry *r,
    const char *reference,
    struct buf *ret,
    struct oci_manifest_head *ret_head,
    struct err *err) MUST_USE;
/* HEAD of the same; where a registry does not answer HEAD well, its GET. NOT_FOUND. */
enum err_kind oci_registry_head_manifest(
    struct oci_registry *r,
    const char *reference,
    struct oci_manifest_head *ret,
    struct err *err) MUST_USE;
/* GET a blob in pieces, at most size + 1 bytes of it. source: "Pulling blobs" */
enum err_kind oci_registry_read_blob(
    struct oci_registry *r,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err) MUST_USE;

/* --- pushing -------------------------------------------------------------------------------------- */

enum err_kind oci_registry_has_blob(
    struct oci_registry *r, const char *digest, bool *ret_has, struct err *err) MUST_USE;
/*
 * Send a blob: in one PUT, or in chunks where the registry asks for them or does not take as much at
 * once. A request that fails is followed by further ones: the session is asked how far it has come and
 * gone on with, or begun anew. Whether the blob is there already is not asked first. `rewind` starts the
 * body anew, before each try; `read` gives its bytes (0 at the end, -1 to give up: then the call fails
 * with FAILED and the reader knows why).
 * source: "Pushing blobs"
 */
struct oci_body {
    enum err_kind (*rewind)(void *data, struct err *err);
    ptrdiff_t (*read)(void *data, char *to, size_t n);
    void *data;
};
enum err_kind oci_registry_put_blob(
    struct oci_registry *r,
    const char *digest,
    uint64_t size,
    const struct oci_body *body,
    struct err *err) MUST_USE;
/* A blob of another repository of the same registry is taken over without sending it; false: it is to
 * be sent. A registry that does not know how says false, not an error. source: "Mounting a blob" */
enum err_kind oci_registry_mount(
    struct oci_registry *r,
    const char *digest,
    const char *from_repository,
    bool *ret_is_mounted,
    struct err *err) MUST_USE;

struct oci_manifest_put {
    const char *reference; /* tag or digest */
    const char *media_type;
    struct str bytes;
    const char *digest;   /* of the bytes; what the registry answers must be the same */
    const char *if_match; /* an ETag: only over that one; NULL: no condition */
    bool if_absent;       /* If-None-Match: * */
};
/*
 * PUT a manifest. ret_took_subject (may be NULL): the answer has OCI-Subject, so the registry lists
 * it as a referrer by itself. CONFLICT: a condition did not hold (412); UNVERIFIED; NOT_FOUND: a blob
 * that it names is unknown there (MANIFEST_BLOB_UNKNOWN). source: "Pushing manifests"
 */
enum err_kind oci_registry_put_manifest(
    struct oci_registry *r,
    const struct oci_manifest_put *put,
    bool *ret_took_subject,
    struct err *err) MUST_USE;

/* --- lists, removal ------------------------------------------------------------------------------- */

/* Every tag, page by page (Link: rel="next", never the same page twice), in the registry's order;
 * `each` returns false to give up. NOT_FOUND: no such repository. source: "Listing Tags" */
enum err_kind oci_registry_tags(
    struct oci_registry *r,
    bool (*each)(void *data, struct str tag, struct err *err),
    void *data,
    struct err *err) MUST_USE;
/* Every page of the referrers API as the bytes of an image index. UNSUPPORTED: the registry has no such
 * API. source: "Listing Referrers" */
enum err_kind oci_registry_referrers(
    struct oci_registry *r,
    const char *digest,
    bool (*each)(void *data, struct str index, struct err *err),
    void *data,
    struct err *err) MUST_USE;
/* By tag or digest. NOT_FOUND; UNSUPPORTED: it does not let one delete. source: "Deleting manifests" */
enum err_kind oci_registry_delete_manifest(
    struct oci_registry *r, const char *reference, struct err *err) MUST_USE;
