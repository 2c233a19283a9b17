#include "api/webhook.h"

#include "api/status.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "core/core.h"
#include "json/json.h"

/*
 * How forges sign. A forge may send several of these (Gitea does): each that is there must be right.
 *
 * source   GitHub "Validating webhook deliveries"; Gitea and Forgejo "Webhooks"; GitLab "Webhooks",
 *          "Validate payloads by using a secret token"
 */
static const struct scheme {
    const char *header;
    const char
        *prefix; /* of the HMAC-SHA256 of the body, in hexadecimal; NULL: the secret itself */
} schemes[] = {
    {"X-Hub-Signature-256", "sha256="},
    {"X-Gitea-Signature", ""},
    {"X-Forgejo-Signature", ""},
    {"X-Gitlab-Token", NULL},
};

/* How many requests carried this header; ret_value is the last one's. */
static size_t header_values(const struct http_request *q, const char *name, struct str *ret_value)
{
    size_t n = 0;
    for (size_t i = 0; i < q->header_count; i++) {
        if (!str_eq_nocase(q->headers[i].name, str_from(name)))
            continue;
        *ret_value = q->headers[i].value;
        n++;
    }
    return n;
}

/* A token can be judged by the head alone, a signature only for its form. */
static bool may_be_right(const struct scheme *scheme, struct str value, struct str secret)
{
    if (scheme->prefix == NULL)
        return sha256_is_same(value, secret);
    struct str prefix = str_from(scheme->prefix);
    return str_starts(value, prefix) && value.n == prefix.n + SHA256_HEX;
}

static bool
is_right(const struct scheme *scheme, struct str value, struct str secret, struct str body)
{
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    if (scheme->prefix == NULL)
        return sha256_is_same(value, secret);
    sha256_hmac(secret, body, mac);
    sha256_hex(mac, hex);
    return sha256_is_same(str_skip(value, strlen(scheme->prefix)), str_of(hex, SHA256_HEX));
}

/* body  NULL: it has not been read yet */
static bool is_signed(const struct http_request *q, struct str secret, const struct str *body)
{
    size_t right = 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct str value = {0};
        size_t n = header_values(q, schemes[i].header, &value);
        if (n == 0)
            continue;
        if (n > 1 || !may_be_right(&schemes[i], value, secret))
            return false;
        if (body != NULL && !is_right(&schemes[i], value, secret, *body))
            return false;
        right++;
    }
    return right > 0;
}

static void
refuse(const struct http_request *q, struct http_response *p, enum err_kind kind, const char *why)
{
    struct err err;
    err_set(&err, kind, "%s", why);
    status_write(p, q, &err);
}

static void refuse_unsigned(const struct http_request *q, struct http_response *p)
{
    refuse(
        q, p, ERR_UNAUTHENTICATED,
        "the event is not signed with the secret of this cupd, or by several signatures that "
        "disagree");
    http_response_header(p, "WWW-Authenticate", "Webhook-Signature");
}

/* The form type is GitHub's own default, so what helps is said. */
static bool is_json(const struct http_request *q)
{
    struct str rest = http_header(q, "Content-Type");
    return str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json"));
}

void webhook_judge(void *context, const struct http_request *q, struct http_response *p)
{
    struct str secret = str_from(core_webhook_secret(context));
    struct err err;
    if (secret.n == 0) {
        refuse(
            q, p, ERR_DENIED,
            "push events are not taken: -api-git-webhook-secret-file or "
            "CUPD_API_GIT_WEBHOOK_SECRET gives the secret that they are signed with");
    } else if (!is_signed(q, secret, NULL)) {
        refuse_unsigned(q, p);
    } else if (!is_json(q)) {
        err_set(&err, ERR_UNSUPPORTED, "set the webhook's content type to application/json");
        status_write_as(p, q, 415, "UnsupportedMediaType", &err);
    }
}

/* `ref` of a push event, in all forges; other events have none, or not in this form. */
static enum err_kind take(struct core *c, struct str body, bool *ret_looks, struct err *err)
{
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(body, JSON_STORED, &doc, err);
    if (r != ERR_OK)
        return err_wrap(err, "the event");
    *ret_looks = core_note_push(c, json_str(json_get(doc.root, "ref")));
    return ERR_OK;
}

void webhook_receive(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    bool looks = false;
    if (!is_signed(q, str_from(core_webhook_secret(context)), &q->body)) {
        refuse_unsigned(q, p);
        return;
    }
    if (take(context, q->body, &looks, &err) != ERR_OK) {
        status_write(p, q, &err);
        return;
    }
    p->status = looks ? 202 : 200;
    p->content_type = "application/json";
    buf_printf(&p->body, "{\"looks\":%s}\n", looks ? "true" : "false");
}
