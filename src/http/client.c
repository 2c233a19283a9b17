#include "http/client.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/url.h"

#include <curl/curl.h>
#include <pthread.h>

enum {
    CONNECT_TIMEOUT_MS = 10000,
    STALL_TIMEOUT_MS = 30000,
    REDIRECTS_MAX = 5,
    IDLE_MAX = 32,
    HEADERS_MAX = 256 << 10,
    BODY_MAX = 4 << 20,
    STALL_BYTES = 256, /* fewer within the stall timeout is standing still: a drip ends too */
};

struct http_client {
    pthread_mutex_t lock;
    CURL *idle[IDLE_MAX]; /* each holds the connections that it used */
    size_t idle_count;
    char *ca_file;
    char *cert_file;
    char *key_file;
    bool is_insecure;
    char *user_agent;
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    bool (*is_cancelled)(void *data);
    void *cancel_data;
};

/* One hop of one request: what libcurl's callbacks see. */
struct hop {
    const struct http_client *client;
    const struct http_client_request *request;
    struct http_client_response *response;
    int64_t moved_ms;   /* monotonic: when it last got on */
    size_t moved_bytes; /* since then */
    curl_off_t uploaded;
    int status; /* of the header block that is arriving */
    bool is_stalled;
    bool is_cancelled;
    bool is_body_refused; /* read_body gave up */
    struct err err;       /* why a callback ended it */
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

enum err_kind http_client_new(
    const struct http_client_options *options, struct http_client **ret, struct err *err)
{
    pthread_once(&global_once, global_init);
    (void)err;
    struct http_client *c = mem_new(struct http_client);
    pthread_mutex_init(&c->lock, NULL);
    c->ca_file = mem_strdup(options->tls.ca_file);
    c->cert_file = mem_strdup(options->tls.cert_file);
    c->key_file = mem_strdup(options->tls.key_file);
    c->is_insecure = options->tls.is_insecure;
    c->user_agent =
        mem_strdup(options->user_agent != NULL ? options->user_agent : "cup/" CUP_VERSION);
    c->connect_timeout_ms =
        options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    c->stall_timeout_ms =
        options->stall_timeout_ms > 0 ? options->stall_timeout_ms : STALL_TIMEOUT_MS;
    c->is_cancelled = options->is_cancelled;
    c->cancel_data = options->cancel_data;
    *ret = c;
    return ERR_OK;
}

struct http_client *http_client_free(struct http_client *c)
{
    if (c == NULL)
        return NULL;
    while (c->idle_count > 0)
        curl_easy_cleanup(c->idle[--c->idle_count]);
    pthread_mutex_destroy(&c->lock);
    free(c->ca_file);
    free(c->cert_file);
    free(c->key_file);
    free(c->user_agent);
    free(c);
    return NULL;
}

static CURL *borrow(struct http_client *c)
{
    CURL *easy = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->idle_count > 0)
        easy = c->idle[--c->idle_count];
    pthread_mutex_unlock(&c->lock);
    return easy != NULL ? easy : curl_easy_init();
}

