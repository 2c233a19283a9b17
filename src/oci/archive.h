/*
 * The content layer: a gzipped ustar archive that holds one regular file, controller.wasm
 * (docs/image-format.md section 1). Packing is reproducible; unpacking takes bytes as they come, hands on
 * those of that file, holds none and refuses everything else. Nothing is ever written to disk from here.
 */
#pragma once

#include "oci/image.h"

#define OCI_ARCHIVE_ENTRY "controller.wasm"

/*
 * The whole layer in memory: the compressor whose output is pinned wants all of its input at once.
 * LIMIT: module above OCI_WASM_MAX. mtime in seconds since 1970, at least 0.
 */
enum err_kind
oci_archive_pack(struct str wasm, int64_t mtime_unix_s, struct buf *ret, struct err *err) MUST_USE;

/* gzip with the compressor that is pinned; `what` names the result in the LIMIT of ret's maximum. */
enum err_kind
oci_archive_gzip(struct str tar, const char *what, struct buf *ret, struct err *err) MUST_USE;

struct oci_unpacker;
/*
 * entry       the module's name in the archive
 * has_others  as container images have them: other files and directories beside it are passed over, a
 *             name may begin with "./", and records of pax are not looked into; else the archive holds
 *             that one file
 * wasm_bytes  what the module's size must be, 0 = unknown
 * write       gets the module's bytes as they come; false (with err set) ends it
 */
struct oci_unpacker *oci_unpacker_new(
    const char *entry,
    bool has_others,
    uint64_t wasm_bytes,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data);
/*
 * Take the next bytes of the layer. INVALID: not gzip, an entry that leaves the archive, a link, a
 * second file, a torn header; LIMIT: it expands past OCI_WASM_MAX; the kinds of `write`. The text names
 * the entry, the caller the layer.
 */
enum err_kind
oci_unpacker_add(struct oci_unpacker *u, const char *p, size_t n, struct err *err) MUST_USE;
/* INVALID: cut, or without the file. */
enum err_kind oci_unpacker_end(struct oci_unpacker *u, struct err *err) MUST_USE;
struct oci_unpacker *oci_unpacker_free(struct oci_unpacker *u);
DEFINE_CLEANUP(struct oci_unpacker, oci_unpacker_free)
