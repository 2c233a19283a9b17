#include "http/hop.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/address.h"
#include "http/url.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 256 << 10,
    BODY_MAX = 4 << 20,
    STALL_BYTES = 256, /* fewer within the stall timeout is standing still: a drip ends too */
};

/* What libcurl's callbacks see. */
struct run {
    const struct http_settings *settings;
    const struct http_client_request *request;
    struct http_client_response *response;
    int64_t moved_ms;   /* monotonic: when it last got on */
    size_t moved_bytes; /* since then */
    curl_off_t uploaded;
    int status; /* of the header block that is arriving */
    bool is_stalled;
    bool is_cancelled;
    bool is_body_refused; /* read_body gave up */
    const char *proxy;    /* NULL: none */
    char proxy_shown[HTTP_PROXY_SHOWN_MAX];
    bool is_peer_refused; /* it lies nearer than the request allows */
    struct err err;       /* why a callback ended it */
};

/* --- callbacks ---------------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK" begins a header block: an informational one, a proxy's, or the answer's own. */
static void begin_headers(struct run *h, struct str line)
{
    struct str rest = line;
    str_cut(&rest, ' ');
    uint64_t status = 0;
    if (rest.p != NULL)
        str_to_u64(str_take(rest, 3), &status);
    h->status = (int)status;
    buf_clear(&h->response->headers);
}

static void get_on(struct run *h)
{
    h->moved_ms = clock_monotonic_ms();
    h->moved_bytes = 0;
}

static void count_bytes(struct run *h, size_t n)
{
    h->moved_bytes += n;
    if (h->moved_bytes >= STALL_BYTES)
        get_on(h);
}

static size_t on_header(char *p, size_t size, size_t n, void *data)
{
    struct run *h = data;
    struct str line = str_of(p, size * n);
    count_bytes(h, line.n);
    if (str_starts(line, STR("HTTP/")))
        begin_headers(h, line);
    /* The end of the answer's header; not that of an informational one, which may come for ever. */
    if (str_trim(line).n == 0 && h->status >= 200)
        get_on(h);
    buf_str(&h->response->headers, line);
    if (buf_check(&h->response->headers, "the header of the answer", &h->err) != ERR_OK)
        return 0;
    return size * n;
}

static size_t on_body(char *p, size_t size, size_t n, void *data)
{
    struct run *h = data;
    const struct http_client_request *q = h->request;
    size_t bytes = size * n;
    count_bytes(h, bytes);
    if (q->write_body != NULL && h->status >= 200 && h->status < 300) {
        h->response->status = h->status;
        bool is_wanted = h->response->has_begun || q->begin_body == NULL ||
            q->begin_body(q->data, h->response, &h->err);
        h->response->has_begun = true;
        if (is_wanted && q->write_body(q->data, p, bytes, &h->err))
            return bytes;
        if (h->err.kind == ERR_OK)
            err_set(&h->err, ERR_FAILED, "the answer was not taken");
        return 0;
    }
    if (h->status >= 400 && bytes > h->response->body.max - h->response->body.n) {
        h->response->is_body_cut =
            true; /* what an error says of itself is enough without its end */
        return 0;
    }
    buf_add(&h->response->body, p, bytes);
    return buf_check(&h->response->body, "the answer's body", &h->err) == ERR_OK ? bytes : 0;
}

static size_t on_read(char *to, size_t size, size_t n, void *data)
{
    struct run *h = data;
    ptrdiff_t put = h->request->read_body(h->request->data, to, size * n);
    if (put < 0) {
        h->is_body_refused = true;
        return CURL_READFUNC_ABORT;
    }
    return (size_t)put;
}

/* Called at least about once a second: an answer that stands still is ended here. libcurl's own
 * low-speed limit counts an average, so a slow drip would be ended and a short stall not. */
static int
on_progress(void *data, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    struct run *h = data;
    (void)down_all;
    (void)down;
    (void)up_all;
    count_bytes(h, (size_t)(up - h->uploaded));
    h->uploaded = up;
    const struct http_settings *c = h->settings;
    const atomic_bool *cancel = h->request->cancel;
    h->is_cancelled = (c->is_cancelled != NULL && c->is_cancelled(c->cancel_data)) ||
        (cancel != NULL && atomic_load(cancel));
    h->is_stalled = clock_monotonic_ms() - h->moved_ms >= c->stall_timeout_ms;
    return h->is_stalled || h->is_cancelled ? 1 : 0;
}

