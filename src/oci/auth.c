#include "oci/auth.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/url.h"
#include "oci/challenge.h"
#include "oci/digest.h"
#include "oci/host.h"
#include "oci/image.h"
#include "oci/scope.h"
#include "oci/token.h"
#include "oci/warning.h"

#define HEADERS_MAX 12

struct oci_transport {
    struct http_client *http;
    struct oci_hosts *hosts;
    struct oci_tokens *tokens;
    struct oci_warnings *warnings;
    struct http_retry retry;
};

/* One call of oci_transport_send, over all of its tries. */
struct call {
    struct oci_transport *t;
    const struct oci_request *request;
    struct oci_host *host;
    struct oci_scopes scopes; /* what it needs */
    char *key;                /* these as text */
    char *repository;         /* the first one of the scopes; empty: none */
    char *authorization;      /* NULL: none; a secret */
    char *token;              /* the one in it, if it is one of ours; a secret */
    bool is_renewed;          /* a 401 was answered: not a second time */
};

static void call_deinit(struct call *c)
{
    oci_scopes_deinit(&c->scopes);
    free(c->key);
    free(c->repository);
    oci_secret_free(c->authorization);
    oci_secret_free(c->token);
}
#define auto_call CLEANUP(call_deinit)

/* --- set-up --------------------------------------------------------------------------------------------- */

enum err_kind oci_transport_new(
    const struct oci_session_options *options, struct oci_transport **ret, struct err *err)
{
    struct http_client_options http = {
        .tls =
            {.ca_file = options->ca_file,
             .cert_file = options->cert_file,
             .key_file = options->key_file,
             .is_insecure = options->is_insecure},
        .proxies = options->proxies,
        .stall_timeout_ms = options->stall_timeout_ms,
        .is_cancelled = options->is_cancelled,
        .cancel_data = options->cancel_data};
    struct http_client *client = NULL;
    enum err_kind r = http_client_new(&http, &client, err);
    if (r != ERR_OK)
        return r;
    struct oci_transport *t = mem_new(struct oci_transport);
    t->http = client;
    const struct oci_credential_files files = {
        .config = options->registry_config, .auth_files = options->auth_files};
    t->hosts = oci_hosts_new(&files, options->is_plain_http, options->plain_http_hosts);
    t->warnings = oci_warnings_new(options->note, options->note_data);
    t->retry = (struct http_retry){
        .clock = &http_retry_real_clock,
        .note = options->note,
        .note_data = options->note_data,
        .is_cancelled = options->is_cancelled,
        .cancel_data = options->cancel_data};
    t->tokens = oci_tokens_new(client, &t->retry);
    *ret = t;
    return ERR_OK;
}

struct oci_transport *oci_transport_free(struct oci_transport *t)
{
    if (t == NULL)
        return NULL;
    oci_tokens_free(t->tokens);
    oci_warnings_free(t->warnings);
    oci_hosts_free(t->hosts);
    http_client_free(t->http);
    free(t);
    return NULL;
}

void oci_transport_set_credential(
    struct oci_transport *t, const char *host, const struct oci_credential *credential)
{
    oci_host_set_credential(oci_hosts_find(t->hosts, host), credential);
}

void oci_transport_set_clock(struct oci_transport *t, const struct http_retry_clock *clock)
{
    t->retry.clock = clock;
}

const struct http_retry *oci_transport_retry(const struct oci_transport *t)
{
    return &t->retry;
}

const char *oci_transport_scheme(struct oci_transport *t, const char *host)
{
    return oci_reach_is_plain(oci_host_reach(oci_hosts_find(t->hosts, host))) ? "http" : "https";
}

/* --- URLs ------------------------------------------------------------------------------------------------ */

static char *make_url(struct oci_host *h, const char *target)
{
    if (target[0] != '/')
        return mem_strdup(target);
    const char *scheme = oci_reach_is_plain(oci_host_reach(h)) ? "http" : "https";
    return mem_printf("%s://%s%s", scheme, oci_host_wire(h), target);
}

