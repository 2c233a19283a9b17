#include "core/objects_of.h"

#include "base/mem.h"
#include "core/names.h"

/* --- one of them ---------------------------------------------------------------------------------- */

char *core_object_text(
    const char *group, const char *version, const char *kind, struct str ns, struct str name)
{
    return mem_printf(
        "%s/%s/%s " STR_FMT "/" STR_FMT, group, version, kind, STR_ARG(ns), STR_ARG(name));
}

/* Of a group, version or kind: one segment of text, nothing that a line or terminal acts upon. */
static bool is_segment(struct str s)
{
    bool is_fine = s.n > 0 && s.n <= 253 && str_trim(s).n == s.n && str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        is_fine = is_fine && c >= 0x20 && c != 0x7f && c != '/';
    }
    return is_fine;
}

/* The parts borrow from text. A kind may hold blanks, names never do: the last blank divides. */
static bool parse(struct str text, struct core_object_id *ret)
{
    ptrdiff_t blank = str_rfind(text, ' ');
    if (blank < 0)
        return false;
    struct core_object_id it = {.kind = str_take(text, (size_t)blank)};
    it.group = str_cut(&it.kind, '/');
    it.version = str_cut(&it.kind, '/');
    it.name = str_skip(text, (size_t)blank + 1);
    it.ns = str_cut(&it.name, '/');
    *ret = it;
    return is_segment(it.group) && is_segment(it.version) && is_segment(it.kind) &&
        core_names_check_namespace(it.ns, NULL) == ERR_OK &&
        core_names_check_name(it.name, NULL) == ERR_OK;
}

static int compare(const struct core_object_id *a, const struct core_object_id *b)
{
    int by = str_cmp(a->group, b->group);
    if (by == 0)
        by = str_cmp(a->kind, b->kind);
    if (by == 0)
        by = str_cmp(a->ns, b->ns);
    return by != 0 ? by : str_cmp(a->name, b->name);
}

/* --- a set ---------------------------------------------------------------------------------------- */

/* Where it is, or belongs. */
static size_t
find(const struct core_objects *o, const struct core_object_id *wanted, bool *ret_is_there)
{
    size_t low = 0;
    size_t high = o->count;
    *ret_is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int by = compare(&o->items[middle], wanted);
        *ret_is_there = *ret_is_there || by == 0;
        if (by < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool core_objects_add(struct core_objects *o, struct str value)
{
    struct core_object_id it;
    bool is_there;
    if (!parse(value, &it))
        return false;
    size_t at = find(o, &it, &is_there);
    if (!is_there && o->count == CORE_OBJECTS_MAX)
        o->is_cut = true;
    if (is_there || o->count == CORE_OBJECTS_MAX)
        return true;
    char *text = mem_strdup_str(value);
    if (!parse(str_of(text, value.n), &it)) /* the same text again: it is fine */
        return false;
    it.text = text;
    mem_grow(&o->items, o->count, &o->cap);
    memmove(&o->items[at + 1], &o->items[at], (o->count - at) * sizeof(*o->items));
    o->items[at] = it;
    o->count++;
    return true;
}

void core_objects_deinit(struct core_objects *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->items[i].text);
    free(o->items);
    *o = (struct core_objects){0};
}

bool core_objects_has(const struct core_objects *o, const struct core_object_id *object)
{
    bool is_there;
    find(o, object, &is_there);
    return is_there;
}

bool core_objects_has_all(const struct core_objects *o, const struct core_objects *others)
{
    for (size_t i = 0; i < others->count; i++)
        if (!core_objects_has(o, &others->items[i]))
            return false;
    return true;
}

bool core_objects_has_any(const struct core_objects *o, const struct core_objects *others)
{
    for (size_t i = 0; i < others->count; i++)
        if (core_objects_has(o, &others->items[i]))
            return true;
    return false;
}

/* --- of commits ----------------------------------------------------------------------------------- */

static bool add_value(struct str value, void *data)
{
    struct core_objects *o = data;
    core_objects_add(o, value);
    return !o->is_cut;
}

void core_objects_add_message(struct core_objects *o, const char *message)
{
    repo_trailers(message, CORE_OBJECT_TRAILER, add_value, o);
}

struct walk {
    struct core_objects objects;
    size_t commits;
};

static bool see_commit(const struct repo_commit_info *info, void *data)
{
    struct walk *w = data;
    if (++w->commits > CORE_OBJECTS_MAX)
        w->objects.is_cut = true;
    else
        core_objects_add_message(&w->objects, info->message);
    return !w->objects.is_cut;
}

enum err_kind core_objects_of(
    struct repo *r,
    const struct repo_id *base,
    const struct repo_id *head,
    struct core_objects *ret,
    struct err *err)
{
    struct walk w = {0};
    enum err_kind k = repo_log(r, head, base, CORE_OBJECTS_MAX + 1, see_commit, &w, err);
    if (k == ERR_OK)
        *ret = w.objects;
    else
        core_objects_deinit(&w.objects);
    return k;
}
