#include "cli/server.h"
#include "base/ids.h"
#include "base/mem.h"
#include "cli/run.h"
#include "cli/target.h"
#include "http/client.h"
#include "json/json.h"

#include <unistd.h>

#define ANSWER_MAX ((size_t)512 << 20) /* a list of everything */
#define PLAIN_BODY_SHOWN 300
#define RETRY_AFTER_US 200000

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_unreserved(text.p[i]))
            buf_char(to, text.p[i]);
        else
            buf_printf(to, "%%%02X", (unsigned)(unsigned char)text.p[i]);
    }
}

void cli_path_segment(struct buf *path, struct str segment)
{
    buf_char(path, '/');
    add_encoded(path, segment);
}

void cli_path_query(struct buf *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_char(path, str_find(buf_view(path), '?') < 0 ? '?' : '&');
    add_encoded(path, str_from(name));
    buf_char(path, '=');
    add_encoded(path, str_from(value));
}

enum err_kind cli_status_kind(int status)
{
    static const struct {
        int status;
        enum err_kind kind;
    } kinds[] = {
        {400, ERR_MALFORMED},   {401, ERR_UNAUTHENTICATED}, {403, ERR_DENIED},
        {404, ERR_NOT_FOUND},   {405, ERR_UNSUPPORTED},     {408, ERR_TIMEOUT},
        {409, ERR_CONFLICT},    {410, ERR_EXPIRED},         {412, ERR_CONFLICT},
        {413, ERR_LIMIT},       {415, ERR_MALFORMED},       {422, ERR_INVALID},
        {429, ERR_UNAVAILABLE}, {503, ERR_UNAVAILABLE},     {504, ERR_TIMEOUT},
        {507, ERR_NO_SPACE},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].status == status)
            return kinds[i].kind;
    }
    return ERR_FAILED;
}

/* A proxy's page or an older server's text line: its first line, as much as fits on a screen line. */
static struct str first_line(struct str body)
{
    struct str rest = str_trim(body);
    struct str line = str_trim(str_cut(&rest, '\n'));
    return str_take(line, PLAIN_BODY_SHOWN);
}

static void keep_causes(yyjson_val *status, struct err *err)
{
    yyjson_val *causes = json_get(json_get(status, "details"), "causes");
    if (yyjson_arr_size(causes) == 0)
        return;
    autobuf struct buf text = {.max = ERR_CAUSES_MAX - 1};
    json_text_canonical(&text, causes);
    if (!text.is_failed)
        memcpy(err->causes, text.p, text.n + 1);
}

enum err_kind cli_status_error(const char *what, int status, struct str body, struct err *err)
{
    enum err_kind kind = cli_status_kind(status);
    auto_json struct json_doc doc = {0};
    struct str message = {0};
    if (json_parse(body, JSON_STORED, &doc, NULL) == ERR_OK)
        message = json_str(json_get(doc.root, "message"));
    if (message.n > 0) {
        err_set(err, kind, "%s: " STR_FMT, what, STR_ARG(message));
        keep_causes(doc.root, err);
        return kind;
    }
    struct str line = first_line(body);
    if (line.n > 0)
        return err_set(
            err, kind, "%s: the server answered %d: " STR_FMT, what, status, STR_ARG(line));
    return err_set(err, kind, "%s: the server answered %d", what, status);
}

static enum err_kind open_client(struct cli *c, struct err *err)
{
    if (c->http != NULL)
        return ERR_OK;
    const struct http_client_options options = {.proxies = &c->env->proxies};
    return http_client_new(&options, &c->http, err);
}

static void hint_for(struct cli *c, enum err_kind kind, int status)
{
    if (kind == ERR_UNAUTHENTICATED)
        cli_hint(
            c,
            c->env->token == NULL ? "set CUP_TOKEN to a token of this server"
                                  : "the server does not accept what CUP_TOKEN holds");
    else if (status == 0 && kind == ERR_UNAVAILABLE)
        cli_hint(
            c,
            "is cupd running there? -a URL, CUP_ADDRESS or 'cup config context set "
            "address=URL' name another address");
    else if (status == 0 && kind == ERR_TIMEOUT)
        cli_hint(c, "--timeout DURATION allows more time");
}

/* One more try is safe: reads change nothing, writes carry their key. */
static enum err_kind attempt(
    struct cli *c,
    const struct http_client_request *request,
    struct http_client_response *ret,
    struct err *err)
{
    enum err_kind r = http_client_do(c->http, request, ret, NULL, err);
    if (r != ERR_UNAVAILABLE)
        return r;
    cli_debug(c, "trying again: %s", err->text);
    http_client_response_deinit(ret);
    *ret = (struct http_client_response){0};
    usleep(RETRY_AFTER_US);
    return http_client_do(c->http, request, ret, NULL, err);
}

static size_t fill_headers(
    const struct cli *c,
    const struct cli_request *q,
    const char *authorization,
    const char *key,
    struct http_header *ret)
{
    size_t n = 0;
    ret[n++] = (struct http_header){"Accept", "application/json, application/x-ndjson"};
    if (c->env->token != NULL)
        ret[n++] = (struct http_header){"Authorization", authorization};
    if (q->body.n > 0)
        ret[n++] = (struct http_header){"Content-Type", "application/json"};
    if (strcmp(q->method, "GET") != 0)
        ret[n++] = (struct http_header){"Idempotency-Key", key};
    return n;
}

static enum err_kind send(
    struct cli *c,
    const struct cli_request *q,
    struct http_client_response *response,
    struct err *err)
{
    autofree char *url = mem_printf("%s%s", c->address, q->path);
    autofree char *authorization =
        c->env->token == NULL ? NULL : mem_printf("Bearer %s", c->env->token);
    char key[ID_CHARS + 1];
    id_new(key);
    struct http_header headers[4];
    struct http_client_request request = {
        .method = q->method,
        .url = url,
        .headers = headers,
        .header_count = fill_headers(c, q, authorization, key, headers),
        .body = q->body,
        .body_max = ANSWER_MAX,
        .timeout_ms = c->timeout_ms,
        .follow_redirects = strcmp(q->method, "GET") == 0,
    };
    enum err_kind r = attempt(c, &request, response, err);
    if (r == ERR_OK)
        return r;
    autofree char *shown = cli_address_shown(c->address);
    return err_wrap(err, "%s at %s", q->what, shown);
}

enum err_kind cli_server_call(
    struct cli *c,
    const struct cli_request *request,
    struct buf *ret_body,
    int *ret_status,
    struct err *err)
{
    enum err_kind r = cli_target_resolve(c, err);
    if (r == ERR_OK)
        r = open_client(c, err);
    if (r != ERR_OK)
        return r;
    struct http_client_response response = {0};
    r = send(c, request, &response, err);
    int status = response.status;
    if (r == ERR_OK)
        cli_debug(c, "%s %s: %d", request->method, request->path, status);
    if (r == ERR_OK && (status < 200 || status > 299))
        r = cli_status_error(request->what, status, buf_view(&response.body), err);
    else if (r != ERR_OK)
        status = 0;
    if (r == ERR_OK) {
        buf_deinit(ret_body);
        *ret_body = response.body;
        response.body = (struct buf){0};
        if (ret_status != NULL)
            *ret_status = status;
    } else {
        hint_for(c, r, status);
    }
    http_client_response_deinit(&response);
    return r;
}