static bool is_own_origin(struct oci_host *h, const char *url)
{
    struct http_url own, other;
    autofree char *base = make_url(h, "/v2/");
    return http_url_parse(base, &own, NULL) == ERR_OK &&
        http_url_parse(url, &other, NULL) == ERR_OK && http_url_is_same_origin(&own, &other);
}

static bool is_downgrade(struct oci_host *h, const char *url)
{
    struct http_url to;
    return !oci_reach_is_plain(oci_host_reach(h)) && http_url_parse(url, &to, NULL) == ERR_OK &&
        strcmp(to.scheme, "http") == 0;
}

/* --- credentials ----------------------------------------------------------------------------------------- */

/* What is known without asking again: a token of that scope, or what the host took before. */
static enum err_kind use_known(struct call *c, struct err *err)
{
    const struct oci_credential *credential;
    enum oci_habit habit = oci_host_habit(c->host);
    c->token = oci_tokens_find(c->t->tokens, oci_host_name(c->host), c->key);
    if (c->token != NULL)
        c->authorization = mem_printf("Bearer %s", c->token);
    if (c->token != NULL || habit == OCI_HABIT_NONE)
        return ERR_OK;
    enum err_kind r = oci_host_credential(c->host, c->repository, &credential, err);
    if (r != ERR_OK)
        return r;
    /* Another repository of the host may have been the one with credentials. */
    bool has_some = habit == OCI_HABIT_BASIC ? credential->username != NULL
                                             : credential->registry_token != NULL;
    if (!has_some)
        return ERR_OK;
    c->authorization = habit == OCI_HABIT_BASIC
        ? oci_basic_authorization(credential)
        : mem_printf("Bearer %s", credential->registry_token);
    return ERR_OK;
}

static enum err_kind no_credentials(struct oci_host *h, struct err *err)
{
    if (oci_host_reach(h) == OCI_REACH_FALLBACK)
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "'%s' asks for credentials, but it was only reached over plain HTTP; --plain-http "
            "sends them all the same",
            oci_host_name(h));
    return err_set(
        err, ERR_UNAUTHENTICATED, "'%s' asks for credentials and none are known (log in first)",
        oci_host_name(h));
}

static enum err_kind read_challenges(
    const struct http_client_response *response, struct oci_challenges *ret, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < OCI_CHALLENGES_MAX; i++) {
        struct str line = http_client_header(response, "WWW-Authenticate", i);
        if (line.p == NULL)
            break;
        r = oci_challenges_add(ret, line, err);
    }
    /* One good challenge is enough, whatever nonsense stands behind it. */
    return oci_challenges_best(ret) != NULL ? ERR_OK : r;
}

/* A token of what the request needs and of what the registry says that it needs. */
static enum err_kind fetch_token(
    struct call *c,
    const struct oci_challenge *challenge,
    const struct oci_credential *credential,
    enum http_nearness registry,
    struct err *err)
{
    auto_oci_scopes struct oci_scopes wanted = {0};
    auto_oci_secret char *refused = steal(&c->token);
    oci_scopes_add(&wanted, str_from(c->key));
    oci_scopes_add(&wanted, str_from(challenge->scope));
    autofree char *scopes = oci_scopes_join(&wanted);
    struct oci_token_ask ask = {
        .host = oci_host_name(c->host),
        .key = c->key,
        .scopes = scopes,
        .challenge = challenge,
        .credential = credential,
        .nearest = oci_realm_nearest(challenge->realm, oci_host_wire(c->host), registry),
        .with_client_cert = is_own_origin(c->host, challenge->realm)};
    bool is_plain = oci_reach_is_plain(oci_host_reach(c->host));
    enum err_kind r = oci_realm_check(challenge->realm, oci_host_wire(c->host), is_plain, err);
    if (r == ERR_OK)
        r = oci_tokens_fetch(c->t->tokens, &ask, refused, &c->token, err);
    if (r == ERR_OK)
        c->authorization = mem_printf("Bearer %s", c->token);
    return r;
}

