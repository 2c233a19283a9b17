#include "vfs/overlay.h"

#include "base/buf.h"
#include "base/mem.h"
#include "vfs/nodes.h"

/*
 * The nodes stand for what was touched only. A node of type VFS_DIR that is not gone shows its
 * children over those of the base's directory of that path, if there is one; a gone node hides the
 * base's. A directory can be removed only once everything in it is gone, so below a gone directory
 * each path of the base has a gone node of its own: nothing shines through when it is made again.
 */
/* Empty files and directories cost memory as well. */
static const size_t NODES_MAX = (size_t)1 << 18;

struct overlay {
    struct vfs vfs;
    struct vfs *base;
    struct node *root;
    uint64_t written_max;
    uint64_t written; /* bytes held in nodes */
    size_t node_count;
    struct vfs_changes changes;
    struct buf paths; /* of changes */
    size_t change_cap;
};

static struct overlay *of(struct vfs *v)
{
    return (struct overlay *)(void *)v;
}

static enum err_kind none(struct str path, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "no file '" STR_FMT "'", STR_ARG(path));
}

/*
 * What stands at a path: *ret_node when a node says it, else *ret_node is NULL and the base is to be
 * asked. NOT_FOUND when a node hides it.
 */
static enum err_kind
look_up(struct overlay *o, struct str path, struct node **ret_node, struct err *err)
{
    struct str rest = path;
    struct node *at = o->root;

    *ret_node = NULL;
    while (rest.p != NULL && path.n > 0) {
        struct node *child;

        if (at->type != VFS_DIR)
            return none(path, err);
        child = node_child(at, str_cut(&rest, '/'));
        if (child == NULL)
            return at->base_type == VFS_DIR ? ERR_OK : none(path, err);
        if (child->is_gone)
            return none(path, err);
        at = child;
    }
    *ret_node = at;
    return ERR_OK;
}

static enum err_kind
overlay_stat(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    struct node *n;
    enum err_kind kind = look_up(of(v), path, &n, err);

    if (kind != ERR_OK)
        return kind;
    if (n == NULL)
        return vfs_stat(of(v)->base, path, flags, ret, err);
    *ret =
        (struct vfs_stat){.type = n->type, .is_executable = n->is_executable, .size = n->bytes.n};
    return ERR_OK;
}

static enum err_kind list_merged(
    struct overlay *o, struct node *n, struct str path, struct vfs_listing *ret, struct err *err)
{
    auto_vfs_listing struct vfs_listing below = {0};
    struct node_cursor at = {0};
    enum err_kind kind = ERR_OK;

    if (n->base_type == VFS_DIR)
        kind = vfs_list(o->base, path, &below, err);
    if (kind != ERR_OK)
        return kind;
    for (size_t i = 0; i < below.count; i++)
        if (node_child(n, str_from(below.entries[i].name)) == NULL)
            vfs_listing_add(ret, str_from(below.entries[i].name), below.entries[i].type);
    for (struct node *child; (child = node_next(n, &at)) != NULL;)
        if (!child->is_gone)
            vfs_listing_add(ret, str_of(child->name, child->name_n), child->type);
    vfs_listing_finish(ret);
    return ERR_OK;
}

static enum err_kind
overlay_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    struct node *n;
    enum err_kind kind = look_up(of(v), path, &n, err);

    *ret = (struct vfs_listing){0};
    if (kind != ERR_OK)
        return kind;
    if (n == NULL)
        return vfs_list(of(v)->base, path, ret, err);
    if (n->type != VFS_DIR)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a directory", STR_ARG(path));
    return list_merged(of(v), n, path, ret, err);
}

/* Data is copied: it must not change while it is held, and the node may be written meanwhile. */
static enum err_kind
overlay_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    struct node *n;
    enum err_kind kind = look_up(of(v), path, &n, err);

    *ret = (struct vfs_data){0};
    if (kind != ERR_OK)
        return kind;
    if (n == NULL)
        return vfs_read(of(v)->base, path, ret, err);
    if (n->type != VFS_FILE && n->type != VFS_LINK)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a file", STR_ARG(path));
    ret->owner = mem_dup(n->bytes.p, n->bytes.n);
    ret->bytes = str_of(ret->owner, n->bytes.n);
    ret->release = free;
    return ERR_OK;
}