static void give_back(struct http_client *c, CURL *easy)
{
    pthread_mutex_lock(&c->lock);
    if (c->idle_count < IDLE_MAX) {
        c->idle[c->idle_count++] = easy;
        easy = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    curl_easy_cleanup(easy);
}

void http_client_response_deinit(struct http_client_response *r)
{
    if (r == NULL)
        return;
    buf_deinit(&r->headers);
    buf_deinit(&r->body);
    free(r->effective_url);
    *r = (struct http_client_response){0};
}

/* --- callbacks ---------------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK" begins a header block: an informational one, a proxy's, or the answer's own. */
static void begin_headers(struct hop *h, struct str line)
{
    struct str rest = line;
    str_cut(&rest, ' ');
    uint64_t status = 0;
    if (rest.p != NULL)
        str_to_u64(str_take(rest, 3), &status);
    h->status = (int)status;
    buf_clear(&h->response->headers);
}

static void get_on(struct hop *h)
{
    h->moved_ms = clock_monotonic_ms();
    h->moved_bytes = 0;
}

static void count_bytes(struct hop *h, size_t n)
{
    h->moved_bytes += n;
    if (h->moved_bytes >= STALL_BYTES)
        get_on(h);
}

static size_t on_header(char *p, size_t size, size_t n, void *data)
{
    struct hop *h = data;
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
    struct hop *h = data;
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
    buf_add(&h->response->body, p, bytes);
    return buf_check(&h->response->body, "the answer's body", &h->err) == ERR_OK ? bytes : 0;
}

static size_t on_read(char *to, size_t size, size_t n, void *data)
{
    struct hop *h = data;
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
    struct hop *h = data;
    (void)down_all;
    (void)down;
    (void)up_all;
    count_bytes(h, (size_t)(up - h->uploaded));
    h->uploaded = up;
    const struct http_client *c = h->client;
    h->is_cancelled = c->is_cancelled != NULL && c->is_cancelled(c->cancel_data);
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

static void set_method(CURL *easy, const struct http_client_request *q, struct hop *h)
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

static void set_transport(const struct http_client *c, CURL *easy, int64_t timeout_ms)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L << 10);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    if (c->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    if (c->cert_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, c->cert_file);
    if (c->key_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, c->key_file);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, c->is_insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, c->is_insecure ? 0L : 2L);
}

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

static enum err_kind
failure(const struct hop *h, CURLcode code, const char *url, const char *detail, struct err *err)
{
    char where[HTTP_URL_SHOWN_MAX];
    http_url_show(url, where);
    const char *why = detail[0] != '\0' ? detail : curl_easy_strerror(code);
    if (h->err.kind != ERR_OK) {
        if (err != NULL)
            *err = h->err;
        return h->err.kind;
    }
    if (h->is_cancelled)
        return err_set(err, ERR_CANCELLED, "interrupted");
    if (h->is_stalled)
        return err_set(
            err, ERR_TIMEOUT, "'%s' sent next to nothing for %d ms", where,
            (int)h->client->stall_timeout_ms);
    if (h->is_body_refused)
        return err_set(err, ERR_FAILED, "the body of the request to '%s' was not read", where);
    switch ((int)code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(err, ERR_INVALID, "it is not an http or https URL");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(err, ERR_UNAVAILABLE, "the name of '%s' does not resolve: %s", where, why);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_TIMEOUT, "'%s' was too slow: %s", where, why);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(err, ERR_UNAVAILABLE, "TLS with '%s' failed: %s", where, why);
    default:
        return err_set(err, ERR_UNAVAILABLE, "the connection to '%s' failed: %s", where, why);
    }
}

/* Worth another try: what broke on the way. A name that does not resolve, a port where nobody listens
 * and a certificate that is not trusted stay as they are. */
static bool is_broken_connection(const struct hop *h, CURLcode code)
{
    if (h->err.kind != ERR_OK || h->is_cancelled || h->is_body_refused)
        return false;
    return h->is_stalled || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
        code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_SEND_FAIL_REWIND ||
        code == CURLE_OPERATION_TIMEDOUT || code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
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

static enum err_kind do_hop(
    struct http_client *c,
    CURL *easy,
    const struct http_client_request *q,
    const char *url,
    bool with_credentials,
    int64_t timeout_ms,
    struct http_client_response *ret,
    bool *is_not_tls,
    struct err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    struct hop h = {.client = c, .request = q, .response = ret, .moved_ms = clock_monotonic_ms()};
    buf_clear(&ret->headers);
    buf_clear(&ret->body);
    ret->headers.max = HEADERS_MAX;
    ret->body.max = q->body_max > 0 ? q->body_max : BODY_MAX;
    enum err_kind r = make_headers(q, with_credentials, &headers, err);
    if (r != ERR_OK) {
        curl_slist_free_all(headers);
        return r;
    }
    curl_easy_reset(easy);
    set_transport(c, easy, timeout_ms);
    set_method(easy, q, &h);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &h);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &h);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &h);
    CURLcode code = curl_easy_perform(easy);
    curl_slist_free_all(headers);
    ret->status = h.status;
    if (code == CURLE_OK)
        return ERR_OK;
    if (is_not_tls != NULL)
        *is_not_tls = is_not_tls_error(code, detail);
    ret->is_broken = is_broken_connection(&h, code);
    ret->failed_at = failed_step(easy, code, url);
    return failure(&h, code, url, detail, err);
}

