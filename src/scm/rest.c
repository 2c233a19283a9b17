#include "scm/rest.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/link.h"
#include "http/url.h"
#include "scm/text.h"

#include <stdio.h>

enum {
    OPERATION_MS = 30000,
    REQUEST_MS = 20000,
    TRIES_MAX = 4,
    REDIRECTS_MAX = 3,
    HEADERS_MAX = 8,
    ANSWER_MAX = 16 << 20, /* a hundred pull requests with long texts */
    LIMIT_WAIT_MAX_MS = 10000,
    LIMIT_UNKNOWN_MS = 60000, /* a limit that does not say how long: GitHub's advice */
    LIMIT_LONGEST_MS = 24 * 3600 * 1000,
};

/* --- life ------------------------------------------------------------------------------------------- */

void scm_rest_init(struct scm_rest *r)
{
    pthread_mutex_init(&r->lock, NULL);
    if (r->clock == NULL)
        r->clock = &http_retry_real_clock;
    if (r->timeout_ms == 0)
        r->timeout_ms = OPERATION_MS;
}

void scm_rest_deinit(struct scm_rest *r)
{
    free(r->api);
    free(r->token);
    pthread_mutex_destroy(&r->lock);
}

void scm_answer_deinit(struct scm_answer *a)
{
    json_doc_deinit(&a->doc);
    http_client_response_deinit(&a->http);
    *a = (struct scm_answer){0};
}

struct scm_call scm_call_begin(struct scm_rest *r)
{
    return (struct scm_call){.rest = r, .end_ms = clock_monotonic_ms() + r->timeout_ms};
}

static int64_t left_ms(const struct scm_call *c)
{
    return c->end_ms - clock_monotonic_ms();
}

static const char *host_of(const struct scm_call *c, char ret[HTTP_URL_SHOWN_MAX])
{
    return http_url_show(c->rest->api, ret);
}

static enum err_kind too_late(const struct scm_call *c, struct err *err)
{
    char host[HTTP_URL_SHOWN_MAX];
    return err_set(
        err, ERR_TIMEOUT, "%s at '%s' took longer than %lld s", c->rest->forge, host_of(c, host),
        (long long)c->rest->timeout_ms / 1000);
}

static enum err_kind wait_ms(const struct scm_call *c, int64_t ms, struct err *err)
{
    const struct http_retry_clock *clock = c->rest->clock;
    if (ms >= left_ms(c))
        return too_late(c, err);
    clock->sleep_ms(clock->data, ms);
    return ERR_OK;
}

enum err_kind scm_call_pause(const struct scm_call *c, unsigned tries, struct err *err)
{
    const struct http_retry_clock *clock = c->rest->clock;
    return wait_ms(c, http_retry_backoff_ms(tries, clock->random(clock->data)), err);
}

/* --- rate limits -------------------------------------------------------------------------------------- */

static struct str first_header(const struct scm_answer *a, const char *one, const char *other)
{
    struct str value = http_client_header(&a->http, one, 0);
    return value.p != NULL ? value : http_client_header(&a->http, other, 0);
}

/*
 * GitHub limits with 403 or 429, GitLab and Gitea with 429. A 403 is a limit only where it says so.
 * source: docs.github.com "Rate limits for the REST API", docs.gitlab.com "Rate limits"
 */
static bool is_limited(const struct scm_answer *a)
{
    struct str left = first_header(a, "X-RateLimit-Remaining", "RateLimit-Remaining");
    return a->status == 429 ||
        (a->status == 403 &&
         (str_eqz(left, "0") || http_client_header(&a->http, "Retry-After", 0).p != NULL));
}

static int64_t limit_ms(const struct scm_answer *a, int64_t now_ms)
{
    uint64_t reset_s = 0;
    struct str after = http_client_header(&a->http, "Retry-After", 0);
    struct str reset = first_header(a, "X-RateLimit-Reset", "RateLimit-Reset");
    int64_t ms = http_retry_after_ms(after, now_ms, LIMIT_LONGEST_MS);
    if (after.p == NULL && str_to_u64(reset, &reset_s) && reset_s < (uint64_t)INT64_MAX / 1000)
        ms = (int64_t)reset_s * 1000 - now_ms + 1000; /* clocks differ by a second easily */
    else if (ms == 0)
        ms = after.p != NULL ? 1000 : LIMIT_UNKNOWN_MS;
    return ms < 1000 ? 1000 : ms > LIMIT_LONGEST_MS ? LIMIT_LONGEST_MS : ms;
}

static void note_limit(struct scm_rest *r, int64_t until_ms)
{
    pthread_mutex_lock(&r->lock);
    if (until_ms > r->limited_until_ms)
        r->limited_until_ms = until_ms;
    pthread_mutex_unlock(&r->lock);
}

