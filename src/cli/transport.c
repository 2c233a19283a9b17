#include "cli/transport.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/signing.h"
#include "oci/auth.h"
#include "oci/credentials.h"
#include "json/json.h"

#define TRANSPORT(member) offsetof(struct cli_transport, member)
#define STORE_OPTION                                                                               \
    {                                                                                              \
        "store", 0, CLI_OPTION_TEXT, "DIR", "the local store of images", TRANSPORT(store)          \
    }

#define REGISTRY_OPTIONS                                                                             \
    {"registry-config",                                                                              \
     0,                                                                                              \
     CLI_OPTION_TEXT,                                                                                \
     "FILE",                                                                                         \
     "credentials: another docker config.json",                                                      \
     TRANSPORT(registry_config)},                                                                    \
        {"plain-http",                                                                               \
         0,                                                                                          \
         CLI_OPTION_FLAG,                                                                            \
         NULL,                                                                                       \
         "speak HTTP without TLS",                                                                   \
         TRANSPORT(is_plain_http)},                                                                  \
        {"ca-file",                                                                                  \
         0,                                                                                          \
         CLI_OPTION_TEXT,                                                                            \
         "FILE",                                                                                     \
         "trust these certificates (PEM), not the system's",                                         \
         TRANSPORT(ca_file)},                                                                        \
        {"cert-file", 0, CLI_OPTION_TEXT, "FILE", "client certificate (PEM)", TRANSPORT(cert_file)}, \
        {"key-file", 0, CLI_OPTION_TEXT, "FILE", "its private key (PEM)", TRANSPORT(key_file)},      \
    {                                                                                                \
        "insecure-skip-tls-verify", 0, CLI_OPTION_FLAG, NULL, "accept any certificate",              \
            TRANSPORT(is_insecure)                                                                   \
    }

const struct cli_option cli_transport_options[] = {
    STORE_OPTION,
    {"concurrency", 0, CLI_OPTION_TEXT, "N", "blobs at once: 1 to 64, otherwise 6",
     TRANSPORT(concurrency)},
    REGISTRY_OPTIONS,
    {0},
};

const struct cli_option cli_registry_options[] = {
    REGISTRY_OPTIONS,
    {0},
};

const struct cli_option cli_store_options[] = {
    STORE_OPTION,
    {0},
};

/* Where the store lies without --store: XDG Base Directory Specification. */
static enum err_kind
store_dir(const struct cli_env *env, const char *named, char **ret_dir, struct err *err)
{
    if (named != NULL) {
        *ret_dir = mem_strdup(named);
        return ERR_OK;
    }
    if (env->xdg_data_home != NULL) {
        if (env->xdg_data_home[0] != '/')
            return err_set(
                err, ERR_IO, "the path in XDG_DATA_HOME is relative: '%s'", env->xdg_data_home);
        *ret_dir = fs_join(env->xdg_data_home, "cup/store");
        return ERR_OK;
    }
    if (env->home == NULL)
        return err_set(
            err, ERR_IO,
            "no place for the local store: neither XDG_DATA_HOME nor HOME is set, and "
            "no --store is given");
    *ret_dir = fs_join(env->home, ".local/share/cup/store");
    return ERR_OK;
}

/* A named file alone; else docker's own place, and podman's behind it. */
enum err_kind cli_credential_files(
    const struct cli_env *env,
    const char *named,
    char **ret_path,
    char ***ret_auth_files,
    struct err *err)
{
    const struct oci_auth_places podman = {
        .registry_auth_file = env->registry_auth_file,
        .xdg_runtime_dir = env->xdg_runtime_dir,
        .xdg_config_home = env->xdg_config_home,
        .home = env->home};
    *ret_path = NULL;
    *ret_auth_files = NULL;
    if (named != NULL && !fs_exists(named))
        return err_set(err, ERR_NOT_FOUND, "no registry configuration file '%s'", named);
    if (named != NULL)
        *ret_path = mem_strdup(named);
    else if (env->docker_config != NULL)
        *ret_path = fs_join(env->docker_config, "config.json");
    else if (env->home != NULL)
        *ret_path = fs_join(env->home, ".docker/config.json");
    if (named == NULL)
        *ret_auth_files = oci_auth_files(&podman);
    return ERR_OK;
}

