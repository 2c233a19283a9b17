/*
 * Images in one file, for places without a network: a tar archive that is an OCI image layout, as other tools
 * read and write it ("oci-archive"). Nothing of a file is named in the store before all of the file was
 * read and its blobs checked.
 * source: image-spec "image-layout.md"; POSIX.1-2017, pax, "ustar Interchange Format"
 */
#pragma once

#include "oci/image.h"

#define OCI_BUNDLE_ENTRIES_MAX 100000 /* files in one archive */

/* Write these images of the store (or of the layout that a reference names), with what points at them. The
 * same store, the same bytes. */
enum err_kind
oci_save(struct oci_session *s, const struct oci_ref *refs, size_t count, int fd, struct err *err)
    MUST_USE;

/*
 * Read such a file into the store.
 *
 * as     the name of its only image; NULL: each keeps the name that it has there
 * each   told of every image when it is named
 * fails  INVALID     not such a file, cut, or an image without a name
 *        UNVERIFIED  a blob is not what its name says
 *        NOT_FOUND   an image in it is not whole
 */
enum err_kind oci_load(
    struct oci_session *s,
    int fd,
    const struct oci_ref *as,
    void (*each)(void *data, const struct oci_ref *ref, const char *digest),
    void *data,
    struct err *err) MUST_USE;