static void clear_changes(struct overlay *o)
{
    free(o->changes.items);
    o->changes = (struct vfs_changes){0};
    o->change_cap = 0;
    buf_deinit(&o->paths);
}

static void overlay_vfs_free(struct vfs *v)
{
    overlay_free(of(v));
}

struct overlay *overlay_new(struct vfs *base, uint64_t written_max)
{
    static const struct vfs_ops ops = {overlay_stat, overlay_list, overlay_read, overlay_vfs_free};
    struct overlay *o = mem_new(struct overlay);

    o->vfs.ops = &ops;
    o->base = base;
    o->written_max = written_max;
    o->root = node_new(STR(""), VFS_DIR);
    o->root->base_type = VFS_DIR;
    return o;
}

struct overlay *overlay_free(struct overlay *o)
{
    if (o != NULL) {
        clear_changes(o);
        node_free(o->root);
        free(o);
    }
    return NULL;
}

struct vfs *overlay_vfs(struct overlay *o)
{
    return &o->vfs;
}

/* What the base has at a path, 0 for nothing. */
static enum err_kind
base_type(struct overlay *o, struct str path, struct vfs_stat *ret, struct err *err)
{
    struct err ignored;
    enum err_kind kind = vfs_stat(o->base, path, 0, ret, &ignored);

    if (kind == ERR_NOT_FOUND) {
        *ret = (struct vfs_stat){0};
        return ERR_OK;
    }
    if (kind != ERR_OK && err != NULL)
        *err = ignored;
    return kind;
}

/*
 * The node at `path`, made with those above it where they are not there yet. A new last node is gone
 * until the caller says what it is; new ones above are directories. INVALID below a file.
 */
static enum err_kind touch(struct overlay *o, struct str path, struct node **ret, struct err *err)
{
    struct str rest = path;
    struct node *at = o->root;

    while (rest.p != NULL) {
        struct str name = str_cut(&rest, '/');
        struct node *child = node_child(at, name);
        bool is_last = rest.p == NULL;

        if (child == NULL) {
            struct str here = str_of(path.p, (size_t)(name.p + name.n - path.p));
            struct vfs_stat stat = {0};
            enum err_kind kind = at->base_type == VFS_DIR ? base_type(o, here, &stat, err) : ERR_OK;

            if (kind != ERR_OK)
                return kind;
            if (!is_last && stat.type != 0 && stat.type != VFS_DIR)
                return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a directory", STR_ARG(here));
            if (o->node_count >= NODES_MAX)
                return err_set(
                    err, ERR_LIMIT, "more than the limit of %zu changed paths", NODES_MAX);
            o->node_count++;
            child = node_new(name, VFS_DIR);
            child->base_type = stat.type;
            child->is_executable = stat.is_executable;
            child->is_gone = is_last;
            node_insert(at, child);
        } else if (!is_last && child->is_gone) {
            child->is_gone = false;
            child->type = VFS_DIR;
        } else if (!is_last && child->type != VFS_DIR) {
            return err_set(
                err, ERR_INVALID, "'" STR_FMT "' is not a directory",
                STR_ARG(str_of(path.p, (size_t)(name.p + name.n - path.p))));
        }
        at = child;
    }
    *ret = at;
    return ERR_OK;
}

/* Is there something at path that a file cannot replace? */
static enum err_kind check_replaceable(struct overlay *o, struct str path, struct err *err)
{
    struct vfs_stat stat;
    struct err ignored;
    enum err_kind kind = vfs_stat(&o->vfs, path, 0, &stat, &ignored);

    if (kind == ERR_NOT_FOUND)
        return ERR_OK;
    if (kind == ERR_OK && stat.type != VFS_FILE)
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' is %s", STR_ARG(path),
            stat.type == VFS_DIR ? "a directory" : "not a file");
    if (kind != ERR_OK && err != NULL)
        *err = ignored;
    return kind;
}

/* The node at `path` with these bytes in it, accounted for; the caller says what it is. */
static enum err_kind
hold(struct overlay *o, struct str path, struct str bytes, struct node **ret, struct err *err)
{
    struct node *n = node_find(o->root, path);
    uint64_t held = n != NULL ? n->bytes.n : 0;
    enum err_kind kind;

    if (bytes.n > o->written_max || o->written - held > o->written_max - bytes.n)
        return err_set(
            err, ERR_LIMIT, "more than the limit of %llu bytes would be written",
            (unsigned long long)o->written_max);
    kind = touch(o, path, ret, err);
    if (kind != ERR_OK)
        return kind;
    clear_changes(o);
    o->written = o->written - held + bytes.n;
    node_set_bytes(*ret, bytes);
    (*ret)->is_gone = false;
    return ERR_OK;
}

