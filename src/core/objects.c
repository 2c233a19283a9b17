/* put and delete of objects: names, schema, and what goes on to the source. */
#include "base/mem.h"
#include "core/change.h"
#include "core/follow.h"
#include "core/object.h"

#include <stdio.h>

/* docs/compatibility.md: what contradicts the URL is refused, what is absent filled in. */
static enum err_kind
fill_or_compare(const char *field, struct str *member, struct str wanted, struct err *err)
{
    if (member->n == 0) {
        *member = wanted;
        return ERR_OK;
    }
    if (str_eq(*member, wanted))
        return ERR_OK;
    err_set(
        err, ERR_INVALID, "%s of the body is '" STR_FMT "', the URL says '" STR_FMT "'", field,
        STR_ARG(str_take(*member, 128)), STR_ARG(wanted));
    snprintf(
        err->causes, sizeof(err->causes),
        "[{\"field\":\"%s\",\"message\":\"differs from the URL\"}]", field);
    return ERR_INVALID;
}

static enum err_kind match_url(
    struct core_resource *r,
    const struct core_served *served,
    struct str api_version,
    struct str ns,
    struct str name,
    struct err *err)
{
    enum err_kind k = ERR_OK;
    if (api_version.p != NULL)
        k = fill_or_compare("apiVersion", &r->api_version, api_version, err);
    if (k == ERR_OK)
        k = fill_or_compare("kind", &r->kind, str_from(served->kind.kind), err);
    if (k == ERR_OK)
        k = fill_or_compare("metadata.namespace", &r->ns, ns, err);
    if (k == ERR_OK)
        k = fill_or_compare("metadata.name", &r->name, name, err);
    return k;
}

/* The schema sees the whole body as it was sent (as upstream), members that are not stored as well. */
enum err_kind core_object_body(
    const struct core_served *served,
    struct str ns,
    struct str name,
    struct core_resource *r,
    struct buf *ret_body,
    struct err *err)
{
    autofree char *api_version = core_api_version(&served->kind);
    enum err_kind k = match_url(r, served, str_from(api_version), ns, name, err);
    if (k != ERR_OK)
        return k;
    core_resource_write(ret_body, r, 0);
    buf_char(ret_body, '\n');
    k = buf_check(ret_body, "body", err);
    if (k != ERR_OK || served->schema == NULL)
        return k;
    autobuf struct buf sent = {0};
    core_resource_write_sent(&sent, r);
    k = buf_check(&sent, "body", err);
    return k == ERR_OK ? json_schema_validate(served->schema, buf_view(&sent), err) : k;
}

/* --- edits ------------------------------------------------------------------------------------------ */

void core_edit_deinit(struct core_edit *e)
{
    core_resource_deinit(&e->resource);
    buf_deinit(&e->body);
}

enum err_kind core_edit_put(
    const struct core_served *served,
    struct str ns,
    struct str name,
    struct core_resource *take,
    struct core_edit *ret,
    struct err *err)
{
    *ret = (struct core_edit){.served = served, .ns = ns, .name = name, .resource = *take};
    *take = (struct core_resource){0};
    ret->version = ret->resource.resource_version;
    return core_object_body(served, ns, name, &ret->resource, &ret->body, err);
}

/* --- changes ---------------------------------------------------------------------------------------- */

static void note_objects(struct core_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        const struct core_edit *e = &change->edits[i];
        const struct core_kind *k = &e->served->kind;
        autofree char *text = core_object_text(k->group, k->version, k->kind, e->ns, e->name);
        core_objects_add(&change->objects, str_from(text));
    }
}

enum err_kind core_change_run(
    struct core *c,
    struct core_snapshot *s,
    struct core_change *change,
    struct core_result *ret,
    struct err *err)
{
    struct str asked = change->options->message;
    autofree char *message = asked.n > 0 ? mem_strdup_str(asked) : core_change_title(change);
    enum err_kind r = core_change_message_check(str_from(message), err);
    if (r != ERR_OK)
        return r;
    change->message = message;
    note_objects(change);
    if (c->is_git)
        r = core_need_source(c, change->options->cancel, err);
    if (r == ERR_OK)
        r = c->is_git ? core_change_git(c, change, ret, err)
                      : core_change_local(c, s, change, ret, err);
    core_objects_deinit(&change->objects);
    return r;
}

static enum err_kind run_one(
    struct core *c,
    struct core_snapshot *s,
    struct core_edit *edit,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err)
{
    struct core_change change = {.edits = edit, .count = 1, .options = o};
    edit->condition = o->condition;
    return core_change_run(c, s, &change, ret, err);
}

enum err_kind core_put(
    struct core *c,
    const struct core_target *t,
    struct str body,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    const struct core_served *served;
    struct core_resource resource = {0};
    struct core_edit edit = {0};
    enum err_kind r = core_find_served(s, t, &served, err);
    if (r == ERR_OK)
        r = core_resource_parse(body, JSON_STRICT, &resource, err);
    if (r == ERR_OK)
        r = core_edit_put(served, t->ns, t->name, &resource, &edit, err);
    if (r == ERR_OK)
        r = run_one(c, s, &edit, o, ret, err);
    core_edit_deinit(&edit);
    return r;
}

enum err_kind core_delete(
    struct core *c,
    const struct core_target *t,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    struct core_edit edit = {.ns = t->ns, .name = t->name, .is_delete = true};
    enum err_kind r = core_find_served(s, t, &edit.served, err);
    return r == ERR_OK ? run_one(c, s, &edit, o, ret, err) : r;
}

void core_result_deinit(struct core_result *r)
{
    buf_deinit(&r->body);
}
