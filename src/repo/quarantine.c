#include "repo/quarantine.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

/* gitrepository-layout(5), objects/info/alternates */
static enum err_kind see_clone(struct repo *clone, const char *path, struct err *err)
{
    autofree char *info = fs_join(path, "objects/info");
    autofree char *alternates = fs_join(info, "alternates");
    autofree char *line = mem_printf("%s/objects\n", clone->path);
    enum err_kind r = fs_make_dirs(info, 0700, err);
    return r == ERR_OK ? fs_write_atomic(alternates, str_from(line), 0600, err) : r;
}

static enum err_kind init(struct repo *clone, const char *path, struct err *err)
{
    git_repository *git = NULL;
    git_repository_init_options options;
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
    options.mode = 0700;
    int code = git_repository_init_ext(&git, path, &options);
    git_repository_free(git);
    return code < 0 ? repo_failed(clone, code, err, "making room for a fetch") : ERR_OK;
}

enum err_kind quarantine_make(struct repo *clone, struct quarantine *ret, struct err *err)
{
    ret->path = mem_printf("%s.incoming", clone->path);
    const struct repo_options options = {.url = ret->path};
    fs_remove_tree(ret->path);
    enum err_kind r = init(clone, ret->path, err);
    if (r == ERR_OK)
        r = see_clone(clone, ret->path, err);
    if (r == ERR_OK)
        r = repo_open(&options, &ret->repo, err);
    if (r == ERR_OK) {
        /* what is said of it is said of the remote */
        free(ret->repo->shown);
        ret->repo->shown = mem_strdup(clone->shown);
    }
    return r;
}

static enum err_kind move_file(
    struct quarantine *q, struct repo *clone, const char *name, const char *end, struct err *err)
{
    autofree char *from = mem_printf("%s/objects/pack/pack-%s.%s", q->path, name, end);
    autofree char *to = mem_printf("%s/objects/pack/pack-%s.%s", clone->path, name, end);
    return rename(from, to) == 0 ? ERR_OK : err_errno(err, errno, "storing a pack");
}

/* A reader finds a pack by its index, so that comes last. */
enum err_kind
quarantine_release(struct quarantine *q, struct repo *clone, const char *name, struct err *err)
{
    autofree char *dir = fs_join(clone->path, "objects/pack");
    enum err_kind r = move_file(q, clone, name, "pack", err);
    if (r == ERR_OK)
        r = move_file(q, clone, name, "idx", err);
    if (r == ERR_OK)
        r = fs_sync_dir(dir, err);
    int code = r == ERR_OK ? git_odb_refresh(clone->odb) : 0;
    return code < 0 ? repo_failed(clone, code, err, "storing a pack") : r;
}

void quarantine_deinit(struct quarantine *q)
{
    q->repo = repo_free(q->repo);
    if (q->path != NULL)
        fs_remove_tree(q->path);
    free(q->path);
    q->path = NULL;
}
