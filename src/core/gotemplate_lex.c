/* Tokens of the template language, as text/template/parse/lex.go cuts them. */
#include "core/gotemplate_internal.h"

#include <stdarg.h>
#include <stdio.h>

static const char OPEN[] = "{{";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        (unsigned char)c >= 0x80;
}

enum err_kind
gotemplate_error(const struct lexer *l, size_t at, struct err *err, const char *fmt, ...)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < l->input.n; i++) {
        column = l->input.p[i] == '\n' ? 1 : column + 1;
        line += l->input.p[i] == '\n';
    }
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7F)
            *p = '?'; /* of the template or a value: not for a terminal to act upon */
    }
    return err_set(err, ERR_INVALID, "%s, line %zu, column %zu: %s", l->label, line, column, text);
}

static enum err_kind unexpected(const struct lexer *l, size_t at, struct err *err)
{
    unsigned char c = (unsigned char)l->input.p[at];
    if (c < ' ' || c >= 0x7F)
        return gotemplate_error(l, at, err, "unexpected byte 0x%02x", c);
    return gotemplate_error(l, at, err, "unexpected '%c'", c);
}

static struct str rest(const struct lexer *l)
{
    return str_skip(l->input, l->at);
}

static char peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->input.n ? l->input.p[l->at + ahead] : '\0';
}

static enum err_kind give(struct lexer *l, enum token_kind kind, size_t n, struct token *ret)
{
    *ret = (struct token){.kind = kind, .text = str_take(rest(l), n), .at = l->at};
    l->at += n;
    return ERR_OK;
}

/* Bytes of the closing mark at `at`, 0 when there is none: "}}", or a blank and "-}}". */
static size_t close_bytes(const struct lexer *l)
{
    if (str_starts(rest(l), STR("}}")))
        return 2;
    if (is_blank(peek(l, 0)) && str_starts(str_skip(rest(l), 1), STR("-}}")))
        return 4;
    return 0;
}

static bool has_open_trim(struct str after_open)
{
    return after_open.n > 1 && after_open.p[0] == '-' && is_blank(after_open.p[1]);
}

/* A comment is closed by its action at once: lex.go's lexComment. */
static enum err_kind skip_comment(struct lexer *l, size_t opened_at, struct err *err)
{
    ptrdiff_t end = str_search(rest(l), STR("*/"));
    if (end < 0)
        return gotemplate_error(l, opened_at, err, "this comment is not closed: end it with */}}");
    l->at += (size_t)end + 2;
    size_t close = close_bytes(l);
    if (close == 0)
        return gotemplate_error(
            l, l->at, err, "'}}' or ' -}}' must follow the end of a comment at once");
    l->trims_next = close == 4;
    l->at += close;
    return ERR_OK;
}

static struct str trim_left(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    return s;
}

