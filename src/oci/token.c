#include "oci/token.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/url.h"
#include "oci/base64.h"
#include "json/json.h"

enum { TOKEN_TIMEOUT_MS = 30000, ANSWER_MAX = 1 << 20, EXPIRES_S = 60, EXPIRES_MAX_S = 86400 };

struct token {
    char *host;
    char *scope;
    char *text;
    int64_t expires_ms; /* monotonic: a changed wall clock neither ends nor prolongs it */
};

struct oci_tokens {
    struct http_client *http;
    struct token *items;
    size_t count;
    size_t cap;
};

struct oci_tokens *oci_tokens_new(struct http_client *http)
{
    struct oci_tokens *t = mem_new(struct oci_tokens);
    t->http = http;
    return t;
}

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

struct oci_tokens *oci_tokens_free(struct oci_tokens *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].host);
        free(t->items[i].scope);
        free_secret(t->items[i].text);
    }
    free(t->items);
    free(t);
    return NULL;
}

static struct token *find(struct oci_tokens *t, const char *host, const char *scope)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->items[i].host, host) == 0 && strcmp(t->items[i].scope, scope) == 0)
            return &t->items[i];
    }
    return NULL;
}

const char *oci_tokens_find(struct oci_tokens *t, const char *host, const char *scope)
{
    struct token *token = find(t, host, scope);
    if (token == NULL || clock_monotonic_ms() >= token->expires_ms)
        return NULL;
    return token->text;
}

void oci_tokens_forget(struct oci_tokens *t, const char *host, const char *scope)
{
    struct token *token = find(t, host, scope);
    if (token != NULL)
        token->expires_ms = 0;
}

static void
keep(struct oci_tokens *t, const char *host, const char *scope, struct str text, int64_t seconds)
{
    struct token *token = find(t, host, scope);
    if (token == NULL) {
        mem_grow(&t->items, t->count, &t->cap);
        token = &t->items[t->count++];
        *token = (struct token){.host = mem_strdup(host), .scope = mem_strdup(scope)};
    }
    free_secret(token->text);
    token->text = mem_strdup_str(text);
    token->expires_ms = clock_monotonic_ms() + seconds * 1000;
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

static void add_query(struct buf *to, char before, const char *name, const char *value)
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
    oci_base64_encode(&text, buf_view(&plain));
    explicit_bzero(plain.p, plain.n);
    buf_deinit(&plain);
    return buf_steal(&text);
}

static enum err_kind ask_get(
    struct oci_tokens *t,
    const char *scope,
    const struct oci_challenge *c,
    const struct oci_credential *credential,
    struct http_client_response *ret,
    struct err *err)
{
    autobuf struct buf url = {0};
    char separator = strchr(c->realm, '?') != NULL ? '&' : '?';
    buf_text(&url, c->realm);
    if (c->service != NULL) {
        add_query(&url, separator, "service", c->service);
        separator = '&';
    }
    add_query(&url, separator, "scope", scope);
    char *basic = credential->username != NULL ? oci_basic_authorization(credential) : NULL;
    struct http_header header = {"Authorization", basic};
    struct http_client_request q = {
        .method = "GET",
        .url = url.p,
        .headers = &header,
        .header_count = basic != NULL ? 1 : 0,
        .body_max = ANSWER_MAX,
        .timeout_ms = TOKEN_TIMEOUT_MS};
    enum err_kind r = http_client_do(t->http, &q, ret, NULL, err);
    free_secret(basic);
    return r;
}

static enum err_kind ask_post(
    struct oci_tokens *t,
    const char *scope,
    const struct oci_challenge *c,
    const struct oci_credential *credential,
    struct http_client_response *ret,
    struct err *err)
{
    struct buf form = {0};
    buf_text(&form, "grant_type=refresh_token&client_id=cup");
    add_query(&form, '&', "refresh_token", credential->identity_token);
    if (c->service != NULL)
        add_query(&form, '&', "service", c->service);
    add_query(&form, '&', "scope", scope);
    struct http_header header = {"Content-Type", "application/x-www-form-urlencoded"};
    struct http_client_request q = {
        .method = "POST",
        .url = c->realm,
        .headers = &header,
        .header_count = 1,
        .body = buf_view(&form),
        .body_max = ANSWER_MAX,
        .timeout_ms = TOKEN_TIMEOUT_MS};
    enum err_kind r = http_client_do(t->http, &q, ret, NULL, err);
    explicit_bzero(form.p, form.n);
    buf_deinit(&form);
    return r;
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

static enum err_kind take_answer(
    struct oci_tokens *t,
    const char *host,
    const char *scope,
    const struct http_client_response *response,
    struct err *err)
{
    auto_json struct json_doc doc = {0};
    if (json_parse(buf_view(&response->body), JSON_STORED, &doc, NULL) != ERR_OK)
        return err_set(err, ERR_FAILED, "its answer is not JSON");
    struct str text = json_str(json_get(doc.root, "token"));
    if (text.n == 0)
        text = json_str(json_get(doc.root, "access_token"));
    if (text.n == 0 || !oci_credential_is_clean(text))
        return err_set(err, ERR_FAILED, "its answer holds no token");
    /* At least a moment, so that the request it was fetched for can use it. */
    int64_t seconds = lifetime_of(doc.root);
    keep(t, host, scope, text, seconds > 0 ? seconds : 1);
    return ERR_OK;
}

static enum err_kind check_status(int status, const char *scope, struct err *err)
{
    if (status == 200)
        return ERR_OK;
    if (status == 401)
        return err_set(err, ERR_UNAUTHENTICATED, "no token for %s: credentials not taken", scope);
    if (status == 403)
        return err_set(err, ERR_DENIED, "no token for %s: not allowed", scope);
    return err_set(err, ERR_FAILED, "no token for %s: status %d", scope, status);
}

enum err_kind oci_tokens_fetch(
    struct oci_tokens *t,
    const char *host,
    const char *scope,
    const struct oci_challenge *challenge,
    const struct oci_credential *credential,
    struct err *err)
{
    struct http_client_response response = {0};
    char where[HTTP_URL_SHOWN_MAX];
    enum err_kind r = credential->identity_token != NULL
        ? ask_post(t, scope, challenge, credential, &response, err)
        : ask_get(t, scope, challenge, credential, &response, err);
    if (r == ERR_OK)
        r = check_status(response.status, scope, err);
    if (r == ERR_OK)
        r = take_answer(t, host, scope, &response, err);
    if (response.body.p != NULL)
        explicit_bzero(response.body.p, response.body.n);
    http_client_response_deinit(&response);
    if (r != ERR_OK)
        return err_wrap(err, "token server '%s'", http_url_show(challenge->realm, where));
    return ERR_OK;
}
