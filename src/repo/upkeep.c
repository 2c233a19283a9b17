#include "repo/upkeep.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "repo/upkeep_files.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>
#include <sys/file.h>
#include <unistd.h>

static const size_t LOOSE_MIN = 6700;
static const size_t PACKS_MIN = 50;
static const int64_t GRACE_S = 120;
#define LOCK_NAME "cup-upkeep.lock"

/* One run. */
struct run {
    struct repo *repo;
    git_repository *git;
    const atomic_bool *cancel;
    char *objects; /* path of the directory `objects` */
    int objects_fd;
    struct upkeep_files files;
    git_oid *ids; /* all that is packed */
    size_t count;
    size_t cap;
    char *pack; /* name of the new one, without suffix */
};

static void run_cleanup(struct run *u)
{
    upkeep_files_deinit(&u->files);
    if (u->objects_fd >= 0)
        close(u->objects_fd);
    if (u->git != NULL)
        repo_give_back(u->repo, u->git);
    free(u->objects);
    free(u->ids);
    free(u->pack);
}
#define auto_run CLEANUP(run_cleanup)

static bool is_cancelled(const struct run *u)
{
    return u->cancel != NULL && atomic_load_explicit(u->cancel, memory_order_relaxed);
}

static enum err_kind cancelled(struct err *err)
{
    return err_set(err, ERR_CANCELLED, "the upkeep was broken off");
}

/* --- choosing --------------------------------------------------------------------------------------- */

static int add_id(const git_oid *id, void *data)
{
    struct run *u = data;
    if (u->count == 2 * (size_t)UPKEEP_OBJECTS_MAX)
        return GIT_EUSER;
    mem_grow(&u->ids, u->count, &u->cap);
    u->ids[u->count++] = *id;
    return 0;
}

static void odb_cleanup(git_odb **odb)
{
    git_odb_free(*odb);
}
#define auto_odb CLEANUP(odb_cleanup)

/* A database of this pack alone: nothing else can answer in its place. */
static enum err_kind open_pack(struct run *u, const char *name, git_odb **ret, struct err *err)
{
    autofree char *path = mem_printf("%s/pack/%s.idx", u->objects, name);
    git_odb_backend *backend = NULL;
    int code = git_odb_new(ret);
    if (code == 0)
        code = git_odb_backend_one_pack(&backend, path);
    if (code == 0)
        code = git_odb_add_backend(*ret, backend, 1);
    return code == 0 ? ERR_OK : repo_failed(u->repo, code, err, "opening a pack");
}

/* Small packs are joined one by one until it is enough; what is not taken is not removed either. */
static enum err_kind add_packs(struct run *u, struct err *err)
{
    for (size_t i = 0; i < u->files.pack_count; i++) {
        auto_odb git_odb *odb = NULL;
        size_t before = u->count;
        enum err_kind r = open_pack(u, u->files.packs[i], &odb, err);
        if (r != ERR_OK)
            return r;
        int code = git_odb_foreach(odb, add_id, u);
        if (code == 0)
            continue;
        u->count = before;
        for (; i < u->files.pack_count; u->files.pack_count--)
            free(u->files.packs[u->files.pack_count - 1]);
        return code == GIT_EUSER ? ERR_OK : repo_failed(u->repo, code, err, "listing a pack");
    }
    return ERR_OK;
}

static enum err_kind choose(struct run *u, const struct repo_upkeep_options *o, struct err *err)
{
    size_t loose_min = o->loose_min > 0 ? o->loose_min : LOOSE_MIN;
    size_t packs_min = o->packs_min > 0 ? o->packs_min : PACKS_MIN;
    int64_t grace_s = o->grace_s != 0 ? o->grace_s : GRACE_S;
    upkeep_files_list(u->objects_fd, clock_unix_ms() / 1000 - grace_s, &u->files);
    bool has_index = faccessat(u->objects_fd, "pack/multi-pack-index", F_OK, 0) == 0;
    bool joins = u->files.all_packs >= packs_min && u->files.pack_count > 1 && !has_index;
    if (u->files.all_loose >= loose_min)
        for (size_t i = 0; i < u->files.loose_count; i++)
            add_id(&u->files.loose[i], u);
    else
        u->files.loose_count = 0;
    if (joins)
        return add_packs(u, err);
    for (; u->files.pack_count > 0; u->files.pack_count--)
        free(u->files.packs[u->files.pack_count - 1]);
    return ERR_OK;
}

