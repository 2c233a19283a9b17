/*
 * A sequence of host calls with whatever arguments, over a small tree: nothing outside the guest's memory
 * is touched, the books of files and descriptors stay right, and the tree below stays as it was.
 * Each call is a byte for the function (sorted by name) and a few for each argument (see argument()).
 */
#include "fuzz.h"
#include "vfs/memtree.h"
#include "wasmhost/testing.h"

enum { CALLS_MAX = 400, TEXT_STEP = 64, IOVECS = 0xc000 };

static const char *const paths[] = {
    "a",        "dir",      "dir/b",         "dir/sub", "dir/sub/c", "lnk",     "up",
    "loop",     "out",      "new",           "new/x",   "dir/new",   "a/",      "dir/",
    "lnk/",     "..",       "../a",          ".",       "",          "/",       "/a",
    "dir/../a", "up/dir",   "dir/.//sub/..", "to-dir",  "to-dir/b",  "to-dir/", "to-dir/../a",
    "\xff\xfe", "dir/to-a", "new/new",       "gone",
};

static const struct {
    const char *path;
    enum vfs_type type;
    const char *bytes;
} nodes[] = {
    {"a", VFS_FILE, "A"},        {"dir/b", VFS_FILE, "BB"}, {"dir/sub/c", VFS_FILE, "CCC"},
    {"lnk", VFS_LINK, "a"},      {"up", VFS_LINK, ".."},    {"loop", VFS_LINK, "loop"},
    {"to-dir", VFS_LINK, "dir"}, {"out", VFS_LINK, "/etc"}, {"dir/to-a", VFS_LINK, "../a"},
};

static struct vfs *new_tree(void)
{
    struct vfs *tree = memtree_new();
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        HOLDS(
            memtree_add(
                tree, str_from(nodes[i].path), nodes[i].type, str_from(nodes[i].bytes), &err) ==
            ERR_OK);
    return tree;
}

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t take(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

/* Mostly what could be meant: a small number, a path, its length, room for a result, iovecs; now and
 * then anything at all. */
static uint64_t argument(struct input *in)
{
    uint8_t b = take(in);
    uint64_t low = b & 31;
    uint64_t value = 0;
    switch (b >> 5) {
    case 0:
        return low;
    case 1:
        return BOX_TEXT + low * TEXT_STEP;
    case 2:
        return strlen(paths[low]);
    case 3:
        return BOX_OUT + low * 256;
    case 4:
        return IOVECS + low * 8;
    case 5:
        return low << 4;
    case 6:
        for (int i = 0; i < 8; i++)
            value = value << 8 | take(in);
        return value;
    default:
        return UINT64_MAX - low;
    }
}

static void fill_memory(struct box *b)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        memcpy(b->wasi.mem + BOX_TEXT + i * TEXT_STEP, paths[i], strlen(paths[i]));
    for (uint32_t i = 0; i < 32; i++) {
        wasi_put_u32(b->wasi.mem + IOVECS + i * 8, BOX_OUT + i * 100);
        wasi_put_u32(b->wasi.mem + IOVECS + i * 8 + 4, i * 7);
    }
}

/* --- what holds after each call ------------------------------------------------------------------- */

static void check_books(const struct wasi *w)
{
    size_t open = 0;
    size_t refs = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->fd_count; i++) {
        open += w->fds[i].kind != WASI_FD_FREE;
        refs += w->fds[i].file != NULL;
        HOLDS((w->fds[i].kind == WASI_FD_FILE) == (w->fds[i].file != NULL));
        HOLDS((w->fds[i].kind == WASI_FD_DIR) == (w->fds[i].path != NULL));
    }
    HOLDS(open == w->open_count && open <= w->limits.open_files);
    for (const struct wasi_file *f = w->files; f != NULL; f = f->next) {
        HOLDS(f->refs > 0 && (f->path != NULL || f->node != NULL));
        HOLDS(f->node == NULL || (f->node->link_count > 0) == (f->path != NULL));
        refs -= (size_t)f->refs;
        bytes += f->bytes.n;
        for (const struct wasi_file *other = f->next; other != NULL; other = other->next)
            HOLDS(f->node == NULL || other->node != f->node);
    }
    HOLDS(refs == 0 && bytes == w->written && bytes <= w->limits.written_bytes);
}

static void check_names(const struct wasi *w)
{
    struct err err;
    struct vfs_stat stat;
    for (const struct wasi_name *name = w->names; name != NULL; name = name->hh.next) {
        if (name->node == NULL)
            continue;
        size_t links = 0;
        for (const struct wasi_name *at = name->node->names; at != NULL; at = at->next) {
            HOLDS(at->node == name->node);
            links++;
        }
        HOLDS(links == name->node->link_count);
        HOLDS(vfs_stat(w->tree, str_of(name->path, name->n), 0, &stat, &err) == ERR_OK);
    }
}

static void check_tree(struct vfs *tree)
{
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        auto_vfs_data struct vfs_data data = {0};
        HOLDS(vfs_read(tree, str_from(nodes[i].path), &data, &err) == ERR_OK);
        HOLDS(str_eqz(data.bytes, nodes[i].bytes));
    }
}

static void check_changes(struct overlay *o)
{
    struct vfs_changes changes;
    struct err err;
    HOLDS(overlay_changes(o, &changes, &err) == ERR_OK);
    for (size_t i = 0; i < changes.count; i++) {
        HOLDS(changes.items[i].path.n > 0 && vfs_check_path(changes.items[i].path, &err) == ERR_OK);
        HOLDS(i == 0 || str_cmp(changes.items[i - 1].path, changes.items[i].path) < 0);
    }
}

/* --- one input ------------------------------------------------------------------------------------- */

static void call_all(struct box *b, struct input *in)
{
    const struct wasi_row *rows[BOX_ROWS_MAX];
    size_t count = box_rows(rows);
    for (int calls = 0; calls < CALLS_MAX && in->n > 0 && !b->wasi.is_ended; calls++) {
        const struct wasi_row *row = rows[take(in) % count];
        uint64_t args[16];
        for (size_t i = 0; row->params[i] != '\0'; i++)
            args[i] = argument(in);
        enum wasi_errno e = box_call_row(b, row, args);
        HOLDS(e <= WASI_NOTCAPABLE);
        HOLDS(!b->wasi.is_ended || row->has_no_result || b->wasi.err.kind != ERR_OK);
        if (!b->wasi.is_ended) {
            check_books(&b->wasi);
            check_names(&b->wasi);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct str globs[] = {STR("dir/**"), STR("new*")};
    static const char *const texts[] = {"wasi", "get"};
    struct input in = {data, n};
    uint8_t how = take(&in);
    static struct vfs *tree; /* one for all inputs: none may change it */
    if (tree == NULL)
        tree = new_tree();
    struct overlay *overlay = how & 1 ? NULL : overlay_new(tree, 100000);
    struct box b = {
        .call = {
            .args = texts,
            .arg_count = 2,
            .stdin_bytes = STR("from stdin"),
            .tree = tree,
            .overlay = overlay,
            .read_globs = globs,
            .read_glob_count = how & 2 ? ARRAY_LEN(globs) : 0,
            .limits = {.open_files = 20, .written_bytes = 50000, .output_bytes = 10000}}};
    struct err err;
    box_init(&b);
    fill_memory(&b);
    call_all(&b, &in);
    if (!b.wasi.is_ended || b.wasi.err.kind == ERR_OK)
        (void)!wasi_flush_all(&b.wasi, &err);
    check_tree(tree);
    if (overlay != NULL)
        check_changes(overlay);
    box_deinit(&b);
    overlay_free(overlay);
    return 0;
}
