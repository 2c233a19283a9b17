#include "base/str.h"

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (r != 0)
        return r;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_take(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

ptrdiff_t str_find(struct str s, char c)
{
    const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);
    return at == NULL ? -1 : at - s.p;
}

ptrdiff_t str_rfind(struct str s, char c)
{
    const char *at = s.n == 0 ? NULL : memrchr(s.p, c, s.n);
    return at == NULL ? -1 : at - s.p;
}

ptrdiff_t str_search(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    const char *at = s.n < needle.n ? NULL : memmem(s.p, s.n, needle.p, needle.n);
    return at == NULL ? -1 : at - s.p;
}

struct str str_skip(struct str s, size_t n)
{
    if (n >= s.n)
        return str_of(s.p == NULL ? NULL : s.p + s.n, 0);
    return str_of(s.p + n, s.n - n);
}

struct str str_take(struct str s, size_t n)
{
    return str_of(s.p, n < s.n ? n : s.n);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_cut(struct str *rest, char c)
{
    ptrdiff_t at = str_find(*rest, c);
    struct str part = *rest;
    if (at < 0) {
        *rest = str_of(NULL, 0);
        return part;
    }
    *rest = str_skip(part, (size_t)at + 1);
    return str_take(part, (size_t)at);
}

bool str_to_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.n == 0 || s.n > 20)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    }
    *ret_value = value;
    return true;
}

/* Length of the sequence at s (Unicode 15, table 3-7), 0 when it is not well-formed. */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    size_t want = s[0] >= 0xC2 && s[0] <= 0xDF ? 2
        : s[0] >= 0xE0 && s[0] <= 0xEF         ? 3
        : s[0] >= 0xF0 && s[0] <= 0xF4         ? 4
                                               : 0;
    if (want == 0 || n < want)
        return 0;
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < want; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    return want;
}

bool str_is_utf8(struct str s)
{
    while (s.n > 0) {
        size_t n = utf8_sequence((const unsigned char *)s.p, s.n);
        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
    return true;
}

int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
