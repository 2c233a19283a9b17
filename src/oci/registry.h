/*
 * One repository of a registry, over HTTP: the calls of the OCI distribution specification 1.1 that
 * moving an image needs. Credentials and tokens are auth.c's; what a manifest means is not known here.
 */
#pragma once

#include "oci/auth.h"
#include "oci/digest.h"

struct oci_registry;

/* Nothing is asked yet. `auth` outlives the registry. */
struct oci_registry *
oci_registry_open(struct oci_transport *transport, const char *host, const char *repository);
struct oci_registry *oci_registry_close(struct oci_registry *r);

/*
 * GET a manifest by tag or digest. Its digest is computed from the bytes and compared with the one
 * asked for and with Docker-Content-Digest. NOT_FOUND, UNVERIFIED, UNAUTHENTICATED, DENIED, LIMIT,
 * UNAVAILABLE. source: "Pulling manifests"
 */
enum err_kind oci_registry_manifest(
    struct oci_registry *r,
    const char *reference,
    struct buf *ret,
    char *ret_media_type,
    size_t media_type_room,
    char ret_digest[OCI_DIGEST_MAX],
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
/* POST then PUT ("Pushing a blob monolithically", POST then PUT). `open` starts the body anew for
 * each try; `read` gives its bytes (0 at the end, -1 on failure). */
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
/* PUT a manifest by tag or digest; the digest the registry answers must be ours. */
enum err_kind oci_registry_put_manifest(
    struct oci_registry *r,
    const char *reference,
    const char *media_type,
    struct str bytes,
    const char *digest,
    struct err *err) MUST_USE;
