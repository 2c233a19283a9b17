#include "oci/probe.h"
#include "base/mem.h"
#include "http/url.h"
#include "oci/auth.h"

enum { PROBE_TIMEOUT_MS = 30000, PROBE_BODY_MAX = 64 << 10 };

void oci_probe_deinit(struct oci_probe *p)
{
    oci_challenges_deinit(&p->asked);
    http_client_free(p->http);
    *p = (struct oci_probe){0};
}

static bool is_plain_asked(const struct oci_session_options *options, const char *host)
{
    const char *const *hosts = options->plain_http_hosts;
    for (size_t i = 0; hosts != NULL && hosts[i] != NULL; i++) {
        if (str_eq_nocase(str_from(hosts[i]), str_from(host)))
            return true;
    }
    return options->is_plain_http;
}

static bool is_same_origin(const char *a, const char *b)
{
    struct http_url first, second;
    return http_url_parse(a, &first, NULL) == ERR_OK &&
        http_url_parse(b, &second, NULL) == ERR_OK && http_url_is_same_origin(&first, &second);
}

static enum err_kind read_answer(
    struct oci_probe *p,
    const char *url,
    const struct http_client_response *answer,
    struct err *err)
{
    enum err_kind r = ERR_OK;
    p->status = answer->status;
    if (answer->effective_url == NULL || !is_same_origin(url, answer->effective_url))
        return ERR_OK; /* what another host asks for is not for the registry's credentials */
    for (size_t i = 0; r == ERR_OK && answer->status == 401 && i < OCI_CHALLENGES_MAX; i++) {
        struct str line = http_client_header(answer, "WWW-Authenticate", i);
        if (line.p == NULL)
            break;
        r = oci_challenges_add(&p->asked, line, err);
    }
    return oci_challenges_best(&p->asked) != NULL ? ERR_OK : r;
}

static enum err_kind ask(struct oci_probe *p, struct err *err)
{
    struct http_client_response answer = {0};
    autofree char *url = mem_printf("%s://%s/v2/", p->is_plain ? "http" : "https", p->wire);
    struct http_client_request q = {
        .method = "GET",
        .url = url,
        .body_max = PROBE_BODY_MAX,
        .timeout_ms = PROBE_TIMEOUT_MS,
        .with_client_cert = true,
        .follow_redirects = true};
    enum err_kind r = http_client_do(p->http, &q, &answer, &p->is_not_tls, err);
    p->failed_at = answer.failed_at;
    p->peer = answer.peer;
    if (r == ERR_OK)
        r = read_answer(p, url, &answer, err);
    http_client_response_deinit(&answer);
    return r;
}

enum err_kind oci_probe_run(
    const struct oci_session_options *options,
    const char *host,
    struct oci_probe *ret,
    struct err *err)
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
    *ret =
        (struct oci_probe){.wire = oci_wire_host(host), .is_plain = is_plain_asked(options, host)};
    enum err_kind r = http_client_new(&http, &ret->http, err);
    if (r != ERR_OK)
        return r;
    r = ask(ret, err);
    if (r == ERR_OK || !ret->is_not_tls || ret->is_plain || !oci_host_is_loopback(host))
        return r;
    ret->is_plain = ret->is_fallback = true;
    return ask(ret, err);
}
