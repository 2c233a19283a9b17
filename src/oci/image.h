/*
 * Controller images: what cup and cupd do with them, over the parts of this folder (store, registry
 * client, manifest, pack, unpack). The artifact is docs/image-format.md section 1.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "oci/ref.h"

#define OCI_WASM_MAX ((uint64_t)256 << 20)   /* unpacked module */
#define OCI_LAYER_MAX ((uint64_t)256 << 20)  /* one layer as it travels */
#define OCI_MANIFEST_MAX ((uint64_t)4 << 20) /* distribution-spec: registries take at least this */

struct oci_wasm_info; /* see oci/wasm.h */
struct oci_session;   /* store + transport + credentials; one thread at a time */
struct oci_trust;     /* see oci/trust.h */
struct http_proxies;

struct oci_session_options {
    const char
        *store_dir; /* NULL: $XDG_DATA_HOME/cup/store must have been resolved by the caller */
    const char *registry_config; /* docker config.json; NULL: none */
    /* NULL-terminated, or NULL: files of the same form (podman's auth.json), asked in order where
     * registry_config has nothing. Without both, credentials are not looked up. */
    const char *const *auth_files;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    const struct http_proxies *proxies;  /* copied; NULL: none */
    bool is_insecure;                    /* no TLS verification */
    bool is_plain_http;                  /* asked for all hosts of this session */
    const char *const *plain_http_hosts; /* NULL-terminated, or NULL */
    unsigned concurrency;                /* layers at once; 0 = 6 */
    int64_t stall_timeout_ms;            /* without a byte, then a try is given up; 0 = 30 s */
    /* Told of long work (bytes so far of total, per blob); may be NULL. Any thread. */
    void (*progress)(
        void *data, const char *what, const char *digest, uint64_t done, uint64_t total);
    void *progress_data;
    /* One line that the user should see: a further try and how long it waits, a warning of the registry
     * (once each). Without secrets, fit for a terminal. May be NULL. Any thread. */
    void (*note)(void *data, const char *text);
    void *note_data;
    /* Asked at least once a second while something is waited for; true ends it with CANCELLED, and
     * nothing of the call stays but what a later one goes on with. May be NULL. Any thread. */
    bool (*is_cancelled)(void *data);
    void *cancel_data;
    /* Borrowed; asked by oci_pull before the content layer is fetched, and by oci_copy of the session it reads
     * by. NULL: no policy. */
    const struct oci_trust *trust;
};
enum err_kind oci_session_new(
    const struct oci_session_options *options, struct oci_session **ret, struct err *err) MUST_USE;
struct oci_session *oci_session_free(struct oci_session *s);

/* --- what an image says of itself: manifest and resource layers, not the content layer ------------ */

struct oci_definition {
    char *title; /* "flags.flipt.io.json" */
    char digest[OCI_DIGEST_MAX];
    char *bytes; /* the ResourceDefinition, NUL-terminated */
    size_t n;
};
/* The layout of a manifest: ours, or one that other tools push and that is read as a controller without
 * definitions (oci/format.h). */
enum oci_format {
    OCI_FORMAT_CUP,
    OCI_FORMAT_CNCF,
    OCI_FORMAT_KWCTL,
    OCI_FORMAT_ISTIO,
    OCI_FORMAT_WASM,
    OCI_FORMAT_ISTIO_COMPAT,
    OCI_FORMAT_COUNT,
};
const char *oci_format_name(enum oci_format format); /* for programs: "cncf" */
const char *
oci_format_words(enum oci_format format); /* for people: "CNCF wasm image (wkg, wash)" */

struct oci_image {
    enum oci_format format;
    char digest[OCI_DIGEST_MAX]; /* what the reference resolved to (an index's, then) */
    char manifest_digest[OCI_DIGEST_MAX];
    char *manifest; /* its bytes, NUL-terminated */
    size_t manifest_bytes;
    char *name;        /* io.flipt.cup.controller.name; of another layout what the repository's last
                          component makes, or NULL */
    char *abi;         /* "wasi-cli/v1" when absent */
    char *kinds;       /* annotation, may be NULL */
    char *verbs;       /* annotation; NULL: get,list,put,delete */
    char **read_globs; /* NULL-terminated; {"**"} by default */
    char **write_globs;
    char content_digest[OCI_DIGEST_MAX];
    uint64_t content_bytes;
    char wasm_digest[OCI_DIGEST_MAX]; /* as annotated; empty when not */
    uint64_t wasm_bytes;              /* as annotated; 0 when not */
    char tests_digest
        [OCI_DIGEST_MAX]; /* of the layer of golden cases; empty: none, or more than one */
    uint64_t tests_bytes;
    struct oci_definition *definitions; /* ordered by metadata.name */
    size_t definition_count;
};
void oci_image_deinit(struct oci_image *image);

