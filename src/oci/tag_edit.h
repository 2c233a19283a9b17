/*
 * Changing the manifest under a tag that others change as well, so that nobody's change is lost: read,
 * edit, write on condition, look again. Internal to what signs and attaches.
 * source: distribution-spec 1.1, "Referrers Tag Schema"; RFC 9110, section 13.1 (If-Match)
 */
#pragma once

#include "oci/source.h"

struct oci_tag_edit {
    const char *media_type; /* of what is written */
    /*
     * Given what stands there now (no bytes: nothing), either say that nothing is to be done, or append
     * the manifest that is to stand there to `to` (what it names is in the place already).
     */
    enum err_kind (*edit)(
        void *data, const struct oci_raw *now, struct buf *to, bool *ret_is_in, struct err *err);
    void *data;
};

/* CONFLICT: others changed it each time, a dozen times over; else as the edit and the place. */
enum err_kind
oci_tag_edit(struct oci_place *p, const char *tag, const struct oci_tag_edit *edit, struct err *err)
    MUST_USE;

/* Put a small blob that is not there yet. ret_digest of it. */
enum err_kind oci_place_put_small(
    struct oci_place *p,
    struct str bytes,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err) MUST_USE;
