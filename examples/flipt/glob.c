#include "files.h"

#include <string.h>

/* How many steps a match may take: patterns with many stars can take exponentially many. */
#define STEPS_MAX 1000000

static bool
match(const char *p, const char *end, const char *path, const char *rest, size_t *steps);

/* The "]" of the set that begins behind `p`; NULL: there is none. */
static const char *set_end(const char *p, const char *end)
{
    const char *at = p;
    if (at < end && (*at == '!' || *at == '^'))
        at++;
    for (at++; at < end; at++)
        if (*at == ']')
            return at;
    return NULL;
}

static bool in_set(const char *p, const char *end, unsigned char c)
{
    bool is_inverted = *p == '!' || *p == '^', is_in = false;
    if (is_inverted)
        p++;
    for (; p < end; p++) {
        unsigned char low = (unsigned char)*p, high = low;
        if (p + 2 < end && p[1] == '-') {
            high = (unsigned char)p[2];
            p += 2;
        }
        is_in |= c >= low && c <= high;
    }
    return is_in != is_inverted;
}

/* The end of an alternative that begins at `p`: its "," or "}", those of inner braces skipped. */
static const char *alternative_end(const char *p, const char *end)
{
    size_t depth = 0;
    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == '{')
            depth++;
        else if (depth == 0 && (*p == ',' || *p == '}'))
            return p;
        else if (*p == '}')
            depth--;
    }
    return NULL;
}

static const char *braces_end(const char *p, const char *end)
{
    const char *at = alternative_end(p, end);
    while (at != NULL && *at == ',')
        at = alternative_end(at + 1, end);
    return at;
}

/* Each alternative in turn, with what follows the braces: joined, so that one matcher does. */
static bool
match_braces(const char *p, const char *end, const char *path, const char *rest, size_t *steps)
{
    char joined[1024];
    const char *close = braces_end(p, end);
    size_t tail = close != NULL ? (size_t)(end - close - 1) : 0;
    for (const char *from = p; close != NULL && from <= close;) {
        const char *to = alternative_end(from, end);
        size_t n = (size_t)(to - from);
        if (n + tail > sizeof(joined))
            return false;
        memcpy(joined, from, n);
        memcpy(joined + n, close + 1, tail);
        if (match(joined, joined + n + tail, path, rest, steps))
            return true;
        from = to + 1;
    }
    return false;
}

static bool
match_star(const char *p, const char *end, const char *path, const char *rest, size_t *steps)
{
    while (p < end && *p == '*')
        p++;
    for (;; path++) {
        if (match(p, end, path, rest, steps))
            return true;
        if (path == rest)
            return false;
    }
}

/* Pattern from p to end against the path from `path` to `rest`. */
static bool match(const char *p, const char *end, const char *path, const char *rest, size_t *steps)
{
    for (; p < end; p++, path++) {
        if (*steps == 0)
            return false;
        (*steps)--;
        if (*p == '*')
            return match_star(p, end, path, rest, steps);
        if (*p == '{')
            return match_braces(p + 1, end, path, rest, steps);
        if (path == rest)
            return false;
        if (*p == '?')
            continue;
        if (*p == '[' && set_end(p + 1, end) != NULL) {
            const char *close = set_end(p + 1, end);
            if (!in_set(p + 1, close, (unsigned char)*path))
                return false;
            p = close;
            continue;
        }
        if (*p == '\\' && p + 1 < end)
            p++;
        if (*p != *path)
            return false;
    }
    return path == rest;
}

bool flipt_glob_match(const char *pattern, const char *path)
{
    size_t steps = STEPS_MAX;
    const char *end = pattern + strlen(pattern), *rest = path + strlen(path);
    if (match(pattern, end, path, rest, &steps))
        return true;
    return strncmp(pattern, "**/", 3) == 0 && match(pattern + 3, end, path, rest, &steps);
}
