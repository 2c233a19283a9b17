#include "oci/auth.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/url.h"
#include "oci/challenge.h"
#include "oci/credentials.h"
#include "oci/image.h"
#include "oci/token.h"

#include <stdio.h>

enum reach {
    REACH_UNKNOWN, /* nothing was asked yet */
    REACH_HTTPS,
    REACH_PLAIN,    /* plain HTTP, asked for by the user */
    REACH_FALLBACK, /* plain HTTP on a loopback host that speaks no TLS: no credentials */
};

struct host {
    char *name;
    enum reach reach;
    bool knows_credential;
    struct oci_credential credential;
    bool wants_basic; /* it took Basic credentials before: sent at once from then on */
};

struct oci_transport {
    struct http_client *http;
    char *registry_config;
    bool is_plain_http;
    char **plain_http_hosts; /* NULL-terminated */
    struct host *hosts;
    size_t host_count;
    size_t host_cap;
    struct oci_tokens *tokens;
};

/* --- set-up --------------------------------------------------------------------------------------------- */

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    char **copy = mem_alloc((n + 1) * sizeof(char *));
    for (size_t i = 0; i < n; i++)
        copy[i] = mem_strdup(list[i]);
    return copy;
}

enum err_kind oci_transport_new(
    const struct oci_session_options *options, struct oci_transport **ret, struct err *err)
{
    struct http_client_options http = {
        .tls = {
            .ca_file = options->ca_file,
            .cert_file = options->cert_file,
            .key_file = options->key_file,
            .is_insecure = options->is_insecure}};
    struct http_client *client = NULL;
    enum err_kind r = http_client_new(&http, &client, err);
    if (r != ERR_OK)
        return r;
    struct oci_transport *t = mem_new(struct oci_transport);
    t->http = client;
    t->registry_config = mem_strdup(options->registry_config);
    t->is_plain_http = options->is_plain_http;
    t->plain_http_hosts = copy_list(options->plain_http_hosts);
    t->tokens = oci_tokens_new(client);
    *ret = t;
    return ERR_OK;
}

struct oci_transport *oci_transport_free(struct oci_transport *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->host_count; i++) {
        free(t->hosts[i].name);
        oci_credential_deinit(&t->hosts[i].credential);
    }
    free(t->hosts);
    for (size_t i = 0; t->plain_http_hosts[i] != NULL; i++)
        free(t->plain_http_hosts[i]);
    free(t->plain_http_hosts);
    free(t->registry_config);
    oci_tokens_free(t->tokens);
    http_client_free(t->http);
    free(t);
    return NULL;
}

static bool is_plain_asked(const struct oci_transport *t, const char *name)
{
    for (size_t i = 0; t->plain_http_hosts[i] != NULL; i++) {
        if (str_eq_nocase(str_from(t->plain_http_hosts[i]), str_from(name)))
            return true;
    }
    return t->is_plain_http;
}

static struct host *find_host(struct oci_transport *t, const char *name)
{
    for (size_t i = 0; i < t->host_count; i++) {
        if (strcmp(t->hosts[i].name, name) == 0)
            return &t->hosts[i];
    }
    mem_grow(&t->hosts, t->host_count, &t->host_cap);
    struct host *h = &t->hosts[t->host_count++];
    *h = (struct host){
        .name = mem_strdup(name), .reach = is_plain_asked(t, name) ? REACH_PLAIN : REACH_UNKNOWN};
    return h;
}

/* --- URLs ------------------------------------------------------------------------------------------------ */

static bool is_plain(const struct host *h)
{
    return h->reach == REACH_PLAIN || h->reach == REACH_FALLBACK;
}

static const char *wire_host(const char *name)
{
    return strcmp(name, "docker.io") == 0 ? "registry-1.docker.io" : name;
}

static char *make_url(const struct host *h, const char *target)
{
    if (target[0] != '/')
        return mem_strdup(target);
    return mem_printf("%s://%s%s", is_plain(h) ? "http" : "https", wire_host(h->name), target);
}

static bool is_own_origin(const struct host *h, const char *url)
{
    struct http_url own, other;
    autofree char *base = make_url(h, "/v2/");
    return http_url_parse(base, &own, NULL) == ERR_OK &&
        http_url_parse(url, &other, NULL) == ERR_OK && http_url_is_same_origin(&own, &other);
}

/* --- credentials ----------------------------------------------------------------------------------------- */

static enum err_kind
credential_of(struct oci_transport *t, struct host *h, struct oci_credential **ret, struct err *err)
{
    if (!h->knows_credential) {
        enum err_kind r = oci_credentials_find(t->registry_config, h->name, &h->credential, err);
        if (r != ERR_OK)
            return r;
        h->knows_credential = true;
    }
    *ret = &h->credential;
    return ERR_OK;
}

void oci_transport_set_credential(
    struct oci_transport *t, const char *host, const struct oci_credential *credential)
{
    struct host *h = find_host(t, host);
    oci_credential_deinit(&h->credential);
    h->credential = (struct oci_credential){
        .username = mem_strdup(credential->username),
        .password = mem_strdup(credential->password),
        .identity_token = mem_strdup(credential->identity_token),
        .registry_token = mem_strdup(credential->registry_token)};
    h->knows_credential = true;
}

/* What is known without asking again: a token of that scope, or Basic where it was taken before. */
static char *known_authorization(struct oci_transport *t, struct host *h, const char *scope)
{
    const char *token = oci_tokens_find(t->tokens, h->name, scope);
    if (token != NULL)
        return mem_printf("Bearer %s", token);
    return h->wants_basic ? oci_basic_authorization(&h->credential) : NULL;
}

