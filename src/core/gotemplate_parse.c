/* From tokens to nodes, as text/template/parse/parse.go reads them; refuses what cup leaves out. */
#include "base/mem.h"
#include "core/gotemplate_internal.h"

static const unsigned DEPTH_MAX = 64;

struct parser {
    struct core_gotemplate *t;
    struct lexer lexer;
    struct token token; /* the one looked at */
    struct str variables[GOTEMPLATE_VARIABLES_MAX];
    size_t variable_count;
    bool dot_is_value; /* inside `with` */
    unsigned depth;
};

/* How a list of nodes ended. */
enum list_end { LIST_TEMPLATE_END, LIST_END, LIST_ELSE };

static enum err_kind
parse_nodes(struct parser *p, struct node **ret, enum list_end *ret_end, struct err *err);
static enum err_kind
parse_pipeline(struct parser *p, enum token_kind end, struct pipeline **ret, struct err *err);

void *gotemplate_keep(struct core_gotemplate *t, void *take)
{
    mem_grow(&t->owned, t->owned_count, &t->owned_cap);
    t->owned[t->owned_count++] = take;
    return take;
}

#define keep_new(p, type) ((type *)gotemplate_keep((p)->t, mem_new(type)))

#define fail(p, ...) gotemplate_error(&(p)->lexer, (p)->token.at, err, __VA_ARGS__)

static enum err_kind next(struct parser *p, struct err *err)
{
    return gotemplate_next(&p->lexer, &p->token, err);
}

static enum err_kind next_non_space(struct parser *p, struct err *err)
{
    enum err_kind r = next(p, err);
    while (r == ERR_OK && p->token.kind == TOKEN_SPACE)
        r = next(p, err);
    return r;
}

static enum err_kind deeper(struct parser *p, struct err *err)
{
    if (++p->depth > DEPTH_MAX)
        return fail(p, "nested deeper than %u levels", DEPTH_MAX);
    return ERR_OK;
}

static enum err_kind expect_close(struct parser *p, const char *after, struct err *err)
{
    enum err_kind r = next_non_space(p, err);
    if (r == ERR_OK && p->token.kind != TOKEN_CLOSE)
        r = fail(p, "'}}' must follow '%s'", after);
    return r;
}

/* --- operands -------------------------------------------------------------------------------------- */

static enum err_kind member(struct parser *p, struct str name, struct operand *ret, struct err *err)
{
    const struct core_gotemplate *t = p->t;
    for (size_t i = 0; i < t->member_count; i++) {
        if (!str_eqz(name, t->members[i]))
            continue;
        t->mentions[i]++;
        *ret = (struct operand){.kind = OPERAND_MEMBER, .index = i};
        return ERR_OK;
    }
    char known[200] = "";
    size_t n = 0;
    for (size_t i = 0; i < t->member_count; i++) {
        size_t length = strlen(t->members[i]);
        if (n + length + 3 > sizeof(known))
            break;
        memcpy(known + n, " .", 2);
        memcpy(known + n + 2, t->members[i], length + 1);
        n += length + 2;
    }
    return fail(
        p, "no member '." STR_FMT "' here: use one of%s", STR_ARG(str_take(name, 64)), known);
}

static enum err_kind field(struct parser *p, struct operand *ret, struct err *err)
{
    struct str name = str_skip(p->token.text, 1);
    if (p->dot_is_value)
        return fail(
            p, "inside 'with' the dot is its value, which has no members: write '$." STR_FMT "'",
            STR_ARG(str_take(name, 64)));
    return member(p, name, ret, err);
}

static enum err_kind dot(struct parser *p, struct operand *ret, struct err *err)
{
    if (!p->dot_is_value)
        return fail(p, "'.' alone stands for the whole request: name a member, as in '.Name'");
    *ret = (struct operand){.kind = OPERAND_DOT};
    return ERR_OK;
}

static ptrdiff_t find_variable(const struct parser *p, struct str name)
{
    for (size_t i = p->variable_count; i > 0; i--) {
        if (str_eq(p->variables[i - 1], name))
            return (ptrdiff_t)i - 1;
    }
    return -1;
}

