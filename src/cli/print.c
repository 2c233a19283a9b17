#include "cli/print.h"

/* One code point at the start of s (not empty); its length in bytes, 0 when it is no UTF-8. */
static size_t decode(struct str s, uint32_t *ret)
{
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (n == 0 || n > s.n || !str_is_utf8(str_take(s, n)))
        return 0;
    uint32_t code = n == 1 ? lead : lead & (0x7FU >> n);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)s.p[i] & 0x3FU);
    *ret = code;
    return n;
}

static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
        (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
        (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

static void add_escape(struct buf *to, uint32_t code)
{
    switch (code) {
    case '\n':
        buf_text(to, "\\n");
        return;
    case '\r':
        buf_text(to, "\\r");
        return;
    case '\t':
        buf_text(to, "\\t");
        return;
    default:
        buf_printf(to, code < 0x80 ? "\\x%02x" : "\\u%04x", code);
    }
}

static void add_safe(struct buf *to, struct str text, bool keeps_lines)
{
    while (text.n > 0) {
        uint32_t code = 0;
        size_t n = decode(text, &code);
        if (n == 0)
            buf_printf(to, "\\x%02x", (unsigned)(unsigned char)text.p[0]);
        else if (is_unsafe(code) && !(keeps_lines && (code == '\n' || code == '\t')))
            add_escape(to, code);
        else
            buf_str(to, str_take(text, n));
        text = str_skip(text, n == 0 ? 1 : n);
    }
}

void cli_print_safe(struct buf *to, struct str text)
{
    add_safe(to, text, false);
}

void cli_print_safe_lines(struct buf *to, struct str text)
{
    add_safe(to, text, true);
}

/* Controls below 0x20 stand only between the tokens of valid JSON, as blanks: they stay. */
void cli_print_safe_json(struct buf *to, struct str document)
{
    while (document.n > 0) {
        uint32_t code = 0;
        size_t n = decode(document, &code);
        if (n > 0 && code >= 0x7F && is_unsafe(code))
            buf_printf(to, "\\u%04x", code);
        else
            buf_str(to, str_take(document, n == 0 ? 1 : n));
        document = str_skip(document, n == 0 ? 1 : n);
    }
}

size_t cli_print_width(struct str text)
{
    size_t width = 0;
    for (; text.n > 0; width++) {
        uint32_t code;
        size_t n = decode(text, &code);
        text = str_skip(text, n == 0 ? 1 : n);
    }
    return width;
}
