#include "http/message.h"

#include "base/mem.h"

static struct str find(const struct http_param *items, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(items[i].name, name))
            return items[i].value;
    }
    return str_of(NULL, 0);
}

struct str http_param(const struct http_request *r, const char *name)
{
    return find(r->params, r->param_count, str_from(name));
}

struct str http_query(const struct http_request *r, const char *name)
{
    return find(r->query, r->query_count, str_from(name));
}

struct str http_header(const struct http_request *r, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, wanted))
            return r->headers[i].value;
    }
    return str_of(NULL, 0);
}

void http_response_deinit(struct http_response *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        free(r->headers[i].name);
        free(r->headers[i].value);
    }
    free(r->headers);
    buf_deinit(&r->body);
    if (r->shared_release != NULL)
        r->shared_release(r->shared_owner);
    *r = (struct http_response){0};
}

/* RFC 9110 section 5.5: CR, LF and NUL in a field value are dangerous; a value is a C string here. */
static bool is_safe(const char *text)
{
    return text != NULL && text[strcspn(text, "\r\n")] == '\0';
}

void http_response_header(struct http_response *r, const char *name, const char *value)
{
    if (!is_safe(name) || name[0] == '\0' || !is_safe(value))
        return;
    mem_grow(&r->headers, r->header_count, &r->header_cap);
    r->headers[r->header_count++] =
        (struct http_response_header){mem_strdup(name), mem_strdup(value)};
}
