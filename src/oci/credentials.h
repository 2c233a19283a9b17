/*
 * Who we are to a registry: docker's config.json, its credential helpers (docker-credential-NAME) and
 * podman's auth.json, which has the same form. Nothing found means anonymous. Secrets are never put
 * into errors. Only reading: what login and logout write is login.h's.
 *
 * source: docker CLI, "docker login: credential stores"; containers-auth.json(5)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define OCI_CREDENTIALS_FILE_MAX ((size_t)1 << 20)
#define OCI_DOCKER_HUB "docker.io"
/* Docker Hub's key in config.json and what its helpers are asked for. */
#define OCI_DOCKER_HUB_KEY "https://index.docker.io/v1/"

struct oci_credential {
    char *username; /* NULL, or with password */
    char *password;
    char *identity_token; /* exchanged for access tokens (OAuth2 refresh token) */
    char *registry_token; /* a bearer token, used as it is */
};
void oci_credential_deinit(struct oci_credential *c);
#define auto_oci_credential CLEANUP(oci_credential_deinit)
bool oci_credential_is_empty(const struct oci_credential *c);
/* Overwrite and release; NULL is fine. */
void oci_secret_free(char *text);
static inline void oci_secret_cleanup(char **text)
{
    oci_secret_free(*text);
}
#define auto_oci_secret CLEANUP(oci_secret_cleanup)

struct oci_credential_files {
    const char *config; /* docker's config.json; NULL: none */
    const char *const
        *auth_files;           /* NULL-terminated, or NULL: asked in order where the one before has
                                      nothing; a file that is not there has nothing */
    int64_t helper_timeout_ms; /* a helper that takes longer is ended; 0 = 30 s */
};

/*
 * Where podman keeps credentials, as a list for auth_files that oci_auth_files_free releases: the file
 * that $REGISTRY_AUTH_FILE names, alone; else containers/auth.json below $XDG_RUNTIME_DIR and below
 * $XDG_CONFIG_HOME (~/.config). Each may be NULL. source: containers-auth.json(5)
 */
struct oci_auth_places {
    const char *registry_auth_file;
    const char *xdg_runtime_dir;
    const char *xdg_config_home;
    const char *home;
};
char **oci_auth_files(const struct oci_auth_places *places);
char **oci_auth_files_free(char **files);

/*
 * Look up the credentials for `repository` ("a/b"; NULL: for the host itself) of `host` (as in a
 * reference, "docker.io" for Docker Hub). In each file: credHelpers, else credsStore, then auths, where
 * the longest of "host/a/b", "host/a" and "host" counts. Nothing found: ERR_OK and all NULL.
 *
 * fails  INVALID  a file does not parse, or a value holds a line break or NUL
 *        FAILED   a helper; TIMEOUT: it took too long
 */
enum err_kind oci_credentials_find(
    const struct oci_credential_files *files,
    const char *host,
    const char *repository,
    struct oci_credential *ret,
    struct err *err) MUST_USE;

/* What one file says, nothing looked up: a pure function of its bytes. */
struct oci_credential_source {
    char *helper; /* docker-credential-<helper> is asked first; NULL: none */
    struct oci_credential entry;
};
void oci_credential_source_deinit(struct oci_credential_source *s);
#define auto_oci_credential_source CLEANUP(oci_credential_source_deinit)
enum err_kind oci_credentials_read(
    struct str config,
    const char *host,
    const char *repository,
    struct oci_credential_source *ret,
    struct err *err) MUST_USE;

/* What a helper is asked for, and the key under which login writes: the host, or Docker Hub's URL. */
const char *oci_credential_server(const char *host);
/* Is this key of a config.json the host's own: "host", "https://host/v1/" …, in any case? */
bool oci_credential_is_host_key(struct str key, const char *host);
/* May this text be a user name, password or token: no CR, LF or NUL? (CVE-2020-5260) */
bool oci_credential_is_clean(struct str text);
