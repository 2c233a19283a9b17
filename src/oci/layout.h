/*
 * An OCI image layout on disk (image-spec "image-layout.md"): the local store, and what
 * `oci-layout:DIR` names. Blobs come in through a temporary file that is checked and synced before it
 * gets its name; index.json is replaced under a lock file. Many processes may use one at once, and many
 * threads one handle. Names, pruning and checking are oci/store.h.
 *
 * Rules for many processes (files and locks: oci/layout_files.h):
 *  - Reading takes no lock: index.json is old or new, a blob is whole or not there.
 *  - Who changes index.json holds index.json.lock exclusively from reading it to its rename.
 *  - Who relies on a blob that no name holds yet (it was just written, or found) pins it first, holding
 *    the lock shared for the moment that takes; resolving a name pins what it means. Pins last as long as
 *    the handle, and no longer than the process.
 *  - A prune holds the lock exclusively from its first look to its last unlink, and keeps what is pinned.
 *  - Who reads what a name means, to change it, holds a lock of its own from reading to renaming
 *    (oci_layout_edit_begin); under it the layout's lock is taken as ever.
 *  - No lock is ever held across network I/O, and but for that none is taken while another one is held.
 * Order that a crash or a power cut can break off anywhere: bytes of a blob synced, blob named, directory
 * of blobs synced, index.json's bytes synced, renamed, directory synced; a prune goes the other way round.
 */
#pragma once

#include "oci/digest.h"
#include "oci/manifest.h"

struct oci_layout;

/*
 * Open an image layout. With `create` it is made when it is not there (the store, is_private, with mode
 * 0700, others as umask says); without, NOT_FOUND. UNSUPPORTED: a layout version that is not 1.x.
 * DENIED: the store may be written by others than its owner.
 */
enum err_kind oci_layout_open(
    const char *dir,
    bool create,
    bool is_private,
    struct oci_layout **ret,
    struct err *err) MUST_USE;
struct oci_layout *oci_layout_close(struct oci_layout *l);
DEFINE_CLEANUP(struct oci_layout, oci_layout_close)

/* --- names ------------------------------------------------------------------------------------ */

struct oci_layout_entry {
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
    char media_type[OCI_MEDIA_TYPE_MAX]; /* as the entry says; the manifest may say otherwise */
};
/*
 * The entry of index.json with this name (annotation org.opencontainers.image.ref.name), or, where
 * the name is a digest, with this digest. NOT_FOUND. Without a name (NULL): "latest", else the only
 * entry.
 */
enum err_kind oci_layout_resolve(
    struct oci_layout *l, const char *name, struct oci_layout_entry *ret, struct err *err) MUST_USE;
/* Each name of index.json, in its order; `each` returns false to give up, with the error that it set. */
enum err_kind oci_layout_names(
    struct oci_layout *l,
    bool (*each)(void *data, struct str name, struct err *err),
    void *data,
    struct err *err) MUST_USE;
/* Each entry of index.json that has no name, in the same way: an image known by its digest, or what points
 * at one, where a tool keeps it so. */
enum err_kind oci_layout_unnamed(
    struct oci_layout *l,
    bool (*each)(void *data, const struct oci_descriptor *d, struct err *err),
    void *data,
    struct err *err) MUST_USE;
/* Put the name on a manifest whose blobs are all there already; takes it off another. */
enum err_kind oci_layout_name(
    struct oci_layout *l,
    const char *name,
    const char *media_type,
    const char *artifact_type,
    const char *digest,
    uint64_t size,
    struct err *err) MUST_USE;
/* The same, but only while the name is on `expected` (NULL: on nothing yet); CONFLICT. */
enum err_kind oci_layout_rename(
    struct oci_layout *l,
    const char *name,
    const char *media_type,
    const char *digest,
    uint64_t size,
    const char *expected,
    struct err *err) MUST_USE;

/* Waits until nobody else edits a name by reading what it means and putting something else there; close(*ret_fd)
 * lets the next one go on. Others may still name it: oci_layout_rename sees that. */
enum err_kind oci_layout_edit_begin(struct oci_layout *l, int *ret_fd, struct err *err) MUST_USE;

/* --- blobs ------------------------------------------------------------------------------------ */

/* Is there a file of that digest and size? Its bytes are checked when they are read. */
bool oci_layout_has(const struct oci_layout *l, const char *digest, uint64_t size);
/* Read to `write` in pieces, checked: UNVERIFIED when the file has rotted, NOT_FOUND. size UINT64_MAX:
 * not known. write may be NULL: only checked. */
enum err_kind oci_layout_read(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err) MUST_USE;
/* A `write` for readers of blobs: data is a struct buf, which it is appended to; LIMIT above its maximum. */
bool oci_add_to_buf(void *data, const char *p, size_t n, struct err *err);
/* The whole blob into ret (cleared first), at most max bytes. */
enum err_kind oci_layout_read_all(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    size_t max,
    struct buf *ret,
    struct err *err) MUST_USE;
/* An open descriptor of the blob's file, for a reader that checks itself. */
enum err_kind oci_layout_open_blob(
    struct oci_layout *l, const char *digest, int *ret_fd, struct err *err) MUST_USE;

/* Write a blob: begin, add pieces, commit. deinit in any case; without commit nothing stays. */
struct oci_blob_writer {
    struct oci_layout *layout;
    int fd;
    char *temp;
    struct oci_verifier verifier;
    char *gather; /* small pieces on their way into the file; NULL: none came yet */
    size_t gathered;
    uint64_t written; /* what the file has */
    bool is_verified;
    bool is_partial; /* deinit leaves what is there for whoever comes next: see begin_partial */
};
enum err_kind oci_blob_begin(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    struct oci_blob_writer *ret,
    struct err *err) MUST_USE;
/*
 * As oci_blob_begin, but go on with what an earlier try left of this blob, of this process or of
 * another: it is read through `write` (may be NULL) and counts as added (ret->verifier.got bytes).
 * The file has a name of the digest and is locked; is another process at it, a fresh one is begun.
 */
enum err_kind oci_blob_begin_partial(
    struct oci_layout *l,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct oci_blob_writer *ret,
    struct err *err) MUST_USE;
/* Back to an empty file: what was there is of no use. */
enum err_kind oci_blob_restart(struct oci_blob_writer *w, struct err *err) MUST_USE;
enum err_kind
oci_blob_add(struct oci_blob_writer *w, const void *p, size_t n, struct err *err) MUST_USE;
/* Is what was added the blob? UNVERIFIED. commit asks it too; this is for whoever must know before. */
enum err_kind oci_blob_verify(struct oci_blob_writer *w, struct err *err) MUST_USE;
enum err_kind oci_blob_commit(struct oci_blob_writer *w, struct err *err) MUST_USE;
void oci_blob_deinit(struct oci_blob_writer *w);
#define auto_oci_blob CLEANUP(oci_blob_deinit)

/* All at once; the digest is made here. */
enum err_kind oci_layout_put(
    struct oci_layout *l,
    struct str bytes,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
