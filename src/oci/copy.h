/*
 * The graph of an image from one place to another: an index, its manifests, their blobs, and where it is
 * asked for what points at them. First everything that is to come is looked up and bounded, then the blobs
 * go, in parallel, then the manifests, children before parents, and the name last. Internal to this folder.
 */
#pragma once

#include "oci/transfer.h"

#define OCI_NESTING_MAX 4 /* indexes in indexes */
#define OCI_COPY_MANIFESTS_MAX 2000
#define OCI_COPY_MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define OCI_COPY_BLOBS_MAX 20000

struct oci_graph_copy {
    struct oci_session *session; /* whose progress is told and whose concurrency holds */
    const char *verb;
    struct oci_place *from;
    struct oci_place *to; /* its name is given last */
    bool with_referrers;
    /* Of what points at the top itself those that hold signatures, each of the size of one; what is wrong
     * with others is theirs. */
    bool only_signatures;
    /* Manifests that were read already, so that they are not asked for again; the first one is the top.
     * NULL: none. */
    const struct oci_raw *const *known;
    size_t known_count;
    /* Brings a blob in its own way (true in ret_is_done), or leaves it to the copy. NULL: leaves all. Any
     * thread. */
    enum err_kind (*bring)(
        void *data,
        struct oci_transfer *t,
        const struct oci_descriptor *d,
        bool *ret_is_done,
        struct err *err);
    void *data;
};

/* INVALID: the index nests too deep; LIMIT; NOT_FOUND: a child is missing; UNVERIFIED. */
enum err_kind oci_copy_graph(
    const struct oci_graph_copy *copy, char ret_digest[OCI_DIGEST_MAX], struct err *err) MUST_USE;
