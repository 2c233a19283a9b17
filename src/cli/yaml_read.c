/* YAML input as JSON: cli_yaml_read of cli/yaml.h, over libyaml's events. */
#include "cli/yaml.h"
#include "json/json.h"

#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct buf *to;
    struct err *err;
    unsigned depth;
};

static enum err_kind fail(struct reader *r, yaml_mark_t at, const char *what)
{
    return err_set(r->err, ERR_MALFORMED, "line %zu of the YAML: %s", at.line + 1, what);
}

static enum err_kind next(struct reader *r, yaml_event_t *ret)
{
    if (yaml_parser_parse(&r->parser, ret) == 1)
        return ERR_OK;
    const char *problem = r->parser.problem == NULL ? "no YAML" : r->parser.problem;
    return fail(r, r->parser.problem_mark, problem);
}

/* --- scalars: YAML 1.2.2 section 10.3.2, the tag resolution of the core schema ------------------------ */

static bool is_one_of(struct str s, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_eqz(s, *words))
            return true;
    }
    return false;
}

static bool skip_char(struct str *s, const char *among)
{
    if (s->n == 0 || str_find(str_from(among), s->p[0]) < 0)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* At least one of them. */
static bool skip_all(struct str *s, const char *among)
{
    bool is_some = false;
    while (skip_char(s, among))
        is_some = true;
    return is_some;
}

static bool skip_digits(struct str *s)
{
    return skip_all(s, "0123456789");
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, or 0o, 0x, .inf and .nan */
static bool is_yaml_number(struct str s)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    if (str_starts(s, STR("0x")) || str_starts(s, STR("0o"))) {
        struct str digits = str_skip(s, 2);
        const char *among = s.p[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";
        return skip_all(&digits, among) && digits.n == 0;
    }
    skip_char(&s, "+-");
    if (is_one_of(s, words))
        return true;
    bool has_whole = skip_digits(&s);
    bool has_fraction = skip_char(&s, ".") && skip_digits(&s);
    if (!has_whole && !has_fraction)
        return false;
    if (skip_char(&s, "eE")) {
        skip_char(&s, "+-");
        if (!skip_digits(&s))
            return false;
    }
    return s.n == 0;
}

/* RFC 8259 section 6 */
static bool is_json_number(struct str s)
{
    skip_char(&s, "-");
    if (!skip_char(&s, "0") && !skip_digits(&s))
        return false;
    if (skip_char(&s, ".") && !skip_digits(&s))
        return false;
    if (skip_char(&s, "eE")) {
        skip_char(&s, "+-");
        if (!skip_digits(&s))
            return false;
    }
    return s.n == 0;
}

static enum err_kind write_plain(struct reader *r, struct str s, yaml_mark_t at)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(s, nulls))
        buf_text(r->to, "null");
    else if (is_one_of(s, trues))
        buf_text(r->to, "true");
    else if (is_one_of(s, falses))
        buf_text(r->to, "false");
    else if (is_json_number(s))
        buf_str(r->to, s);
    else if (is_yaml_number(s))
        return err_set(
            r->err, ERR_MALFORMED,
            "line %zu of the YAML: JSON has no such spelling of a number: '" STR_FMT
            "'; write it as JSON does, or in quotes where text is meant",
            at.line + 1, STR_ARG(str_take(s, 40)));
    else
        json_text_string(r->to, s);
    return ERR_OK;
}

static struct str text_of(const yaml_event_t *e)
{
    return str_of((const char *)e->data.scalar.value, e->data.scalar.length);
}

static enum err_kind write_scalar(struct reader *r, const yaml_event_t *e)
{
    if (e->data.scalar.anchor != NULL)
        return fail(r, e->start_mark, "anchors are not supported");
    if (e->data.scalar.tag != NULL)
        return fail(r, e->start_mark, "tags are not supported");
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return write_plain(r, text_of(e), e->start_mark);
    json_text_string(r->to, text_of(e));
    return ERR_OK;
}

