#include "api/settings.h"

#include "api/cupd_env.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/units.h"
#include "oci/credentials.h"

#include <string.h>

static const size_t SECRET_MAX = 4096;

static void note(void *data, enum log_level level, const char *what, struct str value)
{
    (void)data;
    log_line(level, what, LOG_FIELD_STR("value", value));
}

/* `given`, or below the XDG directory, or below HOME; NULL where none of them is there. */
static char *place(const char *given, const char *xdg, const char *below_home, const char *name)
{
    const char *base = cupd_env(xdg);
    const char *home = cupd_env("HOME");
    if (given[0] != '\0')
        return mem_strdup(given);
    if (base != NULL)
        return mem_printf("%s/%s", base, name);
    return home == NULL ? NULL : mem_printf("%s/%s/%s", home, below_home, name);
}

/* Where docker keeps it; NULL where it is not. */
static char *usual_registry_config(void)
{
    const char *dir = cupd_env("DOCKER_CONFIG");
    const char *home = cupd_env("HOME");
    char *path = dir != NULL ? mem_printf("%s/config.json", dir)
        : home != NULL       ? mem_printf("%s/.docker/config.json", home)
                             : NULL;
    if (path != NULL && fs_exists(path))
        return path;
    free(path);
    return NULL;
}

/* A named file counts alone; else podman's stand behind docker's. */
static void read_credential_files(const struct flags *f, struct settings *s)
{
    const struct oci_auth_places podman = {
        .registry_auth_file = cupd_env("REGISTRY_AUTH_FILE"),
        .xdg_runtime_dir = cupd_env("XDG_RUNTIME_DIR"),
        .xdg_config_home = cupd_env("XDG_CONFIG_HOME"),
        .home = cupd_env("HOME")};
    if (flags_is_given(f, FLAG_REGISTRY_CONFIG)) {
        s->registry_config = mem_strdup(flags_get(f, FLAG_REGISTRY_CONFIG));
        return;
    }
    s->registry_config = usual_registry_config();
    s->auth_files = oci_auth_files(&podman);
}

/* NULL where nobody gave it. */
static const char *given(const struct flags *f, enum flag flag)
{
    return flags_is_given(f, flag) ? flags_get(f, flag) : NULL;
}

static enum err_kind
parse_duration(const struct flags *f, enum flag flag, int64_t *ret_ms, struct err *err)
{
    enum err_kind r = units_parse_duration(str_from(flags_get(f, flag)), ret_ms, err);
    return r == ERR_OK ? r : err_wrap(err, "-%s", flags_name(flag));
}

static enum err_kind refuse_tailscale(const struct flags *f, struct err *err)
{
    for (int flag = FLAG_TAILSCALE_HOSTNAME; flag <= FLAG_TAILSCALE_EPHEMERAL; flag++) {
        if (flags_is_given(f, (enum flag)flag) &&
            strcmp(flags_get(f, (enum flag)flag), "false") != 0)
            return err_set(
                err, ERR_UNSUPPORTED,
                "-%s: this cupd does not join a tailnet by itself; run tailscaled beside it",
                flags_name((enum flag)flag));
    }
    return ERR_OK;
}

/* --- secrets ------------------------------------------------------------------------------------------ */

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* Blanks around it are an editor's. */
static enum err_kind read_secret_file(enum flag flag, const char *path, char **ret, struct err *err)
{
    autobuf struct buf text = {0};
    enum err_kind r = fs_read_file(path, SECRET_MAX, &text, err);
    if (r != ERR_OK)
        return err_wrap(err, "-%s", flags_name(flag));
    struct str secret = str_trim(buf_view(&text));
    if (secret.n == 0 || memchr(secret.p, '\0', secret.n) != NULL)
        return err_set(err, ERR_INVALID, "-%s: '%s' holds no secret", flags_name(flag), path);
    *ret = mem_strdup_str(secret);
    return ERR_OK;
}