/* Is the token right behind (no blank) a member? Then it is read. */
static enum err_kind attached_field(struct parser *p, bool *ret_is_there, struct err *err)
{
    struct lexer before = p->lexer;
    struct token token = p->token;
    enum err_kind r = next(p, err);
    *ret_is_there = r == ERR_OK && p->token.kind == TOKEN_FIELD;
    if (r == ERR_OK && !*ret_is_there) {
        p->lexer = before;
        p->token = token;
    }
    return r;
}

static enum err_kind variable(struct parser *p, struct operand *ret, struct err *err)
{
    struct str name = p->token.text;
    ptrdiff_t found = find_variable(p, name);
    bool has_field;
    if (name.n > 1 && found < 0)
        return fail(p, "no variable '" STR_FMT "'", STR_ARG(str_take(name, 64)));
    enum err_kind r = attached_field(p, &has_field, err);
    if (r != ERR_OK)
        return r;
    if (name.n == 1)
        return has_field ? member(p, str_skip(p->token.text, 1), ret, err)
                         : fail(p, "'$' stands for the whole request: name a member of it");
    if (has_field)
        return fail(p, "'" STR_FMT "' has no members", STR_ARG(str_take(name, 64)));
    *ret = (struct operand){.kind = OPERAND_VARIABLE, .index = (size_t)found};
    return ERR_OK;
}

static enum err_kind number(struct parser *p, struct operand *ret, struct err *err)
{
    struct str text = p->token.text;
    bool is_negative = text.p[0] == '-';
    struct str digits = str_skip(text, is_negative || text.p[0] == '+' ? 1 : 0);
    uint64_t value;
    bool has_prefix = digits.n > 1 && digits.p[0] == '0';
    if (has_prefix || !str_to_u64(digits, &value) || value > INT32_MAX)
        return fail(
            p, "'" STR_FMT "' is no number here: write a plain decimal one below 2^31",
            STR_ARG(str_take(text, 64)));
    *ret = (struct operand){
        .kind = OPERAND_LITERAL,
        .literal = {.kind = VALUE_INT, .number = is_negative ? -(int64_t)value : (int64_t)value}};
    return ERR_OK;
}

