/*
 * Requests to the cupd of this run: paths, credentials, and errors made from its Status objects.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct cli;

#define CLI_PATH_PROPOSALS "/apis/cup.flipt.io/v1alpha1/proposals"
#define CLI_PATH_CONTROLLERS "/apis/cup.flipt.io/v1alpha1/controllers"

/* Append "/" and the segment, everything but RFC 3986's unreserved characters as %XX. */
void cli_path_segment(struct buf *path, struct str segment);
/* Append "?name=value" or "&name=value", encoded; nothing when value is NULL. */
void cli_path_query(struct buf *path, const char *name, const char *value);

struct cli_request {
    const char *method;
    const char *path; /* encoded, from cupd's root on */
    struct str body;  /* empty: none */
    /* PUT, DELETE and POST carry an Idempotency-Key, so that one more try after a lost connection
     * cannot make the change twice */
    const char *what; /* for errors: "getting widgets 'a'" */
};

/*
 * One request; resolves address and credentials first. ret_body is filled for 2xx; *ret_status (may
 * be NULL) with it. Any other status is an error: kind by the status, text from the Status object,
 * its causes in err->causes.
 */
enum err_kind cli_server_call(
    struct cli *c,
    const struct cli_request *request,
    struct buf *ret_body,
    int *ret_status,
    struct err *err) MUST_USE;

/* Kind of error that an HTTP status means to the user. */
enum err_kind cli_status_kind(int status);
/* Make the error of a status and the body that came with it. Never returns ERR_OK. */
enum err_kind
cli_status_error(const char *what, int status, struct str body, struct err *err) MUST_USE;
