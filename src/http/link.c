#include "http/link.h"
#include "base/mem.h"
#include "http/url.h"

static bool is_next(struct str parameters)
{
    while (parameters.p != NULL) {
        struct str name = str_cut(&parameters, ';');
        struct str value = name;
        name = str_trim(str_cut(&value, '='));
        if (value.p == NULL || !str_eq_nocase(name, STR("rel")))
            continue;
        value = str_trim(value);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_of(value.p + 1, value.n - 2);
        if (str_eq_nocase(value, STR("next")))
            return true;
    }
    return false;
}

struct str http_link_next_of(struct str header)
{
    while (header.n > 0) {
        ptrdiff_t open = str_find(header, '<');
        if (open < 0)
            break;
        struct str rest = str_skip(header, (size_t)open + 1);
        struct str url = str_cut(&rest, '>');
        if (rest.p == NULL)
            break;
        /* A comma begins the next link; nobody puts one into parameters. */
        struct str parameters = str_cut(&rest, ',');
        if (is_next(parameters))
            return url;
        header = rest;
    }
    return str_of(NULL, 0);
}

static enum err_kind check_origin(const char *from, const char *to, struct err *err)
{
    struct http_url here, there;
    enum err_kind k = http_url_parse(from, &here, err);
    if (k == ERR_OK)
        k = http_url_parse(to, &there, err);
    if (k == ERR_OK && !http_url_is_same_origin(&here, &there))
        k = err_set(
            err, ERR_DENIED, "the next page lies on another host, '%s': not followed", there.host);
    return k;
}

enum err_kind http_link_next(const struct http_client_response *p, char **ret, struct err *err)
{
    struct str url = str_of(NULL, 0);
    for (size_t i = 0; i < 8 && url.p == NULL; i++) {
        struct str link = http_client_header(p, "Link", i);
        if (link.p == NULL)
            break;
        url = http_link_next_of(link);
    }
    *ret = NULL;
    if (url.n == 0)
        return ERR_OK;
    autofree char *reference = mem_strdup_str(url);
    autofree char *joined = NULL;
    enum err_kind k = http_url_join(p->effective_url, reference, &joined, err);
    if (k == ERR_OK)
        k = check_origin(p->effective_url, joined, err);
    if (k == ERR_OK)
        *ret = steal(&joined);
    return k;
}
