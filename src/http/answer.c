/* From a struct http_response to what the library sends. */
#include "http/exchange.h"
#include "http/prebuilt.h"

#include "base/mem.h"

static void
write_error(const struct http_server *s, struct http_response *p, int status, const char *message)
{
    http_response_deinit(p);
    p->status = status;
    if (s->options.write_error != NULL) {
        s->options.write_error(s->options.context, p, status, message);
        return;
    }
    p->content_type = "text/plain; charset=utf-8";
    buf_printf(&p->body, "%s\n", message);
}

void http_exchange_refuse(struct http_exchange *x, int status, const char *message)
{
    write_error(x->server, &x->p, status, message);
}

void http_raw_answer(struct http_server *s, struct buf *to, int status, const char *message)
{
    struct http_response p = {0};
    write_error(s, &p, status, message);
    buf_printf(
        to, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", status,
        MHD_get_reason_phrase_for((unsigned)status), p.body.n);
    if (p.content_type != NULL)
        buf_printf(to, "Content-Type: %s\r\n", p.content_type);
    buf_text(to, "\r\n");
    buf_str(to, buf_view(&p.body));
    http_response_deinit(&p);
}

struct shared_body {
    void *owner;
    void (*release)(void *owner);
};

static void release_shared(void *data)
{
    struct shared_body *body = data;
    if (body->release != NULL)
        body->release(body->owner);
    free(body);
}

static struct MHD_Response *make_shared(struct http_response *p)
{
    struct shared_body *body = mem_new(struct shared_body);
    *body = (struct shared_body){p->shared_owner, p->shared_release};
    p->shared_release = NULL;
    return MHD_create_response_from_buffer_with_free_callback_cls(
        p->shared.n, (void *)(uintptr_t)p->shared.p, release_shared, body);
}

static size_t body_bytes(const struct http_response *p)
{
    return p->shared.p != NULL ? p->shared.n : p->body.n;
}

static struct MHD_Response *make_body(struct http_response *p)
{
    size_t n = body_bytes(p);
    if (p->shared.p != NULL)
        return make_shared(p);
    if (n == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer_with_free_callback(n, buf_steal(&p->body), free);
}

/* A failure here means a header without value, which says nothing: it is left out. */
static void add(struct MHD_Response *to, const char *name, const char *value)
{
    enum MHD_Result ignored = MHD_add_response_header(to, name, value);
    (void)ignored;
}

static void add_cors(const struct http_exchange *x, struct MHD_Response *to)
{
    add(to, "Vary", "Origin");
    if (!x->is_origin_allowed)
        return;
    autofree char *origin = mem_strdup_str(x->origin);
    add(to, "Access-Control-Allow-Origin", x->is_any_origin ? "*" : origin);
    add(to, "Access-Control-Expose-Headers", "ETag, Retry-After");
}

static void add_headers(struct http_exchange *x, struct MHD_Response *to, bool has_body)
{
    const struct http_response *p = &x->p;
    if (p->content_type != NULL && has_body)
        add(to, "Content-Type", p->content_type);
    add(to, "X-Content-Type-Options", "nosniff");
    if (p->etag != NULL) {
        autofree char *quoted = mem_printf("\"%s\"", p->etag);
        add(to, "ETag", quoted);
    }
    add_cors(x, to);
    for (size_t i = 0; i < p->header_count; i++)
        add(to, p->headers[i].name, p->headers[i].value);
    if (x->is_bad_framing || atomic_load(&x->server->is_stopping))
        add(to, "Connection", "close");
}

/* What must not go out: an answer that does not fit its limit, or none at all. */
static void check_response(struct http_exchange *x)
{
    if (x->p.status == 0)
        http_exchange_refuse(x, 500, "the handler gave no answer");
    else if (x->p.body.is_failed)
        http_exchange_refuse(x, 500, "the answer is larger than the server sends");
}

struct MHD_Response *http_exchange_response(struct http_exchange *x)
{
    bool has_body = body_bytes(&x->p) > 0;
    struct MHD_Response *response = make_body(&x->p);
    if (response != NULL)
        add_headers(x, response, has_body);
    return response;
}

static enum MHD_Result queue(struct http_exchange *x)
{
    enum MHD_Result r = MHD_NO;
    if (http_prebuilt_answer(x->server->prebuilt, x, &r))
        return r;
    struct MHD_Response *response = http_exchange_response(x);
    if (response == NULL)
        return MHD_NO;
    r = MHD_queue_response(x->mhd, (unsigned)x->p.status, response);
    MHD_destroy_response(response);
    return r;
}

enum MHD_Result http_exchange_answer(struct http_exchange *x)
{
    check_response(x);
    size_t bytes = body_bytes(&x->p);
    /* An answer before the body was read ends the connection: the library sees to that. */
    if (x->stage == HTTP_STAGE_NEW)
        x->connection->lingers = true;
    x->sent_status = x->p.status;
    x->sent_bytes = str_eqz(x->q.method, "HEAD") ? 0 : bytes;
    http_watch_answer(x->server->watch, x->connection, bytes);
    enum MHD_Result r = queue(x);
    x->stage = HTTP_STAGE_ANSWERED;
    return r;
}
