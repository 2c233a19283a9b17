/* What is wrong with the head of a request, in the order in which it is asked. */
#include "http/exchange.h"

#include "base/mem.h"
#include "http/guard.h"
#include "http/router.h"
#include "http/target.h"

/* RFC 9110 section 5.6.2. A name with a blank before the colon is how requests are smuggled past
 * proxies (RFC 9112 section 5.1), and the library would let it through. */
static bool is_token(struct str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return s.n > 0;
}

static bool is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

static enum MHD_Result add_header(
    void *data,
    enum MHD_ValueKind kind,
    const char *key,
    size_t key_bytes,
    const char *value,
    size_t value_bytes)
{
    (void)kind;
    struct http_exchange *x = data;
    if (x->q.header_count > HTTP_HEADERS_MAX)
        return MHD_NO;
    mem_grow(&x->headers, x->q.header_count, &x->header_cap);
    x->headers[x->q.header_count++] = (struct http_param){
        str_of(key, key_bytes), str_trim(str_of(value == NULL ? "" : value, value_bytes))};
    x->q.headers = x->headers;
    return MHD_YES;
}

static bool refuse(struct http_exchange *x, int status, const char *message)
{
    http_exchange_refuse(x, status, message);
    return true;
}

static bool refuse_framing(struct http_exchange *x, int status, const char *message)
{
    x->is_bad_framing = true;
    return refuse(x, status, message);
}

static bool bad_headers(struct http_exchange *x)
{
    if (x->q.header_count > HTTP_HEADERS_MAX)
        return refuse_framing(x, 431, "the request has too many headers");
    for (size_t i = 0; i < x->q.header_count; i++) {
        if (!is_token(x->headers[i].name) || !is_field_value(x->headers[i].value))
            return refuse_framing(x, 400, "a header of the request is malformed");
    }
    return !is_token(x->q.method) && refuse_framing(x, 400, "the method is malformed");
}

static size_t count_header(const struct http_exchange *x, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < x->q.header_count; i++)
        n += str_eq_nocase(x->headers[i].name, str_from(name));
    return n;
}

/* RFC 9112 section 6: one way to tell where a body ends, or none. */
static bool bad_framing(struct http_exchange *x)
{
    size_t lengths = count_header(x, "Content-Length");
    size_t encodings = count_header(x, "Transfer-Encoding");
    if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0))
        return refuse_framing(x, 400, "the request says in two ways how long its body is");
    if (encodings > 0 && str_eqz(x->q.protocol, "HTTP/1.0"))
        return refuse_framing(x, 400, "HTTP/1.0 has no Transfer-Encoding");
    struct str encoding = http_header(&x->q, "Transfer-Encoding");
    if (encodings > 0 && !str_eq_nocase(encoding, STR("chunked")))
        return refuse_framing(x, 501, "the only Transfer-Encoding served is chunked");
    uint64_t bytes = 0;
    if (lengths > 0 && !str_to_u64(http_header(&x->q, "Content-Length"), &bytes))
        return refuse_framing(x, 400, "the Content-Length is malformed");
    x->has_body = encodings > 0 || bytes > 0;
    return false;
}

static enum err_kind
decode_query(struct http_exchange *x, struct http_decoder *d, struct str query, struct err *err)
{
    if (query.n == 0)
        return ERR_OK;
    struct http_param items[HTTP_QUERY_MAX];
    enum err_kind r = http_query_parse(d, query, items, &x->q.query_count, err);
    if (r == ERR_OK && x->q.query_count > 0)
        x->q.query = mem_dup(items, x->q.query_count * sizeof(items[0]));
    return r;
}

static enum err_kind read_target(struct http_exchange *x, struct http_decoder *d, struct err *err)
{
    struct http_target t;
    enum err_kind r = http_target_parse(x->q.target, &t, err);
    if (r != ERR_OK)
        return r;
    x->q.path = t.path;
    /* RFC 9112 section 3.2.2: the absolute form's authority takes the place of the Host header */
    x->host = t.authority.p != NULL ? t.authority : http_header(&x->q, "Host");
    r = http_decode_check(t.path, err);
    if (r == ERR_OK)
        r = decode_query(x, d, t.query, err);
    return r;
}

