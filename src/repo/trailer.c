/* Trailers of a commit message (git-interpret-trailers(1)). */
#include "repo/repo.h"

/* The last paragraph, without what is empty behind it; nothing when it is the first one as well: a
 * subject is no trailer. */
static struct str last_paragraph(struct str message)
{
    size_t start = 0;
    size_t end = 0;
    bool is_after_blank = false;
    for (struct str rest = message; rest.p != NULL;) {
        struct str line = str_cut(&rest, '\n');
        size_t at = (size_t)(line.p - message.p);
        if (str_trim(line).n == 0) {
            is_after_blank = true;
            continue;
        }
        if (is_after_blank && end > 0)
            start = at;
        end = at + line.n;
        is_after_blank = false;
    }
    return start == 0 ? str_of(NULL, 0) : str_of(message.p + start, end - start);
}

/* {NULL, 0} where the line is another trailer, or none; what starts with a blank goes on with the line
 * before. */
static struct str value_of(struct str line, const char *key)
{
    ptrdiff_t colon = str_find(line, ':');
    if (colon <= 0 || line.p[0] == ' ' || line.p[0] == '\t' ||
        !str_eq_nocase(str_trim(str_take(line, (size_t)colon)), str_from(key)))
        return str_of(NULL, 0);
    return str_trim(str_skip(line, (size_t)colon + 1));
}

void repo_trailers(
    const char *message, const char *key, bool (*visit)(struct str value, void *data), void *data)
{
    struct str rest = last_paragraph(str_from(message));
    while (rest.p != NULL) {
        struct str value = value_of(str_cut(&rest, '\n'), key);
        if (value.p != NULL && !visit(value, data))
            return;
    }
}

static bool keep_last(struct str value, void *data)
{
    struct str *last = data;
    *last = value;
    return true;
}

struct str repo_trailer(const char *message, const char *key)
{
    struct str found = {NULL, 0};
    repo_trailers(message, key, keep_last, &found);
    return found;
}