static struct str trim_right(struct str s)
{
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Text up to the next action; comments are left out on the way. */
static enum err_kind next_text(struct lexer *l, struct token *ret, struct err *err)
{
    size_t start = l->at;
    ptrdiff_t open = str_search(rest(l), str_from(OPEN));
    struct str text = open < 0 ? rest(l) : str_take(rest(l), (size_t)open);
    l->at += text.n;
    if (l->trims_next)
        text = trim_left(text);
    l->trims_next = false;
    size_t opened_at = l->at;
    if (open >= 0) {
        l->at += 2;
        if (has_open_trim(rest(l))) {
            text = trim_right(text);
            l->at += 2;
        }
        if (str_starts(rest(l), STR("/*"))) {
            enum err_kind r = skip_comment(l, opened_at, err);
            if (r != ERR_OK)
                return r;
        } else {
            l->in_action = true;
        }
    }
    enum token_kind kind = open < 0 && text.n == 0 ? TOKEN_END : TOKEN_TEXT;
    *ret = (struct token){.kind = kind, .text = text, .at = start};
    return ERR_OK;
}

/* What may follow a name or member directly: lex.go's atTerminator. */
static bool at_terminator(const struct lexer *l, size_t n)
{
    char c = peek(l, n);
    return l->at + n >= l->input.n || is_blank(c) || strchr(".,|:)(", c) != NULL ||
        str_starts(str_skip(rest(l), n), STR("}}"));
}

static enum err_kind
name_token(struct lexer *l, enum token_kind kind, size_t n, struct token *ret, struct err *err)
{
    if (!at_terminator(l, n))
        return unexpected(l, l->at + n, err);
    return give(l, kind, n, ret);
}

static size_t word_bytes(const struct lexer *l, size_t from)
{
    size_t n = from;
    while (l->at + n < l->input.n && is_word(peek(l, n)))
        n++;
    return n;
}

/* The whole chain: ".Request.Group" is one token here. */
static enum err_kind next_field(struct lexer *l, struct token *ret, struct err *err)
{
    size_t n = word_bytes(l, 1);
    if (n == 1)
        return name_token(l, TOKEN_DOT, 1, ret, err);
    while (peek(l, n) == '.') {
        size_t more = word_bytes(l, n + 1);
        if (more == n + 1)
            return gotemplate_error(l, l->at + n, err, "a member's name must follow '.'");
        n = more;
    }
    return name_token(l, TOKEN_FIELD, n, ret, err);
}

static enum err_kind next_string(struct lexer *l, char quote, struct token *ret, struct err *err)
{
    for (size_t n = 1; l->at + n < l->input.n; n++) {
        char c = peek(l, n);
        if (c == '\\' && quote == '"')
            n++;
        else if (c == '\n' && quote == '"')
            break;
        else if (c == quote)
            return give(l, TOKEN_STRING, n + 1, ret);
    }
    return gotemplate_error(l, l->at, err, "this string is not closed");
}

static enum err_kind next_number(struct lexer *l, struct token *ret, struct err *err)
{
    size_t n = word_bytes(l, peek(l, 0) == '+' || peek(l, 0) == '-' ? 1 : 0);
    if (peek(l, n) == '.')
        return gotemplate_error(l, l->at, err, "only whole numbers can be used");
    return give(l, TOKEN_NUMBER, n, ret);
}

static enum err_kind next_space(struct lexer *l, struct token *ret)
{
    size_t start = l->at;
    while (is_blank(peek(l, 0)) && close_bytes(l) == 0)
        l->at++;
    *ret = (struct token){.kind = TOKEN_SPACE, .text = STR(" "), .at = start};
    return ERR_OK;
}

static enum err_kind next_mark(struct lexer *l, struct token *ret, struct err *err)
{
    switch (peek(l, 0)) {
    case '|':
        return give(l, TOKEN_PIPE, 1, ret);
    case '(':
        return give(l, TOKEN_LEFT_PAREN, 1, ret);
    case ')':
        return give(l, TOKEN_RIGHT_PAREN, 1, ret);
    case '=':
        return give(l, TOKEN_ASSIGN, 1, ret);
    case ':':
        if (peek(l, 1) == '=')
            return give(l, TOKEN_DECLARE, 2, ret);
        break;
    case '\'':
        return gotemplate_error(l, l->at, err, "text is quoted with \" or ` here, not with '");
    default:
        break;
    }
    return unexpected(l, l->at, err);
}

static enum err_kind next_in_action(struct lexer *l, struct token *ret, struct err *err)
{
    size_t close = close_bytes(l);
    char c = peek(l, 0);
    if (close > 0) {
        l->in_action = false;
        l->trims_next = close == 4;
        return give(l, TOKEN_CLOSE, close, ret);
    }
    if (l->at >= l->input.n)
        return gotemplate_error(l, l->at, err, "an action is not closed: end it with }}");
    if (is_blank(c))
        return next_space(l, ret);
    if (c == '.' && !(peek(l, 1) >= '0' && peek(l, 1) <= '9'))
        return next_field(l, ret, err);
    if (c == '$')
        return name_token(l, TOKEN_VARIABLE, word_bytes(l, 1), ret, err);
    if (c == '"' || c == '`')
        return next_string(l, c, ret, err);
    if ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')
        return next_number(l, ret, err);
    if (is_word(c))
        return name_token(l, TOKEN_WORD, word_bytes(l, 0), ret, err);
    return next_mark(l, ret, err);
}

enum err_kind gotemplate_next(struct lexer *l, struct token *ret, struct err *err)
{
    return l->in_action ? next_in_action(l, ret, err) : next_text(l, ret, err);
}