/* From the file that the flag names or from that variable, which is no flag: other users of the machine
 * see the arguments of a program. NULL where it is in neither. */
static enum err_kind read_secret(
    const struct flags *f, enum flag file, const char *variable, char **ret, struct err *err)
{
    const char *value = cupd_env(variable);
    if (!flags_is_given(f, file)) {
        *ret = mem_strdup(value);
        return ERR_OK;
    }
    if (value != NULL)
        return err_set(err, ERR_USAGE, "-%s and %s exclude each other", flags_name(file), variable);
    return read_secret_file(file, flags_get(f, file), ret, err);
}

static enum err_kind read_scm_token(const struct flags *f, struct settings *s, struct err *err)
{
    s->core.git_scm_token = given(f, FLAG_GIT_SCM_TOKEN);
    if (!flags_is_given(f, FLAG_GIT_SCM_TOKEN_FILE))
        return ERR_OK;
    if (flags_is_given(f, FLAG_GIT_SCM_TOKEN))
        return err_set(
            err, ERR_USAGE, "-api-git-scm-token and -api-git-scm-token-file exclude each other");
    enum err_kind r = read_secret_file(
        FLAG_GIT_SCM_TOKEN_FILE, flags_get(f, FLAG_GIT_SCM_TOKEN_FILE), &s->scm_token, err);
    s->core.git_scm_token = s->scm_token;
    return r;
}

static enum err_kind read_secrets(const struct flags *f, struct settings *s, struct err *err)
{
    enum err_kind r = read_scm_token(f, s, err);
    if (r == ERR_OK)
        r = read_secret(f, FLAG_GIT_PASSWORD_FILE, "CUPD_API_GIT_PASSWORD", &s->git_password, err);
    if (r == ERR_OK)
        r = read_secret(
            f, FLAG_GIT_WEBHOOK_SECRET_FILE, "CUPD_API_GIT_WEBHOOK_SECRET", &s->webhook_secret,
            err);
    s->core.git_password = s->git_password;
    s->core.webhook_secret = s->webhook_secret;
    return r;
}

/* --- the source --------------------------------------------------------------------------------------- */

static enum err_kind read_git(const struct flags *f, struct core_options *core, struct err *err)
{
    core->git_repo = flags_get(f, FLAG_GIT_REPO);
    core->git_branch = flags_get(f, FLAG_GIT_BRANCH);
    core->git_author = flags_get(f, FLAG_GIT_AUTHOR);
    core->git_signing_key =
        flags_is_given(f, FLAG_GIT_SIGNING_KEY) ? flags_get(f, FLAG_GIT_SIGNING_KEY) : NULL;
    core->git_username = given(f, FLAG_GIT_USERNAME);
    core->git_ssh_key = given(f, FLAG_GIT_SSH_KEY);
    core->git_ssh_known_hosts = given(f, FLAG_GIT_SSH_KNOWN_HOSTS);
    core->git_ca_file = given(f, FLAG_GIT_CA_FILE);
    core->git_scm = given(f, FLAG_GIT_SCM);
    core->git_scm_url = given(f, FLAG_GIT_SCM_URL);
    enum err_kind r = ERR_OK;
    if (flags_is_given(f, FLAG_GIT_POLL))
        r = parse_duration(f, FLAG_GIT_POLL, &core->git_poll_ms, err);
    if (r == ERR_OK)
        r = parse_duration(f, FLAG_GIT_TIMEOUT, &core->git_timeout_ms, err);
    return r;
}

static enum err_kind read_source(const struct flags *f, struct core_options *core, struct err *err)
{
    const char *source = flags_get(f, FLAG_SOURCE);
    core->source = strcmp(source, "git") == 0 ? CORE_SOURCE_GIT : CORE_SOURCE_LOCAL;
    if (core->source == CORE_SOURCE_LOCAL && strcmp(source, "local") != 0)
        return err_set(err, ERR_USAGE, "-api-source '%s' is not local or git", source);
    core->local_path = flags_get(f, FLAG_LOCAL_PATH);
    return core->source == CORE_SOURCE_GIT ? read_git(f, core, err) : ERR_OK;
}

