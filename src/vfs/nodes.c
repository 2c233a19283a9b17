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
        for (size_t i = 0; i < n->child_count; i++) {
            mem_grow(&pending, count, &cap);
            pending[count++] = n->children[i];
        }
        free(n->name);
        free((void *)(uintptr_t)n->bytes.p);
        free(n->children);
        free(n);
        n = count > 0 ? pending[--count] : NULL;
    }
    free(pending);
}

/* Index of the first child whose name is not below `name`. */
static size_t lower_bound(const struct node *n, struct str name)
{
    size_t low = 0;
    size_t high = n->child_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct node *child = n->children[middle];

        if (str_cmp(str_of(child->name, child->name_n), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node *node_child(const struct node *n, struct str name)
{
    size_t at = lower_bound(n, name);
    struct node *child = at < n->child_count ? n->children[at] : NULL;

    return child != NULL && str_eq(str_of(child->name, child->name_n), name) ? child : NULL;
}

void node_insert(struct node *n, struct node *take_child)
{
    size_t at = lower_bound(n, str_of(take_child->name, take_child->name_n));

    mem_grow(&n->children, n->child_count, &n->child_cap);
    memmove(&n->children[at + 1], &n->children[at], (n->child_count - at) * sizeof(struct node *));
    n->children[at] = take_child;
    n->child_count++;
}

void node_drop(struct node *n, struct str name)
{
    size_t at = lower_bound(n, name);

    node_free(n->children[at]);
    n->child_count--;
    memmove(&n->children[at], &n->children[at + 1], (n->child_count - at) * sizeof(struct node *));
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