/* --- one hop ------------------------------------------------------------------------------------------ */

/* A header that would end the line early could add others: refused (hardening, CR/LF in values). */
static bool is_clean(const char *text)
{
    return strpbrk(text, "\r\n") == NULL;
}

static bool is_credential(const char *name)
{
    return str_eq_nocase(str_from(name), STR("Authorization")) ||
        str_eq_nocase(str_from(name), STR("Cookie"));
}

static enum err_kind append_line(struct curl_slist **list, const char *line, struct err *err)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return err_set(err, ERR_LIMIT, "no memory for a header");
    *list = longer;
    return ERR_OK;
}

static enum err_kind make_headers(
    const struct http_client_request *q,
    bool with_credentials,
    struct curl_slist **ret,
    struct err *err)
{
    /* No wait for 100-continue, and no content type of libcurl's own. */
    enum err_kind r = append_line(ret, "Expect:", err);
    bool has_type = false;
    for (size_t i = 0; r == ERR_OK && i < q->header_count; i++) {
        const struct http_header *h = &q->headers[i];
        if (!is_clean(h->name) || !is_clean(h->value))
            return err_set(err, ERR_INVALID, "header '%.40s' holds a line break", h->name);
        has_type |= str_eq_nocase(str_from(h->name), STR("Content-Type"));
        if (is_credential(h->name) && !with_credentials)
            continue;
        /* "Name;" is how libcurl is told to send a header without value. */
        autofree char *line = h->value[0] == '\0' ? mem_printf("%s;", h->name)
                                                  : mem_printf("%s: %s", h->name, h->value);
        r = append_line(ret, line, err);
    }
    return r == ERR_OK && !has_type ? append_line(ret, "Content-Type:", err) : r;
}

static void set_method(CURL *easy, const struct http_client_request *q, struct run *h)
{
    bool is_head = strcmp(q->method, "HEAD") == 0;
    bool takes_body = strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0 ||
        strcmp(q->method, "PATCH") == 0;
    if (q->read_body != NULL) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_bytes);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, h);
    } else if (q->body.n > 0 || takes_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, q->body.n > 0 ? q->body.p : "");
    } else if (is_head) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    if (!is_head)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, q->method);
}

/* --- where the connection goes -------------------------------------------------------------------------- */

/* The last moment at which a name that leads inside can be noticed, whatever it resolved to before. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct run *h = data;
    (void)purpose;
    if (http_address_nearness(&address->addr) > h->request->nearest) {
        h->is_peer_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Behind a proxy it is the proxy that resolves the name and connects. */
static void limit_peer(CURL *easy, struct run *h)
{
    if (h->request->nearest == HTTP_NEAR_UNKNOWN || h->proxy != NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, h);
    /* A connection that stands already was opened without this question. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* Ours alone says which proxy: "" keeps libcurl from reading the environment itself. */
static enum err_kind
set_proxy(CURL *easy, const struct http_hop *hop, struct run *h, struct err *err)
{
    struct http_url url;
    h->proxy = NULL;
    if (http_url_parse(hop->url, &url, NULL) == ERR_OK)
        h->proxy = http_proxy_for(&hop->settings->proxies, &url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROXY, h->proxy != NULL ? h->proxy : "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return h->proxy == NULL ? ERR_OK : http_proxy_check(h->proxy, h->proxy_shown, err);
}

static void set_tls(CURL *easy, const struct http_settings *c, bool is_first_origin)
{
    if (c->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, c->is_insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, c->is_insecure ? 0L : 2L);
    if (!is_first_origin || c->cert_file == NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_SSLCERT, c->cert_file);
    curl_easy_setopt(easy, CURLOPT_SSLKEY, c->key_file);
    /* A key with a password is refused, where OpenSSL would ask for it on a terminal. */
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

static void set_limits(CURL *easy, const struct http_settings *c, int64_t timeout_ms)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L << 10);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
}

/* --- what came of it ------------------------------------------------------------------------------------- */

/* What OpenSSL (and GnuTLS) say when the first bytes of the answer are no TLS record. */
static bool is_not_tls_error(CURLcode code, const char *text)
{
    static const char *const SIGNS[] = {"wrong version number", "packet length too long",
                                        "unknown protocol",     "unexpected TLS packet",
                                        "http request",         "record layer failure"};
    if (code != CURLE_SSL_CONNECT_ERROR)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(SIGNS); i++) {
        if (strstr(text, SIGNS[i]) != NULL)
            return true;
    }
    return false;
}

