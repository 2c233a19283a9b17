/*
 * Where the clone of a remote lives: <data>/git/<hash of its URL without credentials>, a bare repository of
 * ours alone. Its configuration never names the remote, so nothing secret is on disk.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "repo/internal.h"
#include "repo/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

/* Two processes may start at once: one of them makes it. */
static enum err_kind make(struct repo *r, const char *path, struct err *err)
{
    git_repository *git = NULL;
    autofree char *objects = fs_join(path, "objects");
    if (fs_is_dir(objects))
        return ERR_OK;
    git_repository_init_options options;
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
    options.mode = 0700;
    options.initial_head = "cup-unborn"; /* HEAD is of no use here */
    int code = git_repository_init_ext(&git, path, &options);
    git_repository_free(git);
    return code < 0 ? repo_failed(NULL, code, err, "making the clone of '%s'", r->shown) : ERR_OK;
}

static enum err_kind make_under_lock(struct repo *r, const char *path, struct err *err)
{
    /* not the lock of a fetch: that may be held for as long as a first fetch takes */
    autofree char *lock = mem_printf("%s.make", r->fetch_lock);
    autoclose int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "the lock beside the clone of '%s'", r->shown);
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return err_errno(err, errno, "locking the clone of '%s'", r->shown);
    return make(r, path, err);
}

enum err_kind repo_clone_place(
    const struct repo_options *options, struct repo *r, char **ret_path, struct err *err)
{
    char hash[SHA256_HEX + 1];
    if (options->data_dir == NULL)
        return err_set(
            err, ERR_INVALID,
            "repository '%s' is remote, and there is no place for its clone: give -api-data",
            r->shown);
    enum err_kind kind = wire_place_new(str_from(options->url), options->remote, &r->place, err);
    if (kind != ERR_OK)
        return kind;
    sha256_hex_of(str_from(r->shown), hash);
    autofree char *dir = fs_join(options->data_dir, "git");
    autofree char *path = mem_printf("%s/%.32s.git", dir, hash);
    r->fetch_lock = mem_printf("%s.lock", path);
    kind = fs_make_dirs(dir, 0700, err);
    if (kind == ERR_OK)
        kind = make_under_lock(r, path, err);
    if (kind == ERR_OK)
        *ret_path = steal(&path);
    return kind;
}

bool repo_url_is_remote(struct str url)
{
    return wire_url_is_remote(url);
}

bool repo_is_remote(const struct repo *r)
{
    return r->place != NULL;
}

int64_t repo_fetched_ms(const struct repo *r)
{
    return r->fetched_ms;
}
