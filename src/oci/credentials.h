/*
 * Who we are to a registry: docker's config.json and its credential helpers (docker-credential-NAME).
 * Nothing found means anonymous. Secrets are never put into errors.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct oci_credential {
    char *username; /* NULL, or with password */
    char *password;
    char *identity_token; /* exchanged for access tokens (OAuth2 refresh token) */
    char *registry_token; /* a bearer token, used as it is */
};
void oci_credential_deinit(struct oci_credential *c);

/*
 * Look up `host` (as in a reference, "docker.io" for Docker Hub) in this order: credHelpers,
 * credsStore, auths. config_path NULL or not there: anonymous, ERR_OK and all NULL.
 * INVALID: the file does not parse, or a value holds a line break or NUL; FAILED: the helper.
 */
enum err_kind oci_credentials_find(
    const char *config_path,
    const char *host,
    struct oci_credential *ret,
    struct err *err) MUST_USE;

/* Ask docker-credential-`helper` for `server`. A helper that knows nothing: ERR_OK and all NULL. */
enum err_kind oci_credential_helper_get(
    const char *helper, const char *server, struct oci_credential *ret, struct err *err) MUST_USE;
/* May this text be a user name, password or token: no CR, LF or NUL? (CVE-2020-5260) */
bool oci_credential_is_clean(struct str text);
