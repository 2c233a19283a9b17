#include "core/twins.h"

#include <unicase.h>

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

bool core_twins_are(struct str a, struct str b)
{
    int order = 1;
    if (str_eq(a, b))
        return false;
    if (is_ascii(a) && is_ascii(b))
        return str_eq_nocase(a, b);
    if (!str_is_utf8(a) || !str_is_utf8(b))
        return false;
    return u8_casecmp(
               (const uint8_t *)a.p, a.n, (const uint8_t *)b.p, b.n, NULL, UNINORM_NFD, &order) ==
        0 &&
        order == 0;
}

/* `path` is new: is there a twin of its last segment beside it? */
static enum err_kind check_beside(struct vfs *view, struct str path, struct err *err)
{
    auto_vfs_listing struct vfs_listing all = {0};
    ptrdiff_t slash = str_rfind(path, '/');
    struct str dir = str_take(path, slash < 0 ? 0 : (size_t)slash);
    struct str name = str_skip(path, (size_t)(slash + 1));
    enum err_kind r = vfs_list(view, dir, &all, err);
    if (r == ERR_INVALID) /* of a local directory: somebody put a link or file there since */
        r = err_as(err, ERR_CONFLICT);
    for (size_t i = 0; r == ERR_OK && i < all.count; i++) {
        struct str other = str_from(all.entries[i].name);
        if (core_twins_are(name, other))
            r = err_set(
                err, ERR_CONFLICT,
                "path '" STR_FMT "' conflicts with '" STR_FMT "%s" STR_FMT
                "': on some systems both are one name",
                STR_ARG(path), STR_ARG(dir), dir.n > 0 ? "/" : "", STR_ARG(other));
    }
    return r;
}

/* The path and the directories above it, as far as they are new. */
static enum err_kind
check_path(struct vfs *base, struct vfs *view, struct str path, struct err *err)
{
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && path.n > 0) {
        struct vfs_stat st;
        ptrdiff_t slash = str_rfind(path, '/');
        if (vfs_stat(base, path, 0, &st, NULL) == ERR_OK)
            return ERR_OK;
        r = check_beside(view, path, err);
        path = str_take(path, slash < 0 ? 0 : (size_t)slash);
    }
    return r;
}

enum err_kind core_twins_check(
    struct vfs *base, struct vfs *view, const struct vfs_changes *changes, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++) {
        if (changes->items[i].kind == VFS_CHANGE_PUT)
            r = check_path(base, view, changes->items[i].path, err);
    }
    return r;
}
