#include "vfs/localdir.h"
#include "base/fs.h"
#include "vfs/dirwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const mode_t DIR_MODE = 0755;

enum err_kind localdir_open(const char *path, int *ret, struct err *err)
{
    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret >= 0)
        return ERR_OK;
    if (errno == ENOTDIR)
        return err_set(err, ERR_INVALID, "'%s' is not a directory", path);
    return err_errno(err, errno, "directory '%s'", path);
}

enum err_kind localdir_failed(int errnum, struct str path, struct err *err)
{
    if (errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG || errnum == ELOOP)
        return err_set(err, ERR_NOT_FOUND, "no file '" STR_FMT "'", STR_ARG(path));
    return err_errno(err, errnum, "'" STR_FMT "'", STR_ARG(path));
}

static bool is_hidden_name(struct str name)
{
    return name.n == 0 || str_eqz(name, ".") || str_eqz(name, "..") ||
        str_eq_nocase(name, STR(".git")) || str_starts(name, STR(LOCALDIR_STAGE));
}

bool localdir_is_hidden(struct str path)
{
    if (path.n == 0)
        return false;
    while (path.p != NULL) {
        if (is_hidden_name(str_cut(&path, '/')))
            return true;
    }
    return false;
}

enum vfs_type localdir_type(mode_t mode)
{
    if (S_ISREG(mode))
        return VFS_FILE;
    if (S_ISDIR(mode))
        return VFS_DIR;
    return S_ISLNK(mode) ? VFS_LINK : VFS_OTHER;
}

/* `above` is the part of the path that could not be entered. */
static enum err_kind
cannot_enter(int errnum, struct str path, struct str above, bool creates, struct err *err)
{
    if (creates && (errnum == ENOTDIR || errnum == ELOOP))
        return err_set(
            err, ERR_CONFLICT,
            "path '" STR_FMT "' conflicts with '" STR_FMT "', which is not a directory",
            STR_ARG(path), STR_ARG(above));
    return localdir_failed(errnum, path, err);
}

/* Step from *at, which is closed, into its directory `name`. */
static int enter(int *at, const char *name, bool creates)
{
    if (creates && mkdirat(*at, name, DIR_MODE) == 0)
        fsync(*at);
    else if (creates && errno != EEXIST)
        return errno;
    int next = openat(*at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0)
        return errno;
    close(*at);
    *at = next;
    return 0;
}

/* How a walk goes. */
struct way {
    bool creates;
    struct dirwatch *watch; /* NULL: nobody watches, or all on the way is watched already */
    uint64_t epoch;
};

static enum err_kind walk(
    int root,
    struct str path,
    const struct way *way,
    int *ret_fd,
    char ret_name[LOCALDIR_NAME_BYTES],
    struct err *err)
{
    struct str rest = path;
    struct str above = str_take(path, 0);
    struct str segment = path.n == 0 ? STR(".") : str_cut(&rest, '/');
    autoclose int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return err_errno(err, errno, "'" STR_FMT "'", STR_ARG(path));
    for (;;) {
        if (segment.n >= LOCALDIR_NAME_BYTES)
            return localdir_failed(ENAMETOOLONG, path, err);
        memcpy(ret_name, segment.p, segment.n);
        ret_name[segment.n] = '\0';
        if (way->watch != NULL)
            dirwatch_add(way->watch, way->epoch, above, at);
        if (path.n == 0 || rest.p == NULL)
            break;
        above = str_take(path, (size_t)(rest.p - path.p) - 1);
        int errnum = enter(&at, ret_name, way->creates);
        if (errnum != 0)
            return cannot_enter(errnum, path, above, way->creates, err);
        segment = str_cut(&rest, '/');
    }
    *ret_fd = at;
    at = -1;
    return ERR_OK;
}

enum err_kind localdir_parent(
    int root,
    struct str path,
    bool creates,
    int *ret_fd,
    char ret_name[LOCALDIR_NAME_BYTES],
    struct err *err)
{
    struct way way = {.creates = creates};
    return walk(root, path, &way, ret_fd, ret_name, err);
}

enum err_kind localdir_parent_watched(
    int root,
    struct str path,
    struct dirwatch *watch,
    int *ret_fd,
    char ret_name[LOCALDIR_NAME_BYTES],
    struct err *err)
{
    struct way way = {0};
    ptrdiff_t slash = str_rfind(path, '/');
    struct str dir = str_take(path, slash < 0 ? 0 : (size_t)slash);
    if (watch != NULL && dirwatch_wants(watch, dir, &way.epoch))
        way.watch = watch;
    return walk(root, path, &way, ret_fd, ret_name, err);
}
