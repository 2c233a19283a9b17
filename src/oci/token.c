#include "oci/token.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/url.h"
#include "oci/digest.h"
#include "json/json.h"

#include <pthread.h>

enum { TOKEN_TIMEOUT_MS = 30000, ANSWER_MAX = 1 << 20, EXPIRES_S = 60, EXPIRES_MAX_S = 86400 };

struct token {
    char *host;
    char *key;
    char *text;         /* NULL: none yet */
    int64_t expires_ms; /* monotonic: a changed wall clock neither ends nor prolongs it */
    bool is_asked_for;  /* somebody's request runs */
    uint64_t asked;     /* how often one ended */
    struct err failure; /* of the last one; kind OK: it went well */
};

struct oci_tokens {
    struct http_client *http;
    const struct http_retry *retry;
    pthread_mutex_t lock; /* guards what follows and the tokens; not held while one is asked for */
    pthread_cond_t ended; /* a request for a token did */
    struct token **items;
    size_t count;
    size_t cap;
};

struct oci_tokens *oci_tokens_new(struct http_client *http, const struct http_retry *retry)
{
    struct oci_tokens *t = mem_new(struct oci_tokens);
    t->http = http;
    t->retry = retry;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->ended, NULL);
    return t;
}

struct oci_tokens *oci_tokens_free(struct oci_tokens *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i]->host);
        free(t->items[i]->key);
        oci_secret_free(t->items[i]->text);
        free(t->items[i]);
    }
    free(t->items);
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

static struct token *find(struct oci_tokens *t, const char *host, const char *key)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->items[i]->host, host) == 0 && strcmp(t->items[i]->key, key) == 0)
            return t->items[i];
    }
    return NULL;
}

static struct token *find_or_add(struct oci_tokens *t, const char *host, const char *key)
{
    struct token *token = find(t, host, key);
    if (token != NULL)
        return token;
    token = mem_new(struct token);
    token->host = mem_strdup(host);
    token->key = mem_strdup(key);
    mem_grow(&t->items, t->count, &t->cap);
    t->items[t->count++] = token;
    return token;
}

static bool is_good(const struct token *token, const char *refused)
{
    return token->text != NULL && clock_monotonic_ms() < token->expires_ms &&
        (refused == NULL || strcmp(token->text, refused) != 0);
}

char *oci_tokens_find(struct oci_tokens *t, const char *host, const char *key)
{
    pthread_mutex_lock(&t->lock);
    struct token *token = find(t, host, key);
    char *text = token != NULL && is_good(token, NULL) ? mem_strdup(token->text) : NULL;
    pthread_mutex_unlock(&t->lock);
    return text;
}

/* --- asking ------------------------------------------------------------------------------------------------ */

/* Everything but unreserved characters (RFC 3986, section 2.3). */
static void add_encoded(struct buf *to, const char *text)
{
    for (; *text != '\0'; text++) {
        char c = *text;
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain)
            buf_char(to, c);
        else
            buf_printf(to, "%%%02X", (unsigned char)c);
    }
}

void oci_query_add(struct buf *to, char before, const char *name, const char *value)
{
    buf_char(to, before);
    buf_text(to, name);
    buf_char(to, '=');
    add_encoded(to, value);
}

char *oci_basic_authorization(const struct oci_credential *c)
{
    struct buf plain = {0};
    autobuf struct buf text = {0};
    buf_printf(&plain, "%s:%s", c->username, c->password != NULL ? c->password : "");
    buf_text(&text, "Basic ");
    base64_encode(&text, buf_view(&plain));
    explicit_bzero(plain.p, plain.n);
    buf_deinit(&plain);
    return buf_steal(&text);
}

/* One scope= for each of the scopes ("Requesting a Token": repeated, not joined). */
static void add_scopes(struct buf *to, char before, const char *scopes)
{
    struct str rest = str_from(scopes);
    while (rest.p != NULL) {
        struct str scope = str_cut(&rest, ' ');
        if (scope.n == 0)
            continue;
        autofree char *text = mem_strdup_str(scope);
        oci_query_add(to, before, "scope", text);
        before = '&';
    }
}

