#include "scm/text.h"
#include "base/mem.h"

#include <time.h>

/* The first max bytes of it, or fewer, so that no character is cut in two. */
static struct str cut_at(struct str text, size_t max)
{
    if (text.n <= max)
        return text;
    while (max > 0 && ((unsigned char)text.p[max] & 0xc0) == 0x80)
        max--;
    return str_take(text, max);
}

char *scm_one_line(struct str text, size_t max_bytes)
{
    struct str rest = str_trim(text);
    struct str line = str_trim(str_cut(&rest, '\n'));
    struct str shown = cut_at(line, max_bytes);
    autobuf struct buf out = {0};
    for (size_t i = 0; i < shown.n; i++) {
        unsigned char c = (unsigned char)shown.p[i];
        buf_char(&out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
    if (shown.n < line.n)
        buf_text(&out, "…");
    return buf_steal(&out);
}

char *scm_body(struct str text, size_t max_bytes)
{
    struct str whole = str_trim(text);
    struct str shown = cut_at(whole, max_bytes);
    autobuf struct buf out = {0};
    for (size_t i = 0; i < shown.n; i++)
        if (shown.p[i] != '\r')
            buf_char(&out, shown.p[i]);
    if (shown.n < whole.n)
        buf_text(&out, "…");
    return buf_steal(&out);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~';
}

void scm_percent(struct buf *to, struct str text, char keep)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (is_unreserved(c) || (keep != '\0' && c == keep))
            buf_char(to, c);
        else
            buf_printf(to, "%%%02X", (unsigned)(unsigned char)c);
    }
}

/* A number of exactly n digits at the start of *rest; -1: it is none. */
static int take_number(struct str *rest, size_t n)
{
    uint64_t value = 0;
    if (rest->n < n || !str_to_u64(str_take(*rest, n), &value))
        return -1;
    *rest = str_skip(*rest, n);
    return (int)value;
}

static bool take_char(struct str *rest, const char *any)
{
    if (rest->n == 0 || strchr(any, rest->p[0]) == NULL)
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

/* "Z" or "+01:00", in seconds; false: neither. */
static bool take_offset(struct str rest, int64_t *ret_s)
{
    *ret_s = 0;
    if (str_eqz(rest, "Z") || str_eqz(rest, "z"))
        return true;
    int sign = rest.n > 0 && rest.p[0] == '-' ? -1 : 1;
    if (!take_char(&rest, "+-"))
        return false;
    int hours = take_number(&rest, 2);
    bool has_colon = take_char(&rest, ":");
    int minutes = take_number(&rest, 2);
    *ret_s = (int64_t)sign * (hours * 3600 + minutes * 60);
    return hours >= 0 && minutes >= 0 && has_colon && rest.n == 0;
}

int64_t scm_time(struct str text)
{
    struct tm tm = {0};
    struct str rest = text;
    int64_t offset_s = 0;
    int year = take_number(&rest, 4);
    bool is_good = take_char(&rest, "-");
    int month = take_number(&rest, 2);
    is_good = take_char(&rest, "-") && is_good;
    tm.tm_mday = take_number(&rest, 2);
    is_good = take_char(&rest, "Tt ") && is_good;
    tm.tm_hour = take_number(&rest, 2);
    is_good = take_char(&rest, ":") && is_good;
    tm.tm_min = take_number(&rest, 2);
    is_good = take_char(&rest, ":") && is_good;
    tm.tm_sec = take_number(&rest, 2);
    if (take_char(&rest, "."))
        while (take_number(&rest, 1) >= 0)
            ;
    is_good = is_good && year >= 1970 && month >= 1 && month <= 12 && tm.tm_mday >= 1 &&
        tm.tm_hour >= 0 && tm.tm_min >= 0 && tm.tm_sec >= 0 && take_offset(rest, &offset_s);
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    return is_good ? timegm(&tm) - offset_s : 0;
}
