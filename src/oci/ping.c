#include "oci/ping.h"
#include "base/mem.h"
#include "http/url.h"
#include "oci/auth.h"
#include "oci/credentials.h"
#include "oci/digest.h"
#include "oci/probe.h"

#include <stdarg.h>
#include <stdio.h>

/* One walk. */
struct walk {
    const struct oci_session_options *options;
    const char *host;
    const char *repository;
    struct oci_probe probe;
    struct oci_transport *transport;
    struct oci_ping *result;
};

const char *oci_ping_step_name(enum oci_ping_step step)
{
    static const char *const NAMES[OCI_PING_STEPS] = {
        [OCI_PING_NAME] = "name", [OCI_PING_CONNECT] = "connect",     [OCI_PING_TLS] = "tls",
        [OCI_PING_API] = "/v2/",  [OCI_PING_CHALLENGE] = "challenge", [OCI_PING_TOKEN] = "token",
        [OCI_PING_PULL] = "pull", [OCI_PING_PUSH] = "push",
    };
    return NAMES[step];
}

PRINTF_LIKE(3, 4)
static void passed(struct walk *w, enum oci_ping_step step, const char *fmt, ...)
{
    struct oci_ping_result *s = &w->result->steps[step];
    va_list args;
    va_start(args, fmt);
    s->state = OCI_PING_OK;
    vsnprintf(s->text, sizeof(s->text), fmt, args);
    va_end(args);
}

static enum err_kind failed(struct walk *w, enum oci_ping_step step, const struct err *err)
{
    struct oci_ping_result *s = &w->result->steps[step];
    s->state = OCI_PING_FAILED;
    s->kind = err->kind;
    snprintf(s->text, sizeof(s->text), "%s", err->text);
    return err->kind;
}

/* --- how far it is reached --------------------------------------------------------------------------- */

static enum oci_ping_step step_of(enum http_step failed_at)
{
    switch (failed_at) {
    case HTTP_STEP_NAME:
        return OCI_PING_NAME;
    case HTTP_STEP_CONNECT:
        return OCI_PING_CONNECT;
    case HTTP_STEP_TLS:
        return OCI_PING_TLS;
    case HTTP_STEP_NONE:
    case HTTP_STEP_ANSWER:
        break;
    }
    return OCI_PING_API;
}

static void reached_until(struct walk *w, enum oci_ping_step end)
{
    const struct oci_probe *p = &w->probe;
    if (end > OCI_PING_NAME)
        passed(w, OCI_PING_NAME, "%s", p->wire);
    if (end > OCI_PING_CONNECT)
        passed(w, OCI_PING_CONNECT, "somebody listens");
    if (end > OCI_PING_TLS)
        passed(
            w, OCI_PING_TLS, "%s",
            p->is_fallback    ? "none: plain HTTP, as this is a host of this machine; it gets no "
                                "credentials without --plain-http"
                : p->is_plain ? "none: plain HTTP was asked for"
                : w->options->is_insecure ? "not verified, as asked for"
                                          : "the certificate is trusted");
}

static enum err_kind check_status(struct walk *w, struct err *err)
{
    int status = w->probe.status;
    if (status == 200 || status == 401)
        return ERR_OK;
    if (status == 404)
        return err_set(err, ERR_UNSUPPORTED, "no registry: status 404");
    return err_set(
        err,
        status == 403       ? ERR_DENIED
            : status >= 500 ? ERR_UNAVAILABLE
                            : ERR_FAILED,
        "status %d", status);
}

static enum err_kind reach(struct walk *w, struct err *err)
{
    enum err_kind r = oci_probe_run(w->options, w->host, &w->probe, err);
    bool is_answered = w->probe.status != 0;
    enum oci_ping_step end = is_answered ? OCI_PING_API : step_of(w->probe.failed_at);
    w->result->is_plain = w->probe.is_plain;
    w->result->is_not_tls = w->probe.is_not_tls && !w->probe.is_plain;
    reached_until(w, end);
    if (r != ERR_OK && !is_answered)
        return failed(w, end, err);
    if (r == ERR_OK)
        r = check_status(w, err);
    if (r != ERR_OK && w->probe.status != 401)
        return failed(w, OCI_PING_API, err);
    passed(w, OCI_PING_API, "status %d", w->probe.status);
    return r == ERR_OK ? r : failed(w, OCI_PING_CHALLENGE, err);
}

/* --- who we are there --------------------------------------------------------------------------------- */

static enum err_kind look_at_challenge(struct walk *w, struct err *err)
{
    const struct oci_challenge *c = oci_challenges_best(&w->probe.asked);
    char where[HTTP_URL_SHOWN_MAX];
    if (w->probe.status == 200) {
        passed(w, OCI_PING_CHALLENGE, "none: it asks for no credentials");
        return ERR_OK;
    }
    if (c == NULL) {
        err_set(err, ERR_UNSUPPORTED, "it asks for neither Basic nor Bearer credentials");
        return failed(w, OCI_PING_CHALLENGE, err);
    }
    if (c->scheme == OCI_SCHEME_BASIC) {
        passed(w, OCI_PING_CHALLENGE, "Basic: user and password");
        return ERR_OK;
    }
    if (oci_realm_check(c->realm, w->probe.wire, w->probe.is_plain, err) != ERR_OK)
        return failed(w, OCI_PING_CHALLENGE, err);
    passed(w, OCI_PING_CHALLENGE, "Bearer: tokens of '%s'", http_url_show(c->realm, where));
    return ERR_OK;
}