static enum err_kind check_file(const char *path, const char *flag, struct err *err)
{
    if (path == NULL || fs_exists(path))
        return ERR_OK;
    return err_set(err, ERR_NOT_FOUND, "no file '%s' (--%s)", path, flag);
}

static enum err_kind check_flags(const struct cli_transport *t, struct err *err)
{
    if ((t->cert_file == NULL) != (t->key_file == NULL))
        return err_set(err, ERR_USAGE, "'--cert-file' and '--key-file' go together");
    if (t->is_insecure && t->ca_file != NULL)
        return err_set(
            err, ERR_USAGE,
            "'--insecure-skip-tls-verify' accepts any certificate: '--ca-file' would not count");
    enum err_kind r = check_file(t->ca_file, "ca-file", err);
    if (r == ERR_OK)
        r = check_file(t->cert_file, "cert-file", err);
    return r == ERR_OK ? check_file(t->key_file, "key-file", err) : r;
}

void cli_login_files_deinit(struct cli_login_files *files)
{
    free(files->config);
    oci_auth_files_free(files->auth_files);
    *files = (struct cli_login_files){0};
}

static enum err_kind read_concurrency(const char *text, unsigned *ret, struct err *err)
{
    uint64_t n = 0;
    if (text != NULL && (!str_to_u64(str_from(text), &n) || n < 1 || n > 64))
        return err_set(err, ERR_USAGE, "'--concurrency %s' is not a number from 1 to 64", text);
    *ret = (unsigned)n;
    return ERR_OK;
}

enum err_kind cli_session_options(
    struct cli *c,
    const struct cli_transport *t,
    struct cli_login_files *files,
    struct oci_session_options *ret,
    struct err *err)
{
    bool is_to_be_made = t->writes_config && t->registry_config != NULL;
    enum err_kind r = check_flags(t, err);
    if (r == ERR_OK && is_to_be_made)
        files->config = mem_strdup(t->registry_config);
    else if (r == ERR_OK)
        r = cli_credential_files(
            c->env, t->registry_config, &files->config, &files->auth_files, err);
    if (r != ERR_OK)
        return r;
    *ret = (struct oci_session_options){
        .registry_config = files->config,
        .auth_files = (const char *const *)files->auth_files,
        .ca_file = t->ca_file,
        .cert_file = t->cert_file,
        .key_file = t->key_file,
        .proxies = &c->env->proxies,
        .is_insecure = t->is_insecure,
        .is_plain_http = t->is_plain_http,
        .stall_timeout_ms = c->timeout_ms,
    };
    if (c->io.owns_process) {
        cli_interrupt_catch();
        ret->is_cancelled = cli_interrupt_is_set;
    }
    return ERR_OK;
}

enum err_kind cli_images_open(
    struct cli *c, const struct cli_transport *t, struct cli_images *ret, struct err *err)
{
    autofree char *store = NULL;
    auto_login_files struct cli_login_files files = {0};
    struct oci_session_options options;
    enum err_kind r = cli_session_options(c, t, &files, &options, err);
    if (r == ERR_OK)
        r = read_concurrency(t->concurrency, &options.concurrency, err);
    if (r == ERR_OK)
        r = store_dir(c->env, t->store, &store, err);
    if (r != ERR_OK)
        return r;
    cli_progress_init(&ret->progress, c);
    options.store_dir = store;
    options.progress = cli_progress_step;
    options.progress_data = &ret->progress;
    options.note = cli_progress_note;
    options.note_data = &ret->progress;
    options.trust = ret->trust;
    r = oci_session_new(&options, &ret->session, err);
    if (r != ERR_OK)
        cli_progress_deinit(&ret->progress);
    return r;
}