static int64_t limited_until_ms(struct scm_rest *r)
{
    pthread_mutex_lock(&r->lock);
    int64_t until_ms = r->limited_until_ms;
    pthread_mutex_unlock(&r->lock);
    return until_ms;
}

/* Before each request: a limit that is soon over is waited for, another one is not tried against. */
static enum err_kind mind_limit(const struct scm_call *c, struct err *err)
{
    char when[CLOCK_RFC3339_BYTES];
    char host[HTTP_URL_SHOWN_MAX];
    int64_t until_ms = limited_until_ms(c->rest);
    int64_t ms = until_ms - c->rest->clock->unix_ms(c->rest->clock->data);
    if (ms <= 0)
        return ERR_OK;
    if (ms <= LIMIT_WAIT_MAX_MS && ms < left_ms(c))
        return wait_ms(c, ms, err);
    clock_rfc3339((until_ms + 999) / 1000, when);
    return err_set(
        err, ERR_UNAVAILABLE, "the rate limit of %s at '%s' is used up: try again at %s",
        c->rest->forge, host_of(c, host), when);
}

/* --- one request ------------------------------------------------------------------------------------- */

/* URL of the request; a page's own address must be below the API: the token goes there. */
static enum err_kind url_of(const struct scm_call *c, const char *path, char **ret, struct err *err)
{
    if (path[0] == '/') {
        *ret = mem_printf("%s%s", c->rest->api, path);
        return ERR_OK;
    }
    struct http_url api, page;
    enum err_kind r = http_url_parse(c->rest->api, &api, err);
    if (r == ERR_OK)
        r = http_url_parse(path, &page, err);
    if (r == ERR_OK && !http_url_is_same_origin(&api, &page))
        r = err_set(
            err, ERR_FAILED, "%s points to another host, '%s': not followed", c->rest->forge,
            page.host);
    if (r == ERR_OK)
        *ret = mem_strdup(path);
    return r;
}

