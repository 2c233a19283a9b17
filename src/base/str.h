/*
 * struct str: a view of bytes that somebody else owns; passed by value, not NUL-terminated.
 * Parse with these cursor functions, not with pointer arithmetic. Not for text that grows: base/buf.h.
 */
#pragma once

#include "base/defs.h"

#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *p, size_t n)
{
    return (struct str){p, n};
}
static inline struct str str_from(const char *text) /* NULL gives the empty view */
{
    return (struct str){text, text == NULL ? 0 : strlen(text)};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_eqz(struct str a, const char *b)
{
    return str_eq(a, str_from(b));
}
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
int str_cmp(struct str a, struct str b);        /* bytewise, shorter first on a tie */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first (last) byte c, or -1. */
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_rfind(struct str s, char c);
/* Index of the first occurrence of needle, or -1. */
ptrdiff_t str_search(struct str s, struct str needle);

/* Without the first n bytes (all of them when n is larger); only the first n bytes. */
struct str str_skip(struct str s, size_t n);
struct str str_take(struct str s, size_t n);
/* Without blanks (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/*
 * Cut the text before the first c off *rest and return it; *rest then starts behind c.
 * With no c in it: all of *rest, and rest->p becomes NULL: `while (rest.p != NULL)` visits each part.
 */
struct str str_cut(struct str *rest, char c);

/* Unsigned decimal without sign or blanks; false when it is none or does not fit. */
bool str_to_u64(struct str s, uint64_t *ret_value);

/* Value of a hexadecimal digit of either case, -1 for another character. */
int str_hex_digit(char c);

/* Well-formed UTF-8 (no surrogates, no overlong forms)? */
bool str_is_utf8(struct str s);
