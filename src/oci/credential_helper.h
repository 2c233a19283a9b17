/*
 * The programs docker-credential-NAME, which keep credentials in a key ring: their three calls. What is
 * secret goes through standard input and output, never into arguments; what a helper prints on
 * standard error, and its text on failure, is not shown, for it may quote a secret.
 *
 * server      as oci_credential_server gives it
 * timeout_ms  a helper that takes longer is ended; 0 = 30 s
 * fails       INVALID  the name is no plain name, or a value holds a line break or NUL
 *             FAILED   it does not start, or says so; TIMEOUT
 * source      docker/docker-credential-helpers, "Development"
 */
#pragma once

#include "oci/credentials.h"

/* A helper that knows nothing of the server: ERR_OK and all NULL. */
enum err_kind oci_credential_helper_get(
    const char *helper,
    const char *server,
    int64_t timeout_ms,
    struct oci_credential *ret,
    struct err *err) MUST_USE;
/* Keep user name and password, or the identity token. */
enum err_kind oci_credential_helper_store(
    const char *helper,
    const char *server,
    int64_t timeout_ms,
    const struct oci_credential *credential,
    struct err *err) MUST_USE;
/* NOT_FOUND: it had nothing. */
enum err_kind oci_credential_helper_erase(
    const char *helper, const char *server, int64_t timeout_ms, struct err *err) MUST_USE;