/* The peer ended it on purpose. With TLS 1.3 that is seen only when the answer is read. */
static bool is_tls_alert(const char *detail)
{
    return strstr(detail, "SSL") != NULL && strstr(detail, " alert ") != NULL;
}

/* "host:port", with the proxy where there is one. */
#define WHERE_MAX (HTTP_URL_SHOWN_MAX + HTTP_PROXY_SHOWN_MAX + 32)
static void show_where(const struct run *h, const char *url, char ret[WHERE_MAX])
{
    char shown[HTTP_URL_SHOWN_MAX];
    snprintf(
        ret, WHERE_MAX, "'%s'%s%s%s", http_url_show(url, shown),
        h->proxy != NULL ? " (proxy '" : "", h->proxy != NULL ? h->proxy_shown : "",
        h->proxy != NULL ? "')" : "");
}

/* What ended it was one of us. ERR_OK: no. */
static enum err_kind own_failure(const struct run *h, const char *where, struct err *err)
{
    if (h->err.kind != ERR_OK) {
        if (err != NULL)
            *err = h->err;
        return h->err.kind;
    }
    if (h->is_cancelled)
        return err_set(err, ERR_CANCELLED, "interrupted");
    if (h->is_stalled)
        return err_set(
            err, ERR_TIMEOUT, "%s sent next to nothing for %d ms", where,
            (int)h->settings->stall_timeout_ms);
    if (h->is_peer_refused)
        return err_set(
            err, ERR_DENIED, "the name of %s leads inside a private network: not asked", where);
    if (h->is_body_refused)
        return err_set(err, ERR_FAILED, "the body of the request to %s was not read", where);
    return ERR_OK;
}

/* A proxy that did not make the tunnel; 0: that was not it. */
static long tunnel_status(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300 ? status : 0;
}

static enum err_kind failure(
    const struct run *h,
    CURL *easy,
    CURLcode code,
    const char *url,
    const char *detail,
    struct err *err)
{
    char where[WHERE_MAX];
    show_where(h, url, where);
    enum err_kind r = own_failure(h, where, err);
    if (r != ERR_OK)
        return r;
    long tunnel = tunnel_status(easy);
    if (tunnel != 0)
        return err_set(
            err, ERR_UNAVAILABLE, "the proxy '%s' does not let us to '%s': status %ld%s",
            h->proxy_shown, http_url_show(url, where), tunnel,
            tunnel == 407 ? " (it asks for credentials: in its URL)" : "");
    /* A text with an @ in it could quote a URL with a password. */
    bool is_shown = detail[0] != '\0' && strchr(detail, '@') == NULL;
    const char *why = is_shown ? detail : curl_easy_strerror(code);
    if (is_tls_alert(detail))
        return err_set(
            err, ERR_UNAVAILABLE, "TLS with %s failed: %s", where,
            strstr(detail, "certificate required") != NULL ? "it asks for a client certificate"
                                                           : why);
    switch ((int)code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(err, ERR_INVALID, "it is not an http or https URL");
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(err, ERR_UNAVAILABLE, "the name of %s does not resolve: %s", where, why);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(
            err, ERR_UNAVAILABLE, "the name of the proxy '%s' does not resolve: %s", h->proxy_shown,
            why);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_TIMEOUT, "%s was too slow: %s", where, why);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(err, ERR_INVALID, "the certificate or key given for TLS: %s", why);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return err_set(err, ERR_UNAVAILABLE, "TLS with %s failed: %s", where, why);
    default:
        return err_set(err, ERR_UNAVAILABLE, "the connection to %s failed: %s", where, why);
    }
}

/* Worth another try: what broke on the way. A name that does not resolve, a port where nobody listens
 * and a certificate that is not trusted stay as they are; so does what a proxy forbids. */
