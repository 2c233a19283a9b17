/*
 * One blob from one place to another, checked on its way. Internal to this folder; which blobs an image has
 * is copy.c's.
 */
#pragma once

#include "oci/internal.h"

#include <stdatomic.h>

/* What the blobs of one copy share; any number of threads at once. */
struct oci_transfer {
    struct oci_session *session; /* whose progress is told */
    const char *verb;            /* "pull", "push", "copy": in the progress */
    struct oci_place *from;
    struct oci_place *to;
    atomic_bool is_stopped; /* one blob failed: the others need not go on */
};

/* Somebody who looks at the bytes of a blob on its way into a layout. What is wrong with them is only told
 * when the digest is right: of a layer that was damaged on its way the damage is the error. */
struct oci_onlooker {
    bool (*write)(void *data, const char *p, size_t n, struct err *err);
    void (*restart)(void *data);                       /* what was seen so far counts no more */
    enum err_kind (*end)(void *data, struct err *err); /* not OK: the blob is not kept */
    void *data;
};

/*
 * Bring a blob; a place that has it, of that size and in a layout not rotten, is left alone (and `also` sees
 * nothing: ret_had_it says so). Into a layout what broke off earlier is gone on with; into a registry it
 * is mounted where both are repositories of one registry. also, ret_had_it: may be NULL; also only into
 * layouts. UNVERIFIED, NOT_FOUND, CANCELLED.
 */
enum err_kind oci_transfer_blob(
    struct oci_transfer *t,
    const struct oci_descriptor *d,
    const struct oci_onlooker *also,
    bool *ret_had_it,
    struct err *err) MUST_USE;

/* Are both the same repository of the same registry? Then the blobs are there. */
bool oci_transfer_is_within(const struct oci_place *from, const struct oci_place *to);
