/*
 * From a put or delete to the source: overlay, changes, then a commit on a proposal's branch. How they
 * become files of a local directory: change_local.c.
 */
#include "base/clock.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "core/internal.h"
#include "json/json.h"

#include <stdio.h>

static const uint64_t WRITTEN_MAX_DEFAULT = (uint64_t)64 << 20;
static const int TRIES = 5;

#define BRANCH_REF_PREFIX "refs/heads/" SCM_BRANCH_PREFIX

struct overlay *core_change_overlay(const struct core_change *change, struct vfs *tree)
{
    uint64_t max = change->served->controller->written_max;
    return overlay_new(tree, max > 0 ? max : WRITTEN_MAX_DEFAULT);
}

enum err_kind core_change_apply(
    const struct core_change *change, struct overlay *overlay, struct vfs *tree, struct err *err)
{
    struct core_controller *controller = change->served->controller;
    struct core_call call = {
        .kind = &change->served->kind,
        .ns = change->ns,
        .name = change->name,
        .tree = tree,
        .overlay = overlay,
        .cancel = change->options->cancel,
    };
    if (change->options->if_version.n > 0) {
        autobuf struct buf now = {0};
        char etag[CORE_ETAG_MAX];
        enum err_kind r = core_read_object(
            change->served, tree, change->ns, change->name, change->options->cancel, &now, etag,
            err);
        if (r == ERR_NOT_FOUND || (r == ERR_OK && !str_eqz(change->options->if_version, etag)))
            return err_set(
                err, ERR_CONFLICT, "%s '" STR_FMT "' was changed by somebody else: get it again",
                call.kind->singular, STR_ARG(change->name));
        if (r != ERR_OK)
            return r;
    }
    if (change->is_delete)
        return controller->ops->remove(controller, &call, err);
    return controller->ops->put(controller, &call, change->body, err);
}

void core_change_result(
    struct core_result *ret, const char *id, const char *source, const char *url)
{
    buf_printf(&ret->body, "{\"id\":\"%s\",\"empty\":false,\"proposal\":", id);
    if (url == NULL) {
        buf_text(&ret->body, "null}\n");
        return;
    }
    buf_printf(&ret->body, "{\"source\":\"%s\",\"url\":", source);
    json_text_string(&ret->body, str_from(url));
    buf_text(&ret->body, "}}\n");
}

/* --- git ------------------------------------------------------------------------------------------ */

/* What one attempt works on. */
struct attempt {
    struct core *c;
    const struct core_change *change;
    char object[1024];            /* "group/version/kind ns/name" */
    char request[SHA256_HEX + 1]; /* hash of the Idempotency-Key; empty without one */
    char id[ID_CHARS + 1];        /* of the proposal */
    bool is_open;                 /* the proposal is there already */
    struct repo_id target;
    struct repo_id base; /* commit that the change is computed over */
};

static char *branch_ref(const char *id)
{
    return mem_printf(BRANCH_REF_PREFIX "%s", id);
}

static void describe_object(struct attempt *a)
{
    const struct core_kind *k = &a->change->served->kind;
    snprintf(
        a->object, sizeof(a->object), "%s/%s/%s " STR_FMT "/" STR_FMT, k->group, k->version,
        k->kind, STR_ARG(a->change->ns), STR_ARG(a->change->name));
}

/* The first 128 bits of SHA-256 over what makes a request the same. */
static void id_from_key(struct attempt *a)
{
    const struct core_kind *k = &a->change->served->kind;
    struct str key = a->change->options->idempotency_key;
    autofree char *text = mem_printf(
        "%s\n%s\n%s/%s/" STR_FMT "/" STR_FMT "\n" STR_FMT, a->c->target_branch,
        a->change->is_delete ? "DELETE" : "PUT", k->group, k->kind, STR_ARG(a->change->ns),
        STR_ARG(a->change->name), STR_ARG(key));
    uint8_t digest[SHA256_BYTES];
    sha256_of(str_from(text), digest);
    id_from_bits(digest, a->id);
    sha256_hex_of(key, a->request);
}

/* Is this commit ours for the object? Then its branch is the object's open proposal. */
static enum err_kind
is_for_object(struct attempt *a, const struct repo_id *commit, bool *ret_is, struct err *err)
{
    struct repo_commit_info info = {0};
    enum err_kind r = repo_commit_info(a->c->repo, commit, &info, err);
    if (r == ERR_OK)
        *ret_is = str_eqz(repo_trailer(info.message, "Cup-Object"), a->object);
    repo_commit_info_deinit(&info);
    return r;
}

