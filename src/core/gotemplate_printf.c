/*
 * printf of path templates: Go's fmt for the verbs %s %v %q %x %X %d %t %%, with the flags - and 0,
 * width and precision. Where Go would print its %!d(string=x) into the path, this is an error.
 */
#include "core/gotemplate_internal.h"

static const unsigned WIDTH_MAX = 1024;

struct spec {
    bool is_left;
    bool has_zeros;
    bool has_precision;
    unsigned width;
    unsigned precision;
    char verb;
};

static bool is_digit(struct str s)
{
    return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

static unsigned parse_number(struct str *rest)
{
    unsigned value = 0;
    for (; is_digit(*rest); *rest = str_skip(*rest, 1)) {
        if (value <= WIDTH_MAX)
            value = value * 10 + (unsigned)(rest->p[0] - '0');
    }
    return value;
}

/* What stands behind a '%'. */
static enum err_kind parse_spec(struct str *rest, struct spec *ret, struct err *err)
{
    *ret = (struct spec){0};
    for (; rest->n > 0 && (rest->p[0] == '-' || rest->p[0] == '0'); *rest = str_skip(*rest, 1)) {
        ret->is_left |= rest->p[0] == '-';
        ret->has_zeros |= rest->p[0] == '0';
    }
    ret->width = parse_number(rest);
    if (rest->n > 0 && rest->p[0] == '.') {
        *rest = str_skip(*rest, 1);
        ret->has_precision = true;
        ret->precision = parse_number(rest);
    }
    if (ret->width > WIDTH_MAX || ret->precision > WIDTH_MAX)
        return err_set(err, ERR_INVALID, "a width above %u", WIDTH_MAX);
    if (rest->n == 0)
        return err_set(err, ERR_INVALID, "the format ends behind '%%'");
    ret->verb = rest->p[0];
    if (ret->verb == '\0' || strchr("svqxXdt%", ret->verb) == NULL)
        return err_set(
            err, ERR_INVALID, "only the verbs %%s %%v %%q %%x %%X %%d %%t and %%%% are known here");
    *rest = str_skip(*rest, 1);
    ret->has_zeros &= !ret->is_left; /* as Go's fmt: minus wins over zero */
    return ERR_OK;
}

/* Bytes of the well-formed character at s, 0 when it is none. */
static size_t sequence_bytes(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        if (str_is_utf8(str_take(s, n)))
            return n;
    }
    return 0;
}

/* The first `count` characters, a stray byte being one. */
static struct str take_characters(struct str s, size_t count, size_t *ret_count)
{
    size_t at = 0;
    *ret_count = 0;
    while (at < s.n && *ret_count < count) {
        size_t n = sequence_bytes(str_skip(s, at));
        at += n == 0 ? 1 : n;
        (*ret_count)++;
    }
    return str_take(s, at);
}

static void pad(struct buf *to, const struct spec *spec, struct str text)
{
    size_t characters;
    take_characters(text, text.n, &characters);
    size_t missing = spec->width > characters ? spec->width - characters : 0;
    for (size_t i = 0; !spec->is_left && i < missing; i++)
        buf_char(to, spec->has_zeros ? '0' : ' ');
    buf_str(to, text);
    for (size_t i = 0; spec->is_left && i < missing; i++)
        buf_char(to, ' ');
}

/* strconv.Quote */
static void quote(struct buf *to, struct str text)
{
    static const char values[] = "\a\b\f\n\r\t\v\\\"";
    static const char letters[] = "abfnrtv\\\"";
    buf_char(to, '"');
    while (text.n > 0) {
        unsigned char c = (unsigned char)text.p[0];
        size_t n = sequence_bytes(text);
        const char *found = c == '\0' ? NULL : strchr(values, c);
        if (found != NULL)
            buf_printf(to, "\\%c", letters[found - values]);
        else if (n == 0 || c < ' ' || c == 0x7F)
            buf_printf(to, "\\x%02x", c);
        else
            buf_str(to, str_take(text, n));
        text = str_skip(text, n == 0 ? 1 : n);
    }
    buf_char(to, '"');
}