static void add_utf8(struct buf *to, uint32_t c)
{
    if (c < 0x80) {
        buf_char(to, (char)c);
    } else if (c < 0x800) {
        buf_char(to, (char)(0xC0 | c >> 6));
        buf_char(to, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_char(to, (char)(0xE0 | c >> 12));
        buf_char(to, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_char(to, (char)(0x80 | (c & 0x3F)));
    } else {
        buf_char(to, (char)(0xF0 | c >> 18));
        buf_char(to, (char)(0x80 | (c >> 12 & 0x3F)));
        buf_char(to, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_char(to, (char)(0x80 | (c & 0x3F)));
    }
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* \xHH and \ooo are bytes, \uHHHH and \UHHHHHHHH characters. `at` is behind the backslash. */
static bool add_numeric_escape(struct buf *to, struct str s, size_t *at)
{
    char kind = s.p[*at];
    unsigned base = kind == 'x' || kind == 'u' || kind == 'U' ? 16 : 8;
    size_t count = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 3;
    size_t i = base == 16 ? *at + 1 : *at;
    uint32_t value = 0;
    if (i + count > s.n)
        return false;
    for (size_t end = i + count; i < end; i++) {
        unsigned digit = (unsigned)digit_of(s.p[i]);
        if (digit >= base)
            return false;
        value = value * base + digit;
    }
    *at = i;
    bool is_char = kind == 'u' || kind == 'U';
    if (is_char ? value > 0x10FFFF || (value >= 0xD800 && value < 0xE000) : value > 0xFF)
        return false;
    if (is_char)
        add_utf8(to, value);
    else
        buf_char(to, (char)value);
    return true;
}

static bool add_escape(struct buf *to, struct str s, size_t *at)
{
    static const char letters[] = "abfnrtv\\\"";
    static const char values[] = "\a\b\f\n\r\t\v\\\"";
    if (*at >= s.n)
        return false;
    const char *found = s.p[*at] == '\0' ? NULL : strchr(letters, s.p[*at]);
    if (found == NULL)
        return add_numeric_escape(to, s, at);
    buf_char(to, values[found - letters]);
    (*at)++;
    return true;
}

static enum err_kind string(struct parser *p, struct operand *ret, struct err *err)
{
    bool is_raw = p->token.text.p[0] == '`';
    struct str inner = str_of(p->token.text.p + 1, p->token.text.n - 2);
    struct buf text = {0};
    for (size_t i = 0; i < inner.n;) {
        char c = inner.p[i++];
        if (is_raw || c != '\\') {
            buf_char(&text, c);
        } else if (!add_escape(&text, inner, &i)) {
            buf_deinit(&text);
            return fail(p, "a string holds an escape that Go does not know");
        }
    }
    size_t n = text.n;
    char *kept = gotemplate_keep(p->t, buf_steal(&text));
    *ret = (struct operand){
        .kind = OPERAND_LITERAL, .literal = {.kind = VALUE_STRING, .text = str_of(kept, n)}};
    return ERR_OK;
}

static enum err_kind parenthesis(struct parser *p, struct operand *ret, struct err *err)
{
    enum err_kind r = deeper(p, err);
    *ret = (struct operand){.kind = OPERAND_PIPE};
    if (r == ERR_OK)
        r = parse_pipeline(p, TOKEN_RIGHT_PAREN, &ret->pipe, err);
    p->depth--;
    return r;
}

static enum err_kind word(struct parser *p, struct operand *ret, struct err *err)
{
    struct str name = p->token.text;
    bool is_true = str_eqz(name, "true");
    if (is_true || str_eqz(name, "false")) {
        *ret = (struct operand){
            .kind = OPERAND_LITERAL, .literal = {.kind = VALUE_BOOL, .is_true = is_true}};
        return ERR_OK;
    }
    if (gotemplate_function(name) != NULL)
        return fail(
            p, "'" STR_FMT "' as an argument needs parentheses around its call", STR_ARG(name));
    if (gotemplate_is_left_out(name))
        return fail(
            p, "'" STR_FMT "' is not offered in paths: use if, else, with and the functions %s",
            STR_ARG(name), GOTEMPLATE_FUNCTION_NAMES);
    return fail(
        p, "no function '" STR_FMT "': use one of %s", STR_ARG(str_take(name, 64)),
        GOTEMPLATE_FUNCTION_NAMES);
}

static enum err_kind parse_operand(struct parser *p, struct operand *ret, struct err *err)
{
    switch ((int)p->token.kind) {
    case TOKEN_FIELD:
        return field(p, ret, err);
    case TOKEN_DOT:
        return dot(p, ret, err);
    case TOKEN_VARIABLE:
        return variable(p, ret, err);
    case TOKEN_STRING:
        return string(p, ret, err);
    case TOKEN_NUMBER:
        return number(p, ret, err);
    case TOKEN_WORD:
        return word(p, ret, err);
    case TOKEN_LEFT_PAREN:
        return parenthesis(p, ret, err);
    default:
        return fail(p, "a value is missing");
    }
}

/* --- commands and pipelines ------------------------------------------------------------------------ */

static enum err_kind add_operand(struct parser *p, struct command *c, struct err *err)
{
    if (c->operand_count == GOTEMPLATE_ARGS_MAX - 1)
        return fail(p, "more than %d arguments", GOTEMPLATE_ARGS_MAX - 1);
    return parse_operand(p, &c->operands[c->operand_count++], err);
}

/* Reads up to and with the mark that ends the command: '|' or what ends the pipeline. */
static enum err_kind parse_operands(struct parser *p, struct command *c, struct err *err)
{
    for (;;) {
        enum err_kind r = next(p, err);
        if (r == ERR_OK && p->token.kind == TOKEN_SPACE)
            r = next_non_space(p, err);
        else if (
            r == ERR_OK && p->token.kind != TOKEN_PIPE && p->token.kind != TOKEN_CLOSE &&
            p->token.kind != TOKEN_RIGHT_PAREN)
            r = fail(p, "a blank is missing before '" STR_FMT "'", STR_ARG(p->token.text));
        if (r != ERR_OK || p->token.kind == TOKEN_PIPE || p->token.kind == TOKEN_CLOSE ||
            p->token.kind == TOKEN_RIGHT_PAREN)
            return r;
        r = add_operand(p, c, err);
        if (r != ERR_OK)
            return r;
    }
}

static enum err_kind
check_command(struct parser *p, const struct command *c, bool is_first, struct err *err)
{
    const struct function *f = c->function;
    size_t count = c->operand_count + (is_first ? 0 : 1);
    if (f == NULL && !is_first)
        return gotemplate_error(&p->lexer, c->at, err, "what stands behind '|' must be a function");
    if (f == NULL && c->operand_count > 1)
        return gotemplate_error(
            &p->lexer, c->at, err, "an argument is given to something that is no function");
    if (f != NULL && (count < f->args_min || count > f->args_max))
        return gotemplate_error(
            &p->lexer, c->at, err, "wrong number of arguments for %s: %zu", f->name, count);
    return ERR_OK;
}

static enum err_kind
parse_command(struct parser *p, bool is_first, struct command **ret, struct err *err)
{
    struct command *c = keep_new(p, struct command);
    c->operands = gotemplate_keep(p->t, mem_alloc(GOTEMPLATE_ARGS_MAX * sizeof(*c->operands)));
    c->at = p->token.at;
    if (p->token.kind == TOKEN_WORD)
        c->function = gotemplate_function(p->token.text);
    enum err_kind r = c->function == NULL ? add_operand(p, c, err) : ERR_OK;
    if (r == ERR_OK)
        r = parse_operands(p, c, err);
    if (r == ERR_OK)
        r = check_command(p, c, is_first, err);
    *ret = c;
    return r;
}

static enum err_kind
set_variable(struct parser *p, struct str name, struct pipeline *pipe, struct err *err)
{
    ptrdiff_t found = find_variable(p, name);
    pipe->sets_variable = true;
    if (name.n == 1)
        return fail(p, "'$' cannot be set");
    if (p->token.kind == TOKEN_ASSIGN) {
        pipe->variable = (size_t)found;
        return found < 0
            ? fail(p, "no variable '" STR_FMT "': declare it with :=", STR_ARG(str_take(name, 64)))
            : ERR_OK;
    }
    if (p->variable_count == GOTEMPLATE_VARIABLES_MAX)
        return fail(p, "more than %d variables", GOTEMPLATE_VARIABLES_MAX);
    pipe->variable = p->variable_count;
    return ERR_OK;
}

/*
 * `$x :=` or `$x =` at the start of a pipeline; the name counts only behind the pipeline, therefore
 * *ret_declared is set and the caller adds it then.
 */
static enum err_kind parse_declaration(
    struct parser *p, struct pipeline *pipe, struct str *ret_declared, struct err *err)
{
    if (p->token.kind != TOKEN_VARIABLE)
        return ERR_OK;
    struct lexer before = p->lexer;
    struct token name = p->token;
    enum err_kind r = next_non_space(p, err);
    if (r != ERR_OK)
        return r;
    if (p->token.kind != TOKEN_DECLARE && p->token.kind != TOKEN_ASSIGN) {
        p->lexer = before;
        p->token = name;
        return ERR_OK;
    }
    if (p->token.kind == TOKEN_DECLARE)
        *ret_declared = name.text;
    r = set_variable(p, name.text, pipe, err);
    return r == ERR_OK ? next_non_space(p, err) : r;
}

/* Reads up to and with `end`. */
static enum err_kind
parse_pipeline(struct parser *p, enum token_kind end, struct pipeline **ret, struct err *err)
{
    struct pipeline *pipe = *ret = keep_new(p, struct pipeline);
    struct command **tail = &pipe->first;
    struct str declared = {NULL, 0};
    enum err_kind r = next_non_space(p, err);
    if (r == ERR_OK && end == TOKEN_CLOSE)
        r = parse_declaration(p, pipe, &declared, err);
    while (r == ERR_OK) {
        r = parse_command(p, tail == &pipe->first, tail, err);
        if (r != ERR_OK || p->token.kind != TOKEN_PIPE)
            break;
        tail = &(*tail)->next;
        r = next_non_space(p, err);
    }
    if (r == ERR_OK && p->token.kind != end)
        r = fail(p, end == TOKEN_CLOSE ? "unexpected ')'" : "a '(' is not closed");
    if (r == ERR_OK && declared.p != NULL)
        p->variables[p->variable_count++] = declared;
    return r;
}

/* --- nodes ----------------------------------------------------------------------------------------- */

static enum err_kind
parse_control(struct parser *p, enum node_kind kind, struct node **ret, struct err *err);

/* Behind `{{ else`: a plain else, or `else if` / `else with`, which share the one `{{ end }}`. */
static enum err_kind parse_else(struct parser *p, struct node *node, struct err *err)
{
    enum list_end end;
    enum err_kind r = next_non_space(p, err);
    if (r != ERR_OK)
        return r;
    bool is_if = p->token.kind == TOKEN_WORD && str_eqz(p->token.text, "if");
    bool is_with = p->token.kind == TOKEN_WORD && str_eqz(p->token.text, "with");
    if (is_if || is_with)
        return parse_control(p, is_if ? NODE_IF : NODE_WITH, &node->otherwise, err);
    if (p->token.kind != TOKEN_CLOSE)
        return fail(p, "'}}' must follow 'else'");
    r = parse_nodes(p, &node->otherwise, &end, err);
    if (r == ERR_OK && end == LIST_ELSE)
        r = fail(p, "a second 'else'");
    if (r == ERR_OK && end == LIST_TEMPLATE_END)
        r = fail(p, "'{{ end }}' is missing");
    return r;
}

static enum err_kind
parse_control(struct parser *p, enum node_kind kind, struct node **ret, struct err *err)
{
    enum list_end end = LIST_END;
    size_t variables = p->variable_count;
    bool dot_is_value = p->dot_is_value;
    struct node *node = *ret = keep_new(p, struct node);
    node->kind = kind;
    enum err_kind r = deeper(p, err);
    if (r == ERR_OK)
        r = parse_pipeline(p, TOKEN_CLOSE, &node->pipe, err);
    if (kind == NODE_WITH)
        p->dot_is_value = true;
    if (r == ERR_OK)
        r = parse_nodes(p, &node->body, &end, err);
    p->dot_is_value = dot_is_value;
    if (r == ERR_OK && end == LIST_TEMPLATE_END)
        r = fail(p, "'{{ end }}' is missing");
    if (r == ERR_OK && end == LIST_ELSE)
        r = parse_else(p, node, err);
    p->variable_count = variables;
    p->depth--;
    return r;
}

static enum err_kind parse_print(struct parser *p, struct node **ret, struct err *err)
{
    struct node *node = *ret = keep_new(p, struct node);
    node->kind = NODE_PRINT;
    return parse_pipeline(p, TOKEN_CLOSE, &node->pipe, err);
}

/* One action; *ret_end is set when it ends the list of nodes, else *ret. */
static enum err_kind parse_action(
    struct parser *p, struct node **ret, bool *ret_is_end, enum list_end *ret_end, struct err *err)
{
    struct lexer before = p->lexer;
    enum err_kind r = next_non_space(p, err);
    struct str name = p->token.text;
    if (r != ERR_OK)
        return r;
    bool is_word = p->token.kind == TOKEN_WORD;
    if (is_word && str_eqz(name, "if"))
        return parse_control(p, NODE_IF, ret, err);
    if (is_word && str_eqz(name, "with"))
        return parse_control(p, NODE_WITH, ret, err);
    *ret_is_end = is_word && (str_eqz(name, "end") || str_eqz(name, "else"));
    if (!*ret_is_end) {
        p->lexer = before;
        return parse_print(p, ret, err);
    }
    if (p->depth == 0)
        return fail(p, "'" STR_FMT "' without 'if' or 'with'", STR_ARG(name));
    *ret_end = name.p[1] == 'n' ? LIST_END : LIST_ELSE;
    return *ret_end == LIST_END ? expect_close(p, "end", err) : ERR_OK;
}

static enum err_kind
parse_nodes(struct parser *p, struct node **ret, enum list_end *ret_end, struct err *err)
{
    struct node **tail = ret;
    for (;;) {
        bool is_end = false;
        enum err_kind r = next(p, err);
        if (r != ERR_OK)
            return r;
        if (p->token.kind == TOKEN_END) {
            *ret_end = LIST_TEMPLATE_END;
            return ERR_OK;
        }
        if (p->token.text.n > 0) {
            *tail = keep_new(p, struct node);
            (*tail)->text = p->token.text;
            tail = &(*tail)->next;
        }
        if (!p->lexer.in_action)
            continue;
        r = parse_action(p, tail, &is_end, ret_end, err);
        if (r != ERR_OK || is_end)
            return r;
        tail = &(*tail)->next;
    }
}

enum err_kind gotemplate_parse(struct core_gotemplate *t, struct err *err)
{
    enum list_end end;
    struct parser p = {
        .t = t,
        .lexer = {.label = t->label, .input = str_of(t->text, t->text_bytes)},
    };
    return parse_nodes(&p, &t->nodes, &end, err);
}