static enum err_kind answer_challenge(
    struct call *c,
    const struct oci_challenge *challenge,
    const struct oci_credential *credential,
    enum http_nearness registry,
    struct err *err)
{
    if (challenge == NULL)
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "'%s' asks for a kind of credentials other than Basic and Bearer",
            oci_host_name(c->host));
    if (challenge->scheme == OCI_SCHEME_BASIC) {
        if (credential->username == NULL)
            return no_credentials(c->host, err);
        oci_host_set_habit(c->host, OCI_HABIT_BASIC);
        c->authorization = oci_basic_authorization(credential);
        return ERR_OK;
    }
    if (credential->registry_token != NULL) {
        oci_host_set_habit(c->host, OCI_HABIT_REGISTRY_TOKEN);
        c->authorization = mem_printf("Bearer %s", credential->registry_token);
        return ERR_OK;
    }
    return fetch_token(c, challenge, credential, registry, err);
}

/* Answer a 401: fetch a token, or take the credentials. */
static enum err_kind
authorize(struct call *c, const struct http_client_response *response, struct err *err)
{
    static const struct oci_credential none;
    const struct oci_credential *credential = &none;
    auto_oci_challenges struct oci_challenges challenges = {0};
    c->is_renewed = true;
    oci_secret_free(steal(&c->authorization));
    enum err_kind r = read_challenges(response, &challenges, err);
    if (r == ERR_OK && oci_host_reach(c->host) != OCI_REACH_FALLBACK)
        r = oci_host_credential(c->host, c->repository, &credential, err);
    if (r != ERR_OK)
        return r;
    return answer_challenge(c, oci_challenges_best(&challenges), credential, response->peer, err);
}

/* --- sending ----------------------------------------------------------------------------------------------- */

static enum err_kind send_once(
    struct call *c,
    const char *url,
    const char *authorization,
    struct http_client_response *ret,
    bool *is_not_tls,
    struct err *err)
{
    struct http_header headers[HEADERS_MAX];
    struct http_client_request q = c->request->http;
    size_t n = q.header_count;
    if (n + 1 > ARRAY_LEN(headers))
        return err_set(err, ERR_INTERNAL, "too many headers for one request");
    if (n > 0)
        memcpy(headers, q.headers, n * sizeof(*headers));
    if (authorization != NULL)
        headers[n++] = (struct http_header){"Authorization", authorization};
    q.headers = headers;
    q.header_count = n;
    q.url = url;
    q.with_client_cert = is_own_origin(c->host, url);
    if (c->request->rewind != NULL) {
        enum err_kind r = c->request->rewind(c->request->rewind_data, err);
        if (r != ERR_OK)
            return r;
    }
    enum err_kind r = http_client_do(c->t->http, &q, ret, is_not_tls, err);
    if (r == ERR_OK && is_own_origin(c->host, url))
        oci_warnings_tell(c->t->warnings, oci_host_name(c->host), ret);
    return r;
}

/* The first request to a host settles how it is reached (docs/image-format.md section 2). */
static enum err_kind
send_settling(struct call *c, struct http_client_response *ret, struct err *err)
{
    bool is_not_tls = false;
    bool is_settled = oci_host_reach(c->host) != OCI_REACH_UNKNOWN;
    autofree char *url = make_url(c->host, c->request->target);
    bool is_own = is_own_origin(c->host, url);
    if (is_downgrade(c->host, url))
        return err_set(
            err, ERR_DENIED, "'%s' sends from https to a plain http address: not followed",
            oci_host_name(c->host));
    const char *authorization = is_own ? c->authorization : NULL;
    enum err_kind r = send_once(c, url, authorization, ret, &is_not_tls, err);
    if (r == ERR_OK && is_own)
        oci_host_settle(c->host, OCI_REACH_HTTPS);
    if (r == ERR_OK || is_settled || !is_own || !is_not_tls)
        return r;
    if (!oci_host_is_loopback(oci_host_name(c->host)))
        return err_wrap(
            err, "'%s' does not speak TLS (--plain-http allows plain HTTP)",
            oci_host_name(c->host));
    oci_host_settle(c->host, OCI_REACH_FALLBACK);
    autofree char *plain = make_url(c->host, c->request->target);
    http_client_response_deinit(ret);
    return send_once(c, plain, NULL, ret, NULL, err);
}

