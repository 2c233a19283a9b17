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

/* Levenshtein distance with one row; texts are at most SUGGEST_CHARS long. */
static size_t distance(struct str a, struct str b)
{
    size_t row[SUGGEST_CHARS + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.n];
}

static void consider(const char *candidate, const char *name, size_t *best, const char **ret)
{
    struct str a = str_from(name);
    struct str b = str_from(candidate);
    if (a.n > SUGGEST_CHARS || b.n > SUGGEST_CHARS)
        return;
    size_t d = a.n >= 3 && str_starts(b, a) ? 1 : distance(a, b);
    if (d < *best && d < b.n) {
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