/* Where to look: the registry or layout a reference names, or the local store's copy. */
enum oci_where { OCI_AT_SOURCE, OCI_IN_STORE };

/*
 * Read manifest and resource layers, check digests, sizes and the rules of docs/image-format.md section 1;
 * the content layer is not fetched. NOT_FOUND, INVALID (names the layer), UNVERIFIED (digest, size),
 * UNAUTHENTICATED, DENIED, UNAVAILABLE, LIMIT.
 */
enum err_kind oci_inspect(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_image *ret,
    struct err *err) MUST_USE;

/*
 * The same, and what the module imports and exports: the content layer is read too, held nowhere. ret_info
 * is the caller's.
 */
enum err_kind oci_inspect_module(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_image *ret,
    struct oci_wasm_info *ret_info,
    char ret_wasm_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;

/* --- moving ------------------------------------------------------------------------------------- */

/* One golden case's file. */
struct oci_test_file {
    char *path; /* "get-one/stdout" */
    char *bytes;
    size_t n;
};

struct oci_pack_input {
    const char *wasm_path;
    const char *const *definition_paths;
    size_t definition_count;
    const char *name;              /* NULL: the wasm file's name without .wasm */
    const char *const *read_globs; /* NULL-terminated or NULL */
    const char *const *write_globs;
    const char *const *annotations;    /* "K=V", NULL-terminated or NULL */
    const char *verbs;                 /* NULL: annotation left out */
    bool with_compat_wasm;             /* the CNCF manifest too, under an index: oci/compat.h */
    const struct oci_test_file *tests; /* golden cases, in any order */
    size_t test_count;                 /* 0: no layer of them */
    int64_t source_date_unix_s;        /* -1: none: mtime 0, no created annotation */
};
/* Put the image into the store (or the layout that ref names) under ref's name. ret_digest of the
 * manifest. Same input, same digest. */
enum err_kind oci_pack(
    struct oci_session *s,
    const struct oci_pack_input *input,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;

/* Copy from the store (or the layout that src names) to the registry or layout that dst names: blobs,
 * config, manifest, tag last. with_referrers: signatures and whatever else points at it in the store go
 * along. */
enum err_kind oci_push(
    struct oci_session *s,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    bool with_referrers,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;

/*
 * From anywhere to anywhere: registry, layout, and, with a true ..._in_store, the store's copy. Both
 * sessions may be the same one; two have their own credentials and TLS. Children before parents, blobs
 * in parallel, mounted where both are repositories of one registry; dst's name comes last. An image whose
 * index names a manifest that src does not have is refused. with_referrers: what points at it and at
 * its manifests comes along, in whatever form dst keeps it, `.sig` tags as well. Does `from` have a trust
 * policy, it must hold: UNVERIFIED.
 */
struct oci_copy {
    struct oci_session *from;
    const struct oci_ref *src;
    bool src_in_store;
    struct oci_session *to;
    const struct oci_ref *dst;
    bool dst_in_store;
    bool with_referrers;
};
enum err_kind
oci_copy(const struct oci_copy *copy, char ret_digest[OCI_DIGEST_MAX], struct err *err) MUST_USE;

/* Resolve the reference once, bring everything into the store, check it (the module's sections too),
 * name it there. ret as oci_inspect. */
enum err_kind
oci_pull(struct oci_session *s, const struct oci_ref *ref, struct oci_image *ret, struct err *err)
    MUST_USE;

/*
 * The module of an image that is in the store, unpacked as it is read: `write` gets its bytes, which count
 * only when this returns ERR_OK (digest and size checked against the annotations, sections looked into).
 * NOT_FOUND, UNVERIFIED, INVALID, LIMIT; the kinds of `write`.
 */
enum err_kind oci_unpack_wasm(
    struct oci_session *s,
    const struct oci_image *image,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
/* The same into memory. */
enum err_kind oci_read_wasm(
    struct oci_session *s,
    const struct oci_image *image,
    struct buf *ret,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;

/* Is this name (or digest) in the store? NOT_FOUND. Used by pullPolicy IfNotPresent. */
enum err_kind oci_store_resolve(
    struct oci_session *s,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
