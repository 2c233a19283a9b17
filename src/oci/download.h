/*
 * A blob on its way out of a registry: gone on with by Range after a break, from where the receiver
 * stands. Internal to this folder. source: distribution-spec 1.1, "Pulling blobs"; RFC 9110 section 14
 */
#pragma once

#include "oci/registry.h"

/* Who takes the bytes. It checks digest and size itself, and may have some of the bytes already. */
struct oci_sink {
    uint64_t got; /* bytes that it has; counted on by the download */
    bool (*write)(void *data, const char *p, size_t n, struct err *err);
    /* Back to nothing: the next byte is the blob's first. NULL: the bytes that it has are passed over
     * when they come again. */
    enum err_kind (*restart)(void *data, struct err *err);
    void *data;
};

/*
 * GET what the sink lacks of `size` bytes; a connection that breaks and a registry that is busy are met
 * with further tries. Without Range, or with an answer that does not match it, the blob is begun anew.
 * ERR_OK: the registry gave all it has; whether that is the blob is the sink's to say. A sink that has
 * all of it is not asked for. UNVERIFIED: more than size bytes; NOT_FOUND; what the sink returns.
 */
enum err_kind oci_download(
    struct oci_registry *r,
    const char *digest,
    uint64_t size,
    struct oci_sink *sink,
    struct err *err) MUST_USE;

/* Is this Content-Range the answer to "bytes=start-" of a blob of that size: "bytes 5-9/10"? */
bool oci_content_range_is(struct str text, uint64_t start, uint64_t size);