/* --- redirects ------------------------------------------------------------------------------------------ */

static bool is_redirect(const struct http_client_request *q, int status)
{
    bool is_safe = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
    return q->follow_redirects && is_safe &&
        (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* Where the answer sends us; {with_credentials} turns false, for good, on another origin. */
static enum err_kind
next_url(CURL *easy, char **url, bool *with_credentials, bool *ret_goes_on, struct err *err)
{
    char *target = NULL;
    struct http_url from, to;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
    *ret_goes_on = target != NULL;
    if (target == NULL)
        return ERR_OK;
    enum err_kind r = http_url_parse(*url, &from, err);
    if (r == ERR_OK)
        r = http_url_parse(target, &to, err);
    if (r != ERR_OK)
        return err_wrap(err, "a redirect");
    if (strcmp(from.scheme, "https") == 0 && strcmp(to.scheme, "http") == 0)
        return err_set(
            err, ERR_DENIED, "'%s' redirects from https to http at '%s': not followed", from.host,
            to.host);
    if (!http_url_is_same_origin(&from, &to))
        *with_credentials = false;
    free(*url);
    *url = mem_strdup(target);
    return ERR_OK;
}

/* Hop by hop with one handle. */
static enum err_kind follow(
    struct http_client *c,
    CURL *easy,
    const struct http_client_request *request,
    struct http_client_response *ret,
    bool *is_not_tls,
    struct err *err)
{
    autofree char *url = mem_strdup(request->url);
    bool with_credentials = true;
    int64_t end_ms = clock_monotonic_ms() + request->timeout_ms;
    for (int hops = 0;; hops++) {
        int64_t left_ms = request->timeout_ms > 0 ? end_ms - clock_monotonic_ms() : 0;
        char where[HTTP_URL_SHOWN_MAX];
        if (request->timeout_ms > 0 && left_ms <= 0)
            return err_set(err, ERR_TIMEOUT, "'%s' was too slow", http_url_show(url, where));
        enum err_kind r =
            do_hop(c, easy, request, url, with_credentials, left_ms, ret, is_not_tls, err);
        bool goes_on = r == ERR_OK && is_redirect(request, ret->status);
        if (goes_on && hops == REDIRECTS_MAX)
            return err_set(
                err, ERR_LIMIT, "more than %d redirects, the last one at '%s'", REDIRECTS_MAX,
                http_url_show(url, where));
        if (goes_on)
            r = next_url(easy, &url, &with_credentials, &goes_on, err);
        if (r != ERR_OK || !goes_on) {
            ret->effective_url = steal(&url);
            return r;
        }
    }
}

enum err_kind http_client_do(
    struct http_client *c,
    const struct http_client_request *request,
    struct http_client_response *ret,
    bool *is_not_tls,
    struct err *err)
{
    *ret = (struct http_client_response){0};
    if (is_not_tls != NULL)
        *is_not_tls = false;
    CURL *easy = borrow(c);
    if (easy == NULL)
        return err_set(err, ERR_INTERNAL, "libcurl does not start");
    enum err_kind r = follow(c, easy, request, ret, is_not_tls, err);
    give_back(c, easy);
    return r;
}

struct str http_client_header(const struct http_client_response *r, const char *name, size_t nth)
{
    struct str rest = buf_view(&r->headers);
    while (rest.p != NULL) {
        struct str line = str_cut(&rest, '\n');
        ptrdiff_t colon = str_find(line, ':');
        if (colon < 0 || !str_eq_nocase(str_take(line, (size_t)colon), str_from(name)))
            continue;
        if (nth-- == 0)
            return str_trim(str_skip(line, (size_t)colon + 1));
    }
    return str_of(NULL, 0);
}