static enum err_kind send_once(
    const struct scm_call *c,
    const struct scm_request *q,
    const char *url,
    struct scm_answer *ret,
    struct err *err)
{
    const struct scm_rest *r = c->rest;
    struct http_header headers[HEADERS_MAX];
    size_t count = 0;
    autofree char *secret = r->token == NULL ? NULL : mem_printf("%s%s", r->token_prefix, r->token);
    while (count < r->header_count && count < HEADERS_MAX - 2) {
        headers[count] = r->headers[count];
        count++;
    }
    if (secret != NULL)
        headers[count++] = (struct http_header){r->token_header, secret};
    if (q->body.n > 0)
        headers[count++] = (struct http_header){"Content-Type", "application/json"};
    struct http_client_request request = {
        .method = q->method,
        .url = url,
        .headers = headers,
        .header_count = count,
        .body = q->body,
        .body_max = ANSWER_MAX,
        .timeout_ms = left_ms(c) < REQUEST_MS ? left_ms(c) : REQUEST_MS,
    };
    if (request.timeout_ms <= 0)
        return too_late(c, err);
    enum err_kind k = http_client_do(r->http, &request, &ret->http, NULL, err);
    ret->status = k == ERR_OK ? ret->http.status : 0;
    ret->is_uncertain = k != ERR_OK && ret->http.failed_at == HTTP_STEP_ANSWER;
    return k == ERR_OK ? k : err_wrap(err, "%s", r->forge);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

/* A renamed repository. What changes something keeps its method only behind 307 and 308 (RFC 9110
 * section 15.4), and the token stays within the origin. */
static enum err_kind redirected(
    const struct scm_call *c,
    const struct scm_request *q,
    const struct scm_answer *a,
    char **url,
    struct err *err)
{
    struct str location = http_client_header(&a->http, "Location", 0);
    autofree char *reference = mem_strdup_str(location.p == NULL ? STR("") : location);
    autofree char *joined = NULL;
    autofree char *checked = NULL;
    bool keeps_method = strcmp(q->method, "GET") == 0 || a->status == 307 || a->status == 308;
    enum err_kind r = http_url_join(*url, reference, &joined, err);
    if (r == ERR_OK)
        r = url_of(c, joined, &checked, err);
    if (r == ERR_OK && !keeps_method)
        r = ERR_FAILED;
    if (r != ERR_OK)
        return err_set(
            err, ERR_FAILED,
            "%s says that the repository, or its API, has moved: set -api-git-repo or "
            "-api-git-scm-url to where it is now",
            c->rest->forge);
    free(*url);
    *url = steal(&checked);
    return ERR_OK;
}

static enum err_kind send_following(
    const struct scm_call *c, const struct scm_request *q, struct scm_answer *ret, struct err *err)
{
    autofree char *url = NULL;
    enum err_kind r = url_of(c, q->path, &url, err);
    for (int hops = 0; r == ERR_OK; hops++) {
        r = send_once(c, q, url, ret, err);
        if (r != ERR_OK || !is_redirect(ret->status))
            return r;
        if (hops == REDIRECTS_MAX)
            return err_set(err, ERR_FAILED, "%s redirects in a circle", c->rest->forge);
        r = redirected(c, q, ret, &url, err);
        scm_answer_deinit(ret);
    }
    return r;
}

/* --- what came of it ---------------------------------------------------------------------------------- */

static enum err_kind read_json(const struct scm_call *c, struct scm_answer *a, struct err *err)
{
    struct err ignored;
    struct str text = buf_view(&a->http.body);
    bool is_json = text.n > 0 && !a->http.is_body_cut &&
        json_parse(text, JSON_STORED, &a->doc, &ignored) == ERR_OK;
    a->json = is_json ? a->doc.root : NULL;
    if (is_json || text.n == 0 || !scm_answer_is_good(a))
        return ERR_OK;
    a->is_uncertain = true;
    return err_set(
        err, ERR_FAILED, "%s answers with something that is no JSON: is -api-git-scm-url its API?",
        c->rest->forge);
}

static enum err_kind
bad_token(const struct scm_call *c, const struct scm_answer *a, struct err *err)
{
    char words[SCM_WORDS_MAX];
    char host[HTTP_URL_SHOWN_MAX];
    return err_set(
        err, ERR_FAILED, "%s at '%s' %s (401%s): see -api-git-scm-token-file", c->rest->forge,
        host_of(c, host), c->rest->token == NULL ? "wants a token" : "does not take the token",
        scm_answer_words(a, words));
}

static enum err_kind broken(const struct scm_call *c, struct scm_answer *a, struct err *err)
{
    char words[SCM_WORDS_MAX];
    char host[HTTP_URL_SHOWN_MAX];
    a->is_uncertain = true;
    return err_set(
        err, ERR_FAILED, "%s at '%s' failed: status %d%s", c->rest->forge, host_of(c, host),
        a->status, scm_answer_words(a, words));
}

/* The status alone, once the answer is here. */
static enum err_kind
judge(const struct scm_call *c, const struct scm_request *q, struct scm_answer *a, struct err *err)
{
    enum err_kind r = read_json(c, a, err);
    if (r != ERR_OK)
        return r;
    if (a->status == 401 && !q->is_judged_401)
        return bad_token(c, a, err);
    if (a->status >= 500 || a->status == 408 || a->status < 200)
        return broken(c, a, err);
    return ERR_OK;
}

/* Is it known that nothing was done, or does it not matter? Then it is worth another try. */
static bool is_worth_it(const struct scm_request *q, const struct scm_answer *a, enum err_kind r)
{
    if (r == ERR_OK || (a->status != 0 && !http_retry_is_status(a->status)))
        return false;
    return a->is_uncertain ? !q->is_single : a->http.failed_at == HTTP_STEP_CONNECT;
}

static enum err_kind try_once(
    const struct scm_call *c,
    const struct scm_request *q,
    bool *ret_is_limited,
    struct scm_answer *ret,
    struct err *err)
{
    *ret_is_limited = false;
    enum err_kind r = mind_limit(c, err);
    if (r == ERR_OK)
        r = send_following(c, q, ret, err);
    if (r == ERR_OK && is_limited(ret)) {
        int64_t now_ms = c->rest->clock->unix_ms(c->rest->clock->data);
        note_limit(c->rest, now_ms + limit_ms(ret, now_ms));
        *ret_is_limited = true;
        return ERR_OK;
    }
    return r == ERR_OK ? judge(c, q, ret, err) : r;
}

enum err_kind
scm_send(struct scm_call *c, const struct scm_request *q, struct scm_answer *ret, struct err *err)
{
    *ret = (struct scm_answer){0};
    for (unsigned tries = 1;; tries++) {
        bool is_limit = false;
        enum err_kind r = try_once(c, q, &is_limit, ret, err);
        if (is_limit && tries < TRIES_MAX) {
            scm_answer_deinit(ret); /* the next try minds the limit */
            continue;
        }
        if (is_limit)
            return err_set(err, ERR_UNAVAILABLE, "%s keeps limiting our rate", c->rest->forge);
        if (tries == TRIES_MAX || !is_worth_it(q, ret, r))
            return r;
        struct err late;
        if (scm_call_pause(c, tries, &late) != ERR_OK)
            return r;
        scm_answer_deinit(ret);
    }
}

/* --- errors ------------------------------------------------------------------------------------------- */

bool scm_answer_is_good(const struct scm_answer *a)
{
    return a->status >= 200 && a->status < 300;
}

/* GitLab's `message` may be a text, a list, or an object of lists; GitHub's `errors` a list of both. */
static void add_words(struct buf *to, yyjson_val *val, unsigned depth)
{
    size_t i, max;
    yyjson_val *key, *item;
    if (depth > 3 || to->n > SCM_WORDS_MAX)
        return;
    if (yyjson_is_str(val)) {
        buf_text(to, to->n == 0 ? ": " : "; ");
        buf_str(to, json_str(val));
    } else if (yyjson_is_arr(val)) {
        yyjson_arr_foreach(val, i, max, item) add_words(to, item, depth + 1);
    } else if (yyjson_is_obj(val)) {
        yyjson_obj_foreach(val, i, max, key, item) add_words(to, item, depth + 1);
    }
}

const char *scm_answer_words(const struct scm_answer *a, char ret[SCM_WORDS_MAX])
{
    autobuf struct buf words = {0};
    add_words(&words, json_get(a->json, "message"), 0);
    add_words(&words, json_get(a->json, "error"), 0);
    add_words(&words, json_get(a->json, "errors"), 0);
    autofree char *line = scm_one_line(buf_view(&words), SCM_WORDS_MAX - 8);
    snprintf(ret, SCM_WORDS_MAX, "%s", line);
    return ret;
}

bool scm_answer_says(const struct scm_answer *a, int status, const char *words)
{
    char said[SCM_WORDS_MAX];
    return a->status == status && strstr(scm_answer_words(a, said), words) != NULL;
}

static enum err_kind kind_of(int status)
{
    return status == 403                 ? ERR_DENIED
        : status == 404 || status == 410 ? ERR_NOT_FOUND
        : status == 409                  ? ERR_CONFLICT
                                         : ERR_FAILED;
}

enum err_kind
scm_refused(const struct scm_call *c, const struct scm_answer *a, const char *what, struct err *err)
{
    char words[SCM_WORDS_MAX];
    char host[HTTP_URL_SHOWN_MAX];
    return err_set(
        err, kind_of(a->status), "%s%s%s at '%s' refused: status %d%s", what == NULL ? "" : what,
        what == NULL ? "" : ": ", c->rest->forge, host_of(c, host), a->status,
        scm_answer_words(a, words));
}

/* --- pages -------------------------------------------------------------------------------------------- */

static bool visit_page(yyjson_val *list, bool (*visit)(yyjson_val *item, void *data), void *data)
{
    size_t i, max;
    yyjson_val *item;
    yyjson_arr_foreach(list, i, max, item)
    {
        if (!visit(item, data))
            return false;
    }
    return true;
}

static enum err_kind get_page(
    struct scm_call *c, const char *path, const char *what, struct scm_answer *ret, struct err *err)
{
    struct scm_request q = {.method = "GET", .path = path};
    enum err_kind r = scm_send(c, &q, ret, err);
    if (r != ERR_OK)
        return err_wrap(err, "%s", what);
    if (ret->status == 404) /* a list of nothing would be an empty one */
        return err_set(
            err, ERR_FAILED, "%s: %s has no such repository, or the token may not see it", what,
            c->rest->forge);
    if (!scm_answer_is_good(ret))
        return scm_refused(c, ret, what, err);
    if (!yyjson_is_arr(ret->json))
        return err_set(err, ERR_FAILED, "%s: %s answers with no list", what, c->rest->forge);
    return ERR_OK;
}

enum err_kind scm_each(
    struct scm_call *c,
    const char *path,
    size_t pages_max,
    const char *what,
    bool (*visit)(yyjson_val *item, void *data),
    void *data,
    bool *ret_is_cut,
    struct err *err)
{
    autofree char *at = mem_strdup(path);
    for (size_t page = 0; at != NULL && page < pages_max; page++) {
        auto_answer struct scm_answer answer = {0};
        char *next = NULL;
        enum err_kind r = get_page(c, at, what, &answer, err);
        if (r != ERR_OK)
            return r;
        bool goes_on = visit_page(answer.json, visit, data);
        if (goes_on)
            r = http_link_next(&answer.http, &next, err);
        if (r != ERR_OK)
            return err_as(err, ERR_FAILED);
        free(at);
        at = next;
    }
    if (ret_is_cut != NULL)
        *ret_is_cut = at != NULL;
    return ERR_OK;
}
