/*
 * Signing in to registries: credentials are tried before they are kept, by the credential helper that
 * is configured for the host, else in docker's config.json, where all that is not ours stays as it is.
 * Reading them is credentials.h's.
 *
 * source: docker CLI, "docker login"; distribution "OAuth2 Token Authentication"
 */
#pragma once

#include "base/buf.h"
#include "oci/credentials.h"
#include "oci/image.h"

/* --- trying ------------------------------------------------------------------------------------------ */

struct oci_login_check {
    bool is_unchecked; /* the registry asked for nothing: the credentials could not be tried */
};
/*
 * Ask the registry with these credentials. Where its token server gives a refresh token for them, and
 * that token does, it takes the place of the password in *credential.
 *
 * fails  UNAUTHENTICATED  not taken; or the host was only reached by plain HTTP that nobody asked for
 *        DENIED           taken, but not allowed
 *        INVALID          a value holds a line break or NUL, or there is none
 *        UNSUPPORTED      what answers is no registry
 *        UNAVAILABLE, TIMEOUT
 */
enum err_kind oci_login_check(
    const struct oci_session_options *options,
    const char *host,
    struct oci_credential *credential,
    struct oci_login_check *ret,
    struct err *err) MUST_USE;

/* --- keeping ----------------------------------------------------------------------------------------- */

/* Where they are kept now. */
struct oci_login_kept {
    char *helper; /* in docker-credential-<helper>; NULL: in the file, readable by its owner */
};
void oci_login_kept_deinit(struct oci_login_kept *kept);

/*
 * Keep them. The file (a symbolic link: what it points to) is replaced as a whole, mode 0600, its
 * directory made with 0700 where it is not there; several at once wait for each other.
 * INVALID: the file is not a JSON object, and stays as it is; FAILED, TIMEOUT: the helper; IO.
 */
enum err_kind oci_login_store(
    const char *config_path,
    const char *host,
    const struct oci_credential *credential,
    struct oci_login_kept *ret,
    struct err *err) MUST_USE;
/* Forget what the helper and the file have of the host. ret_had: something was there. Kinds as above. */
enum err_kind
oci_login_erase(const char *config_path, const char *host, bool *ret_had, struct err *err) MUST_USE;

/*
 * The file's text with another entry for the host under "auths": `entry` (members of a JSON object,
 * without braces; may be empty), or none where it is {NULL, 0}. Order, spelling and blanks of all other
 * members stay; members of the entry that are no credentials stay too. A pure function of bytes.
 * ret_had: there was one.
 */
enum err_kind oci_login_edit(
    struct str config,
    const char *host,
    struct str entry,
    struct buf *ret,
    bool *ret_had,
    struct err *err) MUST_USE;
