#include "api/cupd.h"
#include "api/cupd_env.h"
#include "api/flags.h"
#include "api/request_log.h"
#include "api/routes.h"
#include "api/status.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/units.h"
#include "core/core.h"
#include "http/proxy.h"
#include "oci/credentials.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const size_t TOKEN_FILE_MAX = 4096;

/* What the flags mean; owns what it points to. */
struct settings {
    struct core_options core;
    char **images;
    char **plain_http;
    char **cors;
    char *store;
    char *data;
    char *registry_config;
    char *scm_token; /* of the file */
    char **auth_files;
    struct http_proxies proxies; /* of the environment */
    uint64_t body_max;
    int64_t drain_ms;
};

static void settings_deinit(struct settings *s)
{
    flags_list_free(s->images);
    flags_list_free(s->plain_http);
    flags_list_free(s->cors);
    free(s->store);
    free(s->data);
    free(s->registry_config);
    free(s->scm_token);
    oci_auth_files_free(s->auth_files);
}

static void note(void *data, enum log_level level, const char *what, struct str value)
{
    (void)data;
    log_line(level, what, LOG_FIELD_STR("value", value));
}

/* --- settings ----------------------------------------------------------------------------------------- */

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

/* From a file, so that it stands in no argument; blanks around it are an editor's. */
static enum err_kind read_scm_token(const struct flags *f, struct settings *s, struct err *err)
{
    const char *path = flags_get(f, FLAG_GIT_SCM_TOKEN_FILE);
    autobuf struct buf text = {0};
    s->core.git_scm_token = flags_get(f, FLAG_GIT_SCM_TOKEN);
    if (path[0] == '\0')
        return ERR_OK;
    if (flags_is_given(f, FLAG_GIT_SCM_TOKEN))
        return err_set(
            err, ERR_USAGE, "-api-git-scm-token and -api-git-scm-token-file exclude each other");
    enum err_kind r = fs_read_file(path, TOKEN_FILE_MAX, &text, err);
    if (r != ERR_OK)
        return err_wrap(err, "-api-git-scm-token-file");
    s->scm_token = mem_strdup_str(str_trim(buf_view(&text)));
    s->core.git_scm_token = s->scm_token;
    if (s->scm_token[0] == '\0')
        return err_set(err, ERR_INVALID, "-api-git-scm-token-file: '%s' holds no token", path);
    return ERR_OK;
}

static enum err_kind read_source(const struct flags *f, struct core_options *core, struct err *err)
{
    const char *source = flags_get(f, FLAG_SOURCE);
    core->source = strcmp(source, "git") == 0 ? CORE_SOURCE_GIT : CORE_SOURCE_LOCAL;
    if (core->source == CORE_SOURCE_LOCAL && strcmp(source, "local") != 0)
        return err_set(err, ERR_USAGE, "-api-source '%s' is not local or git", source);
    core->local_path = flags_get(f, FLAG_LOCAL_PATH);
    core->git_repo = flags_get(f, FLAG_GIT_REPO);
    core->git_branch = flags_get(f, FLAG_GIT_BRANCH);
    core->git_scm = flags_is_given(f, FLAG_GIT_SCM) ? flags_get(f, FLAG_GIT_SCM) : NULL;
    core->git_scm_url = flags_get(f, FLAG_GIT_SCM_URL);
    return parse_duration(f, FLAG_GIT_POLL, &core->git_poll_ms, err);
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

static enum err_kind read_settings(const struct flags *f, struct settings *s, struct err *err)
{
    size_t image_count = 0;
    s->images = flags_list(f, FLAG_IMAGE, &image_count);
    s->plain_http = flags_list(f, FLAG_PLAIN_HTTP, NULL);
    s->cors = flags_list(f, FLAG_CORS_ORIGIN, NULL);
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
        .trust_policy =
            flags_is_given(f, FLAG_TRUST_POLICY) ? flags_get(f, FLAG_TRUST_POLICY) : NULL,
        .note = note,
    };
    enum err_kind r = refuse_tailscale(f, err);
    if (r == ERR_OK)
        r = read_source(f, &s->core, err);
    if (r == ERR_OK)
        r = read_scm_token(f, s, err);
    if (r == ERR_OK && units_parse_size(str_from(flags_get(f, FLAG_MAX_BODY)), &s->body_max, err))
        r = err_wrap(err, "-%s", flags_name(FLAG_MAX_BODY));
    uint64_t cache_bytes = 0;
    if (r == ERR_OK && units_parse_size(str_from(flags_get(f, FLAG_CACHE_SIZE)), &cache_bytes, err))
        r = err_wrap(err, "-%s", flags_name(FLAG_CACHE_SIZE));
    s->core.cache_bytes = cache_bytes;
    if (r == ERR_OK)
        r = read_switch(f, FLAG_REQUIRE_SIGNATURES, &s->core.requires_signatures, err);
    return r == ERR_OK ? parse_duration(f, FLAG_DRAIN, &s->drain_ms, err) : r;
}

