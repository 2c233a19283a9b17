#include "core/paths.h"
#include "base/glob.h"
#include "base/mem.h"

enum err_kind core_globs_init(struct core_globs *g, char *const *patterns, struct err *err)
{
    static const char *const everything[] = {"**", NULL};
    *g = (struct core_globs){0};
    size_t cap = 0;
    bool is_default = patterns == NULL || patterns[0] == NULL;
    for (size_t i = 0; is_default ? i < 1 : patterns[i] != NULL; i++) {
        const char *pattern = is_default ? everything[i] : patterns[i];
        enum err_kind r = glob_check(str_from(pattern), err);
        if (r != ERR_OK) {
            core_globs_deinit(g);
            return r;
        }
        mem_grow(&g->items, g->count, &cap);
        g->items[g->count++] = str_of(mem_strdup(pattern), strlen(pattern));
    }
    return ERR_OK;
}

void core_globs_deinit(struct core_globs *g)
{
    for (size_t i = 0; i < g->count; i++)
        free((void *)(uintptr_t)g->items[i].p);
    free(g->items);
    *g = (struct core_globs){0};
}

bool core_globs_is_all(const struct core_globs *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (str_eqz(g->items[i], "**"))
            return true;
    }
    return false;
}

/* U+200C-F, U+202A-E, U+206A-F, U+FEFF: HFS+ compares names without them, as git's utf8.c lists. */
static bool is_ignored_by_hfs(struct str at)
{
    const unsigned char *b = (const unsigned char *)at.p;
    if (at.n < 3 || (b[0] & 0xF0) != 0xE0)
        return false;
    unsigned c = (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    return (c >= 0x200C && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
        (c >= 0x206A && c <= 0x206F) || c == 0xFEFF;
}

#define PLAIN_BYTES_MAX 32 /* longer than every reserved name */

/*
 * The front of a segment as case-insensitive file systems would take it: without what HFS+ ignores,
 * without an NTFS stream and without the dots and blanks that NTFS drops at the end.
 */
static struct str plain_name(struct str segment, char to[PLAIN_BYTES_MAX])
{
    ptrdiff_t colon = str_find(segment, ':');
    size_t n = 0;
    if (colon >= 0)
        segment = str_take(segment, (size_t)colon);
    while (segment.n > 0 && strchr(". ", segment.p[segment.n - 1]) != NULL)
        segment.n--;
    while (segment.n > 0 && n < PLAIN_BYTES_MAX) {
        bool is_ignored = is_ignored_by_hfs(segment);
        if (!is_ignored)
            to[n++] = segment.p[0];
        segment = str_skip(segment, is_ignored ? 3 : 1);
    }
    return str_of(to, n);
}

/* NTFS' second names of .git, .github, .gitmodules …: git~1, GITHUB~1, GITMOD~1. */
static bool is_short_git(struct str name)
{
    ptrdiff_t tilde = str_find(name, '~');
    return tilde >= 3 && tilde <= 6 && str_eq_nocase(str_take(name, 3), STR("git"));
}

/* Segments that start with ".git" cover .gitmodules, .github, .gitlab-ci.yml, .gitea and the like. */
static bool is_reserved(struct str path)
{
    bool is_first = true;
    while (path.p != NULL) {
        char bytes[PLAIN_BYTES_MAX];
        struct str name = plain_name(str_cut(&path, '/'), bytes);
        if (str_eq_nocase(str_take(name, 4), STR(".git")) || is_short_git(name) ||
            str_eq_nocase(name, STR("CODEOWNERS")) ||
            (is_first && str_eq_nocase(name, STR(".cup"))))
            return true;
        is_first = false;
    }
    return false;
}

static bool allows(const struct core_globs *g, struct str path, bool literal_only)
{
    for (size_t i = 0; i < g->count; i++) {
        if (literal_only ? str_eq(g->items[i], path) : glob_match(g->items[i], path))
            return true;
    }
    return false;
}

enum err_kind core_paths_check_write(
    const struct core_globs *lists, size_t list_count, struct str path, struct err *err)
{
    bool reserved = is_reserved(path);
    bool is_opened = !reserved;
    for (size_t i = 0; i < list_count; i++) {
        if (!allows(&lists[i], path, false))
            return err_set(
                err, ERR_DENIED, "path not allowed: '" STR_FMT "' is outside the write paths",
                STR_ARG(path));
        is_opened |= allows(&lists[i], path, true);
    }
    if (!is_opened)
        return err_set(
            err, ERR_DENIED,
            "path not allowed: '" STR_FMT "' is reserved; only a write path that names it opens it",
            STR_ARG(path));
    return ERR_OK;
}