/* --- packing ---------------------------------------------------------------------------------------- */

static int see_progress(int stage, uint32_t current, uint32_t total, void *data)
{
    (void)stage, (void)current, (void)total;
    return is_cancelled(data) ? GIT_EUSER : 0;
}

/* libgit2 writes a temporary file, reads each object of it back while it makes the index, syncs both and
 * renames them into place (GIT_OPT_ENABLE_FSYNC_GITDIR, repo.c). */
static enum err_kind write_pack(struct run *u, struct err *err)
{
    git_packbuilder *builder = NULL;
    int code = git_packbuilder_new(&builder, u->git);
    if (code == 0) {
        git_packbuilder_set_threads(builder, 1);
        code = git_packbuilder_set_callbacks(builder, see_progress, u);
    }
    for (size_t i = 0; code == 0 && i < u->count; i++)
        code = is_cancelled(u) ? GIT_EUSER : git_packbuilder_insert(builder, &u->ids[i], NULL);
    if (code == 0)
        code = git_packbuilder_write(builder, NULL, 0444, NULL, NULL);
    if (code == 0)
        u->pack = mem_printf("pack-%s", git_packbuilder_name(builder));
    git_packbuilder_free(builder);
    if (code == 0)
        return ERR_OK;
    return is_cancelled(u) ? cancelled(err) : repo_failed(u->repo, code, err, "packing objects");
}

/* Every object is read from the new pack and hashed (GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION). */
static enum err_kind verify_pack(struct run *u, struct err *err)
{
    auto_odb git_odb *odb = NULL;
    enum err_kind r = open_pack(u, u->pack, &odb, err);
    for (size_t i = 0; r == ERR_OK && i < u->count; i++) {
        git_odb_object *object = NULL;
        if (is_cancelled(u))
            return cancelled(err);
        int code = git_odb_read(&object, odb, &u->ids[i]);
        git_odb_object_free(object);
        if (code < 0)
            r = repo_failed(u->repo, code, err, "reading the new pack back");
    }
    return r;
}

static size_t remove_packed(struct run *u)
{
    size_t removed = upkeep_remove_loose(u->objects_fd, u->files.loose, u->files.loose_count);
    for (size_t i = 0; i < u->files.pack_count; i++) {
        if (strcmp(u->files.packs[i], u->pack) != 0)
            removed += upkeep_remove_pack(u->objects_fd, u->files.packs[i]);
    }
    return removed;
}

/* --- the way in ------------------------------------------------------------------------------------- */

static enum err_kind open_objects(struct run *u, int *ret_lock, struct err *err)
{
    enum err_kind r = repo_borrow(u->repo, &u->git, err);
    if (r != ERR_OK)
        return r;
    const char *dir = git_repository_commondir(u->git);
    autofree char *lock = mem_printf("%s" LOCK_NAME, dir);
    u->objects = mem_printf("%sobjects", dir);
    u->objects_fd = open(u->objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (u->objects_fd < 0)
        return err_errno(err, errno, "the objects of '%s'", repo_display_url(u->repo));
    *ret_lock = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (*ret_lock < 0)
        return err_errno(err, errno, "the file '" LOCK_NAME "' of '%s'", repo_display_url(u->repo));
    return ERR_OK;
}

enum err_kind repo_upkeep(
    struct repo *r,
    const struct repo_upkeep_options *options,
    struct repo_upkeep_result *ret,
    struct err *err)
{
    auto_run struct run u = {.repo = r, .cancel = options->cancel, .objects_fd = -1};
    autoclose int lock = -1;
    *ret = (struct repo_upkeep_result){0};
    enum err_kind kind = open_objects(&u, &lock, err);
    if (kind != ERR_OK)
        return kind;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ret->is_busy = errno == EWOULDBLOCK;
        return ret->is_busy ? ERR_OK : err_errno(err, errno, "locking '" LOCK_NAME "'");
    }
    kind = choose(&u, options, err);
    if (kind != ERR_OK || u.count == 0)
        return kind;
    kind = write_pack(&u, err);
    if (kind == ERR_OK)
        kind = verify_pack(&u, err);
    if (kind != ERR_OK)
        return kind;
    ret->packed = u.count;
    ret->removed_files = remove_packed(&u);
    return ERR_OK;
}
