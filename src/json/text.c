/*
 * The text functions: they work on documents that json_parse accepted, so that a token is what it
 * looks like and no error is possible. They write as Go's encoding/json does (Marshal and Indent),
 * because files and answers must be what upstream makes of them.
 */
#include "base/mem.h"
#include "json/json.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blanks(struct str s, size_t i)
{
    while (i < s.n && is_blank(s.p[i]))
        i++;
    return i;
}

/* Index behind the string literal that starts at i. */
static size_t skip_string(struct str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\')
            i++;
    }
    return i < s.n ? i + 1 : s.n;
}

/* Index behind the value that starts at i. */
static size_t skip_value(struct str s, size_t i)
{
    size_t depth = 0;
    while (i < s.n) {
        char c = s.p[i];
        if (c == '"') {
            i = skip_string(s, i);
        } else if (c == '[' || c == '{') {
            depth++;
            i++;
        } else if (c == ']' || c == '}') {
            depth--;
            i++;
        } else if (depth == 0) {
            while (i < s.n && !is_blank(s.p[i]) && strchr(",]}", s.p[i]) == NULL)
                i++;
        } else {
            i++;
        }
        if (depth == 0)
            return i;
    }
    return i;
}

/* The text that a string literal stands for, by the parser that accepted it. */
static bool literal_is(struct str literal, struct str key, bool is_nocase)
{
    struct str raw = str_of(literal.p + 1, literal.n - 2);
    if (str_find(raw, '\\') < 0)
        return is_nocase ? str_eq_nocase(raw, key) : str_eq(raw, key);
    yyjson_doc *doc = yyjson_read(literal.p, literal.n, 0);
    struct str text = json_str(yyjson_doc_get_root(doc));
    bool is_same = is_nocase ? str_eq_nocase(text, key) : str_eq(text, key);
    yyjson_doc_free(doc);
    return is_same;
}

struct str json_text_member(struct str object, struct str key, bool is_nocase)
{
    struct str found = {NULL, 0};
    size_t i = skip_blanks(object, 0);
    if (i >= object.n || object.p[i] != '{')
        return found;
    i = skip_blanks(object, i + 1);
    while (i < object.n && object.p[i] == '"') {
        size_t key_end = skip_string(object, i);
        struct str literal = str_of(object.p + i, key_end - i);
        size_t start = skip_blanks(object, skip_blanks(object, key_end) + 1);
        size_t end = skip_value(object, start);
        if (literal_is(literal, key, is_nocase))
            found = str_of(object.p + start, end - start);
        i = skip_blanks(object, end);
        if (i < object.n && object.p[i] == ',')
            i = skip_blanks(object, i + 1);
    }
    return found;
}

struct str json_text_element(struct str array, size_t *at)
{
    size_t i = *at > 0 ? *at : skip_blanks(array, 0);
    if (i >= array.n || strchr("[,", array.p[i]) == NULL)
        return str_of(NULL, 0);
    size_t start = skip_blanks(array, i + 1);
    size_t end = skip_value(array, start);
    *at = skip_blanks(array, end);
    return start < end ? str_of(array.p + start, end - start) : str_of(NULL, 0);
}

/* --- writing -------------------------------------------------------------------------------------- */

/* U+2028 and U+2029 end a line in JavaScript: Go escapes them, and < > & for HTML. */
static size_t add_go_escape(struct buf *to, struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    if (c == '<' || c == '>' || c == '&') {
        buf_printf(to, "\\u%04x", c);
        return 1;
    }
    if (c == 0xE2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 &&
        ((unsigned char)s.p[i + 2] & 0xFE) == 0xA8) {
        buf_printf(to, "\\u202%x", (unsigned char)s.p[i + 2] & 0xF);
        return 3;
    }
    return 0;
}

static void write_literal(struct buf *to, struct str literal)
{
    size_t start = 0;
    for (size_t i = 0; i < literal.n;) {
        char c = literal.p[i];
        if (c != '<' && c != '>' && c != '&' && (unsigned char)c != 0xE2) {
            i++;
            continue;
        }
        buf_add(to, literal.p + start, i - start);
        size_t used = add_go_escape(to, literal, i);
        start = i + used;
        i += used == 0 ? 1 : used;
    }
    buf_add(to, literal.p + start, literal.n - start);
}

static void new_line(struct buf *to, unsigned indent, unsigned level)
{
    if (indent == 0)
        return;
    buf_char(to, '\n');
    for (unsigned i = 0; i < indent * level; i++)
        buf_char(to, ' ');
}

