#include "http/target.h"

/* The byte that text[0] = '%' starts, or -1. */
static int escaped_byte(struct str text)
{
    if (text.n < 3)
        return -1;
    int high = str_hex_digit(text.p[1]);
    int low = str_hex_digit(text.p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static enum err_kind check_escape(struct str at, struct err *err)
{
    int byte = escaped_byte(at);
    if (byte < 0)
        return err_set(err, ERR_MALFORMED, "the path or query holds a broken %%-escape");
    if (byte == 0)
        return err_set(err, ERR_MALFORMED, "the path or query holds a NUL byte");
    return ERR_OK;
}

enum err_kind http_decode_check(struct str path, struct err *err)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '%')
            continue;
        enum err_kind r = check_escape(str_skip(path, i), err);
        if (r != ERR_OK)
            return r;
    }
    return ERR_OK;
}

enum err_kind http_decode(
    struct http_decoder *d, struct str text, bool plus_is_blank, struct str *ret, struct err *err)
{
    char *start = d->space + d->used;
    char *to = start;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%') {
            enum err_kind r = check_escape(str_skip(text, i), err);
            if (r != ERR_OK)
                return r;
            *to++ = (char)escaped_byte(str_skip(text, i));
            i += 2;
        } else {
            *to++ = text.p[i] == '+' && plus_is_blank ? ' ' : text.p[i];
        }
    }
    d->used += (size_t)(to - start);
    *ret = str_of(start, (size_t)(to - start));
    return ERR_OK;
}

/* Blanks and control bytes cannot stand in a target; bytes above 0x7F are let through, as browsers'
 * address lines and curl send them unescaped. */
static bool has_forbidden_byte(struct str target)
{
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= ' ' || c == 0x7F || c == '#')
            return true;
    }
    return false;
}

static bool cut_scheme(struct str *target)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_eq_nocase(str_take(*target, schemes[i].n), schemes[i])) {
            *target = str_skip(*target, schemes[i].n);
            return true;
        }
    }
    return false;
}

static void cut_authority(struct str *target, struct str *ret_authority)
{
    size_t n = 0;
    while (n < target->n && target->p[n] != '/' && target->p[n] != '?')
        n++;
    *ret_authority = str_take(*target, n);
    *target = str_skip(*target, n);
}

enum err_kind http_target_parse(struct str target, struct http_target *ret, struct err *err)
{
    struct http_target t = {0};
    if (has_forbidden_byte(target))
        return err_set(err, ERR_MALFORMED, "the request target holds a blank or control character");
    if (cut_scheme(&target))
        cut_authority(&target, &t.authority);
    ptrdiff_t mark = str_find(target, '?');
    t.path = mark < 0 ? target : str_take(target, (size_t)mark);
    if (mark >= 0)
        t.query = str_skip(target, (size_t)mark + 1);
    /* RFC 9112 section 3.2.2: an absolute form with an empty path means "/" */
    if (t.path.n == 0 && t.authority.p != NULL)
        t.path = STR("/");
    if (t.path.n == 0 || t.path.p[0] != '/')
        return err_set(err, ERR_MALFORMED, "the request target is not a path");
    *ret = t;
    return ERR_OK;
}

enum err_kind http_query_parse(
    struct http_decoder *d,
    struct str query,
    struct http_param ret_items[HTTP_QUERY_MAX],
    size_t *ret_count,
    struct err *err)
{
    *ret_count = 0;
    while (query.p != NULL) {
        struct str value = str_cut(&query, '&');
        if (value.n == 0)
            continue;
        if (*ret_count == HTTP_QUERY_MAX)
            return err_set(err, ERR_LIMIT, "the query has more than %d parameters", HTTP_QUERY_MAX);
        struct str name = str_cut(&value, '=');
        struct http_param *item = &ret_items[*ret_count];
        enum err_kind r = http_decode(d, name, true, &item->name, err);
        if (r == ERR_OK)
            r = http_decode(d, value, true, &item->value, err);
        if (r != ERR_OK)
            return r;
        ++*ret_count;
    }
    return ERR_OK;
}
