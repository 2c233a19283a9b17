/*
 * What a call knows of names beyond the tree: which of them are one node (hard links, renames), its
 * inode and its times. A name that is not in the table stands for a node of its own, as the path makes it.
 */
#include "base/mem.h"
#include "wasmhost/wasi.h"

#include <xxhash.h>

/* A guest may make names without end, empty files among them: this bounds what they cost. */
static const size_t NAMES_MAX = (size_t)1 << 18;

static struct wasi_name *find(const struct wasi *w, struct str path)
{
    struct wasi_name *found = NULL;
    const char *text = path.n == 0 ? "" : path.p;
    HASH_FIND(hh, w->names, text, path.n, found);
    return found;
}

/* The name's row, made when it is not there yet; NULL ends the call. */
static struct wasi_name *row_of(struct wasi *w, struct str path)
{
    struct wasi_name *found = find(w, path);
    if (found != NULL)
        return found;
    if (HASH_COUNT(w->names) >= NAMES_MAX) {
        wasi_fail(w, ERR_LIMIT, "changed paths", NAMES_MAX);
        return NULL;
    }
    struct wasi_name *made = mem_new(struct wasi_name);
    made->path = mem_strdup_str(path);
    made->n = path.n;
    HASH_ADD_KEYPTR(hh, w->names, made->path, made->n, made);
    return made;
}

/* The hash of the path where a node was first seen (docs/image-format.md section 4). Who comes to a path
 * after another left it is somebody else. */
static uint64_t first_ino(struct str path, const struct wasi_name *name)
{
    uint64_t hash =
        XXH3_64bits_withSeed(path.n == 0 ? "" : path.p, path.n, name == NULL ? 0 : name->left);
    return hash == 0 ? 1 : hash;
}

struct wasi_node *wasi_node_find(const struct wasi *w, struct str path)
{
    const struct wasi_name *name = find(w, path);
    return name == NULL ? NULL : name->node;
}

uint64_t wasi_ino_of(const struct wasi *w, struct str path)
{
    const struct wasi_name *name = find(w, path);
    return name != NULL && name->node != NULL ? name->node->ino : first_ino(path, name);
}

static void attach(struct wasi_name *name, struct wasi_node *node)
{
    name->node = node;
    name->next = node->names;
    node->names = name;
    node->link_count++;
}

/* Who has the file open knows the node from now on. */
static void tell_open_file(struct wasi *w, const struct wasi_name *name)
{
    for (struct wasi_file *f = w->files; f != NULL; f = f->next) {
        if (f->node == NULL && strcmp(f->path, name->path) == 0)
            f->node = name->node;
    }
}

struct wasi_node *wasi_node_make(struct wasi *w, struct str path)
{
    struct wasi_name *name = row_of(w, path);
    if (name == NULL || name->node != NULL)
        return name == NULL ? NULL : name->node;
    struct wasi_node *node = mem_new(struct wasi_node);
    node->ino = first_ino(path, name);
    node->accessed_ns = WASI_START_NS;
    node->modified_ns = WASI_START_NS;
    node->changed_ns = WASI_START_NS;
    attach(name, node);
    tell_open_file(w, name);
    return node;
}

enum wasi_errno wasi_node_created(struct wasi *w, struct str path)
{
    struct wasi_node *node = wasi_node_make(w, path);
    if (node == NULL)
        return WASI_IO;
    node->accessed_ns = w->realtime_ns;
    wasi_node_modified(w, node);
    return WASI_OK;
}

void wasi_node_modified(const struct wasi *w, struct wasi_node *node)
{
    node->modified_ns = w->realtime_ns;
    node->changed_ns = w->realtime_ns;
}

enum wasi_errno wasi_name_add(struct wasi *w, struct str path, struct wasi_node *node)
{
    struct wasi_name *name = row_of(w, path);
    if (name == NULL)
        return WASI_IO;
    assert(name->node == NULL);
    attach(name, node);
    node->changed_ns = w->realtime_ns;
    return WASI_OK;
}

static bool is_open(const struct wasi *w, const struct wasi_node *node)
{
    const struct wasi_file *f = w->files;
    while (f != NULL && f->node != node)
        f = f->next;
    return f != NULL;
}

void wasi_node_release(const struct wasi *w, struct wasi_node *node)
{
    if (node != NULL && node->link_count == 0 && !is_open(w, node))
        free(node);
}

enum wasi_errno wasi_name_drop(struct wasi *w, struct str path)
{
    struct wasi_name *name = row_of(w, path);
    if (name == NULL)
        return WASI_IO;
    struct wasi_node *node = name->node;
    name->left++;
    name->node = NULL;
    if (node == NULL)
        return WASI_OK;
    struct wasi_name **at = &node->names;
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    node->link_count--;
    node->changed_ns = w->realtime_ns;
    wasi_node_release(w, node);
    return WASI_OK;
}

enum wasi_errno wasi_name_move(struct wasi *w, struct str from, struct str to)
{
    struct wasi_node *node = wasi_node_make(w, from);
    if (node == NULL)
        return WASI_IO;
    enum wasi_errno e = wasi_name_add(w, to, node); /* first, so that it always has a name */
    return e == WASI_OK ? wasi_name_drop(w, from) : e;
}

void wasi_names_deinit(struct wasi *w)
{
    struct wasi_name *name;
    struct wasi_name *next;
    HASH_ITER(hh, w->names, name, next)
    {
        HASH_DEL(w->names, name);
        if (name->node != NULL && --name->node->link_count == 0)
            free(name->node);
        free(name->path);
        free(name);
    }
}