/* One punctuation mark or token of the value at i; returns the index behind it. */
static size_t write_token(struct buf *to, struct str s, size_t i, unsigned indent, unsigned *level)
{
    char c = s.p[i];
    if (c == '"') {
        size_t end = skip_string(s, i);
        write_literal(to, str_of(s.p + i, end - i));
        return end;
    }
    if (c == '{' || c == '[') {
        size_t next = skip_blanks(s, i + 1);
        buf_char(to, c);
        if (next < s.n && (s.p[next] == '}' || s.p[next] == ']')) {
            buf_char(to, s.p[next]);
            return next + 1;
        }
        new_line(to, indent, ++*level);
        return next;
    }
    if (c == '}' || c == ']') {
        new_line(to, indent, --*level);
        buf_char(to, c);
        return i + 1;
    }
    buf_char(to, c);
    if (c == ',')
        new_line(to, indent, *level);
    else if (c == ':' && indent > 0)
        buf_char(to, ' ');
    return i + 1;
}

void json_text_write(struct buf *to, struct str value, unsigned indent, unsigned level)
{
    size_t i = skip_blanks(value, 0);
    while (i < value.n)
        i = skip_blanks(value, write_token(to, value, i, indent, &level));
}

/* Bytes of the well-formed UTF-8 sequence at s, 0 when it is none. */
static size_t sequence_length(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        if (str_is_utf8(str_take(s, n)))
            return n;
    }
    return 0;
}

static void write_ascii(struct buf *to, unsigned char c)
{
    static const struct {
        char c;
        char escape;
    } shorts[] = {{'"', '"'},  {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'},
                  {'\t', 't'}, {'\b', 'b'},  {'\f', 'f'}};
    for (size_t i = 0; i < ARRAY_LEN(shorts); i++) {
        if ((char)c == shorts[i].c) {
            buf_char(to, '\\');
            buf_char(to, shorts[i].escape);
            return;
        }
    }
    if (c < ' ')
        buf_printf(to, "\\u%04x", c);
    else
        buf_char(to, (char)c);
}

void json_text_string(struct buf *to, struct str value)
{
    buf_char(to, '"');
    for (size_t i = 0; i < value.n;) {
        size_t used = add_go_escape(to, value, i);
        unsigned char c = (unsigned char)value.p[i];
        if (used == 0 && c < 0x80) {
            write_ascii(to, c);
            used = 1;
        } else if (used == 0) {
            used = sequence_length(str_skip(value, i));
            if (used == 0)
                buf_text(to, "\\ufffd");
            else
                buf_add(to, value.p + i, used);
            used = used == 0 ? 1 : used;
        }
        i += used;
    }
    buf_char(to, '"');
}

void json_text_add_member(struct buf *to, const char *name, const char *value)
{
    buf_printf(to, ",\"%s\":", name);
    if (value == NULL)
        buf_text(to, "null");
    else
        json_text_string(to, str_from(value));
}

/* --- canonical form -------------------------------------------------------------------------------- */

struct member {
    struct str key;
    yyjson_val *value;
};

/* Equal keys stay in their order, which is that of the values in yyjson's one array. */
static int compare_members(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    int by_key = str_cmp(left->key, right->key);
    return by_key != 0 ? by_key : (left->value > right->value) - (left->value < right->value);
}

static void canonical_object(struct buf *to, yyjson_val *object)
{
    size_t count = yyjson_obj_size(object);
    struct member *members = mem_realloc_array(NULL, count, sizeof(*members));
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(object, i, max, key, value) members[i] =
        (struct member){json_str(key), value};
    qsort(members, count, sizeof(*members), compare_members);
    buf_char(to, '{');
    for (i = 0; i < count; i++) {
        if (i > 0)
            buf_char(to, ',');
        json_text_string(to, members[i].key);
        buf_char(to, ':');
        json_text_canonical(to, members[i].value);
    }
    buf_char(to, '}');
    free(members);
}

static void canonical_array(struct buf *to, yyjson_val *array)
{
    size_t i;
    size_t max;
    yyjson_val *value;
    buf_char(to, '[');
    yyjson_arr_foreach(array, i, max, value)
    {
        if (i > 0)
            buf_char(to, ',');
        json_text_canonical(to, value);
    }
    buf_char(to, ']');
}

void json_text_canonical(struct buf *to, yyjson_val *val)
{
    switch (yyjson_get_type(val)) {
    case YYJSON_TYPE_OBJ:
        canonical_object(to, val);
        break;
    case YYJSON_TYPE_ARR:
        canonical_array(to, val);
        break;
    case YYJSON_TYPE_STR:
        json_text_string(to, json_str(val));
        break;
    case YYJSON_TYPE_RAW:
        buf_add(to, yyjson_get_raw(val), yyjson_get_len(val));
        break;
    case YYJSON_TYPE_BOOL:
        buf_text(to, yyjson_get_bool(val) ? "true" : "false");
        break;
    default:
        buf_text(to, "null");
        break;
    }
}
