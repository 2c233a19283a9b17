#include "cli/changes.h"
#include "base/mem.h"
#include "cli/linediff.h"

static bool is_binary(struct str bytes)
{
    return bytes.n > 0 && memchr(bytes.p, '\0', bytes.n) != NULL;
}

/* has_old, has_new: there is such a file. */
static void diff_file(
    struct buf *to, const char *path, bool has_old, struct str old, bool has_new, struct str new)
{
    autofree char *old_name = has_old ? mem_printf("a/%s", path) : mem_strdup("/dev/null");
    autofree char *new_name = has_new ? mem_printf("b/%s", path) : mem_strdup("/dev/null");
    bool is_same = has_old == has_new && str_eq(old, new);
    if (is_same)
        return;
    if (is_binary(old) || is_binary(new)) {
        buf_printf(to, "Binary files %s and %s differ\n", old_name, new_name);
        return;
    }
    size_t before = to->n;
    cli_linediff(to, old_name, old, new_name, new);
    if (to->n == before) /* an empty file comes or goes */
        buf_printf(to, "--- %s\n+++ %s\n", old_name, new_name);
}

/* A file that is not there is empty, and *ret_is_there false. */
static enum err_kind read_any(
    struct vfs *tree, struct str path, struct vfs_data *ret, bool *ret_is_there, struct err *err)
{
    enum err_kind r = vfs_read(tree, path, ret, err);
    *ret_is_there = r == ERR_OK;
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

enum err_kind cli_changes_diff(
    struct buf *to, struct vfs *base, const struct vfs_changes *changes, struct err *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct vfs_change *change = &changes->items[i];
        auto_vfs_data struct vfs_data old = {0};
        autofree char *path = mem_strdup_str(change->path);
        bool has_old = false, has_new = change->kind == VFS_CHANGE_PUT;
        enum err_kind r = read_any(base, change->path, &old, &has_old, err);
        if (r != ERR_OK)
            return r;
        diff_file(to, path, has_old, old.bytes, has_new, has_new ? change->bytes : STR(""));
    }
    return buf_check(to, "the difference", err);
}

/* --- trees -------------------------------------------------------------------------------------------- */

void cli_paths_deinit(struct cli_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    free(paths->items);
    *paths = (struct cli_paths){0};
}

static enum err_kind
walk(struct vfs *tree, struct str path, unsigned depth, struct cli_paths *ret, struct err *err)
{
    auto_vfs_listing struct vfs_listing listing = {0};
    if (depth > 200)
        return err_set(
            err, ERR_LIMIT, "directories nest too deeply at '" STR_FMT "'", STR_ARG(path));
    enum err_kind r = vfs_list(tree, path, &listing, err);
    for (size_t i = 0; r == ERR_OK && i < listing.count; i++) {
        const struct vfs_entry *e = &listing.entries[i];
        char *below =
            path.n == 0 ? mem_strdup(e->name) : mem_printf(STR_FMT "/%s", STR_ARG(path), e->name);
        if (e->type == VFS_DIR) {
            r = walk(tree, str_from(below), depth + 1, ret, err);
            free(below);
        } else {
            mem_grow(&ret->items, ret->count, &ret->cap);
            ret->items[ret->count++] = below;
        }
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err_kind
cli_tree_paths(struct vfs *tree, struct str path, struct cli_paths *ret, struct err *err)
{
    enum err_kind r = walk(tree, path, 0, ret, err);
    if (r == ERR_OK && ret->count > 1)
        qsort(ret->items, ret->count, sizeof(char *), by_name);
    return r;
}

static enum err_kind
diff_path(struct buf *to, const char *path, struct vfs *old, struct vfs *new, struct err *err)
{
    auto_vfs_data struct vfs_data before = {0}, after = {0};
    bool has_old = false, has_new = false;
    enum err_kind r = read_any(old, str_from(path), &before, &has_old, err);
    if (r == ERR_OK)
        r = read_any(new, str_from(path), &after, &has_new, err);
    if (r == ERR_OK)
        diff_file(to, path, has_old, before.bytes, has_new, after.bytes);
    return r;
}

enum err_kind cli_trees_diff(struct buf *to, struct vfs *old, struct vfs *new, struct err *err)
{
    auto_paths struct cli_paths a = {0}, b = {0};
    enum err_kind r = cli_tree_paths(old, STR(""), &a, err);
    if (r == ERR_OK)
        r = cli_tree_paths(new, STR(""), &b, err);
    for (size_t i = 0, k = 0; r == ERR_OK && (i < a.count || k < b.count);) {
        int c = i == a.count ? 1 : k == b.count ? -1 : strcmp(a.items[i], b.items[k]);
        r = diff_path(to, c <= 0 ? a.items[i] : b.items[k], old, new, err);
        i += c <= 0;
        k += c >= 0;
    }
    return r == ERR_OK ? buf_check(to, "the difference", err) : r;
}