static enum err_kind set_up_log(const struct flags *f, struct err *err)
{
    enum log_level level;
    const char *format = flags_get(f, FLAG_LOG_FORMAT);
    if (!log_level_parse(str_from(flags_get(f, FLAG_LOG_LEVEL)), &level))
        return err_set(
            err, ERR_USAGE, "-log-level '%s' is not debug, info, warn or error",
            flags_get(f, FLAG_LOG_LEVEL));
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return err_set(err, ERR_USAGE, "-log-format '%s' is not text or json", format);
    log_setup(
        STDOUT_FILENO, strcmp(format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, level);
    return ERR_OK;
}

/* --- serving ------------------------------------------------------------------------------------------ */

/* Without authentication whoever reaches the port may change the repository. */
static enum err_kind check_exposure(const struct flags *f, struct err *err)
{
    bool is_loopback = false;
    const char *address = flags_get(f, FLAG_ADDRESS);
    enum err_kind r = http_address_is_loopback(address, &is_loopback, err);
    if (r != ERR_OK || is_loopback || strcmp(flags_get(f, FLAG_INSECURE), "true") == 0)
        return r;
    return err_set(
        err, ERR_USAGE,
        "address '%s' is reached from other machines, and there is no authentication: listen on "
        "127.0.0.1, or say that you mean it with -api-insecure",
        address);
}

static void log_kind(const struct core_kind *k, void *data)
{
    (void)data;
    autofree char *prefix =
        mem_printf("/apis/%s/%s/namespaces/{ns}/%s", k->group, k->version, k->plural);
    log_line(LOG_DEBUG, "Registering routes", LOG_FIELD("prefix", prefix));
}

/* Taken by sigwait alone: blocked before any thread starts. */
static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static enum err_kind start_server(
    const struct flags *f,
    const struct settings *s,
    struct core *core,
    struct http_server **ret,
    struct err *err)
{
    struct http_server_options options = {
        .address = flags_get(f, FLAG_ADDRESS),
        .routes = api_routes,
        .route_count = api_route_count,
        .context = core,
        .body_max = s->body_max,
        .cors_origins = (const char *const *)s->cors,
        .write_error = status_write_http,
        .log_start = request_log_start,
        .log_request = request_log_end,
    };
    return http_server_start(&options, ret, err);
}

static enum err_kind serve(const struct flags *f, struct settings *s, struct err *err)
{
    struct core *core = NULL;
    struct http_server *server = NULL;
    int got = 0;
    sigset_t signals = block_signals();
    enum err_kind r = check_exposure(f, err);
    if (r == ERR_OK)
        r = core_new(&s->core, &core, err);
    if (r == ERR_OK) {
        core_kinds(core, log_kind, NULL);
        r = start_server(f, s, core, &server, err);
    }
    if (r == ERR_OK) {
        const char *address = http_server_address(server);
        autofree char *url = mem_printf("http://%s", address);
        r = core_set_self_url(core, url, err);
        if (r == ERR_OK) {
            log_line(LOG_INFO, "Listening...", LOG_FIELD("address", address));
            sigwait(&signals, &got);
            log_line(LOG_INFO, "Stopping...", LOG_FIELD("signal", got == SIGINT ? "INT" : "TERM"));
        }
        http_server_stop(server, s->drain_ms);
    }
    core_free(core);
    return r;
}

static enum err_kind check_all(struct settings *s, struct err *err)
{
    struct core *core = NULL;
    enum err_kind r = core_new(&s->core, &core, err);
    if (r == ERR_OK) {
        core_kinds(core, log_kind, NULL);
        log_line(LOG_INFO, "Everything loads", LOG_FIELD("result", "ok"));
    }
    core_free(core);
    return r;
}

static enum err_kind run_command(const struct flags *f, struct err *err)
{
    struct settings s = {0};
    bool is_serve = f->command != NULL && str_eq_nocase(str_from(f->command), STR("serve"));
    bool is_check = f->command != NULL && str_eq_nocase(str_from(f->command), STR("check"));
    if (!is_serve && !is_check)
        return err_set(
            err, ERR_USAGE, "%s: the commands are serve and check (cupd -h lists the flags)",
            f->command == NULL ? "no command" : "unknown command");
    enum err_kind r = set_up_log(f, err);
    if (r == ERR_OK)
        r = read_settings(f, &s, err);
    if (r == ERR_OK)
        r = is_serve ? serve(f, &s, err) : check_all(&s, err);
    settings_deinit(&s);
    return r;
}

int cupd_main(int argc, char **argv)
{
    struct flags f;
    struct err err = {0};
    enum err_kind r = flags_read(argc, argv, &f, &err);
    if (r == ERR_OK && f.wants_help) {
        autobuf struct buf help = {0};
        flags_write_help(&help);
        fputs(buf_view(&help).p, stderr);
    } else if (r == ERR_OK) {
        r = run_command(&f, &err);
    }
    flags_deinit(&f);
    if (r == ERR_OK)
        return 0;
    log_line(LOG_ERROR, "Exiting...", LOG_FIELD("error", err.text));
    return 1;
}
