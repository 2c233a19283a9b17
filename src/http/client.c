#include "http/client.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/hop.h"
#include "http/url.h"

#include <pthread.h>

enum {
    CONNECT_TIMEOUT_MS = 10000,
    STALL_TIMEOUT_MS = 30000,
    REDIRECTS_MAX = 5,
    IDLE_MAX = 32,
};

struct http_client {
    pthread_mutex_t lock;
    CURL *idle[IDLE_MAX]; /* each holds the connections that it used */
    size_t idle_count;
    struct http_settings settings;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static struct http_settings copy_settings(const struct http_client_options *o)
{
    static const struct http_proxies none;
    const struct http_proxies *p = o->proxies != NULL ? o->proxies : &none;
    return (struct http_settings){
        .ca_file = mem_strdup(o->tls.ca_file),
        .cert_file = mem_strdup(o->tls.cert_file),
        .key_file = mem_strdup(o->tls.key_file),
        .is_insecure = o->tls.is_insecure,
        .user_agent = mem_strdup(o->user_agent != NULL ? o->user_agent : "cup/" CUP_VERSION),
        .connect_timeout_ms =
            o->connect_timeout_ms > 0 ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS,
        .stall_timeout_ms = o->stall_timeout_ms > 0 ? o->stall_timeout_ms : STALL_TIMEOUT_MS,
        .proxies =
            {.http = mem_strdup(p->http),
             .https = mem_strdup(p->https),
             .all = mem_strdup(p->all),
             .no = mem_strdup(p->no)},
        .is_cancelled = o->is_cancelled,
        .cancel_data = o->cancel_data};
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_settings(struct http_settings *s)
{
    free(s->ca_file);
    free(s->cert_file);
    free(s->key_file);
    free(s->user_agent);
    free_text(s->proxies.http);
    free_text(s->proxies.https);
    free_text(s->proxies.all);
    free_text(s->proxies.no);
}

enum err_kind http_client_new(
    const struct http_client_options *options, struct http_client **ret, struct err *err)
{
    pthread_once(&global_once, global_init);
    (void)err;
    struct http_client *c = mem_new(struct http_client);
    pthread_mutex_init(&c->lock, NULL);
    c->settings = copy_settings(options);
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
    free_settings(&c->settings);
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

/* --- redirects ------------------------------------------------------------------------------------------ */

static bool is_redirect(const struct http_client_request *q, int status)
{
    bool is_safe = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
    return q->follow_redirects && is_safe &&
        (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* Where the answer sends us; {is_first_origin} turns false, for good, on another origin. */
static enum err_kind
next_url(CURL *easy, char **url, bool *is_first_origin, bool *ret_goes_on, struct err *err)
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
        *is_first_origin = false;
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
    struct http_hop hop = {.settings = &c->settings, .request = request, .is_first_origin = true};
    int64_t end_ms = clock_monotonic_ms() + request->timeout_ms;
    for (int hops = 0;; hops++) {
        int64_t left_ms = request->timeout_ms > 0 ? end_ms - clock_monotonic_ms() : 0;
        char where[HTTP_URL_SHOWN_MAX];
        if (request->timeout_ms > 0 && left_ms <= 0)
            return err_set(err, ERR_TIMEOUT, "'%s' was too slow", http_url_show(url, where));
        hop.url = url;
        hop.timeout_ms = left_ms;
        enum err_kind r = http_hop_run(&hop, easy, ret, err);
        if (is_not_tls != NULL)
            *is_not_tls = hop.is_not_tls;
        bool goes_on = r == ERR_OK && is_redirect(request, ret->status);
        if (goes_on && hops == REDIRECTS_MAX)
            return err_set(
                err, ERR_LIMIT, "more than %d redirects, the last one at '%s'", REDIRECTS_MAX,
                http_url_show(url, where));
        if (goes_on)
            r = next_url(easy, &url, &hop.is_first_origin, &goes_on, err);
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
