#include "api/status.h"
#include "base/mem.h"
#include "json/json.h"

static const struct {
    int code;
    const char *reason;
} http_reasons[] = {
    {400, "BadRequest"},
    {403, "Forbidden"},
    {404, "NotFound"},
    {405, "MethodNotAllowed"},
    {408, "Timeout"},
    {412, "PreconditionFailed"},
    {413, "RequestEntityTooLarge"},
    {414, "RequestURITooLong"},
    {415, "UnsupportedMediaType"},
    {417, "ExpectationFailed"},
    {421, "MisdirectedRequest"},
    {429, "TooManyRequests"},
    {431, "RequestHeaderFieldsTooLarge"},
    {503, "ServiceUnavailable"},
};

static const char *reason_of(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(http_reasons); i++) {
        if (http_reasons[i].code == code)
            return http_reasons[i].reason;
    }
    return "InternalError";
}

/* Texts that start with a reason of their own: "NotVersioned: a local directory …". */
static struct str own_reason(struct str text)
{
    static const char *const reasons[] = {"NotVersioned", "NamespacesUnknown"};
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        struct str reason = str_from(reasons[i]);
        if (str_starts(text, reason) && str_starts(str_skip(text, reason.n), STR(": ")))
            return reason;
    }
    return str_of(NULL, 0);
}

static void write_details(struct buf *b, const struct http_request *q, const char *causes)
{
    static const char *const params[][2] = {
        {"group", "group"}, {"plural", "kind"}, {"name", "name"}, {"id", "name"}};
    const char *separator = "";
    buf_text(b, "{");
    for (size_t i = 0; q != NULL && i < ARRAY_LEN(params); i++) {
        struct str value = http_param(q, params[i][0]);
        if (value.n == 0 || value.n > 253)
            continue;
        buf_printf(b, "%s\"%s\":", separator, params[i][1]);
        json_text_string(b, value);
        separator = ",";
    }
    if (causes != NULL && causes[0] != '\0')
        buf_printf(b, "%s\"causes\":%s", separator, causes);
    buf_text(b, "}");
}

static void write_status(
    struct http_response *p,
    const struct http_request *q,
    int code,
    struct str reason,
    const char *message,
    const char *causes)
{
    struct buf *b = &p->body;
    buf_clear(b);
    p->status = code;
    p->content_type = "application/json";
    buf_text(b, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":");
    json_text_string(b, str_from(message));
    buf_text(b, ",\"reason\":");
    json_text_string(b, reason);
    buf_text(b, ",\"details\":");
    write_details(b, q, causes);
    buf_printf(b, ",\"code\":%d}\n", code);
}

void status_write(struct http_response *p, const struct http_request *q, const struct err *err)
{
    const struct err_info *info = err_info(err->kind);
    struct str reason = own_reason(str_from(err->text));
    if (reason.p == NULL)
        reason = str_from(info->name);
    write_status(p, q, info->http_status, reason, err->text, err->causes);
    if (info->http_status == 503)
        http_response_header(p, "Retry-After", "1");
}

void status_write_as(
    struct http_response *p,
    const struct http_request *q,
    int code,
    const char *reason,
    const struct err *err)
{
    write_status(p, q, code, str_from(reason), err->text, err->causes);
}

void status_write_http(void *context, struct http_response *p, int code, const char *message)
{
    (void)context;
    write_status(p, NULL, code, str_from(reason_of(code)), message, NULL);
}