/* A word that is neither would read as "not wanted". */
static enum err_kind read_switch(const struct flags *f, enum flag flag, bool *ret, struct err *err)
{
    const char *text = flags_get(f, flag);
    *ret = strcmp(text, "true") == 0;
    if (*ret || strcmp(text, "false") == 0)
        return ERR_OK;
    return err_set(err, ERR_USAGE, "-%s '%s' is not true or false", flags_name(flag), text);
}

/* --- all together ------------------------------------------------------------------------------------- */

enum err_kind settings_read(const struct flags *f, struct settings *s, struct err *err)
{
    size_t image_count = 0;
    s->images = flags_list(f, FLAG_IMAGE, &image_count);
    s->plain_http = flags_list(f, FLAG_PLAIN_HTTP, NULL);
    s->cors = flags_list(f, FLAG_CORS_ORIGIN, NULL);
    s->labels = flags_list(f, FLAG_PROPOSAL_LABELS, NULL);
    s->store = place(flags_get(f, FLAG_STORE), "XDG_DATA_HOME", ".local/share", "cup/store");
    s->data = place(flags_get(f, FLAG_DATA), "XDG_CACHE_HOME", ".cache", "cup/cupd");
    read_credential_files(f, s);
    http_proxies_read(&s->proxies, cupd_env);
    bool reads_resources = image_count == 0 || flags_is_given(f, FLAG_RESOURCES);
    s->core = (struct core_options){
        .resources_dir = reads_resources ? flags_get(f, FLAG_RESOURCES) : NULL,
        .images = (const char *const *)s->images,
        .image_count = image_count,
        .store_dir = s->store,
        .data_dir = s->data,
        .proxies = &s->proxies,
        .registry_config = s->registry_config,
        .auth_files = (const char *const *)s->auth_files,
        .plain_http_hosts = (const char *const *)s->plain_http,
        .compiler = "/proc/self/exe",
        .trust_policy = given(f, FLAG_TRUST_POLICY),
        .proposal_title = given(f, FLAG_PROPOSAL_TITLE),
        .proposal_body = given(f, FLAG_PROPOSAL_BODY),
        .proposal_labels = (const char *const *)s->labels,
        .note = note,
    };
    enum err_kind r = refuse_tailscale(f, err);
    if (r == ERR_OK)
        r = read_source(f, &s->core, err);
    if (r == ERR_OK)
        r = read_secrets(f, s, err);
    if (r == ERR_OK && units_parse_size(str_from(flags_get(f, FLAG_MAX_BODY)), &s->body_max, err))
        r = err_wrap(err, "-%s", flags_name(FLAG_MAX_BODY));
    uint64_t cache_bytes = 0;
    if (r == ERR_OK && units_parse_size(str_from(flags_get(f, FLAG_CACHE_SIZE)), &cache_bytes, err))
        r = err_wrap(err, "-%s", flags_name(FLAG_CACHE_SIZE));
    s->core.cache_bytes = cache_bytes;
    if (r == ERR_OK)
        r = read_switch(f, FLAG_REQUIRE_SIGNATURES, &s->core.requires_signatures, err);
    if (r == ERR_OK)
        r = read_switch(f, FLAG_PROPOSAL_DRAFT, &s->core.proposes_drafts, err);
    return r == ERR_OK ? parse_duration(f, FLAG_DRAIN, &s->drain_ms, err) : r;
}

void settings_deinit(struct settings *s)
{
    flags_list_free(s->images);
    flags_list_free(s->plain_http);
    flags_list_free(s->cors);
    flags_list_free(s->labels);
    free(s->store);
    free(s->data);
    free(s->registry_config);
    free_secret(s->git_password);
    free_secret(s->scm_token);
    free_secret(s->webhook_secret);
    oci_auth_files_free(s->auth_files);
}
