/*
 * What is going on with one object: its open proposals and what each makes of it, its last change, the
 * controller that it comes through. For GET …/{name}/status.
 */
#include "base/mem.h"
#include "core/proposal_json.h"
#include "core/version.h"
#include "json/json.h"

#define PROPOSALS_MAX 100

struct status {
    struct core *c;
    struct core_snapshot *snapshot;
    const struct core_target *target;
    struct core_version_of of;
    struct core_version now; /* on the target branch */
    struct core_objects self;
    struct buf *to;
    size_t proposals;
};

static void status_deinit(struct status *s)
{
    core_version_deinit(&s->now);
    core_objects_deinit(&s->self);
    core_snapshot_unref(s->snapshot);
}
#define auto_status CLEANUP(status_deinit)

static const struct core_version unknown = {0};

static void etag_member(struct buf *to, const struct core_version *v)
{
    json_text_add_member(to, "etag", v->etag[0] == '\0' ? NULL : v->etag);
    if (v->why != NULL)
        json_text_add_member(to, "error", v->why);
}

/* --- proposals -------------------------------------------------------------------------------------- */

static const char *change_of(const struct core_version *now, const struct core_version *then)
{
    if (core_version_eq(now, then))
        return "none";
    if (then->state == CORE_VERSION_UNREADABLE)
        return "broken";
    if (then->state == CORE_VERSION_ABSENT)
        return "deleted";
    return now->state == CORE_VERSION_ABSENT ? "created" : "changed";
}

static enum err_kind version_in(
    struct status *s, const struct repo_id *commit, struct core_version *ret, struct err *err)
{
    auto_vfs struct vfs *tree = NULL;
    struct repo_id root;
    enum err_kind r = repo_tree(s->c->repo, commit, &tree, &root, err);
    return r == ERR_OK ? core_version_at(&s->of, tree, &root, &s->now, ret, err) : r;
}

static enum err_kind
write_proposal(struct status *s, const struct core_proposal *p, struct err *err)
{
    struct core_version then = {0};
    const char *state = "";
    enum err_kind r = version_in(s, &p->head, &then, err);
    if (r == ERR_OK)
        r = core_proposal_state(s->c, p, s->of.cancel, &state, err);
    if (r == ERR_OK) {
        buf_printf(s->to, "%s{\"id\":\"%s\"", s->proposals++ > 0 ? "," : "", p->scm.id);
        json_text_add_member(s->to, "state", state);
        json_text_add_member(s->to, "source", s->c->scm->driver->source);
        json_text_add_member(s->to, "url", p->scm.url);
        json_text_add_member(s->to, "title", p->scm.title);
        json_text_add_member(s->to, "author", p->scm.author);
        json_text_add_member(s->to, "change", change_of(&s->now, &then));
        etag_member(s->to, &then);
        buf_char(s->to, '}');
    }
    core_version_deinit(&then);
    return r;
}

static enum err_kind consider(struct status *s, struct scm_proposal *take, struct err *err)
{
    auto_proposal struct core_proposal p = {0};
    enum err_kind r = core_proposal_look(s->c, take, &p, err);
    if (r != ERR_OK || !p.is_here || !core_objects_has_any(&p.objects, &s->self))
        return r;
    return write_proposal(s, &p, err);
}

static enum err_kind write_proposals(struct status *s, struct err *err)
{
    struct scm_proposals open = {0};
    enum err_kind r = ERR_OK;
    buf_text(s->to, ",\"proposals\":[");
    if (s->c->scm != NULL)
        r = s->c->scm->driver->list(s->c->scm, false, &open, err);
    for (size_t i = 0; r == ERR_OK && i < open.count && s->proposals < PROPOSALS_MAX; i++)
        r = consider(s, &open.items[i], err);
    buf_char(s->to, ']');
    scm_proposals_deinit(&open);
    return r;
}

/* --- the rest --------------------------------------------------------------------------------------- */

