#include "core/merge.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/merge_hand.h"
#include "core/objects_of.h"
#include "core/version.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>

#define WRITTEN_MAX ((uint64_t)64 << 20)
#define CAUSE_BYTES_MAX 600

enum { BASE, HEAD, TARGET, SIDES };
static const char *const side_names[] = {"where they parted", "the proposal", "the target"};

/* A proposal on its way over the target's tree. */
struct again {
    struct core *c;
    struct core_snapshot *snapshot;
    const atomic_bool *cancel;
    struct repo_id commits[SIDES];
    struct vfs *trees[SIDES];
    struct repo_id roots[SIDES];
    struct repo_id fork; /* where its branch starts */
    struct overlay *result;
    struct core_objects objects;
    struct core_objects put; /* those that were put again */
    struct buf causes;
    size_t conflict_count;
};

const char *core_merge_way_name(enum core_merge_way way)
{
    static const char *const names[] = {
        [CORE_MERGE_CLEAN] = "clean",
        [CORE_MERGE_AGAIN] = "again",
        [CORE_MERGE_CONFLICT] = "conflict"};
    return names[way];
}

static void again_deinit(struct again *a)
{
    overlay_free(a->result);
    for (size_t i = 0; i < SIDES; i++)
        vfs_free(a->trees[i]);
    core_objects_deinit(&a->objects);
    core_objects_deinit(&a->put);
    buf_deinit(&a->causes);
    core_snapshot_unref(a->snapshot);
}
#define auto_again CLEANUP(again_deinit)

