#include "yaml_scalar.h"

#include <stdint.h>
#include <string.h>

static bool equals(const char *text, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(text, word, n) == 0;
}

static bool is_any_of(const char *text, size_t n, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (equals(text, n, words[i]))
            return true;
    return false;
}

#define IS_ANY_OF(text, n, words) is_any_of(text, n, words, sizeof(words) / sizeof(words[0]))

static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
static const char *const trues[] = {"true", "True", "TRUE"};
static const char *const falses[] = {"false", "False", "FALSE"};
static const char *const yeses[] = {"yes", "Yes", "YES", "on", "On", "ON", "y", "Y"};
static const char *const noes[] = {"no", "No", "NO", "off", "Off", "OFF", "n", "N"};
static const char *const floats[] = {
    ".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
    "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  "=",     "<<",
};

static size_t digits(const char *text, size_t n, size_t at, const char *allowed)
{
    while (at < n && text[at] != 0 && strchr(allowed, text[at]) != NULL)
        at++;
    return at;
}

/* RFC 8259 section 6. */
bool flipt_is_json_number(const char *text, size_t n)
{
    size_t at = n > 0 && text[0] == '-' ? 1 : 0, begin = at;
    at = digits(text, n, at, "0123456789");
    if (at == begin || (at > begin + 1 && text[begin] == '0'))
        return false;
    if (at < n && text[at] == '.') {
        begin = at + 1;
        at = digits(text, n, begin, "0123456789");
        if (at == begin)
            return false;
    }
    if (at < n && (text[at] == 'e' || text[at] == 'E')) {
        begin = at + 1;
        if (begin < n && (text[begin] == '+' || text[begin] == '-'))
            begin++;
        at = digits(text, n, begin, "0123456789");
        if (at == begin)
            return false;
    }
    return at == n && n > 0;
}

/* 0x1f, 0o17, 0b11 and YAML 1.1's 017; false for anything else and for what 64 bits do not hold. */
static bool read_based(const char *text, size_t n, uint64_t *ret_value)
{
    static const char set[] = "0123456789abcdef";
    unsigned base = 8;
    size_t at = 2;
    if (n < 2 || text[0] != '0')
        return false;
    if (text[1] == 'x')
        base = 16;
    else if (text[1] == 'b')
        base = 2;
    else if (text[1] != 'o')
        at = 1;
    uint64_t value = 0;
    size_t count = 0;
    for (; at < n; at++) {
        char c = text[at] >= 'A' && text[at] <= 'F' ? (char)(text[at] + 32) : text[at];
        const char *digit = c != 0 ? strchr(set, c) : NULL;
        if (c == '_')
            continue;
        if (digit == NULL || digit - set >= (int)base || value > UINT64_MAX / base - 1)
            return false;
        value = value * base + (uint64_t)(digit - set);
        count++;
    }
    *ret_value = value;
    return count > 0;
}

/* Take off what JSON does not know: "+", "_", a missing digit before or behind the point. */
static bool respell_decimal(struct flipt_text *out, const char *text, size_t n)
{
    bool has_digit = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '_' || (c == '+' && i == 0))
            continue;
        if (c == '.' && !has_digit)
            flipt_text_adds(out, "0");
        if (c == '.' && (i + 1 == n || text[i + 1] == 'e' || text[i + 1] == 'E') && has_digit)
            continue;
        has_digit |= c >= '0' && c <= '9';
        flipt_text_add(out, &c, 1);
    }
    return has_digit && flipt_is_json_number(out->p, out->n);
}

static bool
respell(struct flipt_arena *arena, const char *text, size_t n, struct flipt_value *ret_value)
{
    struct flipt_text out = {.arena = arena};
    uint64_t value;
    if (n == 0 || strchr("0123456789+-.", text[0]) == NULL)
        return false;
    size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
    if (read_based(text + sign, n - sign, &value)) {
        char number[32];
        int length = snprintf(
            number, sizeof(number), "%s%llu", text[0] == '-' ? "-" : "", (unsigned long long)value);
        flipt_text_add(&out, number, (size_t)length);
    } else if (!respell_decimal(&out, text, n)) {
        return false;
    }
    *ret_value = (struct flipt_value){FLIPT_NUMBER, out.p, out.n};
    return true;
}

