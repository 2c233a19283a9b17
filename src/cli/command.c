#include "cli/command.h"
#include "base/str.h"

#define SUGGEST_CHARS 32

static bool has_name(const struct cli_command *command, const char *name)
{
    if (strcmp(command->name, name) == 0)
        return true;
    for (const char *const *a = command->aliases; a != NULL && *a != NULL; a++) {
        if (strcmp(*a, name) == 0)
            return true;
    }
    return false;
}

const struct cli_command *
cli_command_find(const struct cli_command *const *commands, const char *name)
{
    for (; *commands != NULL; commands++) {
        if (has_name(*commands, name))
            return *commands;
    }
    return NULL;
}

/* Edit distance where two swapped neighbours are one slip ("optimal string alignment"), with three
 * rows; texts are at most SUGGEST_CHARS long. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][SUGGEST_CHARS + 1];
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            bool is_swap = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (is_swap && above2[j - 2] + 1 < best)
                best = above2[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a.n % 3][b.n];
}

static void consider(const char *candidate, const char *name, size_t *best, const char **ret)
{
    struct str a = str_from(name);
    struct str b = str_from(candidate);
    if (a.n > SUGGEST_CHARS || b.n > SUGGEST_CHARS)
        return;
    size_t d = a.n >= 3 && str_starts(b, a) ? 1 : distance(a, b);
    if (d < *best && d * 2 <= b.n) {
        *best = d;
        *ret = candidate;
    }
}

const char *cli_command_suggest(const struct cli_command *const *commands, const char *name)
{
    size_t best = 3; /* two slips at most */
    const char *nearest = NULL;
    for (; *commands != NULL; commands++) {
        consider((*commands)->name, name, &best, &nearest);
        for (const char *const *a = (*commands)->aliases; a != NULL && *a != NULL; a++)
            consider(*a, name, &best, &nearest);
    }
    return nearest;
}