static enum err_kind no_credentials(const struct host *h, struct err *err)
{
    if (h->reach == REACH_FALLBACK)
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "'%s' asks for credentials, but it was only reached over plain HTTP; --plain-http "
            "sends "
            "them all the same",
            h->name);
    return err_set(
        err, ERR_UNAUTHENTICATED, "'%s' asks for credentials and none are known (log in first)",
        h->name);
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

/* Answer a 401: fetch a token, or take the Basic credentials. */
static enum err_kind authorize(
    struct oci_transport *t,
    struct host *h,
    const char *scope,
    const struct http_client_response *response,
    char **ret_authorization,
    struct err *err)
{
    auto_oci_challenges struct oci_challenges challenges = {0};
    struct oci_credential none = {0}, *credential = &none;
    enum err_kind r = read_challenges(response, &challenges, err);
    if (r == ERR_OK && h->reach != REACH_FALLBACK)
        r = credential_of(t, h, &credential, err);
    if (r != ERR_OK)
        return r;
    const struct oci_challenge *c = oci_challenges_best(&challenges);
    if (c == NULL)
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "'%s' asks for a kind of credentials other than Basic and "
            "Bearer",
            h->name);
    if (c->scheme == OCI_SCHEME_BASIC) {
        if (credential->username == NULL)
            return no_credentials(h, err);
        h->wants_basic = true;
        *ret_authorization = oci_basic_authorization(credential);
        return ERR_OK;
    }
    if (credential->registry_token != NULL) {
        *ret_authorization = mem_printf("Bearer %s", credential->registry_token);
        return ERR_OK;
    }
    r = oci_realm_check(c->realm, wire_host(h->name), is_plain(h), err);
    if (r == ERR_OK)
        r = oci_tokens_fetch(t->tokens, h->name, scope, c, credential, err);
    if (r == ERR_OK)
        *ret_authorization = mem_printf("Bearer %s", oci_tokens_find(t->tokens, h->name, scope));
    return r;
}

/* --- sending ----------------------------------------------------------------------------------------------- */

static enum err_kind send_once(
    struct oci_transport *t,
    const struct oci_request *request,
    const char *url,
    const char *authorization,
    struct http_client_response *ret,
    bool *is_not_tls,
    struct err *err)
{
    struct http_header headers[8];
    struct http_client_request q = request->http;
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
    if (request->rewind != NULL) {
        enum err_kind r = request->rewind(request->rewind_data, err);
        if (r != ERR_OK)
            return r;
    }
    return http_client_do(t->http, &q, ret, is_not_tls, err);
}

static void free_secret(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
}

/* The first request to a host settles how it is reached (docs/image-format.md section 2). */
static enum err_kind send_settling(
    struct oci_transport *t,
    struct host *h,
    const struct oci_request *request,
    const char *authorization,
    struct http_client_response *ret,
    struct err *err)
{
    bool is_not_tls = false;
    autofree char *url = make_url(h, request->target);
    bool is_own = is_own_origin(h, url);
    if (!is_plain(h) && str_starts(str_from(url), STR("http:")))
        return err_set(
            err, ERR_DENIED, "'%s' sends from https to a plain http address: not followed",
            h->name);
    enum err_kind r =
        send_once(t, request, url, is_own ? authorization : NULL, ret, &is_not_tls, err);
    if (h->reach != REACH_UNKNOWN || !is_own)
        return r;
    if (r == ERR_OK) {
        h->reach = REACH_HTTPS;
        return r;
    }
    if (!is_not_tls)
        return r;
    if (!oci_host_is_loopback(h->name))
        return err_wrap(err, "'%s' does not speak TLS (--plain-http allows plain HTTP)", h->name);
    h->reach = REACH_FALLBACK;
    autofree char *plain = make_url(h, request->target);
    http_client_response_deinit(ret);
    return send_once(t, request, plain, NULL, ret, NULL, err);
}

enum err_kind oci_transport_send(
    struct oci_transport *t,
    const struct oci_request *request,
    struct http_client_response *ret,
    struct err *err)
{
    struct host *h = find_host(t, request->host);
    CLEANUP(free_secret) char *authorization = known_authorization(t, h, request->scope);
    enum err_kind r = send_settling(t, h, request, authorization, ret, err);
    if (r != ERR_OK || ret->status != 401)
        return r;
    autofree char *url = make_url(h, request->target);
    if (!is_own_origin(h, url))
        return err_set(
            err, ERR_UNAUTHENTICATED,
            "'%s' sends to another host, which asks for credentials; they "
            "are not given to it",
            h->name);
    free_secret(&authorization);
    authorization = NULL;
    oci_tokens_forget(t->tokens, h->name, request->scope);
    r = authorize(t, h, request->scope, ret, &authorization, err);
    if (r != ERR_OK)
        return r;
    http_client_response_deinit(ret);
    r = send_once(t, request, url, authorization, ret, NULL, err);
    if (r == ERR_OK && ret->status == 401)
        return err_set(
            err, ERR_UNAUTHENTICATED, "'%s' does not take the credentials for %s", h->name,
            request->scope);
    return r;
}

const char *oci_transport_scheme(struct oci_transport *t, const char *host)
{
    return is_plain(find_host(t, host)) ? "http" : "https";
}
