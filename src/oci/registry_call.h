/*
 * What the files of the registry client share: the repository and how an answer becomes an error.
 * Internal to registry.c, registry_list.c, upload.c and download.c.
 */
#pragma once

#include "oci/registry.h"

/* Answers that are not what was asked for: read no further than this. */
#define OCI_ERROR_BODY_MAX ((size_t)64 << 10)

struct oci_registry {
    struct oci_transport *transport;
    char *host;
    char *repository;
    char *pull_scope;
    char *push_scope;
    char *delete_scope;
};

enum err_kind oci_status_kind(int status);
/* Has the answer's body this code among its errors (distribution-spec, "Error Codes")? */
bool oci_answer_has_code(const struct http_client_response *p, const char *code);
/* `what` 'subject' of this repository was answered with a status that it should not have; the
 * registry's own words stand behind it, made fit to be shown. */
enum err_kind oci_status_error(
    const struct oci_registry *r,
    const struct http_client_response *p,
    const char *what,
    const char *subject,
    struct err *err);

/* "0-99" of an upload's Range: how many bytes from the start on; false: it is none. "0-0" is none at
 * all: registries answer it for an empty session. */
bool oci_range_end(struct str range, uint64_t *ret_count);
/*
 * A request of a transfer failed for the failures-th time in a row, for what `why` says: wait before the
 * next one. `outcome` is the kind of the failure, ERR_OK where a status of `p` is it. Fails as `why` when
 * there were HTTP_TRIES_MAX; CANCELLED.
 */
enum err_kind oci_registry_pause(
    struct oci_registry *r,
    unsigned failures,
    enum err_kind outcome,
    const struct http_client_response *p,
    const struct err *why,
    struct err *err) MUST_USE;