/* Where the token says what it grants, the action that is missing is named; ERR_OK: it does not say, or
 * grants all. */
static enum err_kind not_granted(struct call *c, enum err_kind kind, struct err *err)
{
    auto_oci_scopes struct oci_scopes granted = {0};
    char shown[OCI_SCOPE_SHOWN_MAX];
    const char *missing = NULL;
    if (c->token != NULL && oci_scopes_of_token(&granted, str_from(c->token)))
        missing = oci_scopes_missing(&c->scopes, &granted);
    if (missing == NULL)
        return ERR_OK;
    return err_set(
        err, kind, "'%s' does not grant %s to these credentials", oci_host_name(c->host),
        oci_scope_show(missing, shown));
}

/* What is refused after a renewal stays refused. */
static enum err_kind not_taken(struct call *c, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    enum err_kind r = not_granted(c, ERR_UNAUTHENTICATED, err);
    if (r != ERR_OK)
        return r;
    const char *host = oci_host_name(c->host);
    if (c->key[0] == '\0')
        return err_set(err, ERR_UNAUTHENTICATED, "'%s' does not take the credentials", host);
    return err_set(
        err, ERR_UNAUTHENTICATED, "'%s' does not take the credentials for %s", host,
        oci_show(str_from(c->key), shown));
}

/* One try: on 401 with what the challenge asks for, once for all tries. */
static enum err_kind send_authorized(void *data, struct http_client_response *ret, struct err *err)
{
    struct call *c = data;
    enum err_kind r = send_settling(c, ret, err);
    if (r == ERR_OK && ret->status == 403)
        return not_granted(c, ERR_DENIED, err);
    if (r != ERR_OK || ret->status != 401)
        return r;
    autofree char *url = make_url(c->host, c->request->target);
    /* A challenge of the place where a redirect led is not the registry's; and what is asked of another
     * host (an upload's Location) gets nothing, though it lead back here. */
    if (!is_own_origin(c->host, url) || ret->effective_url == NULL ||
        !is_own_origin(c->host, ret->effective_url))
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "'%s' sends to another host, which asks for credentials; they are not given to it",
            oci_host_name(c->host));
    if (c->is_renewed)
        return not_taken(c, err);
    r = authorize(c, ret, err);
    http_client_response_deinit(ret);
    if (r != ERR_OK)
        return r;
    r = send_once(c, url, c->authorization, ret, NULL, err);
    if (r == ERR_OK && ret->status == 403)
        return not_granted(c, ERR_DENIED, err);
    return r == ERR_OK && ret->status == 401 ? not_taken(c, err) : r;
}

enum err_kind oci_transport_send(
    struct oci_transport *t,
    const struct oci_request *request,
    struct http_client_response *ret,
    struct err *err)
{
    auto_call struct call c = {
        .t = t, .request = request, .host = oci_hosts_find(t->hosts, request->host)};
    *ret = (struct http_client_response){0};
    oci_scopes_add(&c.scopes, str_from(request->scope));
    c.repository = mem_strdup_str(oci_scope_repository(str_from(request->scope)));
    c.key = oci_scopes_join(&c.scopes);
    enum err_kind r = use_known(&c, err);
    if (r != ERR_OK)
        return r;
    unsigned tries = request->is_single_try ? 1 : HTTP_TRIES_MAX;
    return http_retry_send(&t->retry, oci_host_name(c.host), tries, send_authorized, &c, ret, err);
}