static enum err_kind send(
    struct walk *w,
    const char *method,
    const char *target,
    const char *scope,
    int *ret_status,
    char **ret_location,
    struct err *err)
{
    struct http_client_response answer = {0};
    struct oci_request q = {
        .host = w->host,
        .scope = scope,
        .target = target,
        .http = {.method = method, .body_max = (size_t)1 << 20}};
    enum err_kind r = oci_transport_send(w->transport, &q, &answer, err);
    *ret_status = answer.status;
    struct str location = http_client_header(&answer, "Location", 0);
    if (r == ERR_OK && ret_location != NULL && location.n > 0 && answer.effective_url != NULL) {
        autofree char *reference = mem_strdup_str(location);
        (void)!http_url_join(answer.effective_url, reference, ret_location, NULL);
    }
    http_client_response_deinit(&answer);
    return r;
}

/* Whose credentials these are; a user's name is no secret, but text of a file. */
static enum err_kind look_up(struct walk *w, char ret_user[OCI_SHOWN_MAX], struct err *err)
{
    auto_oci_credential struct oci_credential found = {0};
    const struct oci_credential_files files = {
        .config = w->options->registry_config, .auth_files = w->options->auth_files};
    enum err_kind r = oci_credentials_find(&files, w->host, w->repository, &found, err);
    if (r != ERR_OK)
        return r;
    w->result->has_user = !oci_credential_is_empty(&found);
    const char *user = found.username != NULL && found.username[0] != '\0' ? found.username
        : w->result->has_user                                              ? "(token)"
                                                                           : "nobody";
    oci_show(str_from(user), ret_user);
    return ERR_OK;
}

static enum err_kind sign_in(struct walk *w, struct err *err)
{
    char user[OCI_SHOWN_MAX];
    int status = 0;
    autofree char *scope =
        w->repository == NULL ? mem_strdup("") : mem_printf("repository:%s:pull", w->repository);
    if (w->probe.status == 200) {
        passed(w, OCI_PING_TOKEN, "none needed");
        return ERR_OK;
    }
    enum err_kind r = look_up(w, user, err);
    if (r == ERR_OK)
        r = send(w, "GET", "/v2/", scope, &status, NULL, err);
    if (r == ERR_OK && status != 200)
        r = err_set(err, status == 403 ? ERR_DENIED : ERR_FAILED, "status %d", status);
    if (r != ERR_OK)
        return failed(w, OCI_PING_TOKEN, err);
    passed(w, OCI_PING_TOKEN, "as %s", user);
    return ERR_OK;
}

/* --- what we may do there ------------------------------------------------------------------------------ */

static enum err_kind refused(int status, struct err *err)
{
    enum err_kind kind = status == 401 ? ERR_UNAUTHENTICATED
        : status == 403                ? ERR_DENIED
        : status == 404                ? ERR_NOT_FOUND
        : status == 405                ? ERR_UNSUPPORTED
        : status >= 500                ? ERR_UNAVAILABLE
                                       : ERR_FAILED;
    return err_set(err, kind, "status %d", status);
}

static enum err_kind try_pull(struct walk *w, struct err *err)
{
    int status = 0;
    autofree char *scope = mem_printf("repository:%s:pull", w->repository);
    autofree char *target = mem_printf("/v2/%s/tags/list?n=1", w->repository);
    enum err_kind r = send(w, "GET", target, scope, &status, NULL, err);
    if (r == ERR_OK && status != 200 && status != 404)
        r = refused(status, err);
    if (r != ERR_OK)
        return failed(w, OCI_PING_PULL, err);
    passed(
        w, OCI_PING_PULL, "%s",
        status == 200 ? "tags are listed" : "there is no such repository yet");
    return ERR_OK;
}

/* That it may be written to shows only when one begins. source: distribution-spec, "Pushing blobs" */
static enum err_kind try_push(struct walk *w, struct err *err)
{
    int status = 0, ignored;
    autofree char *scope = mem_printf("repository:%s:pull,push", w->repository);
    autofree char *target = mem_printf("/v2/%s/blobs/uploads/", w->repository);
    autofree char *session = NULL;
    enum err_kind r = send(w, "POST", target, scope, &status, &session, err);
    if (r == ERR_OK && status != 202)
        r = refused(status, err);
    if (r != ERR_OK)
        return failed(w, OCI_PING_PUSH, err);
    /* what is not taken back the registry lets run out */
    if (session != NULL)
        (void)!send(w, "DELETE", session, scope, &ignored, NULL, NULL);
    passed(w, OCI_PING_PUSH, "an upload was begun and given up");
    return ERR_OK;
}

static enum err_kind try_repository(struct walk *w, struct err *err)
{
    struct err push = {0};
    if (w->repository == NULL)
        return ERR_OK;
    enum err_kind r = try_pull(w, err);
    enum err_kind pushed = try_push(w, &push);
    if (r == ERR_OK && pushed != ERR_OK)
        *err = push;
    return r == ERR_OK ? pushed : r;
}

enum err_kind oci_ping(
    const struct oci_session_options *options,
    const char *host,
    const char *repository,
    struct oci_ping *ret,
    struct err *err)
{
    struct walk w = {.options = options, .host = host, .repository = repository, .result = ret};
    *ret = (struct oci_ping){0};
    enum err_kind r = reach(&w, err);
    if (r == ERR_OK)
        r = look_at_challenge(&w, err);
    if (r == ERR_OK)
        r = oci_transport_new(options, &w.transport, err);
    if (r == ERR_OK)
        r = sign_in(&w, err);
    if (r == ERR_OK)
        r = try_repository(&w, err);
    oci_transport_free(w.transport);
    oci_probe_deinit(&w.probe);
    return r;
}