static enum err_kind ask_get(
    struct oci_tokens *t,
    const struct oci_token_ask *ask,
    struct http_client_response *ret,
    struct err *err)
{
    const struct oci_challenge *c = ask->challenge;
    autobuf struct buf url = {0};
    char separator = strchr(c->realm, '?') != NULL ? '&' : '?';
    buf_text(&url, c->realm);
    if (c->service != NULL) {
        oci_query_add(&url, separator, "service", c->service);
        separator = '&';
    }
    add_scopes(&url, separator, ask->scopes);
    auto_oci_secret char *basic =
        ask->credential->username != NULL ? oci_basic_authorization(ask->credential) : NULL;
    struct http_header header = {"Authorization", basic};
    struct http_client_request q = {
        .method = "GET",
        .url = url.p,
        .headers = &header,
        .header_count = basic != NULL ? 1 : 0,
        .body_max = ANSWER_MAX,
        .nearest = ask->nearest,
        .with_client_cert = ask->with_client_cert,
        .timeout_ms = TOKEN_TIMEOUT_MS};
    return http_client_do(t->http, &q, ret, NULL, err);
}

static enum err_kind ask_post(
    struct oci_tokens *t,
    const struct oci_token_ask *ask,
    struct http_client_response *ret,
    struct err *err)
{
    struct buf form = {0};
    buf_text(&form, "grant_type=refresh_token&client_id=cup");
    oci_query_add(&form, '&', "refresh_token", ask->credential->identity_token);
    if (ask->challenge->service != NULL)
        oci_query_add(&form, '&', "service", ask->challenge->service);
    if (ask->scopes[0] != '\0')
        oci_query_add(&form, '&', "scope", ask->scopes);
    struct http_header header = {"Content-Type", "application/x-www-form-urlencoded"};
    struct http_client_request q = {
        .method = "POST",
        .url = ask->challenge->realm,
        .headers = &header,
        .header_count = 1,
        .body = buf_view(&form),
        .body_max = ANSWER_MAX,
        .nearest = ask->nearest,
        .with_client_cert = ask->with_client_cert,
        .timeout_ms = TOKEN_TIMEOUT_MS};
    enum err_kind r = http_client_do(t->http, &q, ret, NULL, err);
    explicit_bzero(form.p, form.n);
    buf_deinit(&form);
    return r;
}

static void deinit_answer(struct http_client_response *p)
{
    if (p->body.p != NULL)
        explicit_bzero(p->body.p, p->body.n);
    http_client_response_deinit(p);
}

struct asking {
    struct oci_tokens *t;
    const struct oci_token_ask *ask;
};

/* An identity token goes by POST; servers that do not know of that answer 404 and are asked by GET
 * (distribution "OAuth2 Token Authentication"). */
static enum err_kind ask_once(void *data, struct http_client_response *ret, struct err *err)
{
    const struct asking *a = data;
    if (a->ask->credential->identity_token == NULL)
        return ask_get(a->t, a->ask, ret, err);
    enum err_kind r = ask_post(a->t, a->ask, ret, err);
    if (r != ERR_OK || ret->status != 404)
        return r;
    deinit_answer(ret);
    return ask_get(a->t, a->ask, ret, err);
}

static int64_t lifetime_of(yyjson_val *root)
{
    yyjson_val *val = json_get(root, "expires_in");
    uint64_t seconds = EXPIRES_S;
    if (yyjson_is_raw(val))
        str_to_u64(str_of(yyjson_get_raw(val), yyjson_get_len(val)), &seconds);
    if (seconds > EXPIRES_MAX_S)
        seconds = EXPIRES_MAX_S;
    /* A tenth early, so that it does not expire on the way. */
    return (int64_t)(seconds - seconds / 10);
}

/* What a token server answered. */
struct grant {
    char *text;
    int64_t expires_ms;
};

