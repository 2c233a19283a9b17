#include "vfs/nodes.h"

#include "base/mem.h"

struct node *node_new(struct str name, enum vfs_type type)
{
    struct node *n = mem_new(struct node);

    n->name = mem_strdup_str(name);
    n->name_n = name.n;
    n->type = type;
    return n;
}

/* Paths bound the depth, but a guest may make them long: no recursion. */
void node_free(struct node *n)
{
    struct node **pending = NULL;
    size_t count = 0;
    size_t cap = 0;

    while (n != NULL) {
        struct node_cursor at = {0};
        for (struct node *child; (child = node_next(n, &at)) != NULL;) {
            mem_grow(&pending, count, &cap);
            pending[count++] = child;
        }
        for (size_t i = 0; i < n->run_count; i++)
            free(n->runs[i].items);
        free(n->name);
        free((void *)(uintptr_t)n->bytes.p);
        free(n->runs);
        free(n);
        n = count > 0 ? pending[--count] : NULL;
    }
    free(pending);
}

/* --- children ----------------------------------------------------------------------------------- */

static int compare(const struct node *child, struct str name)
{
    return str_cmp(str_of(child->name, child->name_n), name);
}

/* The run that holds the name, or would: the last one that does not begin behind it. There is one. */
static size_t find_run(const struct node *n, struct str name)
{
    size_t low = 0;
    size_t high = n->run_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (compare(n->runs[middle].items[0], name) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Index of the first child of the run whose name is not below `name`. */
static size_t lower_bound(const struct node_run *run, struct str name)
{
    size_t low = 0;
    size_t high = run->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(run->items[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node *node_child(const struct node *n, struct str name)
{
    if (n->run_count == 0)
        return NULL;
    const struct node_run *run = &n->runs[find_run(n, name)];
    size_t at = lower_bound(run, name);
    struct node *child = at < run->count ? run->items[at] : NULL;

    return child != NULL && compare(child, name) == 0 ? child : NULL;
}

/* An empty run at that place. */
static struct node_run *add_run(struct node *n, size_t at)
{
    mem_grow(&n->runs, n->run_count, &n->run_cap);
    memmove(&n->runs[at + 1], &n->runs[at], (n->run_count - at) * sizeof(struct node_run));
    n->run_count++;
    n->runs[at] = (struct node_run){0};
    return &n->runs[at];
}

static void put(struct node_run *run, size_t at, struct node *child)
{
    mem_grow(&run->items, run->count, &run->cap);
    memmove(&run->items[at + 1], &run->items[at], (run->count - at) * sizeof(struct node *));
    run->items[at] = child;
    run->count++;
}

/* The upper half of a full run becomes the next one. */
static void split(struct node *n, size_t at)
{
    struct node_run *upper = add_run(n, at + 1);
    struct node_run *lower = &n->runs[at];
    size_t keep = lower->count / 2;

    for (size_t i = keep; i < lower->count; i++)
        put(upper, upper->count, lower->items[i]);
    lower->count = keep;
}

void node_insert(struct node *n, struct node *take_child)
{
    struct str name = str_of(take_child->name, take_child->name_n);

    if (n->run_count == 0)
        add_run(n, 0);
    size_t at = find_run(n, name);
    if (n->runs[at].count == NODE_RUN_MAX) {
        split(n, at);
        at += compare(n->runs[at + 1].items[0], name) <= 0;
    }
    put(&n->runs[at], lower_bound(&n->runs[at], name), take_child);
}

void node_drop(struct node *n, struct str name)
{
    size_t run_at = find_run(n, name);
    struct node_run *run = &n->runs[run_at];
    size_t at = lower_bound(run, name);

    node_free(run->items[at]);
    run->count--;
    memmove(&run->items[at], &run->items[at + 1], (run->count - at) * sizeof(struct node *));
    if (run->count > 0)
        return;
    free(run->items);
    n->run_count--;
    memmove(run, run + 1, (n->run_count - run_at) * sizeof(struct node_run));
}

struct node *node_next(const struct node *n, struct node_cursor *at)
{
    if (at->run == n->run_count)
        return NULL;
    const struct node_run *run = &n->runs[at->run];
    struct node *child = run->items[at->i++];

    if (at->i == run->count)
        *at = (struct node_cursor){.run = at->run + 1};
    return child;
}

struct node *node_find(struct node *root, struct str path)
{
    struct str rest = path;
    struct node *at = root;

    if (path.n == 0)
        return root;
    while (at != NULL && rest.p != NULL)
        at = node_child(at, str_cut(&rest, '/'));
    return at;
}

void node_set_bytes(struct node *n, struct str bytes)
{
    const char *old = n->bytes.p;

    n->bytes = str_of(mem_strdup_str(bytes), bytes.n);
    free((void *)(uintptr_t)old);
}
