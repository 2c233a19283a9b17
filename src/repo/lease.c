#include "repo/lease.h"

#include "base/fs.h"
#include "base/mem.h"
#include "repo/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_S = 60, DEPTH_MAX = 8 };

struct repo_lease {
    int fd;
};

/* --- clearing --------------------------------------------------------------------------------------- */

static bool is_stale(const struct stat *st, bool is_alone)
{
    return is_alone || time(NULL) - st->st_mtime > STALE_S;
}

static void clear_below(const char *dir, bool is_alone, unsigned depth)
{
    DIR *d = depth < DEPTH_MAX ? opendir(dir) : NULL;
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        struct stat st;
        autofree char *path = fs_join(dir, e->d_name);
        if (e->d_name[0] == '.' || lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            clear_below(path, is_alone, depth + 1);
        else if (str_ends(str_from(path), STR(".lock")) && is_stale(&st, is_alone))
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
}

static void clear_refs(const char *git_dir, bool is_alone)
{
    static const char *const ours[] = {"refs/heads/cup", "refs/cup"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        autofree char *dir = fs_join(git_dir, ours[i]);
        clear_below(dir, is_alone, 0);
    }
}

/* Nobody but cupd writes to a clone: a lock of the branch or of packed-refs is of a killed one, too, and
 * would end every fetch. */
static void clear_clone(const char *git_dir, bool is_alone)
{
    struct stat st;
    autofree char *refs = fs_join(git_dir, "refs");
    autofree char *packed = fs_join(git_dir, "packed-refs.lock");
    clear_below(refs, is_alone, 0);
    if (lstat(packed, &st) == 0 && is_stale(&st, is_alone))
        unlink(packed);
}

static void clear(const struct repo *r, const char *git_dir, bool is_alone)
{
    if (r->place != NULL)
        clear_clone(git_dir, is_alone);
    else
        clear_refs(git_dir, is_alone);
}

/* --- the lease -------------------------------------------------------------------------------------- */

/* NULL: the repository cannot be opened any more; whoever uses it will say so. */
static char *git_dir_of(struct repo *r)
{
    auto_call struct repo_call call = {.repo = r};
    if (repo_borrow(r, &call.git, NULL) != ERR_OK)
        return NULL;
    return mem_strdup(git_repository_commondir(call.git));
}

struct repo_lease *repo_lease_new(struct repo *r)
{
    autofree char *dir = git_dir_of(r);
    if (dir == NULL)
        return NULL;
    autofree char *path = fs_join(dir, "cup-writers");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return NULL;
    bool is_alone = flock(fd, LOCK_EX | LOCK_NB) == 0;
    clear(r, dir, is_alone);
    if (flock(fd, LOCK_SH) != 0) { /* nobody holds it exclusively for longer than clearing takes */
        close(fd);
        return NULL;
    }
    struct repo_lease *l = mem_new(struct repo_lease);
    l->fd = fd;
    return l;
}

struct repo_lease *repo_lease_free(struct repo_lease *l)
{
    if (l != NULL) {
        close(l->fd);
        free(l);
    }
    return NULL;
}