static enum err_kind
take_answer(const struct http_client_response *response, struct grant *ret, struct err *err)
{
    auto_json struct json_doc doc = {0};
    if (json_parse(buf_view(&response->body), JSON_STORED, &doc, NULL) != ERR_OK)
        return err_set(err, ERR_FAILED, "its answer is not JSON");
    struct str text = json_str(json_get(doc.root, "token"));
    if (text.n == 0)
        text = json_str(json_get(doc.root, "access_token"));
    if (text.n == 0 || !oci_credential_is_clean(text))
        return err_set(err, ERR_FAILED, "its answer holds no token");
    /* At least a moment, so that who waits for it can use it. */
    int64_t seconds = lifetime_of(doc.root);
    ret->text = mem_strdup_str(text);
    ret->expires_ms = clock_monotonic_ms() + (seconds > 0 ? seconds : 1) * 1000;
    return ERR_OK;
}

static enum err_kind
check_status(const struct http_client_response *p, const char *scopes, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    oci_show(scopes[0] != '\0' ? str_from(scopes) : STR("this registry"), shown);
    if (p->status == 200)
        return ERR_OK;
    if (p->status == 401)
        return err_set(err, ERR_UNAUTHENTICATED, "no token for %s: credentials not taken", shown);
    if (p->status == 403)
        return err_set(err, ERR_DENIED, "no token for %s: not allowed", shown);
    if (http_retry_is_status(p->status))
        return err_set(
            err, ERR_UNAVAILABLE, "no token for %s: %d after %u attempts", shown, p->status,
            p->attempts);
    return err_set(err, ERR_FAILED, "no token for %s: status %d", shown, p->status);
}

static enum err_kind request_token(
    struct oci_tokens *t, const struct oci_token_ask *ask, struct grant *ret, struct err *err)
{
    struct http_client_response response = {0};
    struct asking asking = {.t = t, .ask = ask};
    char where[HTTP_URL_SHOWN_MAX];
    http_url_show(ask->challenge->realm, where);
    enum err_kind r =
        http_retry_send(t->retry, where, HTTP_TRIES_MAX, ask_once, &asking, &response, err);
    if (r == ERR_OK)
        r = check_status(&response, ask->scopes, err);
    if (r == ERR_OK)
        r = take_answer(&response, ret, err);
    deinit_answer(&response);
    if (r != ERR_OK)
        return err_wrap(err, "token server '%s'", where);
    return ERR_OK;
}

/* --- one request for all who wait ---------------------------------------------------------------------------- */

/* Under the lock. Waits while somebody else asks; true when there is an outcome to share. */
static bool share_outcome(
    struct oci_tokens *t,
    struct token *token,
    const char *refused,
    char **ret,
    enum err_kind *ret_kind,
    struct err *err)
{
    uint64_t before = token->asked;
    while (token->is_asked_for)
        pthread_cond_wait(&t->ended, &t->lock);
    if (is_good(token, refused)) {
        *ret = mem_strdup(token->text);
        *ret_kind = ERR_OK;
        return true;
    }
    if (token->asked == before || token->failure.kind == ERR_OK)
        return false;
    *ret_kind = token->failure.kind;
    if (err != NULL)
        *err = token->failure;
    return true;
}

/* Under the lock: what came of the request is kept, and who waits for it is woken. */
static void end_request(
    struct oci_tokens *t, struct token *token, struct grant grant, const struct err *failure)
{
    token->is_asked_for = false;
    token->asked++;
    token->failure = *failure;
    if (failure->kind == ERR_OK) {
        oci_secret_free(token->text);
        token->text = mem_strdup(grant.text);
        token->expires_ms = grant.expires_ms;
    }
    pthread_cond_broadcast(&t->ended);
}

enum err_kind oci_tokens_fetch(
    struct oci_tokens *t,
    const struct oci_token_ask *ask,
    const char *refused,
    char **ret,
    struct err *err)
{
    struct grant grant = {0};
    struct err failure = {0};
    enum err_kind r = ERR_OK;
    pthread_mutex_lock(&t->lock);
    struct token *token = find_or_add(t, ask->host, ask->key);
    bool is_shared = share_outcome(t, token, refused, ret, &r, err);
    token->is_asked_for |= !is_shared;
    pthread_mutex_unlock(&t->lock);
    if (is_shared)
        return r;
    r = request_token(t, ask, &grant, &failure);
    pthread_mutex_lock(&t->lock);
    end_request(t, token, grant, &failure);
    pthread_mutex_unlock(&t->lock);
    if (r == ERR_OK)
        *ret = grant.text;
    else if (err != NULL)
        *err = failure;
    return r;
}