static enum err_kind check_writable(struct str path, struct err *err)
{
    return path.n == 0 ? err_set(err, ERR_INVALID, "the root is a directory")
                       : vfs_check_path(path, err);
}

enum err_kind overlay_write(
    struct overlay *o, struct str path, struct str bytes, bool is_executable, struct err *err)
{
    struct node *n;
    enum err_kind kind = check_writable(path, err);

    if (kind == ERR_OK)
        kind = check_replaceable(o, path, err);
    if (kind == ERR_OK)
        kind = hold(o, path, bytes, &n, err);
    if (kind != ERR_OK)
        return kind;
    n->type = VFS_FILE;
    n->is_executable = is_executable;
    return ERR_OK;
}

static enum err_kind check_absent(struct overlay *o, struct str path, struct err *err)
{
    struct vfs_stat stat;
    struct err ignored;
    enum err_kind kind = vfs_stat(&o->vfs, path, 0, &stat, &ignored);

    if (kind == ERR_NOT_FOUND)
        return ERR_OK;
    if (kind == ERR_OK)
        return err_set(err, ERR_EXISTS, "'" STR_FMT "' is there already", STR_ARG(path));
    if (err != NULL)
        *err = ignored;
    return kind;
}

static enum err_kind
make(struct overlay *o, struct str path, enum vfs_type type, struct str bytes, struct err *err)
{
    struct node *n;
    enum err_kind kind = check_writable(path, err);

    if (kind == ERR_OK)
        kind = check_absent(o, path, err);
    if (kind == ERR_OK)
        kind = hold(o, path, bytes, &n, err);
    if (kind != ERR_OK)
        return kind;
    n->type = type;
    n->is_executable = false;
    return ERR_OK;
}

enum err_kind overlay_link(struct overlay *o, struct str path, struct str target, struct err *err)
{
    return make(o, path, VFS_LINK, target, err);
}

enum err_kind overlay_make_dir(struct overlay *o, struct str path, struct err *err)
{
    return make(o, path, VFS_DIR, STR(""), err);
}

/* A node that is gone and hides nothing need not be kept. What was below it went before. */
static void forget(struct overlay *o, struct str path)
{
    ptrdiff_t slash = str_rfind(path, '/');
    struct str name = slash < 0 ? path : str_skip(path, (size_t)slash + 1);
    struct node *parent = node_find(o->root, slash < 0 ? STR("") : str_take(path, (size_t)slash));

    node_drop(parent, name);
    o->node_count--;
}

enum err_kind overlay_remove(struct overlay *o, struct str path, struct err *err)
{
    struct node *n;
    struct vfs_stat stat;
    enum err_kind kind = path.n == 0 ? err_set(err, ERR_INVALID, "the root stays")
                                     : vfs_stat(&o->vfs, path, 0, &stat, err);

    if (kind == ERR_OK && stat.type == VFS_DIR) {
        auto_vfs_listing struct vfs_listing listing = {0};

        kind = vfs_list(&o->vfs, path, &listing, err);
        if (kind == ERR_OK && listing.count > 0)
            kind = err_set(err, ERR_INVALID, "directory '" STR_FMT "' is not empty", STR_ARG(path));
    }
    if (kind == ERR_OK)
        kind = touch(o, path, &n, err);
    if (kind != ERR_OK)
        return kind;
    clear_changes(o);
    o->written -= n->bytes.n;
    node_set_bytes(n, STR(""));
    n->is_gone = true;
    if (n->base_type == 0)
        forget(o, path);
    return ERR_OK;
}

/* --- changes ------------------------------------------------------------------------------------ */

static void
add_change(struct overlay *o, const struct node *n, enum vfs_change_kind kind, struct str path)
{
    mem_grow(&o->changes.items, o->changes.count, &o->change_cap);
    o->changes.items[o->changes.count++] = (struct vfs_change){
        .kind = kind,
        .path = str_of((const char *)(uintptr_t)o->paths.n, path.n),
        .type = n->type,
        .is_executable = n->is_executable,
        .bytes = n->bytes,
    };
    buf_str(&o->paths, path);
    buf_char(&o->paths, '\0');
}

