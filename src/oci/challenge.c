#include "oci/challenge.h"
#include "base/buf.h"
#include "base/mem.h"

#define VALUE_MAX ((size_t)4096)

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
        (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_blanks(struct str *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = str_skip(*s, 1);
}

static struct str take_token(struct str *s)
{
    size_t n = 0;
    while (n < s->n && is_token_char(s->p[n]))
        n++;
    struct str token = str_take(*s, n);
    *s = str_skip(*s, n);
    return token;
}

static enum err_kind malformed(struct err *err)
{
    return err_set(err, ERR_MALFORMED, "the registry's WWW-Authenticate header does not parse");
}

enum err_kind oci_header_value(struct str *s, struct buf *ret, struct err *err)
{
    ret->max = VALUE_MAX;
    if (s->n == 0 || s->p[0] != '"') {
        buf_str(ret, take_token(s));
        return buf_check(ret, "a value of a header", err);
    }
    *s = str_skip(*s, 1);
    while (s->n > 0 && s->p[0] != '"') {
        if (s->p[0] == '\\')
            *s = str_skip(*s, 1);
        if (s->n == 0)
            break;
        buf_char(ret, s->p[0]);
        *s = str_skip(*s, 1);
    }
    if (s->n == 0)
        return malformed(err);
    *s = str_skip(*s, 1);
    return buf_check(ret, "a value of a header", err);
}

static void set_param(struct oci_challenge *c, struct str name, struct buf *value)
{
    char **to = str_eq_nocase(name, STR("realm")) ? &c->realm
        : str_eq_nocase(name, STR("service"))     ? &c->service
        : str_eq_nocase(name, STR("scope"))       ? &c->scope
                                                  : NULL;
    /* Of repeated parameters the first one counts, as everywhere else. */
    if (to != NULL && *to == NULL && memchr(buf_view(value).p, '\0', value->n) == NULL)
        *to = buf_steal(value);
}

static enum err_kind begin_challenge(struct oci_challenges *to, struct str scheme, struct err *err)
{
    if (to->count == OCI_CHALLENGES_MAX)
        return err_set(
            err, ERR_LIMIT, "the registry asks for more than %d kinds of credentials",
            OCI_CHALLENGES_MAX);
    to->items[to->count++].scheme = str_eq_nocase(scheme, STR("Bearer")) ? OCI_SCHEME_BEARER
        : str_eq_nocase(scheme, STR("Basic"))                            ? OCI_SCHEME_BASIC
                                                                         : OCI_SCHEME_OTHER;
    return ERR_OK;
}

/* token68 of schemes like Negotiate: stands alone behind the scheme. False, with nothing taken, when
 * what follows is a parameter or another challenge. */
static void skip_token68(struct str *s)
{
    struct str at = *s;
    size_t n = 0;
    while (n < at.n && (is_token_char(at.p[n]) || at.p[n] == '/'))
        n++;
    size_t end = n;
    while (end < at.n && at.p[end] == '=')
        end++;
    struct str rest = str_skip(at, end);
    skip_blanks(&rest);
    if (n > 0 && (rest.n == 0 || rest.p[0] == ','))
        *s = rest;
}

/* One element of the list: a parameter of the challenge that stands, or the begin of the next. */
static enum err_kind take_element(struct oci_challenges *to, struct str *s, struct err *err)
{
    struct str token = take_token(s);
    if (token.n == 0)
        return malformed(err);
    struct str behind = *s;
    skip_blanks(&behind);
    if (behind.n > 0 && behind.p[0] == '=') {
        autobuf struct buf value = {0};
        *s = str_skip(behind, 1);
        skip_blanks(s);
        enum err_kind r = to->count == 0 ? malformed(err) : oci_header_value(s, &value, err);
        if (r == ERR_OK)
            set_param(&to->items[to->count - 1], token, &value);
        return r;
    }
    enum err_kind r = begin_challenge(to, token, err);
    if (r == ERR_OK && behind.p != s->p)
        skip_token68(&behind);
    *s = behind;
    return r;
}

enum err_kind oci_challenges_add(struct oci_challenges *to, struct str header, struct err *err)
{
    bool is_after_scheme = false;
    for (;;) {
        skip_blanks(&header);
        if (header.n == 0)
            return ERR_OK;
        if (header.p[0] == ',') {
            header = str_skip(header, 1);
            is_after_scheme = false;
            continue;
        }
        /* Elements are parted by commas, but for the first parameter behind a scheme. */
        size_t before = to->count;
        enum err_kind r = take_element(to, &header, err);
        if (r != ERR_OK)
            return r;
        skip_blanks(&header);
        bool began = to->count > before;
        if (header.n > 0 && header.p[0] != ',' && (!began || is_after_scheme))
            return malformed(err);
        is_after_scheme = began;
    }
}

void oci_challenges_deinit(struct oci_challenges *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->items[i].realm);
        free(c->items[i].service);
        free(c->items[i].scope);
    }
    *c = (struct oci_challenges){0};
}

const struct oci_challenge *oci_challenges_best(const struct oci_challenges *c)
{
    const struct oci_challenge *basic = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct oci_challenge *item = &c->items[i];
        if (item->scheme == OCI_SCHEME_BEARER && item->realm != NULL)
            return item;
        if (item->scheme == OCI_SCHEME_BASIC && basic == NULL)
            basic = item;
    }
    return basic;
}
