/* put and delete of objects: names, schema, and what goes on to the source. */
#include "base/mem.h"
#include "core/internal.h"
#include "core/names.h"
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

static enum err_kind carry_out(
    struct core *c,
    struct core_snapshot *s,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err)
{
    if (!c->is_git)
        return core_change_local(c, s, change, ret, err);
    enum err_kind r = core_need_source(c, change->options->cancel, err);
    return r == ERR_OK ? core_change_git(c, change, ret, err) : r;
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
    autobuf struct buf canonical = {0};
    enum err_kind r = core_find_served(s, t, &served, err);
    if (r == ERR_OK)
        r = core_resource_parse(body, JSON_STRICT, &resource, err);
    if (r == ERR_OK)
        r = core_object_body(served, t->ns, t->name, &resource, &canonical, err);
    if (r == ERR_OK) {
        struct core_write_options options = *o;
        if (options.if_version.n == 0)
            options.if_version = resource.resource_version;
        autofree char *title = mem_printf(
            "feat: update %s/%s/%s " STR_FMT "/" STR_FMT, served->kind.group, served->kind.version,
            served->kind.kind, STR_ARG(t->ns), STR_ARG(t->name));
        struct core_change change = {
            .served = served,
            .ns = t->ns,
            .name = t->name,
            .body = buf_view(&canonical),
            .title = title,
            .options = &options,
        };
        r = carry_out(c, s, &change, ret, err);
    }
    core_resource_deinit(&resource);
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
    const struct core_served *served;
    enum err_kind r = core_find_served(s, t, &served, err);
    if (r != ERR_OK)
        return r;
    autofree char *title = mem_printf(
        "feat: delete %s/%s/%s " STR_FMT "/" STR_FMT, served->kind.group, served->kind.version,
        served->kind.plural, STR_ARG(t->ns), STR_ARG(t->name));
    struct core_change change = {
        .served = served,
        .ns = t->ns,
        .name = t->name,
        .is_delete = true,
        .title = title,
        .options = o,
    };
    return carry_out(c, s, &change, ret, err);
}

void core_result_deinit(struct core_result *r)
{
    buf_deinit(&r->body);
}
