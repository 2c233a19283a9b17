#include "base/glob.h"

/* Match one character class at p ("[…]"); returns the bytes of it, 0 when it never closes. */
static size_t class_length(struct str p)
{
    size_t i = 1;
    if (i < p.n && (p.p[i] == '^' || p.p[i] == '!'))
        i++;
    if (i < p.n && p.p[i] == ']')
        i++;
    while (i < p.n && p.p[i] != ']')
        i++;
    return i < p.n ? i + 1 : 0;
}

static bool class_has(struct str class, char c)
{
    size_t i = 1;
    bool is_negated = class.p[1] == '^' || class.p[1] == '!';
    if (is_negated)
        i++;
    bool is_in = false;
    for (size_t first = i; i + 1 < class.n; i++) {
        if (i + 3 < class.n && class.p[i + 1] == '-' && (i != first || class.p[i] != ']')) {
            is_in |= (unsigned char)c >= (unsigned char)class.p[i] &&
                (unsigned char)c <= (unsigned char)class.p[i + 2];
            i += 2;
        } else {
            is_in |= c == class.p[i];
        }
    }
    return is_in != is_negated;
}

/* One pattern element (not '*') against one byte; returns the element's bytes, 0 = no match. */
static size_t match_one(struct str pattern, char c)
{
    if (pattern.p[0] == '?')
        return 1;
    if (pattern.p[0] == '[') {
        size_t n = class_length(pattern);
        return n > 0 && class_has(str_take(pattern, n), c) ? n : 0;
    }
    return pattern.p[0] == c ? 1 : 0;
}

/* Iterative with one resume point: linear in pattern × segment, never exponential. */
static bool match_segment(struct str pattern, struct str text)
{
    struct str star_pattern = {NULL, 0};
    struct str star_text = {NULL, 0};
    while (text.n > 0) {
        if (pattern.n > 0 && pattern.p[0] == '*') {
            pattern = str_skip(pattern, 1);
            star_pattern = pattern;
            star_text = text;
            continue;
        }
        size_t used = pattern.n > 0 ? match_one(pattern, text.p[0]) : 0;
        if (used > 0) {
            pattern = str_skip(pattern, used);
            text = str_skip(text, 1);
        } else if (star_pattern.p != NULL) {
            star_text = str_skip(star_text, 1);
            text = star_text;
            pattern = star_pattern;
        } else {
            return false;
        }
    }
    while (pattern.n > 0 && pattern.p[0] == '*')
        pattern = str_skip(pattern, 1);
    return pattern.n == 0;
}

enum err_kind glob_check(struct str pattern, struct err *err)
{
    static const size_t MAX_BYTES = 1024;
    if (pattern.n == 0 || pattern.n > MAX_BYTES || pattern.p[0] == '/')
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' is not a path pattern: write it relative to the root",
            STR_ARG(str_take(pattern, 80)));
    struct str rest = pattern;
    while (rest.p != NULL) {
        struct str segment = str_cut(&rest, '/');
        if (segment.n == 0 || str_eqz(segment, ".") || str_eqz(segment, ".."))
            return err_set(
                err, ERR_INVALID, "path pattern '" STR_FMT "' has an empty, '.' or '..' segment",
                STR_ARG(pattern));
        for (size_t i = 0; i < segment.n; i++) {
            size_t n = segment.p[i] == '[' ? class_length(str_skip(segment, i)) : 1;
            if (n == 0)
                return err_set(
                    err, ERR_INVALID, "path pattern '" STR_FMT "' has a '[' without ']'",
                    STR_ARG(pattern));
            i += n - 1;
        }
    }
    return ERR_OK;
}

/* Resumes at the last `**`, as match_segment does at the last `*`. */
bool glob_match(struct str pattern, struct str path)
{
    struct str resume_pattern = {NULL, 0};
    struct str resume_path = {NULL, 0};
    bool has_resume = false;
    while (path.p != NULL) {
        struct str pattern_rest = pattern;
        struct str path_rest = path;
        struct str segment = pattern.p == NULL ? str_of(NULL, 0) : str_cut(&pattern_rest, '/');
        if (pattern.p != NULL && str_eqz(segment, "**")) {
            if (pattern_rest.p == NULL)
                return true;
            has_resume = true;
            resume_pattern = pattern_rest;
            resume_path = path;
            pattern = pattern_rest;
            continue;
        }
        if (pattern.p != NULL && match_segment(segment, str_cut(&path_rest, '/'))) {
            pattern = pattern_rest;
            path = path_rest;
            continue;
        }
        if (!has_resume)
            return false;
        str_cut(&resume_path, '/');
        if (resume_path.p == NULL)
            return false;
        path = resume_path;
        pattern = resume_pattern;
    }
    return pattern.p == NULL;
}

bool glob_may_match_below(struct str pattern, struct str dir)
{
    struct str rest = dir.n == 0 ? str_of(NULL, 0) : dir;
    while (rest.p != NULL) {
        if (pattern.p == NULL)
            return false;
        struct str segment = str_cut(&pattern, '/');
        if (str_eqz(segment, "**"))
            return true;
        if (!match_segment(segment, str_cut(&rest, '/')))
            return false;
    }
    return pattern.p != NULL;
}
