/* A branch becomes a proposal: what it says comes from its commits, whoever pushed them. */
#include "base/mem.h"
#include "core/change_git.h"
#include "core/sync.h"

static const int64_t LOOK_EVERY_MS = 10 * 60 * 1000;

/* The first commit of the branch has the title; each has its own in the body. */
struct texts {
    char *title;
    struct buf body;
    struct core_objects objects;
};

static void texts_deinit(struct texts *t)
{
    free(t->title);
    buf_deinit(&t->body);
    core_objects_deinit(&t->objects);
}
#define auto_texts CLEANUP(texts_deinit)

static bool see_commit(const struct repo_commit_info *info, void *data)
{
    struct texts *t = data;
    struct str rest = str_from(info->message);
    free(t->title);
    t->title = mem_strdup_str(str_trim(str_cut(&rest, '\n')));
    core_objects_add_message(&t->objects, info->message);
    return true;
}

static enum err_kind
read_texts(struct core *c, const struct repo_id *head, struct texts *t, struct err *err)
{
    struct repo_id target;
    struct repo_id base = {{0}};
    enum err_kind r = repo_ref_read(c->repo, c->target_ref, &target, err);
    if (r == ERR_OK)
        r = repo_fork_point(c->repo, &target, head, &base, err);
    if (r == ERR_OK || r == ERR_NOT_FOUND)
        r = repo_log(c->repo, head, &base, CORE_OBJECTS_MAX, see_commit, t, err);
    if (r == ERR_OK && t->title == NULL)
        t->title = mem_strdup("nothing to change");
    for (size_t i = 0; i < t->objects.count; i++)
        buf_printf(&t->body, "- `%s`\n", t->objects.items[i].text);
    return r;
}

enum err_kind core_propose(struct core *c, const char *id, char **ret_url, struct err *err)
{
    auto_texts struct texts t = {0};
    autofree char *ref = mem_printf(CORE_BRANCH_REF_PREFIX "%s", id);
    char hex[REPO_ID_HEX + 1];
    struct repo_id head;
    enum err_kind r = repo_ref_read(c->repo, ref, &head, err);
    if (r == ERR_OK)
        r = read_texts(c, &head, &t, err);
    if (r != ERR_OK)
        return r;
    repo_id_hex(&head, hex);
    struct scm_new proposal = {
        .id = id, .head = hex, .title = t.title, .body = buf_view(&t.body).p};
    return c->scm->driver->create(c->scm, &proposal, ret_url, err);
}

/* --- what was left ------------------------------------------------------------------------------------- */

static bool is_listed(const struct scm_proposals *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].id, id) == 0)
            return true;
    return false;
}

/* One that was ended at the forge keeps its branch: that is the forge's business. */
static enum err_kind finish_one(struct core *c, const char *id, struct err *err)
{
    enum scm_state state = 0;
    autofree char *url = NULL;
    enum err_kind r = c->scm->driver->state(c->scm, id, &state, err);
    if (r != ERR_OK || state != 0)
        return r;
    r = core_propose(c, id, &url, err);
    if (r == ERR_OK && c->note != NULL)
        c->note(
            c->note_data, LOG_INFO, "opened the proposal of a branch that had none", str_from(url));
    return r;
}

/* Would the next one fail in the same way? */
static bool is_hopeless(enum err_kind kind)
{
    return kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT || kind == ERR_UNAUTHENTICATED ||
        kind == ERR_DENIED;
}

static enum err_kind finish_all(
    struct core *c,
    const struct repo_refs *refs,
    const struct scm_proposals *open,
    const atomic_bool *cancel,
    struct err *err)
{
    enum err_kind result = ERR_OK;
    for (size_t i = 0; i < refs->count && !is_hopeless(result) && !atomic_load(cancel); i++) {
        const char *id = refs->items[i].name + strlen(CORE_BRANCH_REF_PREFIX);
        struct err own;
        if (!id_is_valid(str_from(id)) || is_listed(open, id) || finish_one(c, id, &own) == ERR_OK)
            continue;
        err_wrap(&own, "branch '" SCM_BRANCH_PREFIX "%s' has no proposal", id);
        result = own.kind;
        *err = own;
    }
    return result;
}

static enum err_kind look(void *data, const atomic_bool *cancel, struct err *err)
{
    struct core *c = data;
    struct repo_refs refs = {0};
    struct scm_proposals open = {0};
    enum err_kind r = repo_ref_list(c->repo, CORE_BRANCH_REF_PREFIX, &refs, err);
    if (r == ERR_OK && refs.count > 0)
        r = c->scm->driver->list(c->scm, false, &open, err);
    if (r == ERR_OK)
        r = finish_all(c, &refs, &open, cancel, err);
    repo_refs_deinit(&refs);
    scm_proposals_deinit(&open);
    return r;
}

static void note_state(void *data, const struct err *err)
{
    struct core *c = data;
    if (c->note != NULL && err != NULL)
        c->note(
            c->note_data, LOG_WARN, "a proposal cannot be opened; it is tried again",
            str_from(err->text));
}

enum err_kind core_propose_start(struct core *c, struct err *err)
{
    struct core_sync_options options = {
        .poll_ms = LOOK_EVERY_MS, .look = look, .note = note_state, .data = c};
    if (strcmp(c->scm->driver->name, "plain") == 0)
        return ERR_OK;
    c->finisher = core_sync_new(&options);
    return core_sync_start(c->finisher, err);
}

void core_propose_stop(struct core *c)
{
    c->finisher = core_sync_free(c->finisher);
}

void core_propose_wake(struct core *c)
{
    if (c->finisher != NULL)
        core_sync_wake(c->finisher);
}