static struct flipt_value plain_value(struct flipt_arena *arena, const char *text, size_t n)
{
    struct flipt_value number;
    if (IS_ANY_OF(text, n, nulls))
        return (struct flipt_value){FLIPT_NULL, "null", 4};
    if (IS_ANY_OF(text, n, trues))
        return (struct flipt_value){FLIPT_BOOL, "true", 4};
    if (IS_ANY_OF(text, n, falses))
        return (struct flipt_value){FLIPT_BOOL, "false", 5};
    if (flipt_is_json_number(text, n))
        return (struct flipt_value){FLIPT_NUMBER, text, n};
    if (respell(arena, text, n, &number))
        return number;
    return (struct flipt_value){FLIPT_STRING, text, n};
}

static bool is_core_tag(const char *tag)
{
    static const char *const tags[] = {
        "tag:yaml.org,2002:int",
        "tag:yaml.org,2002:float",
        "tag:yaml.org,2002:bool",
        "tag:yaml.org,2002:null",
    };
    return is_any_of(tag, strlen(tag), tags, sizeof(tags) / sizeof(tags[0]));
}

struct flipt_value flipt_scalar_value(struct flipt_arena *arena, const struct flipt_node *node)
{
    bool is_plain = node->tag != NULL ? is_core_tag(node->tag) : node->style == FLIPT_PLAIN;
    if (is_plain)
        return plain_value(arena, node->text, node->text_n);
    return (struct flipt_value){FLIPT_STRING, node->text, node->text_n};
}

bool flipt_scalar_bool(const struct flipt_node *node, bool *ret_value)
{
    const char *text = node->text;
    size_t n = node->text_n;
    *ret_value = IS_ANY_OF(text, n, trues) || IS_ANY_OF(text, n, yeses);
    return *ret_value || IS_ANY_OF(text, n, falses) || IS_ANY_OF(text, n, noes);
}

/* 2001-12-14, 2001-12-14t21:59:43.10-05:00 and the like: four digits, "-", a digit. */
static bool is_date(const char *text, size_t n)
{
    return n >= 8 && digits(text, 4, 0, "0123456789") == 4 && text[4] == '-' &&
        digits(text, n, 5, "0123456789-:.tTzZ+ ") == n;
}

/* Base 60 of YAML 1.1: 190:20:30, 190:20:30.15. */
static bool is_sexagesimal(const char *text, size_t n)
{
    return n > 0 && memchr(text, ':', n) != NULL && digits(text, n, 0, "0123456789_:.+-") == n &&
        digits(text, n, 0, ":.") == 0;
}

/* Would some YAML reader take this plain text for anything but a string? */
static bool is_ambiguous(struct flipt_arena *arena, const char *text, size_t n)
{
    return plain_value(arena, text, n).kind != FLIPT_STRING || IS_ANY_OF(text, n, yeses) ||
        IS_ANY_OF(text, n, noes) || IS_ANY_OF(text, n, floats) || is_date(text, n) ||
        is_sexagesimal(text, n);
}

/* Bytes of the character at `p`; 0: it must be escaped. UTF-8 was checked when it came in. */
static size_t printable(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x20 || p[0] == 0x7f)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xe0)
        return left >= 2 && (p[0] > 0xc2 || p[1] >= 0xa0) ? 2
                                                          : 0; /* C1 controls: U+0080 to U+009F */
    if (p[0] >= 0xf0)
        return left >= 4 ? 4 : 0;
    if (left < 3)
        return 0;
    bool is_separator = p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
    bool is_odd = (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) ||
        (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
    return is_separator || is_odd ? 0 : 3;
}

static bool needs_escapes(const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t step = printable(text + i, n - i);
        if (step == 0)
            return true;
        i += step;
    }
    return false;
}

