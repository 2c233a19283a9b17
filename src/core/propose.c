/* A branch becomes a proposal: what it says comes from its commits, whoever pushed them. */
#include "base/mem.h"
#include "core/change_git.h"
#include "core/proposal_text.h"
#include "core/sync.h"

static const int64_t LOOK_EVERY_MS = 10 * 60 * 1000;

/* The first commit of the branch says what it is about; all tell which objects it touches. */
struct texts {
    char *message;
    char *author;
    struct core_objects objects;
};

static void texts_deinit(struct texts *t)
{
    free(t->message);
    free(t->author);
    core_objects_deinit(&t->objects);
}
#define auto_texts CLEANUP(texts_deinit)

static bool see_commit(const struct repo_commit_info *info, void *data)
{
    struct texts *t = data;
    free(t->message);
    free(t->author);
    t->message = mem_strdup(info->message);
    t->author = mem_strdup(info->author_name);
    core_objects_add_message(&t->objects, info->message);
    return true;
}

static enum err_kind read_texts(
    struct core *c,
    const struct repo_id *target,
    const struct repo_id *head,
    struct texts *t,
    struct err *err)
{
    struct repo_id fork = {{0}};
    enum err_kind r = repo_fork_point(c->repo, target, head, &fork, err);
    if (r == ERR_OK || r == ERR_NOT_FOUND)
        r = repo_log(c->repo, head, &fork, CORE_OBJECTS_MAX, see_commit, t, err);
    if (r == ERR_OK && t->message == NULL)
        t->message = mem_strdup("nothing to change");
    return r;
}

/* Is the object there? What cannot be read is something that is there. */
static bool is_there(
    struct core *c,
    const struct core_served *served,
    const struct core_object_id *o,
    const struct repo_id *commit)
{
    auto_vfs struct vfs *tree = NULL;
    autobuf struct buf text = {0};
    char etag[CORE_ETAG_MAX];
    struct repo_id root;
    return repo_tree(c->repo, commit, &tree, &root, NULL) == ERR_OK &&
        core_read_object(served, tree, o->ns, o->name, NULL, &text, etag, NULL) != ERR_NOT_FOUND;
}

/* Asked only where a template looks at it. */
static const char *verb_of(
    struct core *c,
    const struct core_objects *objects,
    const struct repo_id *target,
    const struct repo_id *head)
{
    const struct core_object_id *o = objects->items;
    if (objects->count != 1 || !core_proposal_text_needs_verb(c->proposal_text))
        return "change";
    auto_snapshot struct core_snapshot *s = core_current(c);
    const struct core_served *served =
        core_registry_find_kind(s->registry, o->group, o->version, o->kind);
    if (served == NULL)
        return "change";
    if (!is_there(c, served, o, head))
        return "delete";
    return is_there(c, served, o, target) ? "update" : "create";
}

static enum err_kind
say(struct core *c,
    const char *id,
    const struct repo_id *head,
    struct core_proposal_said *ret,
    struct err *err)
{
    auto_texts struct texts t = {0};
    struct repo_id target;
    enum err_kind r = repo_ref_read(c->repo, c->target_ref, &target, err);
    if (r == ERR_OK)
        r = read_texts(c, &target, head, &t, err);
    if (r != ERR_OK)
        return r;
    const struct core_proposal_facts facts = {
        .id = id,
        .target = c->target_branch,
        .verb = verb_of(c, &t.objects, &target, head),
        .message = t.message,
        .requester = t.author,
        .objects = &t.objects,
    };
    return core_proposal_text_render(c->proposal_text, &facts, ret, err);
}

enum err_kind core_propose(struct core *c, const char *id, char **ret_url, struct err *err)
{
    autofree char *ref = mem_printf(CORE_BRANCH_REF_PREFIX "%s", id);
    auto_said struct core_proposal_said said = {0};
    char hex[REPO_ID_HEX + 1];
    struct repo_id head;
    enum err_kind r = repo_ref_read(c->repo, ref, &head, err);
    if (r == ERR_OK)
        r = say(c, id, &head, &said, err);
    if (r != ERR_OK)
        return r;
    repo_id_hex(&head, hex);
    struct scm_new proposal = {
        .id = id,
        .head = hex,
        .title = said.title,
        .body = said.body,
        .labels = said.labels,
        .is_draft = said.is_draft,
    };
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