/* Causes that do not fit are counted alone. */
static void conflict(struct again *a, struct str field, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void conflict(struct again *a, struct str field, const char *fmt, ...)
{
    char message[CAUSE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    autobuf struct buf cause = {0};
    buf_text(&cause, a->causes.n == 0 ? "[{\"field\":" : ",{\"field\":");
    json_text_string(&cause, field);
    json_text_add_member(&cause, "message", message);
    buf_char(&cause, '}');
    a->conflict_count++;
    if (a->causes.n + cause.n + 2 < ERR_CAUSES_MAX)
        buf_str(&a->causes, buf_view(&cause));
}

/* --- one object ----------------------------------------------------------------------------------- */

struct object {
    const struct core_object_id *id;
    const struct core_served *served;
    struct core_version versions[SIDES];
};

static void object_deinit(struct object *o)
{
    for (size_t i = 0; i < SIDES; i++)
        core_version_deinit(&o->versions[i]);
}
#define auto_object CLEANUP(object_deinit)

static enum err_kind read_versions(struct again *a, struct object *o, struct err *err)
{
    static const struct core_version unknown = {0};
    const struct core_version_of of = {
        .cache = a->c->cache,
        .served = o->served,
        .ns = o->id->ns,
        .name = o->id->name,
        .cancel = a->cancel,
    };
    enum err_kind r = ERR_OK;
    for (size_t i = 0; i < SIDES && r == ERR_OK; i++)
        r = core_version_at(
            &of, a->trees[i], &a->roots[i], i == 0 ? &unknown : &o->versions[i - 1],
            &o->versions[i], err);
    return r;
}

/* Its version in the tree as it has become is that of the proposal. */
static enum err_kind
is_as_proposed(struct again *a, const struct object *o, bool *ret_is, struct err *err)
{
    autobuf struct buf text = {0};
    char etag[CORE_ETAG_MAX] = "";
    struct err own = {0};
    enum err_kind r = core_read_object(
        o->served, overlay_vfs(a->result), o->id->ns, o->id->name, a->cancel, &text, etag, &own);
    if (r == ERR_CANCELLED) {
        *err = own;
        return r;
    }
    const struct core_version *wanted = &o->versions[HEAD];
    *ret_is = r == ERR_NOT_FOUND ? wanted->state == CORE_VERSION_ABSENT
                                 : r == ERR_OK && strcmp(etag, wanted->etag) == 0;
    return ERR_OK;
}

/* The call, in an overlay of its own: what a controller may write is judged by what this call wrote.
 * `body` is that of a put; {NULL, 0}: delete it. */
static enum err_kind
call_again(struct again *a, const struct object *o, struct str body, struct err *err)
{
    struct core_controller *controller = o->served->controller;
    struct vfs *tree = overlay_vfs(a->result);
    struct overlay *own =
        overlay_new(tree, controller->written_max > 0 ? controller->written_max : WRITTEN_MAX);
    struct vfs_changes changes = {0};
    const struct core_call call = {
        .kind = &o->served->kind,
        .ns = o->id->ns,
        .name = o->id->name,
        .tree = tree,
        .overlay = own,
        .cancel = a->cancel,
    };
    enum err_kind r = body.p == NULL ? controller->ops->remove(controller, &call, err)
                                     : controller->ops->put(controller, &call, body, err);
    if (r == ERR_OK)
        r = overlay_changes(own, &changes, err);
    if (r == ERR_OK)
        r = overlay_take(a->result, &changes, err);
    overlay_free(own);
    return r;
}

static enum err_kind put_again(struct again *a, const struct object *o, struct err *err)
{
    autobuf struct buf body = {0};
    char etag[CORE_ETAG_MAX];
    if (o->versions[HEAD].state == CORE_VERSION_ABSENT)
        return call_again(a, o, str_of(NULL, 0), err);
    enum err_kind r = core_read_object(
        o->served, a->trees[HEAD], o->id->ns, o->id->name, a->cancel, &body, etag, err);
    return r == ERR_OK ? call_again(a, o, buf_view(&body), err) : r;
}

/* What a controller makes of it is a verdict; only what is not about it ends the merge. */
static enum err_kind carry_over(struct again *a, const struct object *o, struct err *err)
{
    struct str field = str_from(o->id->text);
    struct err own = {0};
    bool is_fine = false;
    enum err_kind r = put_again(a, o, &own);
    if (r == ERR_CANCELLED || r == ERR_IO || r == ERR_NO_SPACE) {
        *err = own;
        return r;
    }
    if (r != ERR_OK) {
        conflict(a, field, "it cannot be changed on '%s': %s", a->c->target_branch, own.text);
        return ERR_OK;
    }
    r = is_as_proposed(a, o, &is_fine, err);
    if (r == ERR_OK && !is_fine)
        conflict(a, field, "the same change over '%s' gives another object", a->c->target_branch);
    if (r == ERR_OK && is_fine)
        core_objects_add(&a->put, field);
    return r;
}

static const char *did(const struct core_version *before, const struct core_version *after)
{
    if (after->state == CORE_VERSION_ABSENT)
        return "deleted";
    return before->state == CORE_VERSION_ABSENT ? "created" : "changed";
}

static enum err_kind merge_versions(struct again *a, const struct object *o, struct err *err)
{
    const struct core_version *v = o->versions;
    struct str field = str_from(o->id->text);
    for (size_t i = 0; i < SIDES; i++) {
        if (v[i].state == CORE_VERSION_UNREADABLE) {
            conflict(a, field, "it cannot be read in %s: %s", side_names[i], v[i].why);
            return ERR_OK;
        }
    }
    if (core_version_eq(&v[HEAD], &v[BASE]) || core_version_eq(&v[HEAD], &v[TARGET]))
        return ERR_OK;
    if (core_version_eq(&v[TARGET], &v[BASE]))
        return carry_over(a, o, err);
    conflict(a, field, "it was %s on '%s' as well", did(&v[BASE], &v[TARGET]), a->c->target_branch);
    return ERR_OK;
}

static enum err_kind merge_object(struct again *a, const struct core_object_id *id, struct err *err)
{
    auto_object struct object o = {.id = id};
    o.served = core_registry_find_kind(a->snapshot->registry, id->group, id->version, id->kind);
    if (o.served == NULL) {
        conflict(a, str_from(id->text), "nothing serves its kind any more");
        return ERR_OK;
    }
    enum err_kind r = read_versions(a, &o, err);
    return r == ERR_OK ? merge_versions(a, &o, err) : r;
}

/* Once more when all are put: a later one may have changed what an earlier one wrote. */
static enum err_kind check_object(struct again *a, const struct core_object_id *id, struct err *err)
{
    auto_object struct object o = {.id = id};
    bool is_fine = false;
    o.served = core_registry_find_kind(a->snapshot->registry, id->group, id->version, id->kind);
    enum err_kind r = read_versions(a, &o, err);
    if (r == ERR_OK)
        r = is_as_proposed(a, &o, &is_fine, err);
    if (r == ERR_OK && !is_fine)
        conflict(
            a, str_from(id->text), "the proposal's other objects, put over '%s', change it again",
            a->c->target_branch);
    return r;
}

/* --- paths that were changed by hand ---------------------------------------------------------------- */

static enum err_kind
copy_path(struct again *a, struct str path, const struct core_merge_side *head, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    struct vfs_change change = {
        .kind = head->is_there ? VFS_CHANGE_PUT : VFS_CHANGE_DELETE,
        .path = path,
        .type = head->stat.type,
        .is_executable = head->stat.is_executable,
    };
    struct vfs_changes changes = {&change, 1};
    enum err_kind r = head->is_there ? vfs_read(a->trees[HEAD], path, &data, err) : ERR_OK;
    change.bytes = data.bytes;
    return r == ERR_OK ? overlay_take(a->result, &changes, err) : r;
}

static enum err_kind merge_path(struct again *a, struct str path, struct err *err)
{
    struct core_merge_side sides[SIDES];
    struct err own = {0};
    enum err_kind r = core_merge_look(a->trees, SIDES, path, sides, err);
    if (r != ERR_OK || core_merge_side_eq(&sides[HEAD], &sides[BASE]) ||
        core_merge_side_eq(&sides[HEAD], &sides[TARGET]))
        return r;
    if (core_merge_side_eq(&sides[TARGET], &sides[BASE]) &&
        copy_path(a, path, &sides[HEAD], &own) == ERR_OK)
        return ERR_OK;
    conflict(
        a, path, "it was changed by hand, and on '%s' as well%s%s", a->c->target_branch,
        own.kind == ERR_OK ? "" : ": ", own.text);
    return ERR_OK;
}

struct by_hand {
    struct again *a;
    enum err_kind result;
    struct err *err;
};

static enum err_kind merge_path_of(void *data, struct str path, struct err *err)
{
    return merge_path(data, path, err);
}

static enum err_kind
merge_changed(struct again *a, const struct repo_commit_info *info, struct err *err)
{
    struct repo_paths paths = {0};
    enum err_kind r = repo_changed_paths(a->c->repo, &info->parent, &info->id, &paths, err);
    for (size_t i = 0; i < paths.count && r == ERR_OK; i++)
        r = merge_path(a, str_from(paths.items[i].path), err);
    repo_paths_deinit(&paths);
    return r;
}

static bool see_commit(const struct repo_commit_info *info, void *data)
{
    struct by_hand *w = data;
    bool is_ours = repo_trailer(info->message, CORE_OBJECT_TRAILER).p != NULL;
    if (is_ours || info->parent_count == 0)
        return true;
    w->result = info->parent_count == 1
        ? merge_changed(w->a, info, w->err)
        : core_merge_hand(w->a->c->repo, info, merge_path_of, w->a, w->err);
    return w->result == ERR_OK;
}

/* Commits of the branch that no change through the API made; of those that merged, what they did beside. */
static enum err_kind merge_paths(struct again *a, struct err *err)
{
    struct by_hand w = {.a = a, .err = err};
    enum err_kind r =
        repo_log(a->c->repo, &a->commits[HEAD], &a->fork, CORE_OBJECTS_MAX, see_commit, &w, err);
    return r == ERR_OK ? w.result : r;
}

/* --- all of it -------------------------------------------------------------------------------------- */

static enum err_kind open_trees(struct again *a, struct err *err)
{
    struct repo *repo = a->c->repo;
    enum err_kind r =
        repo_merge_base(repo, &a->commits[TARGET], &a->commits[HEAD], &a->commits[BASE], err);
    if (r == ERR_OK)
        r = repo_fork_point(repo, &a->commits[TARGET], &a->commits[HEAD], &a->fork, err);
    for (size_t i = 0; i < SIDES && r == ERR_OK; i++)
        r = repo_tree(repo, &a->commits[i], &a->trees[i], &a->roots[i], err);
    if (r == ERR_OK)
        r = core_objects_of(repo, &a->fork, &a->commits[HEAD], &a->objects, err);
    return r;
}

static enum err_kind merge_objects(struct again *a, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < a->objects.count; i++)
        r = merge_object(a, &a->objects.items[i], err);
    /* a single one has nothing behind it */
    for (size_t i = 0; r == ERR_OK && a->put.count > 1 && i < a->put.count; i++)
        r = check_object(a, &a->put.items[i], err);
    return r;
}

static enum err_kind merge_all(struct again *a, struct err *err)
{
    enum err_kind r = open_trees(a, err);
    if (r != ERR_OK)
        return r;
    a->result = overlay_new(a->trees[TARGET], WRITTEN_MAX);
    if (a->objects.is_cut) {
        conflict(a, STR(""), "it has more than %d objects or commits", CORE_OBJECTS_MAX);
        return ERR_OK;
    }
    r = merge_paths(a, err);
    return r == ERR_OK ? merge_objects(a, err) : r;
}

/* Text first. ret_way CLEAN: nothing else was looked at. */
static enum err_kind try_all(struct again *a, enum core_merge_way *ret_way, struct err *err)
{
    auto_conflicts struct repo_conflicts texts = {0};
    enum err_kind r =
        repo_merge_trial(a->c->repo, &a->commits[TARGET], &a->commits[HEAD], &texts, err);
    *ret_way = CORE_MERGE_CLEAN;
    if (r == ERR_CONFLICT) {
        conflict(a, STR(""), "%s", err->text);
        *ret_way = CORE_MERGE_CONFLICT;
        return ERR_OK;
    }
    if (r == ERR_OK && texts.count > 0) {
        r = merge_all(a, err);
        *ret_way = a->conflict_count > 0 ? CORE_MERGE_CONFLICT : CORE_MERGE_AGAIN;
    }
    if (a->conflict_count > 0)
        buf_char(&a->causes, ']');
    return r;
}

enum err_kind core_merge_judge(
    struct core *c,
    const struct repo_id *target,
    const struct repo_id *head,
    const atomic_bool *cancel,
    struct core_merge_verdict *ret,
    struct err *err)
{
    auto_again struct again a = {.c = c, .cancel = cancel, .snapshot = core_current(c)};
    a.commits[TARGET] = *target;
    a.commits[HEAD] = *head;
    *ret = (struct core_merge_verdict){0};
    enum err_kind r = try_all(&a, &ret->way, err);
    ret->conflict_count = a.conflict_count;
    snprintf(ret->causes, sizeof(ret->causes), STR_FMT, STR_ARG(buf_view(&a.causes)));
    return r;
}

static char *message_of(const struct again *a, const char *id)
{
    autobuf struct buf b = {0};
    buf_printf(
        &b, "Merge '%s' into proposal %s\n\nIts objects were put again over what it is now.\n\n",
        a->c->target_branch, id);
    for (size_t i = 0; i < a->put.count; i++)
        buf_printf(&b, CORE_OBJECT_TRAILER ": %s\n", a->put.items[i].text);
    return buf_steal(&b);
}

static enum err_kind commit(
    struct again *a,
    const char *id,
    const struct repo_person *author,
    struct repo_id *ret,
    struct err *err)
{
    const struct repo_id parents[] = {a->commits[HEAD], a->commits[TARGET]};
    autofree char *message = message_of(a, id);
    struct repo_commit_spec spec = {
        .parents = parents,
        .parent_count = ARRAY_LEN(parents),
        .base = 1,
        .author = *author,
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = clock_unix_ms() / 1000,
        .message = message,
    };
    struct vfs_changes changes = {0};
    bool is_same;
    enum err_kind r = overlay_changes(a->result, &changes, err);
    return r == ERR_OK ? repo_commit(a->c->repo, &spec, &changes, ret, &is_same, err) : r;
}

static enum err_kind refuse(const struct again *a, const char *id, struct err *err)
{
    err_set(
        err, ERR_CONFLICT,
        "proposal '%s' cannot be merged: what it changes was changed on '%s' too; close it and "
        "make "
        "the change again over what is there now",
        id, a->c->target_branch);
    if (err != NULL)
        snprintf(err->causes, sizeof(err->causes), STR_FMT, STR_ARG(buf_view(&a->causes)));
    return ERR_CONFLICT;
}

enum err_kind core_merge_again(
    struct core *c,
    const char *id,
    const struct repo_person *author,
    bool *ret_is_done,
    struct err *err)
{
    auto_again struct again a = {.c = c, .snapshot = core_current(c)};
    autofree char *ref = mem_printf("refs/heads/" SCM_BRANCH_PREFIX "%s", id);
    enum core_merge_way way = CORE_MERGE_CLEAN;
    struct repo_ref_update move = {.name = ref};
    enum err_kind r = repo_ref_read(c->repo, ref, &a.commits[HEAD], err);
    if (r == ERR_OK)
        r = repo_ref_read(c->repo, c->target_ref, &a.commits[TARGET], err);
    if (r == ERR_OK)
        r = try_all(&a, &way, err);
    *ret_is_done = r == ERR_OK && way == CORE_MERGE_AGAIN;
    if (r == ERR_OK && way == CORE_MERGE_CONFLICT)
        return refuse(&a, id, err);
    if (r != ERR_OK || way != CORE_MERGE_AGAIN)
        return r;
    move.old_commit = a.commits[HEAD];
    r = commit(&a, id, author, &move.new_commit, err);
    return r == ERR_OK ? repo_ref_update(c->repo, &move, 1, err) : r;
}