enum err_kind cli_images_open_trusted(
    struct cli *c,
    const struct cli_transport *t,
    const char *policy,
    struct cli_images *ret,
    struct err *err)
{
    enum err_kind r = cli_trust_open(c, policy, &ret->trust, err);
    return r == ERR_OK ? cli_images_open(c, t, ret, err) : r;
}

void cli_images_close(struct cli_images *images)
{
    images->trust = oci_trust_free(images->trust);
    images->session = oci_session_free(images->session);
    cli_progress_deinit(&images->progress);
}

char *cli_ref_pinned(const struct oci_ref *ref, const char *digest)
{
    struct oci_ref pinned = *ref;
    snprintf(pinned.digest, sizeof(pinned.digest), "%s", digest);
    /* a name with a tag, or with nothing but what it means: "latest" stays to be seen */
    if (pinned.tag[0] == '\0' && ref->digest[0] == '\0')
        snprintf(pinned.tag, sizeof(pinned.tag), "latest");
    return oci_ref_format(&pinned);
}

static void
write_references(struct buf *to, const struct oci_ref *refs, size_t count, const char *digest)
{
    for (size_t i = 0; i < count; i++) {
        autofree char *pinned = cli_ref_pinned(&refs[i], digest);
        buf_text(to, i > 0 ? "," : "");
        json_text_string(to, str_from(pinned));
    }
}

enum err_kind cli_print_pinned(
    struct cli *c, const struct oci_ref *refs, size_t count, const char *digest, struct err *err)
{
    for (size_t i = 0; i < count && !cli_output_is_document(c); i++) {
        autofree char *pinned = cli_ref_pinned(&refs[i], digest);
        cli_print_line(c, str_from(pinned));
    }
    if (!cli_output_is_document(c))
        return ERR_OK;
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    write_references(&text, refs, 1, digest);
    buf_printf(&text, ",\"digest\":\"%s\"", digest);
    if (count > 1) {
        buf_text(&text, ",\"references\":[");
        write_references(&text, refs, count, digest);
        buf_char(&text, ']');
    }
    buf_char(&text, '}');
    return cli_print_document(c, buf_view(&text), err);
}

void cli_hint_registry(
    struct cli *c, const struct cli_transport *t, const struct oci_ref *ref, enum err_kind kind)
{
    if (ref->kind != OCI_REF_REGISTRY)
        return;
    if (kind == ERR_UNAUTHENTICATED || kind == ERR_DENIED)
        cli_hint(
            c,
            "sign in with 'cup login %s': credentials are read from docker's config.json; "
            "--registry-config FILE names another%s",
            ref->host,
            oci_host_is_loopback(ref->host) && !t->is_plain_http
                ? "; a registry without TLS gets them with --plain-http only, at 'login' and here"
                : "");
    else if (kind == ERR_UNAVAILABLE && !t->is_plain_http)
        cli_hint(
            c,
            "is a registry running at '%s'? --plain-http if it speaks HTTP without TLS, --ca-file "
            "FILE if its certificate is of an authority of its own",
            ref->host);
    else if (kind == ERR_UNAVAILABLE)
        cli_hint(c, "is a registry running at '%s'?", ref->host);
}

void cli_hint_store(struct cli *c, const struct oci_ref *ref, enum err_kind kind)
{
    if (ref->kind != OCI_REF_LAYOUT && kind == ERR_NOT_FOUND)
        cli_hint(
            c,
            "'cup image list' shows the local store; 'cup pull' brings a registry's image there");
}

enum err_kind cli_check_remote(const struct oci_ref *ref, bool is_remote, struct err *err)
{
    if (!is_remote || ref->kind == OCI_REF_REGISTRY)
        return ERR_OK;
    return err_set(
        err, ERR_USAGE, "'--remote' means a registry, and '%s' names none",
        ref->kind == OCI_REF_LAYOUT ? ref->path : ref->repository);
}