static enum err_kind write_key(struct reader *r, const yaml_event_t *e)
{
    if (e->type == YAML_ALIAS_EVENT)
        return fail(r, e->start_mark, "aliases are not supported");
    if (e->type != YAML_SCALAR_EVENT)
        return fail(r, e->start_mark, "a key has to be text");
    if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL)
        return fail(r, e->start_mark, "anchors and tags are not supported");
    json_text_string(r->to, text_of(e));
    buf_char(r->to, ':');
    return ERR_OK;
}

/* --- collections -------------------------------------------------------------------------------------- */

static enum err_kind write_node(struct reader *r, const yaml_event_t *e);

static enum err_kind write_next(struct reader *r)
{
    yaml_event_t e;
    enum err_kind k = next(r, &e);
    if (k != ERR_OK)
        return k;
    k = write_node(r, &e);
    yaml_event_delete(&e);
    return k;
}

/* The items up to the end event; a mapping's are a key and a value each. */
static enum err_kind write_items(struct reader *r, yaml_event_type_t end)
{
    for (const char *comma = "";; comma = ",") {
        yaml_event_t e;
        enum err_kind k = next(r, &e);
        if (k != ERR_OK)
            return k;
        bool is_end = e.type == end;
        if (!is_end) {
            buf_text(r->to, comma);
            k = end == YAML_MAPPING_END_EVENT ? write_key(r, &e) : write_node(r, &e);
        }
        yaml_event_delete(&e);
        if (k == ERR_OK && !is_end && end == YAML_MAPPING_END_EVENT)
            k = write_next(r);
        if (k != ERR_OK || is_end)
            return k;
    }
}

static enum err_kind write_collection(struct reader *r, const yaml_event_t *e)
{
    bool is_map = e->type == YAML_MAPPING_START_EVENT;
    bool has_anchor =
        is_map ? e->data.mapping_start.anchor != NULL : e->data.sequence_start.anchor != NULL;
    bool has_tag = is_map ? e->data.mapping_start.tag != NULL : e->data.sequence_start.tag != NULL;
    if (has_anchor || has_tag)
        return fail(r, e->start_mark, "anchors and tags are not supported");
    if (r->depth >= JSON_DEPTH_MAX)
        return err_set(
            r->err, ERR_LIMIT, "line %zu of the YAML: nested deeper than %d",
            e->start_mark.line + 1, JSON_DEPTH_MAX);
    r->depth++;
    buf_char(r->to, is_map ? '{' : '[');
    enum err_kind k = write_items(r, is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT);
    buf_char(r->to, is_map ? '}' : ']');
    r->depth--;
    return k;
}

static enum err_kind write_node(struct reader *r, const yaml_event_t *e)
{
    if (e->type == YAML_SCALAR_EVENT)
        return write_scalar(r, e);
    if (e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT)
        return write_collection(r, e);
    return fail(r, e->start_mark, "aliases are not supported");
}

/* --- documents ---------------------------------------------------------------------------------------- */

/* What stands between two "---" without anything in it is no document. */
static enum err_kind write_document(struct reader *r)
{
    size_t start = r->to->n;
    enum err_kind k = write_next(r);
    struct str text = str_skip(buf_view(r->to), start);
    if (k == ERR_OK && str_eqz(text, "null"))
        r->to->n = start;
    else
        buf_char(r->to, '\n');
    return k;
}

static enum err_kind read_stream(struct reader *r)
{
    for (;;) {
        yaml_event_t e;
        enum err_kind k = next(r, &e);
        if (k != ERR_OK)
            return k;
        yaml_event_type_t type = e.type;
        yaml_event_delete(&e);
        if (type == YAML_STREAM_END_EVENT)
            return ERR_OK;
        if (type == YAML_DOCUMENT_START_EVENT)
            k = write_document(r);
        if (k != ERR_OK)
            return k;
    }
}

enum err_kind cli_yaml_read(struct str yaml, struct buf *to, struct err *err)
{
    struct reader r = {.to = to, .err = err};
    if (yaml_parser_initialize(&r.parser) != 1)
        return err_set(err, ERR_LIMIT, "no memory to read YAML");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)yaml.p, yaml.n);
    enum err_kind k = read_stream(&r);
    yaml_parser_delete(&r.parser);
    return k == ERR_OK ? buf_check(to, "the YAML as JSON", err) : k;
}
