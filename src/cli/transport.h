/*
 * What the image commands share: the flags that say how to reach a registry and where the local store
 * lies, the session made from them, and references as people write and read them.
 */
#pragma once

#include "base/err.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "oci/image.h"

struct cli;
struct cli_env;

/* First member of the options of every image command. */
struct cli_transport {
    const char *store;
    const char *registry_config;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    const char *concurrency; /* "8"; NULL: the session's own */
    bool is_plain_http;
    bool is_insecure;
    bool writes_config; /* no flag: --registry-config may name a file that is yet to be made */
};
extern const struct cli_option cli_transport_options[]; /* all of them */
extern const struct cli_option cli_store_options[];     /* of commands that ask no registry */

struct oci_trust;
/* A session and the progress that it reports to; stays where it is while it is open. */
struct cli_images {
    struct cli_progress progress;
    struct oci_session *session;
    struct oci_trust *trust; /* cli_images_open_trusted; NULL: none */
};
/* USAGE for flags that do not go together, NOT_FOUND for a --registry-config that is not there, IO
 * when no place for the store is known. */
enum err_kind cli_images_open(
    struct cli *c,
    const struct cli_transport *transport,
    struct cli_images *ret,
    struct err *err) MUST_USE;
/* The same, for what is pulled under a trust policy: see cli_trust_open. */
enum err_kind cli_images_open_trusted(
    struct cli *c,
    const struct cli_transport *transport,
    const char *policy,
    struct cli_images *ret,
    struct err *err) MUST_USE;
void cli_images_close(struct cli_images *images);
#define auto_images CLEANUP(cli_images_close)

/*
 * The options by which a registry is reached and who we are there, without store and progress: for
 * commands that ask a registry and no image. ret borrows from `transport` and from *files.
 */
struct cli_login_files {
    char *config;
    char **auth_files;
};
void cli_login_files_deinit(struct cli_login_files *files);
#define auto_login_files CLEANUP(cli_login_files_deinit)
enum err_kind cli_session_options(
    struct cli *c,
    const struct cli_transport *transport,
    struct cli_login_files *files,
    struct oci_session_options *ret,
    struct err *err) MUST_USE;
extern const struct cli_option cli_registry_options[]; /* all transport flags but --store */

/* Where credentials are read: the file that --registry-config names (NOT_FOUND: it is not there), or
 * docker's, and podman's behind it (release with oci_auth_files_free); NULL where there is none. */
enum err_kind cli_credential_files(
    const struct cli_env *env,
    const char *named,
    char **ret_path,
    char ***ret_auth_files,
    struct err *err) MUST_USE;

/* "REF@sha256:…": the reference with what it turned out to mean. Caller frees. */
char *cli_ref_pinned(const struct oci_ref *ref, const char *digest);
/* Print them, a line each, or as a document {"reference","digest"}, of several with all "references". */
enum err_kind cli_print_pinned(
    struct cli *c,
    const struct oci_ref *refs,
    size_t count,
    const char *digest,
    struct err *err) MUST_USE;
/* USAGE for --remote with a reference that names no registry. */
enum err_kind cli_check_remote(const struct oci_ref *ref, bool is_remote, struct err *err) MUST_USE;
/* The way out of a failed request to where `ref` points, where we know one. */
void cli_hint_registry(
    struct cli *c,
    const struct cli_transport *transport,
    const struct oci_ref *ref,
    enum err_kind kind);
/* The same where an image was to be found in the local store. */
void cli_hint_store(struct cli *c, const struct oci_ref *ref, enum err_kind kind);
