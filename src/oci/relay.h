/*
 * A blob from one registry as the body of a request to another: read by a thread of its own, checked as it
 * passes, never held as a whole. Internal to transfer.c.
 */
#pragma once

#include "oci/registry.h"

struct oci_relay;

/* Nothing is asked for before the body is rewound; each rewind asks for the blob anew. */
struct oci_relay *oci_relay_new(struct oci_registry *from, const char *digest, uint64_t size);
/* Ends the reading, however far it is. */
struct oci_relay *oci_relay_free(struct oci_relay *r);

/* Members of struct oci_body; data is the struct oci_relay. The last byte is only handed out when the
 * whole blob has verified. */
enum err_kind oci_relay_rewind(void *data, struct err *err);
ptrdiff_t oci_relay_read(void *data, char *to, size_t n);
/* Ends the reading and says why the source gave no more; ERR_OK or CANCELLED: not for a reason of its own. */
const struct err *oci_relay_error(struct oci_relay *r);
