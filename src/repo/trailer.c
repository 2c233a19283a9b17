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

struct str repo_trailer(const char *message, const char *key)
{
    struct str found = {NULL, 0};
    struct str rest = last_paragraph(str_from(message));
    while (rest.p != NULL) {
        struct str line = str_cut(&rest, '\n');
        ptrdiff_t colon = str_find(line, ':');
        /* what starts with a blank goes on with the line before */
        if (colon > 0 && str_eq_nocase(str_trim(str_take(line, (size_t)colon)), str_from(key)) &&
            line.p[0] != ' ' && line.p[0] != '\t')
            found = str_trim(str_skip(line, (size_t)colon + 1));
    }
    return found;
}
