/*
 * The layer of golden cases that an image may bring along (docs/image-format.md section 1): a gzipped ustar
 * archive of several regular files. Nothing is ever written to disk from here, and who serves the image
 * never looks at it.
 */
#pragma once

#include "oci/image.h"

#define OCI_TESTS_BYTES_MAX ((size_t)16 << 20) /* of the archive, unpacked */
#define OCI_TESTS_FILES_MAX 10000

/* Reproducible, as the content layer is: files in the order of their paths. INVALID names a path that
 * is none, twice there or too long; LIMIT. */
enum err_kind oci_tests_pack(
    const struct oci_test_file *files,
    size_t count,
    int64_t mtime_unix_s,
    struct buf *ret,
    struct err *err) MUST_USE;

/* Told of each file, in the archive's order; views live for the call. */
typedef enum err_kind (*oci_test_file_fn)(
    void *data, struct str path, struct str bytes, struct err *err);

/*
 * INVALID: not gzip, a torn header, a link or anything else that is no file or directory, a path that leaves
 * the archive; LIMIT: more bytes or files than the limits above. What came before may have been told.
 */
enum err_kind
oci_tests_unpack(struct str layer, oci_test_file_fn each, void *data, struct err *err) MUST_USE;

/* Those of an image that is in the store. NOT_FOUND: it brings none; INVALID: more than one such layer. */
enum err_kind oci_read_tests(
    struct oci_session *s,
    const struct oci_image *image,
    oci_test_file_fn each,
    void *data,
    struct err *err) MUST_USE;
