/*
 * Smart HTTP. source: gitprotocol-http(5): "Discovering References", "Smart Service git-upload-pack",
 * "Smart Service git-receive-pack"; "Authentication".
 */
#include "base/mem.h"
#include "http/client.h"
#include "http/url.h"
#include "repo/wire.h"

/* What a body from the remote may come to; packs are the largest, see pack_scan.h. */
#define ANSWER_MAX ((size_t)17 << 30)

struct answer {
    struct wire_call *call;
    size_t n;
};

static bool take_body(void *data, const char *p, size_t n, struct err *err)
{
    struct answer *a = data;
    a->n += n;
    if (a->n > ANSWER_MAX) {
        err_set(err, ERR_LIMIT, "its answer is larger than %zu bytes", ANSWER_MAX);
        return false;
    }
    return wire_reader_feed(a->call->reader, str_of(p, n), err) == ERR_OK;
}

/* A web page that answers with 200 is no Git server. */
static bool check_type(void *data, const struct http_client_response *head, struct err *err)
{
    struct answer *a = data;
    autofree char *wanted = mem_printf(
        "application/x-%s-%s", wire_service_name(a->call->service),
        a->call->request.n == 0 ? "advertisement" : "result");
    if (head->status < 200 || head->status > 299 ||
        str_eqz(http_client_header(head, "Content-Type", 0), wanted))
        return true;
    err_set(err, ERR_FAILED, "what answers there is not a Git repository over smart HTTP");
    return false;
}

/* What the body of an error says; a server or proxy that shows a request to help in debugging would
 * show its credentials. */
static char *words_of(const struct wire_place *place, const struct http_client_response *p)
{
    struct str body = buf_view(&p->body);
    const char *header = place->authorization != NULL ? strchr(place->authorization, ' ') : NULL;
    bool is_secret = (header != NULL && str_search(body, str_from(header + 1)) >= 0) ||
        (place->secret != NULL && str_search(body, str_from(place->secret)) >= 0);
    return is_secret ? mem_strdup("") : wire_escape(str_take(body, 200), 200);
}

static enum err_kind judge(
    const struct wire_place *place,
    const struct http_client_response *p,
    bool has_auth,
    struct err *err)
{
    autofree char *words = words_of(place, p);
    const char *colon = words[0] == '\0' ? "" : ": ";
    switch (p->status) {
    case 401:
        return err_set(
            err, ERR_UNAUTHENTICATED, "%s%s%s",
            has_auth ? "user and password or token are not taken (401)"
                     : "it asks for a user and a password or token (401)",
            colon, words);
    case 403:
        return err_set(err, ERR_DENIED, "not allowed (403)%s%s", colon, words);
    case 404:
    case 410:
        return err_set(err, ERR_NOT_FOUND, "there is no such repository (%d)", p->status);
    case 429:
    case 502:
    case 503:
    case 504:
        return err_set(err, ERR_UNAVAILABLE, "not now (%d)%s%s", p->status, colon, words);
    default:
        return err_set(err, ERR_FAILED, "answered with status %d%s%s", p->status, colon, words);
    }
}

/* Where to ask, after what a redirect has taught, and whether credentials may go there. */
static char *place_of(struct wire_place *p, bool *ret_is_trusted)
{
    pthread_mutex_lock(&p->lock);
    char *base = mem_strdup(p->moved_to != NULL ? p->moved_to : p->url.base);
    *ret_is_trusted = p->moved_to == NULL || !p->is_moved_away;
    pthread_mutex_unlock(&p->lock);
    return base;
}

/* As git does: only the first request follows, and what it finds is where the others go. */
static enum err_kind
learn_place(struct wire_place *p, const char *suffix, const char *url, struct err *err)
{
    struct str at = str_from(url);
    struct http_url from, to;
    if (!str_ends(at, str_from(suffix)))
        return err_set(err, ERR_FAILED, "it redirects to what is no repository");
    at.n -= strlen(suffix);
    autofree char *base = mem_strdup_str(at);
    enum err_kind r = http_url_parse(p->url.base, &from, err);
    if (r == ERR_OK)
        r = http_url_parse(base, &to, err);
    if (r != ERR_OK)
        return r;
    pthread_mutex_lock(&p->lock);
    free(p->moved_to);
    p->moved_to = strcmp(base, p->url.base) == 0 ? NULL : steal(&base);
    p->is_moved_away = !http_url_is_same_origin(&from, &to);
    pthread_mutex_unlock(&p->lock);
    return ERR_OK;
}

static enum err_kind call_http(struct wire_call *c, struct err *err)
{
    struct wire_place *place = c->wire->place;
    const char *service = wire_service_name(c->service);
    bool is_advert = c->request.n == 0;
    bool is_trusted = true;
    autofree char *base = is_advert ? mem_strdup(place->url.base) : place_of(place, &is_trusted);
    autofree char *suffix =
        is_advert ? mem_printf("/info/refs?service=%s", service) : mem_printf("/%s", service);
    autofree char *url = mem_printf("%s%s", base, suffix);
    autofree char *type = mem_printf("application/x-%s-request", service);
    autofree char *accept =
        mem_printf("application/x-%s-%s", service, is_advert ? "advertisement" : "result");
    struct http_header headers[4] = {{"Accept", accept}};
    size_t count = 1;
    if (!is_advert)
        headers[count++] = (struct http_header){"Content-Type", type};
    if (c->version == 2)
        headers[count++] = (struct http_header){"Git-Protocol", "version=2"};
    if (place->authorization != NULL && is_trusted)
        headers[count++] = (struct http_header){"Authorization", place->authorization};
    struct answer answer = {.call = c};
    struct http_client_request request = {
        .method = is_advert ? "GET" : "POST",
        .url = url,
        .headers = headers,
        .header_count = count,
        .body = c->request,
        .begin_body = check_type,
        .write_body = take_body,
        .data = &answer,
        .body_max = 64 << 10,
        .timeout_ms = wire_left_ms(c->wire),
        .cancel = c->wire->cancel,
        .follow_redirects = is_advert,
    };
    struct http_client_response response = {0};
    enum err_kind r = http_client_do(place->http, &request, &response, NULL, err);
    c->is_sent = !is_advert &&
        (response.failed_at == HTTP_STEP_NONE || response.failed_at >= HTTP_STEP_ANSWER);
    if (r == ERR_OK && (response.status < 200 || response.status > 299))
        r = judge(place, &response, place->authorization != NULL && is_trusted, err);
    if (r == ERR_OK && is_advert)
        r = learn_place(place, suffix, response.effective_url, err);
    http_client_response_deinit(&response);
    return r;
}

const struct wire_transport wire_http = {.call = call_http};
