/*
 * What a registry wants its users to read: `Warning: 299 - "text"`. Each text is told once.
 * source: OCI distribution spec 1.1, "Warnings"
 */
#pragma once

#include "http/client.h"

struct oci_warnings; /* any number of threads at once */

struct oci_warnings *oci_warnings_new(
    void (*note)(void *data, const char *text), void *note_data); /* note may be NULL */
struct oci_warnings *oci_warnings_free(struct oci_warnings *w);
/* Tell those of an answer that were not told before, as "where: warning: text". */
void oci_warnings_tell(
    struct oci_warnings *w, const char *where, const struct http_client_response *response);

/* The text of one header value, into `ret`; false: another code, or it does not parse. */
bool oci_warning_parse(struct str value, struct buf *ret);
