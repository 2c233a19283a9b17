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

/* Segments that start with ".git" cover .gitmodules, .github, .gitlab-ci.yml, .gitea and the like. */
static bool is_reserved(struct str path)
{
    bool is_first = true;
    while (path.p != NULL) {
        struct str segment = str_cut(&path, '/');
        if (str_eq_nocase(str_take(segment, 4), STR(".git")) ||
            str_eq_nocase(segment, STR("CODEOWNERS")) ||
            (is_first && str_eq_nocase(segment, STR(".cup"))))
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