/* The first entry of its history; null where a second of looking found none. */
static enum err_kind write_last_change(struct status *s, struct err *err)
{
    const struct core_read_options options = {.cancel = s->of.cancel};
    const struct core_page page = {.limit = 1};
    autobuf struct buf history = {0};
    struct str items = STR("");
    enum err_kind r = ERR_OK;
    if (s->c->is_git)
        r = core_history(s->c, s->target, &options, &page, &history, err);
    if (r == ERR_OK && history.n > 0)
        items = json_text_member(buf_view(&history), STR("items"), false);
    buf_text(s->to, ",\"lastChange\":");
    buf_str(s->to, items.n > 2 ? str_of(items.p + 1, items.n - 2) : STR("null"));
    return r;
}

static void write_controller(struct status *s)
{
    const struct core_controller *c = s->of.served->controller;
    buf_text(s->to, ",\"controller\":{\"name\":");
    json_text_string(s->to, str_from(c->name));
    json_text_add_member(s->to, "type", c->type);
    json_text_add_member(s->to, "image", c->image_reference);
    json_text_add_member(s->to, "digest", c->module_digest);
    buf_char(s->to, '}');
}

static void write_object(struct status *s)
{
    const struct core_kind *k = &s->of.served->kind;
    autofree char *api_version = mem_printf("%s/%s", k->group, k->version);
    char hex[REPO_ID_HEX + 1];
    repo_id_hex(&s->snapshot->commit, hex);
    buf_text(s->to, "{\"apiVersion\":");
    json_text_string(s->to, str_from(api_version));
    json_text_add_member(s->to, "kind", k->kind);
    buf_text(s->to, ",\"namespace\":");
    json_text_string(s->to, s->target->ns);
    buf_text(s->to, ",\"name\":");
    json_text_string(s->to, s->target->name);
    buf_printf(s->to, ",\"exists\":%s", s->now.state == CORE_VERSION_ABSENT ? "false" : "true");
    etag_member(s->to, &s->now);
    json_text_add_member(s->to, "revision", s->snapshot->has_commit ? hex : NULL);
}

static enum err_kind prepare(struct status *s, struct err *err)
{
    enum err_kind r = core_find_served(s->snapshot, s->target, &s->of.served, err);
    if (r != ERR_OK)
        return r;
    const struct core_kind *k = &s->of.served->kind;
    autofree char *text =
        core_object_text(k->group, k->version, k->kind, s->target->ns, s->target->name);
    core_objects_add(&s->self, str_from(text));
    return core_version_at(
        &s->of, s->snapshot->tree, s->snapshot->has_commit ? &s->snapshot->root : NULL, &unknown,
        &s->now, err);
}

enum err_kind core_object_status(
    struct core *c,
    const struct core_target *t,
    const atomic_bool *cancel,
    struct buf *ret,
    struct err *err)
{
    auto_status struct status s = {
        .c = c,
        .snapshot = core_current(c),
        .target = t,
        .of = {.cache = c->cache, .ns = t->ns, .name = t->name, .cancel = cancel},
        .to = ret,
    };
    enum err_kind r = core_need_tree(c, s.snapshot, err);
    if (r == ERR_OK)
        r = prepare(&s, err);
    if (r != ERR_OK)
        return r;
    write_object(&s);
    r = write_proposals(&s, err);
    if (r == ERR_OK && s.proposals == 0 && s.now.state == CORE_VERSION_ABSENT)
        return err_set(
            err, ERR_NOT_FOUND,
            "no %s '" STR_FMT "' in namespace '" STR_FMT "', nor a proposal of it",
            s.of.served->kind.singular, STR_ARG(t->name), STR_ARG(t->ns));
    if (r == ERR_OK)
        r = write_last_change(&s, err);
    write_controller(&s);
    buf_text(ret, "}\n");
    return r == ERR_OK ? buf_check(ret, "status", err) : r;
}
