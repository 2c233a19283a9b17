#include "api/cupd.h"
#include "api/request_log.h"
#include "api/routes.h"
#include "api/settings.h"
#include "api/status.h"
#include "api/stop.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <unistd.h>

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

static void log_stop(int signal)
{
    log_line(LOG_INFO, "Stopping...", LOG_FIELD("signal", signal == SIGINT ? "INT" : "TERM"));
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
        .judge = api_judge,
        .write_error = status_write_http,
        .log_start = request_log_start,
        .log_request = request_log_end,
    };
    return http_server_start(&options, ret, err);
}

static enum err_kind serve_until_stopped(
    const struct flags *f,
    struct settings *s,
    struct core *core,
    struct stop *stop,
    struct err *err)
{
    struct http_server *server = NULL;
    core_kinds(core, log_kind, NULL);
    enum err_kind r = start_server(f, s, core, &server, err);
    if (r != ERR_OK)
        return r;
    const char *address = http_server_address(server);
    autofree char *url = mem_printf("http://%s", address);
    r = core_set_self_url(core, url, err);
    if (r == ERR_OK) {
        log_line(LOG_INFO, "Listening...", LOG_FIELD("address", address));
        log_stop(stop_wait(stop));
    }
    http_server_stop(server, s->drain_ms);
    return r;
}

static enum err_kind serve(const struct flags *f, struct settings *s, struct err *err)
{
    struct core *core = NULL;
    struct stop stop;
    enum err_kind r = check_exposure(f, err);
    if (r == ERR_OK)
        r = stop_begin(&stop, err);
    if (r != ERR_OK)
        return r;
    s->core.cancel = &stop.is_asked;
    r = core_new(&s->core, &core, err);
    if (r == ERR_OK) {
        r = serve_until_stopped(f, s, core, &stop, err);
    } else if (r == ERR_CANCELLED && atomic_load(&stop.is_asked)) {
        log_stop(stop_wait(&stop));
        r = ERR_OK;
    }
    core_free(core);
    stop_end(&stop);
    return r;
}

static enum err_kind check_all(struct settings *s, struct err *err)
{
    struct core *core = NULL;
    s->core.must_reach = true;
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
        r = settings_read(f, &s, err);
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
