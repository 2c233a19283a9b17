#include "repo/walk.h"

enum { FROM, TO, SIDES };

struct pair {
    struct walk walk;
    walk_visit_fn visit;
    void *data;
};

static uint32_t mode_today(uint32_t mode)
{
    if (tree_mode_is_dir(mode))
        return TREE_MODE_DIR;
    if (tree_mode_is_file(mode))
        return (mode & 0100u) != 0 ? TREE_MODE_EXEC : TREE_MODE_FILE;
    return (mode & 0170000u) == TREE_MODE_LINK ? TREE_MODE_LINK : TREE_MODE_MODULE;
}

struct walk_side walk_side_of(const struct tree *t, const struct tree_entry *e)
{
    if (e == NULL)
        return (struct walk_side){0};
    return (struct walk_side){.mode = mode_today(e->mode), .id = tree_entry_id(t, e)};
}

bool walk_side_eq(const struct walk_side *a, const struct walk_side *b)
{
    return a->mode == b->mode && (a->mode == 0 || git_oid_equal(&a->id, &b->id));
}

void walk_init(struct walk *w, struct repo *r)
{
    *w = (struct walk){.repo = r};
    buf_init(&w->path, WALK_PATH_BYTES_MAX);
}

void walk_deinit(struct walk *w)
{
    buf_deinit(&w->path);
}

enum err_kind walk_enter(struct walk *w, struct str name, size_t *ret_back, struct err *err)
{
    size_t back = w->path.n;
    if (back > 0)
        buf_char(&w->path, '/');
    buf_str(&w->path, name);
    *ret_back = back;
    return buf_check(&w->path, "a path in the repository", err);
}

void walk_leave(struct walk *w, size_t back)
{
    w->path.n = back;
    w->path.p[back] = '\0';
}

enum err_kind
walk_open(struct walk *w, const struct walk_side *side, struct tree **ret, struct err *err)
{
    if (side->mode != TREE_MODE_DIR)
        return ERR_OK;
    if (++w->trees > WALK_TREES_MAX)
        return err_set(
            err, ERR_LIMIT, "more than %u directories differ between the commits", WALK_TREES_MAX);
    enum err_kind r = trees_get(w->repo, &side->id, ret, err);
    return r == ERR_CONFLICT ? err_as(err, ERR_IO) : r; /* no conflict of the two sides */
}

static int cmp_entries(
    const struct tree *a_tree,
    const struct tree_entry *a,
    const struct tree *b_tree,
    const struct tree_entry *b)
{
    return tree_cmp(
        tree_name(a_tree, a), tree_mode_is_dir(a->mode), tree_name(b_tree, b),
        tree_mode_is_dir(b->mode));
}

bool walk_next(
    struct tree *const *trees, size_t count, size_t *at, const struct tree_entry **ret_entries)
{
    size_t first = count; /* the tree whose next entry comes first */
    for (size_t i = 0; i < count; i++) {
        ret_entries[i] = at[i] < tree_count(trees[i]) ? tree_at(trees[i], at[i]) : NULL;
        if (ret_entries[i] == NULL)
            continue;
        if (first == count ||
            cmp_entries(trees[i], ret_entries[i], trees[first], ret_entries[first]) < 0)
            first = i;
    }
    for (size_t i = 0; i < count && first < count; i++) {
        if (ret_entries[i] == NULL)
            continue;
        if (cmp_entries(trees[i], ret_entries[i], trees[first], ret_entries[first]) == 0)
            at[i]++;
        else
            ret_entries[i] = NULL;
    }
    return first < count;
}

static enum err_kind
pair_dirs(struct pair *p, const struct walk_side sides[SIDES], struct err *err);

static enum err_kind pair_entry(
    struct pair *p,
    struct tree *const trees[SIDES],
    const struct tree_entry *const entries[SIDES],
    struct err *err)
{
    struct walk_side sides[SIDES];
    for (size_t i = 0; i < SIDES; i++)
        sides[i] = walk_side_of(trees[i], entries[i]);
    if (walk_side_eq(&sides[FROM], &sides[TO]))
        return ERR_OK;
    size_t one = entries[FROM] != NULL ? FROM : TO;
    size_t back = 0;
    enum err_kind kind = walk_enter(&p->walk, tree_name(trees[one], entries[one]), &back, err);
    if (kind != ERR_OK)
        return kind;
    kind = sides[one].mode == TREE_MODE_DIR
        ? pair_dirs(p, sides, err)
        : p->visit(p->data, buf_view(&p->walk.path), &sides[FROM], &sides[TO], err);
    walk_leave(&p->walk, back);
    return kind;
}

static enum err_kind pair_dirs(struct pair *p, const struct walk_side sides[SIDES], struct err *err)
{
    auto_tree struct tree *from = NULL;
    auto_tree struct tree *to = NULL;
    if (p->walk.depth == WALK_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "directories are nested deeper than %u", WALK_DEPTH_MAX);
    enum err_kind kind = walk_open(&p->walk, &sides[FROM], &from, err);
    if (kind == ERR_OK)
        kind = walk_open(&p->walk, &sides[TO], &to, err);
    struct tree *const trees[SIDES] = {from, to};
    const struct tree_entry *entries[SIDES];
    size_t at[SIDES] = {0};
    p->walk.depth++;
    while (kind == ERR_OK && walk_next(trees, SIDES, at, entries))
        kind = pair_entry(p, trees, entries, err);
    p->walk.depth--;
    return kind;
}

enum err_kind walk_pair(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *to,
    walk_visit_fn visit,
    void *data,
    struct err *err)
{
    struct walk_side sides[SIDES] = {{.mode = TREE_MODE_DIR}, {.mode = TREE_MODE_DIR}};
    struct pair p = {.visit = visit, .data = data};
    enum err_kind kind = repo_commit_tree(r, from, &sides[FROM].id, err);
    if (kind == ERR_OK)
        kind = repo_commit_tree(r, to, &sides[TO].id, err);
    if (kind != ERR_OK || walk_side_eq(&sides[FROM], &sides[TO]))
        return kind;
    walk_init(&p.walk, r);
    kind = pair_dirs(&p, sides, err);
    walk_deinit(&p.walk);
    return kind;
}
