#include "core/pathmatch.h"

/* The next character, a stray byte being U+FFFD of one byte: utf8.DecodeRune. */
static uint32_t decode(struct str s, size_t *ret_bytes)
{
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        if (!str_is_utf8(str_take(s, n)))
            continue;
        uint32_t c = (unsigned char)s.p[0] & masks[n];
        for (size_t i = 1; i < n; i++)
            c = c << 6 | ((unsigned char)s.p[i] & 0x3F);
        *ret_bytes = n;
        return c;
    }
    *ret_bytes = 1;
    return 0xFFFD;
}

/* One end of a range in a class; false when there is none: path.Match's getEsc. */
static bool class_character(struct str *rest, uint32_t *ret)
{
    if (rest->n == 0 || rest->p[0] == '-' || rest->p[0] == ']')
        return false;
    if (rest->p[0] == '\\')
        *rest = str_skip(*rest, 1);
    if (rest->n == 0)
        return false;
    size_t n;
    *ret = decode(*rest, &n);
    bool is_stray = *ret == 0xFFFD && n == 1;
    *rest = str_skip(*rest, n);
    return !is_stray && rest->n > 0;
}

/*
 * The class whose '[' was read: *rest moves behind its ']'. False when it is malformed, else
 * *ret_matches says whether it holds c.
 */
static bool class_holds(struct str *rest, uint32_t c, bool *ret_matches)
{
    bool is_negated = str_starts(*rest, STR("^"));
    bool found = false;
    if (is_negated)
        *rest = str_skip(*rest, 1);
    for (size_t count = 0;; count++) {
        uint32_t low;
        uint32_t high;
        if (count > 0 && str_starts(*rest, STR("]")))
            break;
        if (!class_character(rest, &low))
            return false;
        high = low;
        if (rest->p[0] == '-') {
            *rest = str_skip(*rest, 1);
            if (!class_character(rest, &high))
                return false;
        }
        found |= low <= c && c <= high;
    }
    *rest = str_skip(*rest, 1);
    *ret_matches = found != is_negated;
    return true;
}

/* One element other than '*' against the front of the name; both move on when it matches. */
static bool match_one(struct str *pattern, struct str *name)
{
    size_t n;
    bool matches;
    uint32_t c = decode(*name, &n);
    switch (pattern->p[0]) {
    case '?':
        *pattern = str_skip(*pattern, 1);
        break;
    case '[':
        *pattern = str_skip(*pattern, 1);
        if (!class_holds(pattern, c, &matches) || !matches)
            return false;
        break;
    case '\\':
        *pattern = str_skip(*pattern, 1);
        /* fallthrough */
    default:
        n = 1;
        if (pattern->n == 0 || pattern->p[0] != name->p[0])
            return false;
        *pattern = str_skip(*pattern, 1);
        break;
    }
    *name = str_skip(*name, n);
    return true;
}

enum err_kind core_pathmatch_check(struct str pattern, struct err *err)
{
    struct str rest = pattern;
    while (rest.n > 0) {
        bool unused;
        char c = rest.p[0];
        rest = str_skip(rest, 1);
        bool is_fine = true;
        if (c == '[') {
            is_fine = class_holds(&rest, 0, &unused);
        } else if (c == '\\') {
            is_fine = rest.n > 0;
            rest = str_skip(rest, 1);
        }
        if (!is_fine)
            return err_set(
                err, ERR_INVALID,
                "'" STR_FMT "' is no pattern: it has an open class or a lone backslash",
                STR_ARG(str_take(pattern, 128)));
    }
    return ERR_OK;
}

/* The last '*' alone takes more on a mismatch: linear in name times pattern whatever they are. */
bool core_pathmatch(struct str pattern, struct str name)
{
    struct str after_star = {NULL, 0};
    struct str star_name = name;
    for (;;) {
        if (pattern.n > 0 && pattern.p[0] == '*') {
            pattern = after_star = str_skip(pattern, 1);
            star_name = name;
        } else if (pattern.n > 0 && name.n > 0 && match_one(&pattern, &name)) {
            continue;
        } else if (pattern.n == 0 && name.n == 0) {
            return true;
        } else if (after_star.p == NULL || star_name.n == 0) {
            return false;
        } else {
            name = star_name = str_skip(star_name, 1);
            pattern = after_star;
        }
    }
}

bool core_pathmatch_is_literal(struct str pattern)
{
    for (size_t i = 0; i < pattern.n; i++) {
        if (strchr("*?[\\", pattern.p[i]) != NULL)
            return false;
    }
    return true;
}
