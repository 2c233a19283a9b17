/*
 * What points at a manifest: signatures and other attachments, whatever way a registry or layout keeps
 * them. Four ways are read: the referrers API, the fallback tag sha256-<hex> (an index), for
 * signatures of older tools the tag sha256-<hex>.sig (a manifest of its own), and in a layout what stands
 * in index.json without a name.
 * source: distribution-spec 1.1, "Listing Referrers", "Referrers Tag Schema"; image-spec "descriptor.md"
 */
#pragma once

#include "oci/source.h"

#define OCI_REFERRERS_MAX 1000 /* of one subject; more is LIMIT */

/* The tag that stands for a digest, "sha256-<hex>" and the suffix ("" or ".sig"). */
#define OCI_REFERRERS_TAG_MAX (OCI_DIGEST_MAX + 8)
void oci_referrers_tag(const char *digest, const char *suffix, char ret[OCI_REFERRERS_TAG_MAX]);

struct oci_referrer {
    char digest[OCI_DIGEST_MAX];
    uint64_t size;
    char *media_type;
    char *
        artifact_type; /* as the descriptor says; NULL: it does not. The manifest decides: some tools
                            write application/vnd.oci.empty.v1+json here */
    char *tag;         /* "sha256-….sig" for what is found by such a tag; else NULL */
    char *annotations; /* JSON object, or NULL */
    unsigned depth;    /* 0: it points at the subject itself; see oci_referrers_of */
};
void oci_referrer_deinit(struct oci_referrer *r);
struct oci_referrers {
    struct oci_referrer *items; /* in the order of the place */
    size_t count;
};
void oci_referrers_deinit(struct oci_referrers *r);
#define auto_oci_referrers CLEANUP(oci_referrers_deinit)

/*
 * All of what points at `digest` in this place (repository or layout), each digest once. None: ERR_OK
 * and a count of 0. LIMIT; INVALID: the fallback tag is not an index; else as the place's reads.
 */
enum err_kind oci_referrers_list(
    struct oci_place *p, const char *digest, struct oci_referrers *ret, struct err *err) MUST_USE;

/*
 * Put a manifest that names `subject_digest` as its subject: its blobs are there already. Where the
 * registry has no referrers API (no OCI-Subject in its answer), and in a layout, the fallback index
 * gets an entry too; entries of neighbours are kept: If-Match where there is an ETag, and it is read
 * again afterwards; CONFLICT after a dozen tries. What is listed already is not listed twice.
 */
enum err_kind oci_referrers_put(
    struct oci_place *p,
    const char *subject_digest,
    struct str manifest,
    const char *media_type,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
