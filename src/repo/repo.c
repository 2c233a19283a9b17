#include "base/mem.h"
#include "repo/internal.h"
#include "repo/ref_list.h"
#include "repo/trees.h"
#include "repo/url.h"
#include "repo/wire.h"

#include <limits.h>

/* Process-wide settings of libgit2; setting them again is harmless. */
static void set_options(void)
{
    /* an answered PUT has to survive a power cut */
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1);
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
    /* trees.h caches trees of any size already parsed: a second copy would only take memory */
    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, (size_t)0);
    /* the same few files are read by call after call: header, bytes and their hash each time */
    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_BLOB, (size_t)(256 << 10));
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)(8 << 20));
}

static int open_handle(const char *path, git_repository **ret)
{
    return git_repository_open_ext(ret, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
}

enum err_kind repo_borrow(struct repo *r, git_repository **ret, struct err *err)
{
    git_repository *handle = NULL;
    pthread_mutex_lock(&r->lock);
    if (r->idle_count > 0)
        handle = r->idle[--r->idle_count];
    pthread_mutex_unlock(&r->lock);
    if (handle == NULL) {
        int code = open_handle(r->path, &handle);
        if (code < 0)
            return repo_failed(r, code, err, "opening the repository again");
    }
    *ret = handle;
    return ERR_OK;
}

void repo_give_back(struct repo *r, git_repository *handle)
{
    pthread_mutex_lock(&r->lock);
    if (handle != NULL && r->idle_count < REPO_IDLE_MAX)
        r->idle[r->idle_count++] = steal(&handle);
    pthread_mutex_unlock(&r->lock);
    git_repository_free(handle);
}

/* Where nobody is trusted at all, libgit2 1.5 says that its question for a safe.directory found none. */
static bool is_unsafe(int code, const char *words)
{
    return code == GIT_EOWNER ||
        (code == GIT_ENOTFOUND && strstr(words, "'safe.directory'") != NULL);
}

static enum err_kind explain_open(struct repo *r, int code, struct err *err)
{
    const git_error *last = git_error_last();
    const char *words = last == NULL ? "" : last->message;
    if (is_unsafe(code, words))
        return err_set(
            err, ERR_DENIED,
            "repository '%s' is owned by somebody else; if you trust it: "
            "git config --global --add safe.directory '%s'",
            r->shown, r->path);
    if (strstr(words, "objectformat") != NULL || strstr(words, "object format") != NULL)
        return err_set(
            err, ERR_INVALID,
            "repository '%s' uses an object format other than sha1, which is not supported",
            r->shown);
    if (code == GIT_ENOTFOUND)
        return err_set(err, ERR_INVALID, "'%s' is not a Git repository", r->shown);
    enum err_kind kind = repo_failed(NULL, code, err, "opening repository '%s'", r->shown);
    /* -1 with a message about its configuration: a version or extension of a later Git */
    return kind == ERR_IO && last != NULL && last->klass == GIT_ERROR_REPOSITORY
        ? err_as(err, ERR_INVALID)
        : kind;
}

static enum err_kind open_path(struct repo *r, const char *path, struct err *err)
{
    r->path = realpath(path, NULL);
    if (r->path == NULL)
        return err_set(err, ERR_NOT_FOUND, "there is no repository '%s'", r->shown);
    git_repository *handle = NULL;
    int code = open_handle(r->path, &handle);
    if (code < 0)
        return explain_open(r, code, err);
    code = git_repository_odb(&r->odb, handle);
    repo_give_back(r, handle);
    if (code < 0)
        return repo_failed(r, code, err, "opening the objects of '%s'", r->shown);
    r->trees = trees_new(r->odb);
    r->ref_memo = ref_memo_new();
    return ERR_OK;
}

enum err_kind repo_open(const struct repo_options *options, struct repo **ret, struct err *err)
{
    autofree char *path = NULL;
    struct str url = str_from(options->url);
    if (git_libgit2_init() < 0)
        return repo_failed(NULL, -1, err, "starting libgit2");
    set_options();
    struct repo *r = mem_new(struct repo);
    pthread_mutex_init(&r->lock, NULL);
    r->shown = repo_url_shown(url);
    r->fetched_ms = -1;
    enum err_kind kind = wire_url_is_remote(url) ? repo_clone_place(options, r, &path, err)
                                                 : repo_url_path(url, &path, err);
    if (kind == ERR_OK)
        kind = open_path(r, path, err);
    if (kind != ERR_OK)
        repo_free(r);
    else
        *ret = r;
    return kind;
}

struct repo *repo_free(struct repo *r)
{
    if (r == NULL)
        return NULL;
    trees_free(r->trees);
    ref_memo_free(r->ref_memo);
    git_odb_free(r->odb);
    for (size_t i = 0; i < r->idle_count; i++)
        git_repository_free(r->idle[i]);
    wire_place_free(r->place);
    pthread_mutex_destroy(&r->lock);
    free(r->branch);
    free(r->fetch_lock);
    free(r->shown);
    free(r->path);
    free(r->signing_key);
    free(r);
    git_libgit2_shutdown();
    return NULL;
}

const char *repo_display_url(const struct repo *r)
{
    return r->shown;
}