static bool may_be_plain(const char *text, size_t n, bool is_flow)
{
    if (n == 0 || strchr(",[]{}#&*!|>'\"%@` ", text[0]) != NULL || text[n - 1] == ' ' ||
        text[n - 1] == ':')
        return false;
    if (strchr("-?:", text[0]) != NULL && (n == 1 || text[1] == ' ' || is_flow))
        return false;
    if (n >= 3 && (memcmp(text, "---", 3) == 0 || memcmp(text, "...", 3) == 0))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ':' && (is_flow || text[i + 1] == ' '))
            return false;
        if (text[i] == '#' && text[i - 1] == ' ')
            return false;
        if (is_flow && strchr(",[]{}", text[i]) != NULL)
            return false;
    }
    return true;
}

static void write_single(struct flipt_text *out, const char *text, size_t n)
{
    flipt_text_adds(out, "'");
    for (size_t i = 0; i < n; i++) {
        flipt_text_add(out, text + i, 1);
        if (text[i] == '\'')
            flipt_text_adds(out, "'");
    }
    flipt_text_adds(out, "'");
}

static uint32_t decode(const char *text, size_t n, size_t *ret_bytes)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t bytes = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (bytes > n)
        bytes = n;
    uint32_t c = bytes == 1 ? p[0] : p[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *ret_bytes = bytes;
    return c;
}

/* Escapes that JSON knows as well, so that a file written as JSON stays JSON. */
static void write_escape(struct flipt_text *out, uint32_t c)
{
    static const char from[] = "\b\t\n\f\r", to[] = "btnfr";
    const char *short_form = c > 0 && c < 0x20 ? strchr(from, (int)c) : NULL;
    char escape[16];
    int n;
    if (short_form != NULL)
        n = snprintf(escape, sizeof(escape), "\\%c", to[short_form - from]);
    else
        n = snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
    flipt_text_add(out, escape, (size_t)n);
}

static void write_double(struct flipt_text *out, const char *text, size_t n)
{
    flipt_text_adds(out, "\"");
    for (size_t i = 0; i < n;) {
        size_t step = printable(text + i, n - i);
        if (step == 0) {
            write_escape(out, decode(text + i, n - i, &step));
        } else {
            if (text[i] == '"' || text[i] == '\\')
                flipt_text_adds(out, "\\");
            flipt_text_add(out, text + i, step);
        }
        i += step;
    }
    flipt_text_adds(out, "\"");
}

/* A literal block shows several lines as lines. Odd ends and starts need indicators: then quotes do better. */
static bool may_be_literal(const char *text, size_t n, const struct flipt_scalar_place *place)
{
    if (place->is_flow || place->is_key || n == 0 || memchr(text, '\n', n) == NULL)
        return false;
    if (strchr(" \t\n", text[0]) != NULL)
        return false;
    if (text[n - 1] == '\n' && (!place->may_end_with_break || text[n - 2] == '\n'))
        return false;
    for (size_t i = 0; i < n;) {
        size_t step = text[i] == '\n' ? 1 : printable(text + i, n - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static void write_literal(
    struct flipt_text *out, const char *text, size_t n, const struct flipt_scalar_place *place)
{
    bool ends_with_break = text[n - 1] == '\n';
    flipt_text_adds(out, ends_with_break ? "|" : "|-");
    if (ends_with_break)
        n--;
    for (size_t i = 0; i <= n;) {
        const char *feed = i < n ? memchr(text + i, '\n', n - i) : NULL;
        size_t end = feed != NULL ? (size_t)(feed - text) : n;
        flipt_text_adds(out, place->line_break);
        if (end > i)
            flipt_text_spaces(out, place->indent);
        flipt_text_add(out, text + i, end - i);
        i = end + 1;
    }
}

void flipt_scalar_write(
    struct flipt_text *out, const char *text, size_t n, const struct flipt_scalar_place *place)
{
    bool escapes = needs_escapes(text, n);
    bool ambiguous = is_ambiguous(out->arena, text, n);
    if (escapes && place->like != FLIPT_DOUBLE && may_be_literal(text, n, place))
        write_literal(out, text, n, place);
    else if (escapes || place->like == FLIPT_DOUBLE)
        write_double(out, text, n);
    else if (place->like == FLIPT_SINGLE)
        write_single(out, text, n);
    else if (ambiguous)
        write_double(out, text, n);
    else if (may_be_plain(text, n, place->is_flow))
        flipt_text_add(out, text, n);
    else
        write_single(out, text, n);
}
