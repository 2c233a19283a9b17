#include "http/router.h"

#include <stdio.h>

/* Keep sorted: the order of an Allow header. */
static const char *const methods[] = {
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
};

bool http_method_is_known(struct str method)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eqz(method, methods[i]))
            return true;
    }
    return false;
}

static bool is_param(struct str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

static bool match_param(struct str segment, struct str value, struct http_route_match *m)
{
    struct str name = str_of(segment.p + 1, segment.n - 2);
    bool may_be_empty = name.p[name.n - 1] == '*';
    if (may_be_empty)
        name.n--;
    if (value.n == 0 && !may_be_empty)
        return false;
    if (m->param_count == HTTP_PARAMS_MAX)
        return false;
    m->params[m->param_count++] = (struct http_param){name, value};
    return true;
}

static bool match_pattern(const char *pattern, struct str path, struct http_route_match *m)
{
    struct str wanted = str_from(pattern);
    m->param_count = 0;
    while (wanted.p != NULL && path.p != NULL) {
        struct str segment = str_cut(&wanted, '/');
        struct str value = str_cut(&path, '/');
        bool fits = is_param(segment) ? match_param(segment, value, m) : str_eq(segment, value);
        if (!fits)
            return false;
    }
    return wanted.p == NULL && path.p == NULL;
}

/* Does a row answer this method? HEAD is served by GET's row. */
static bool serves(const struct http_route *row, const char *method)
{
    return strcmp(row->method, method) == 0 ||
        (strcmp(method, "HEAD") == 0 && strcmp(row->method, "GET") == 0);
}

static const struct http_route *
row_for(const struct http_route *routes, size_t count, const char *pattern, const char *method)
{
    for (size_t i = 0; i < count; i++) {
        bool is_of_path = pattern == NULL || strcmp(routes[i].pattern, pattern) == 0;
        if (is_of_path && serves(&routes[i], method))
            return &routes[i];
    }
    return NULL;
}

static void
fill_allow(const struct http_route *routes, size_t count, const char *pattern, char *allow)
{
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (row_for(routes, count, pattern, methods[i]) == NULL)
            continue;
        int n =
            snprintf(allow + used, HTTP_ALLOW_MAX - used, "%s%s", used > 0 ? ", " : "", methods[i]);
        used += (size_t)n;
    }
}

void http_route_find(
    const struct http_route *routes,
    size_t count,
    struct str method,
    struct str path,
    struct http_route_match *ret)
{
    *ret = (struct http_route_match){0};
    const char *pattern = NULL;
    for (size_t i = 0; i < count && pattern == NULL; i++) {
        if (match_pattern(routes[i].pattern, path, ret))
            pattern = routes[i].pattern;
    }
    ret->is_known_path = pattern != NULL;
    for (size_t i = 0; i < ARRAY_LEN(methods) && pattern != NULL; i++) {
        if (str_eqz(method, methods[i]))
            ret->route = row_for(routes, count, pattern, methods[i]);
    }
    if (ret->route == NULL)
        fill_allow(routes, count, pattern, ret->allow);
}