static bool is_broken_connection(const struct run *h, CURL *easy, CURLcode code, const char *detail)
{
    long tunnel = tunnel_status(easy);
    if (h->err.kind != ERR_OK || h->is_cancelled || h->is_body_refused || is_tls_alert(detail) ||
        (tunnel != 0 && tunnel < 500))
        return false;
    return h->is_stalled || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
        code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE ||
        code == CURLE_OPERATION_TIMEDOUT || code == CURLE_SEND_FAIL_REWIND || code == CURLE_HTTP2 ||
        code == CURLE_HTTP2_STREAM;
}

/* How near the peer of an answer is; UNKNOWN behind a proxy. */
static enum http_nearness peer_of(const struct run *h, CURL *easy)
{
    char *ip = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    return h->proxy != NULL || ip == NULL ? HTTP_NEAR_UNKNOWN : http_host_nearness(ip);
}

/* Some of these come when libcurl's handshake is over: a certificate is looked at last. */
static bool is_tls_error(CURLcode code)
{
    static const CURLcode CODES[] = {CURLE_SSL_CONNECT_ERROR,    CURLE_PEER_FAILED_VERIFICATION,
                                     CURLE_SSL_CERTPROBLEM,      CURLE_SSL_CACERT_BADFILE,
                                     CURLE_SSL_CIPHER,           CURLE_SSL_ISSUER_ERROR,
                                     CURLE_SSL_INVALIDCERTSTATUS};
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
        if (code == CODES[i])
            return true;
    }
    return false;
}

static enum http_step failed_step(CURL *easy, CURLcode code, const char *url)
{
    curl_off_t connected_us = 0, secured_us = 0;
    bool is_tls = str_starts(str_from(url), STR("https:"));
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured_us);
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return HTTP_STEP_NAME;
    if (is_tls_error(code))
        return HTTP_STEP_TLS;
    if (connected_us == 0)
        return HTTP_STEP_CONNECT;
    return is_tls && secured_us == 0 ? HTTP_STEP_TLS : HTTP_STEP_ANSWER;
}

/* --- the hop ------------------------------------------------------------------------------------------------ */

static void set_callbacks(CURL *easy, struct run *h)
{
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, h);
}

static enum err_kind prepare(
    struct http_hop *hop,
    CURL *easy,
    struct run *h,
    struct curl_slist **ret_headers,
    struct err *err)
{
    curl_easy_reset(easy);
    set_limits(easy, hop->settings, hop->timeout_ms);
    set_tls(easy, hop->settings, hop->is_first_origin && hop->request->with_client_cert);
    set_method(easy, hop->request, h);
    set_callbacks(easy, h);
    curl_easy_setopt(easy, CURLOPT_URL, hop->url);
    enum err_kind r = set_proxy(easy, hop, h, err);
    if (r == ERR_OK)
        limit_peer(easy, h);
    if (r == ERR_OK)
        r = make_headers(hop->request, hop->is_first_origin, ret_headers, err);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *ret_headers);
    return r;
}

enum err_kind
http_hop_run(struct http_hop *hop, CURL *easy, struct http_client_response *ret, struct err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    struct run h = {
        .settings = hop->settings,
        .request = hop->request,
        .response = ret,
        .moved_ms = clock_monotonic_ms()};
    buf_clear(&ret->headers);
    buf_clear(&ret->body);
    ret->is_body_cut = false;
    ret->headers.max = HEADERS_MAX;
    ret->body.max = hop->request->body_max > 0 ? hop->request->body_max : BODY_MAX;
    enum err_kind r = prepare(hop, easy, &h, &headers, err);
    if (r == ERR_OK) {
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
        CURLcode code = curl_easy_perform(easy);
        if (code == CURLE_WRITE_ERROR && ret->is_body_cut)
            code = CURLE_OK;
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
        ret->status = h.status;
        ret->peer = peer_of(&h, easy);
        hop->is_not_tls = is_not_tls_error(code, detail);
        ret->is_broken = code != CURLE_OK && is_broken_connection(&h, easy, code, detail);
        if (code != CURLE_OK)
            ret->failed_at = failed_step(easy, code, hop->url);
        if (code != CURLE_OK)
            r = failure(&h, easy, code, hop->url, detail, err);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return r;
}