static void format_text(struct buf *to, const struct spec *spec, struct str text)
{
    autobuf struct buf made;
    size_t count;
    buf_init(&made, CORE_GOTEMPLATE_STRING_MAX);
    bool is_hex = spec->verb == 'x' || spec->verb == 'X';
    if (is_hex && spec->has_precision)
        text = str_take(text, spec->precision); /* of bytes here */
    else if (spec->has_precision)
        text = take_characters(text, spec->precision, &count);
    if (is_hex) {
        for (size_t i = 0; i < text.n; i++)
            buf_printf(&made, spec->verb == 'x' ? "%02x" : "%02X", (unsigned char)text.p[i]);
    } else if (spec->verb == 'q') {
        quote(&made, text);
    } else {
        buf_str(&made, text);
    }
    pad(to, spec, buf_view(&made));
    to->is_failed |= made.is_failed;
}

static void format_number(struct buf *to, const struct spec *spec, int64_t number)
{
    autobuf struct buf digits = {0};
    autobuf struct buf made = {0};
    unsigned long long size =
        number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number;
    if (spec->verb == 'x')
        buf_printf(&digits, "%llx", size);
    else if (spec->verb == 'X')
        buf_printf(&digits, "%llX", size);
    else
        buf_printf(&digits, "%llu", size);
    size_t wanted = spec->has_precision ? spec->precision : 0;
    if (spec->has_zeros && !spec->has_precision)
        wanted = number < 0 && spec->width > 0 ? spec->width - 1 : spec->width;
    if (number < 0)
        buf_char(&made, '-');
    for (size_t i = digits.n; i < wanted; i++)
        buf_char(&made, '0');
    if (!(spec->has_precision && spec->precision == 0 && number == 0))
        buf_str(&made, buf_view(&digits));
    struct spec blanks = *spec;
    blanks.has_zeros = false;
    pad(to, &blanks, buf_view(&made));
}

static enum err_kind
format_value(struct buf *to, const struct spec *spec, const struct value *v, struct err *err)
{
    static const char *const verbs[] = {"svqxX", "vdxX", "vt"}; /* by kind of value */
    static const char *const what[] = {"text", "a number", "true or false"};
    if (strchr(verbs[v->kind], spec->verb) == NULL)
        return err_set(err, ERR_INVALID, "%%%c does not fit %s", spec->verb, what[v->kind]);
    if (v->kind == VALUE_STRING)
        format_text(to, spec, v->text);
    else if (v->kind == VALUE_INT)
        format_number(to, spec, v->number);
    else
        pad(to, spec, v->is_true ? STR("true") : STR("false"));
    return ERR_OK;
}

static enum err_kind
format_all(struct buf *to, struct str rest, const struct value *args, size_t count, struct err *err)
{
    size_t used = 0;
    while (rest.n > 0) {
        ptrdiff_t at = str_find(rest, '%');
        buf_str(to, at < 0 ? rest : str_take(rest, (size_t)at));
        if (at < 0)
            break;
        struct spec spec;
        rest = str_skip(rest, (size_t)at + 1);
        enum err_kind r = parse_spec(&rest, &spec, err);
        if (r == ERR_OK && spec.verb == '%')
            buf_char(to, '%');
        else if (r == ERR_OK && used == count)
            r = err_set(err, ERR_INVALID, "an argument for '%%%c' is missing", spec.verb);
        else if (r == ERR_OK)
            r = format_value(to, &spec, &args[used++], err);
        if (r != ERR_OK)
            return r;
    }
    if (used < count)
        return err_set(err, ERR_INVALID, "more arguments than the format has verbs");
    return ERR_OK;
}

enum err_kind gotemplate_printf(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    if (args[0].kind != VALUE_STRING)
        return err_set(err, ERR_INVALID, "the format must be text");
    struct buf made;
    buf_init(&made, CORE_GOTEMPLATE_STRING_MAX);
    enum err_kind r = format_all(&made, args[0].text, args + 1, count - 1, err);
    if (r != ERR_OK) {
        buf_deinit(&made);
        return r;
    }
    return gotemplate_string(run, &made, ret, err);
}