static enum err_kind
is_merged(struct attempt *a, const struct repo_id *commit, bool *ret_is, struct err *err)
{
    struct repo_id common;
    enum err_kind r = repo_merge_base(a->c->repo, &a->target, commit, &common, err);
    *ret_is = r == ERR_OK && repo_id_eq(&common, commit);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static enum err_kind consider(struct attempt *a, const struct repo_ref *ref, struct err *err)
{
    const char *id = ref->name + strlen(BRANCH_REF_PREFIX);
    bool is_ours = false;
    bool merged = false;
    if (!id_is_valid(str_from(id)))
        return ERR_OK;
    enum err_kind r = is_for_object(a, &ref->commit, &is_ours, err);
    if (r == ERR_OK && is_ours)
        r = is_merged(a, &ref->commit, &merged, err);
    if (r != ERR_OK || !is_ours || merged)
        return r;
    snprintf(a->id, sizeof(a->id), "%s", id);
    a->base = ref->commit;
    a->is_open = true;
    return ERR_OK;
}

/* The newest open proposal of the object: ids sort by time. */
static enum err_kind find_open(struct attempt *a, struct err *err)
{
    struct repo_refs refs = {0};
    enum err_kind r = repo_ref_list(a->c->repo, BRANCH_REF_PREFIX, &refs, err);
    for (size_t i = refs.count; r == ERR_OK && !a->is_open && i-- > 0;)
        r = consider(a, &refs.items[i], err);
    repo_refs_deinit(&refs);
    return r;
}

static enum err_kind prepare(struct attempt *a, struct err *err)
{
    enum err_kind r = repo_ref_read(a->c->repo, a->c->target_ref, &a->target, err);
    if (r == ERR_NOT_FOUND) /* gone since the last look; not what the client asked for */
        r = err_as(err, ERR_UNAVAILABLE);
    if (r != ERR_OK)
        return err_wrap(err, "target branch '%s'", a->c->target_branch);
    a->base = a->target;
    a->is_open = false;
    if (!a->change->options->new_proposal)
        r = find_open(a, err);
    if (r != ERR_OK || a->is_open)
        return r;
    if (a->request[0] != '\0')
        id_from_key(a);
    else
        id_new(a->id);
    return ERR_OK;
}

static enum err_kind answer(struct attempt *a, struct core_result *ret, struct err *err)
{
    char head[REPO_ID_HEX + 1];
    autofree char *ref = branch_ref(a->id);
    autofree char *url = NULL;
    struct repo_id commit;
    enum err_kind r = repo_ref_read(a->c->repo, ref, &commit, err);
    if (r == ERR_OK) {
        repo_id_hex(&commit, head);
        struct scm_new proposal = {
            .id = a->id,
            .head = head,
            .title = a->change->title,
            .body = a->change->title,
        };
        r = a->c->scm->driver->create(a->c->scm, &proposal, &url, err);
    }
    if (r == ERR_OK)
        core_change_result(ret, a->id, a->c->scm->driver->source, url);
    return r;
}

/* Trailers can be forged by nobody: names passed the grammar, the requester is cut to one line. */
static char *commit_message(const struct attempt *a)
{
    const struct core_controller *controller = a->change->served->controller;
    autobuf struct buf b = {0};
    buf_printf(&b, "%s\n\nCup-Object: %s\n", a->change->title, a->object);
    buf_printf(&b, "Cup-Controller: %s", controller->name);
    if (controller->module_digest != NULL)
        buf_printf(&b, "@%s", controller->module_digest);
    buf_char(&b, '\n');
    if (a->request[0] != '\0')
        buf_printf(&b, "Cup-Request: %s\n", a->request);
    struct str requester = a->change->options->requester;
    if (requester.n > 0)
        buf_printf(&b, "Cup-Requester: " STR_FMT "\n", STR_ARG(requester));
    return buf_steal(&b);
}

static enum err_kind commit_changes(
    struct attempt *a,
    const struct vfs_changes *changes,
    struct repo_id *ret_commit,
    bool *ret_is_same,
    struct err *err)
{
    autofree char *message = commit_message(a);
    struct str requester = a->change->options->requester;
    autofree char *author = requester.n > 0 ? mem_strdup_str(requester) : mem_strdup("cup");
    struct repo_commit_spec spec = {
        .parents = &a->base,
        .parent_count = 1,
        .author = {author, "cup@flipt.io"},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = clock_unix_ms() / 1000,
        .message = message,
    };
    return repo_commit(a->c->repo, &spec, changes, ret_commit, ret_is_same, err);
}

/* Does this commit bring the proposal back to where it started? */
static enum err_kind
is_back_at_start(struct attempt *a, const struct repo_id *commit, bool *ret_is, struct err *err)
{
    struct repo_id start;
    struct repo_paths paths = {0};
    enum err_kind r = repo_merge_base(a->c->repo, &a->target, &a->base, &start, err);
    if (r == ERR_OK)
        r = repo_changed_paths(a->c->repo, &start, commit, &paths, err);
    *ret_is = r == ERR_OK && paths.count == 0;
    repo_paths_deinit(&paths);
    return r;
}

static enum err_kind
publish(struct attempt *a, const struct repo_id *commit, struct core_result *ret, struct err *err)
{
    bool is_back = false;
    enum err_kind r = a->is_open ? is_back_at_start(a, commit, &is_back, err) : ERR_OK;
    if (r != ERR_OK)
        return r;
    if (is_back) {
        ret->is_unchanged = true;
        return a->c->scm->driver->close(a->c->scm, a->id, err);
    }
    autofree char *ref = branch_ref(a->id);
    struct repo_ref_update update = {.name = ref, .new_commit = *commit};
    if (a->is_open)
        update.old_commit = a->base;
    r = repo_ref_update(a->c->repo, &update, 1, err);
    return r == ERR_OK ? answer(a, ret, err) : r;
}

/* The branch has what is asked for already: a retry, unless there is no proposal at all. */
static enum err_kind unchanged(struct attempt *a, struct core_result *ret, struct err *err)
{
    if (a->is_open)
        return answer(a, ret, err);
    ret->is_unchanged = true;
    return ERR_OK;
}

/* A delete that finds nothing because the open proposal deleted it already is a retry, too. */
static enum err_kind missing(struct attempt *a, struct core_result *ret, struct err *err)
{
    if (!a->is_open || !a->change->is_delete)
        return ERR_NOT_FOUND;
    struct repo_commit_info info = {0};
    struct err ignored;
    bool is_same = repo_commit_info(a->c->repo, &a->base, &info, &ignored) == ERR_OK &&
        str_starts(str_from(info.message), str_from(a->change->title));
    repo_commit_info_deinit(&info);
    return is_same ? answer(a, ret, err) : ERR_NOT_FOUND;
}

static enum err_kind
change_over_tree(struct attempt *a, struct vfs *tree, struct core_result *ret, struct err *err)
{
    struct overlay *overlay = core_change_overlay(a->change, tree);
    struct vfs_changes changes = {0};
    struct repo_id commit;
    bool is_same = false;
    enum err_kind r = core_change_apply(a->change, overlay, tree, err);
    if (r == ERR_NOT_FOUND)
        r = missing(a, ret, err);
    else if (r == ERR_OK) {
        r = overlay_changes(overlay, &changes, err);
        if (r == ERR_OK && changes.count == 0)
            r = unchanged(a, ret, err);
        else if (r == ERR_OK && a->change->options->is_dry_run)
            core_change_result(ret, CORE_NO_PROPOSAL, NULL, NULL);
        else if (r == ERR_OK) {
            r = commit_changes(a, &changes, &commit, &is_same, err);
            if (r == ERR_OK)
                r = is_same ? unchanged(a, ret, err) : publish(a, &commit, ret, err);
        }
    }
    overlay_free(overlay);
    return r;
}

/* The request with this key was carried out before: its branch, or its closed or merged proposal. */
static enum err_kind
find_retry(struct attempt *a, bool *ret_done, struct core_result *ret, struct err *err)
{
    *ret_done = false;
    id_from_key(a);
    struct scm_proposal p = {0};
    enum err_kind r = a->c->scm->driver->show(a->c->scm, a->id, &p, err);
    if (r == ERR_OK) {
        *ret_done = true;
        core_change_result(ret, a->id, a->c->scm->driver->source, p.url);
    }
    scm_proposal_deinit(&p);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static enum err_kind attempt_once(struct attempt *a, struct core_result *ret, struct err *err)
{
    auto_vfs struct vfs *tree = NULL;
    struct repo_id root;
    enum err_kind r = prepare(a, err);
    if (r == ERR_OK)
        r = repo_tree(a->c->repo, &a->base, &tree, &root, err);
    return r == ERR_OK ? change_over_tree(a, tree, ret, err) : r;
}

enum err_kind core_change_git(
    struct core *c, const struct core_change *change, struct core_result *ret, struct err *err)
{
    struct attempt a = {.c = c, .change = change};
    describe_object(&a);
    if (change->options->idempotency_key.n > 0) {
        bool is_done = false;
        enum err_kind r = find_retry(&a, &is_done, ret, err);
        if (r != ERR_OK || is_done)
            return r;
    }
    enum err_kind r = ERR_OK;
    for (int i = 0; i < TRIES; i++) {
        r = attempt_once(&a, ret, err);
        bool is_race = r == ERR_CONFLICT && change->options->if_version.n == 0;
        if (!is_race && r != ERR_EXISTS)
            return r;
    }
    return r;
}