/* A page of another site that made its own name point here still sends that name (DNS rebinding). */
static bool bad_host(struct http_exchange *x)
{
    size_t hosts = count_header(x, "Host");
    if (hosts > 1 || (hosts == 0 && !str_eqz(x->q.protocol, "HTTP/1.0")))
        return refuse(x, 400, "the request needs exactly one Host header");
    if (x->host.p == NULL)
        return false;
    if (x->host.n > 0 && !http_host_is_wellformed(x->host))
        return refuse(x, 400, "the Host of the request is malformed");
    const struct http_server *s = x->server;
    if (!s->is_loopback || http_host_is_loopback(x->host) ||
        http_host_is_listed(x->host, s->options.extra_hosts))
        return false;
    return refuse(x, 421, "this listener serves localhost only, not the host that was asked for");
}

static bool is_preflight(const struct http_exchange *x)
{
    return str_eqz(x->q.method, "OPTIONS") &&
        http_header(&x->q, "Access-Control-Request-Method").p != NULL;
}

static void allow_preflight(struct http_exchange *x)
{
    static const char *const allowed[] = {"HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"};
    x->p.status = 200;
    http_response_header(&x->p, "Vary", "Access-Control-Request-Method");
    http_response_header(&x->p, "Vary", "Access-Control-Request-Headers");
    struct str method = http_header(&x->q, "Access-Control-Request-Method");
    for (size_t i = 0; i < ARRAY_LEN(allowed) && x->is_origin_allowed; i++) {
        if (!str_eqz(method, allowed[i]))
            continue;
        http_response_header(&x->p, "Access-Control-Allow-Methods", allowed[i]);
        autofree char *names = mem_strdup_str(http_header(&x->q, "Access-Control-Request-Headers"));
        if (names != NULL && names[0] != '\0')
            http_response_header(&x->p, "Access-Control-Allow-Headers", names);
    }
}

static bool changes_state(struct str method)
{
    return !str_eqz(method, "GET") && !str_eqz(method, "HEAD") && !str_eqz(method, "OPTIONS");
}

/* Without this any web page could change a repository through a server on its visitor's machine. */
static bool bad_origin(struct http_exchange *x)
{
    x->origin = http_header(&x->q, "Origin");
    x->is_origin_allowed = x->origin.n > 0 &&
        http_origin_is_listed(x->origin, x->server->options.cors_origins, &x->is_any_origin);
    if (is_preflight(x)) {
        allow_preflight(x);
        return true;
    }
    if (x->origin.p == NULL || x->is_origin_allowed || !changes_state(x->q.method) ||
        http_origin_is_host(x->origin, x->host))
        return false;
    return refuse(
        x, 403, "pages of this Origin may not change anything here; -api-cors-origin allows one");
}

static bool refuse_route(struct http_exchange *x, const struct http_route_match *m)
{
    if (m->is_known_path || !http_method_is_known(x->q.method)) {
        http_exchange_refuse(x, 405, "the method is not served on this path");
        http_response_header(&x->p, "Allow", m->allow);
        return true;
    }
    return refuse(x, 404, "there is nothing on this path");
}

static bool bad_route(struct http_exchange *x, struct http_decoder *d)
{
    struct http_route_match m;
    http_route_find(
        x->server->options.routes, x->server->options.route_count, x->q.method, x->q.path, &m);
    if (m.route == NULL)
        return refuse_route(x, &m);
    x->route = m.route;
    x->q.param_count = m.param_count;
    for (size_t i = 0; i < m.param_count; i++) {
        x->q.params[i].name = m.params[i].name;
        /* cannot fail: the escapes of the whole path have been checked */
        enum err_kind r = http_decode(d, m.params[i].value, false, &x->q.params[i].value, NULL);
        if (r != ERR_OK)
            return refuse(x, 400, "the path is malformed");
    }
    return false;
}

static bool bad_size(struct http_exchange *x)
{
    x->body_max = x->route->body_max > 0 ? x->route->body_max : x->server->options.body_max;
    uint64_t bytes = 0;
    struct str length = http_header(&x->q, "Content-Length");
    if (length.n == 0 || !str_to_u64(length, &bytes) || bytes <= x->body_max)
        return false;
    return refuse(x, 413, "the body of the request is larger than the server takes");
}

void http_exchange_judge(struct http_exchange *x)
{
    MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, add_header, x);
    x->body_max = x->server->options.body_max;
    if (bad_headers(x) || bad_framing(x))
        return;
    struct err err;
    struct http_decoder d = {x->text + x->q.target.n + 1, 0};
    enum err_kind r = read_target(x, &d, &err);
    if (r != ERR_OK) {
        refuse(x, r == ERR_LIMIT ? 414 : 400, err.text);
        return;
    }
    if (bad_host(x) || bad_origin(x) || bad_route(x, &d) || bad_size(x))
        return;
    const struct http_server_options *o = &x->server->options;
    if (o->judge != NULL)
        o->judge(o->context, x->route, &x->q, &x->p);
}