/* Does the base hold this very file? */
static enum err_kind
is_as_base(struct overlay *o, const struct node *n, struct str path, bool *ret, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    struct vfs_stat stat;
    enum err_kind kind;

    *ret = false;
    if (n->base_type != n->type)
        return ERR_OK;
    kind = vfs_stat(o->base, path, 0, &stat, err);
    if (kind != ERR_OK || stat.is_executable != n->is_executable)
        return kind;
    kind = vfs_read(o->base, path, &data, err);
    if (kind == ERR_OK)
        *ret = str_eq(data.bytes, n->bytes);
    return kind;
}

static enum err_kind
change_of(struct overlay *o, const struct node *n, struct str path, struct err *err)
{
    bool is_same = false;
    enum err_kind kind = ERR_OK;

    if (!n->is_gone && n->type != VFS_DIR) {
        kind = is_as_base(o, n, path, &is_same, err);
        if (kind == ERR_OK && !is_same)
            add_change(o, n, VFS_CHANGE_PUT, path);
    } else if (n->base_type != 0 && n->base_type != VFS_DIR) {
        add_change(o, n, VFS_CHANGE_DELETE, path);
    }
    return kind;
}

static int compare_changes(const void *a, const void *b)
{
    return str_cmp(((const struct vfs_change *)a)->path, ((const struct vfs_change *)b)->path);
}

/* Preorder without recursion: guests choose how deep paths go. `prefix` is the path of what stands on
 * the stack. */
struct walk {
    const struct node *node;
    struct node_cursor next;
    size_t path_n;
};

static enum err_kind collect(struct overlay *o, struct err *err)
{
    autofree struct walk *stack = NULL;
    autobuf struct buf path = {0};
    size_t depth = 0;
    size_t cap = 0;
    enum err_kind kind = ERR_OK;

    mem_grow(&stack, depth, &cap);
    stack[depth++] = (struct walk){.node = o->root};
    while (depth > 0 && kind == ERR_OK) {
        struct walk *top = &stack[depth - 1];
        const struct node *child = node_next(top->node, &top->next);

        path.n = top->path_n;
        if (child == NULL) {
            depth--;
            continue;
        }
        if (path.n > 0)
            buf_char(&path, '/');
        buf_add(&path, child->name, child->name_n);
        kind = change_of(o, child, buf_view(&path), err);
        mem_grow(&stack, depth, &cap);
        stack[depth++] = (struct walk){.node = child, .path_n = path.n};
    }
    return kind;
}

enum err_kind overlay_changes(struct overlay *o, struct vfs_changes *ret, struct err *err)
{
    enum err_kind kind;

    clear_changes(o);
    *ret = (struct vfs_changes){0};
    kind = collect(o, err);
    if (kind == ERR_OK)
        kind = buf_check(&o->paths, "the list of changed paths", err);
    if (kind != ERR_OK) {
        clear_changes(o);
        return kind;
    }
    for (size_t i = 0; i < o->changes.count; i++)
        o->changes.items[i].path.p = o->paths.p + (uintptr_t)o->changes.items[i].path.p;
    if (o->changes.count > 1)
        qsort(o->changes.items, o->changes.count, sizeof(struct vfs_change), compare_changes);
    *ret = o->changes;
    return ERR_OK;
}

static enum err_kind take(struct overlay *o, const struct vfs_change *c, struct err *err)
{
    if (c->kind == VFS_CHANGE_DELETE)
        return overlay_remove(o, c->path, err);
    if (c->type == VFS_FILE)
        return overlay_write(o, c->path, c->bytes, c->is_executable, err);
    enum err_kind kind = overlay_remove(o, c->path, err);
    return kind == ERR_OK || kind == ERR_NOT_FOUND ? overlay_link(o, c->path, c->bytes, err) : kind;
}

/* What is gone first: a file may stand where a directory was, and the other way round. */
enum err_kind overlay_take(struct overlay *o, const struct vfs_changes *changes, struct err *err)
{
    enum err_kind kind = ERR_OK;
    for (int is_put = 0; is_put <= 1; is_put++)
        for (size_t i = 0; i < changes->count && kind == ERR_OK; i++)
            if ((changes->items[i].kind == VFS_CHANGE_PUT) == (is_put == 1))
                kind = take(o, &changes->items[i], err);
    return kind;
}
