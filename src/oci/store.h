/*
 * The local store as a whole: what is in it, names on it, what of it may go, is it sound. Works on any
 * image layout too. Single blobs and names, and the rules for many processes: oci/layout.h.
 */
#pragma once

#include "oci/image.h"

/* `where` below: a reference oci-layout:DIR, or NULL for the session's store (which need not be there). */

/* --- listing ------------------------------------------------------------------------------------ */

struct oci_stored {
    char *name; /* NULL: it has none, only its digest */
    char digest[OCI_DIGEST_MAX];
    char *media_type;
    char *artifact_type;  /* the manifest's, or the config's media type; NULL: cannot be read */
    char *controller;     /* io.flipt.cup.controller.name, or NULL */
    char *kinds;          /* "g/v/p,…", or NULL */
    uint64_t bytes;       /* of all blobs that it keeps, each once; those shared with others too */
    int64_t added_unix_s; /* when its manifest came here; 0: it is not here */
    int64_t used_unix_s; /* when it was last named, pulled, loaded or sent; at least added_unix_s */
    bool is_whole;       /* all that it needs is here; bytes are not checked: oci_store_check */
    bool is_in_use;      /* by a running process */
    bool is_referrer;    /* a signature or another attachment, by its name */
};
struct oci_stored_list {
    struct oci_stored *items; /* in the order of the index */
    size_t count;
};
void oci_stored_list_deinit(struct oci_stored_list *list);
#define auto_oci_stored_list CLEANUP(oci_stored_list_deinit)

enum err_kind oci_store_list(
    struct oci_session *s,
    const struct oci_ref *where,
    struct oci_stored_list *ret,
    struct err *err) MUST_USE;

/* --- names -------------------------------------------------------------------------------------- */

/* Put dst's name on what src means, in the same store or layout. USAGE: they are of two places, or dst
 * has a digest; NOT_FOUND, UNVERIFIED: src. */
enum err_kind oci_store_tag(
    struct oci_session *s,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
/*
 * Take a name away; with a digest and no tag, all names of that repository that are on it. Blobs stay until
 * the next prune, which takes those that nothing needs any more whatever their age. NOT_FOUND; CONFLICT:
 * the tag is not on the digest given.
 */
enum err_kind oci_store_remove(
    struct oci_session *s,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;

/* --- pruning ------------------------------------------------------------------------------------ */

#define OCI_PRUNE_GRACE_S 3600

struct oci_prune_options {
    bool removes_all;  /* every name that no running process uses goes first */
    int64_t max_age_s; /* names not used for so long go first; -1: whatever their age */
    uint64_t
        max_bytes; /* then those used longest ago, until what stays fits; UINT64_MAX: any size */
    int64_t
        grace_s; /* blobs that no name ever held stay for so long: another tool may be writing */
    bool is_dry_run;
};
struct oci_pruned {
    char **
        names; /* taken away, attachments of what is gone included; a digest where there was no name */
    size_t name_count;
    char (*blobs)[OCI_DIGEST_MAX];
    size_t blob_count;
    uint64_t freed_bytes;
    uint64_t kept_bytes;
    size_t kept_count;
    size_t leftovers; /* temporary files of dead processes */
};
void oci_pruned_deinit(struct oci_pruned *p);
#define auto_oci_pruned CLEANUP(oci_pruned_deinit)
/*
 * Remove what no name needs: see store_graph.h for what a name keeps, layout.h for what a running process
 * keeps. Broken off at any point, the next one goes on. UNVERIFIED, NOT_FOUND, INVALID: a name's manifest
 * cannot be read, so what it needs is not known; nothing was removed then.
 */
enum err_kind oci_store_prune(
    struct oci_session *s,
    const struct oci_ref *where,
    const struct oci_prune_options *options,
    struct oci_pruned *ret,
    struct err *err) MUST_USE;

/* --- checking ----------------------------------------------------------------------------------- */

struct oci_problem {
    char *name; /* of the image that suffers; NULL: none does, or it is not known */
    char digest[OCI_DIGEST_MAX];
    char *what;
};
struct oci_checked {
    size_t name_count;
    size_t blob_count;
    uint64_t bytes;
    struct oci_problem *problems;
    size_t problem_count;
    size_t problem_cap;
};
void oci_checked_deinit(struct oci_checked *c);
#define auto_oci_checked CLEANUP(oci_checked_deinit)
/* Does each blob hash to its name, and is all there that a name needs? ERR_OK with problems listed. */
enum err_kind oci_store_check(
    struct oci_session *s,
    const struct oci_ref *where,
    struct oci_checked *ret,
    struct err *err) MUST_USE;

/* The same for the content layer of an image of the store. UNVERIFIED, NOT_FOUND. */
enum err_kind oci_store_check_content(
    struct oci_session *s, const struct oci_image *image, struct err *err) MUST_USE;

/* --- in use ------------------------------------------------------------------------------------- */

struct oci_pin;
/* What the manifest of that digest needs stays in the store until the pin is freed or the process ends.
 * Best effort of who only reads: without it the image is still loaded. */
enum err_kind
oci_store_pin(const char *store_dir, const char *digest, struct oci_pin **ret, struct err *err);
struct oci_pin *oci_pin_free(struct oci_pin *pin);
DEFINE_CLEANUP(struct oci_pin, oci_pin_free)
