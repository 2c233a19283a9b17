#include "vfs/vfs.h"

#include "base/mem.h"

enum err_kind
vfs_stat(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    return v->ops->stat(v, path, flags, ret, err);
}

enum err_kind vfs_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    return v->ops->list(v, path, ret, err);
}

enum err_kind vfs_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    return v->ops->read(v, path, ret, err);
}

struct vfs *vfs_free(struct vfs *v)
{
    if (v != NULL)
        v->ops->free(v);
    return NULL;
}

void vfs_data_release(struct vfs_data *d)
{
    if (d->release != NULL)
        d->release(d->owner);
    *d = (struct vfs_data){0};
}

enum err_kind vfs_check_path(struct str path, struct err *err)
{
    struct str rest = path;

    if (path.n == 0)
        return ERR_OK;
    if (memchr(path.p, '\0', path.n) != NULL)
        return err_set(err, ERR_INVALID, "a path holds a zero byte");
    while (rest.p != NULL) {
        struct str segment = str_cut(&rest, '/');
        const char *what = NULL;

        if (segment.n == 0)
            what = "an empty segment";
        else if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            what = "a '.' or '..' segment";
        if (what != NULL)
            return err_set(err, ERR_INVALID, "path '" STR_FMT "' has %s", STR_ARG(path), what);
    }
    return ERR_OK;
}
