/* get, list, put and delete of objects: names, schema, controller, form and version of what comes out. */
#include "base/mem.h"
#include "base/sha256.h"
#include "core/internal.h"
#include "core/names.h"
#include "core/resource.h"

#include <stdio.h>

static const size_t LIST_MAX = (size_t)256 << 20;

static void write_etag(struct str body, char ret_etag[CORE_ETAG_MAX])
{
    char hex[SHA256_HEX + 1];
    sha256_hex_of(body, hex);
    snprintf(ret_etag, CORE_ETAG_MAX, "%.32s", hex);
}

enum err_kind core_find_served(
    struct core_snapshot *s,
    const struct core_target *t,
    const struct core_served **ret,
    struct err *err)
{
    *ret = core_registry_find(s->registry, t->group, t->version, t->plural);
    if (*ret == NULL)
        return err_set(
            err, ERR_NOT_FOUND, "nothing serves " STR_FMT "/" STR_FMT "/" STR_FMT,
            STR_ARG(str_take(t->group, 128)), STR_ARG(str_take(t->version, 64)),
            STR_ARG(str_take(t->plural, 64)));
    if (t->ns.p != NULL && core_names_check_namespace(t->ns, err) != ERR_OK)
        return err->kind;
    if (t->name.n > 0 || t->name.p != NULL)
        return core_names_check_name(t->name, err);
    return ERR_OK;
}

/* Where a document that a controller found goes: brought into form, and checked. */
struct sink {
    const struct core_served *served;
    struct str ns;   /* asked for; {NULL, 0}: any */
    struct str name; /* asked for; {NULL, 0}: any */
    struct buf *to;
};

static enum err_kind check_result(
    const struct sink *sink, const struct core_resource *r, const char *origin, struct err *err)
{
    const struct core_kind *k = &sink->served->kind;
    autofree char *api_version = mem_printf("%s/%s", k->group, k->version);
    const struct {
        const char *what;
        struct str got;
        struct str want;
    } rows[] = {
        {"apiVersion", r->api_version, str_from(api_version)},
        {"kind", r->kind, str_from(k->kind)},
        {"namespace", r->ns, sink->ns},
        {"name", r->name, sink->name},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].want.p != NULL && !str_eq(rows[i].got, rows[i].want))
            return err_set(
                err, ERR_FAILED,
                "%s printed an object of %s '" STR_FMT "' where '" STR_FMT "' was asked for",
                origin, rows[i].what, STR_ARG(str_take(rows[i].got, 128)), STR_ARG(rows[i].want));
    }
    return ERR_OK;
}

static enum err_kind emit(void *data, struct str document, const char *origin, struct err *err)
{
    struct sink *sink = data;
    struct core_resource r = {0};
    enum err_kind k = core_resource_parse(document, JSON_STORED, &r, err);
    if (k != ERR_OK) {
        err_wrap(err, "%s", origin);
        return err_as(err, ERR_FAILED);
    }
    if (sink->served->controller->checks_results)
        k = check_result(sink, &r, origin, err);
    if (k == ERR_OK) {
        core_resource_write(sink->to, &r, 0);
        buf_char(sink->to, '\n');
        k = buf_check(sink->to, "answer", err);
    }
    core_resource_deinit(&r);
    return k;
}

enum err_kind core_read_object(
    const struct core_served *served,
    struct vfs *tree,
    struct str ns,
    struct str name,
    struct buf *ret,
    char ret_etag[CORE_ETAG_MAX],
    struct err *err)
{
    struct core_controller *controller = served->controller;
    struct core_call call = {.kind = &served->kind, .ns = ns, .name = name, .tree = tree};
    struct sink sink = {.served = served, .ns = ns, .name = name, .to = ret};
    enum err_kind r = controller->ops->get(controller, &call, emit, &sink, err);
    if (r == ERR_OK)
        write_etag(buf_view(ret), ret_etag);
    return r;
}

enum err_kind core_get(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct buf *ret,
    char ret_etag[CORE_ETAG_MAX],
    struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    auto_vfs struct vfs *owned = NULL;
    struct vfs *tree;
    const struct core_served *served;
    enum err_kind r = core_find_served(s, t, &served, err);
    if (r == ERR_OK)
        r = core_tree_for(c, s, o, &tree, &owned, err);
    if (r == ERR_OK)
        r = core_read_object(served, tree, t->ns, t->name, ret, ret_etag, err);
    return r;
}

/* --- lists ---------------------------------------------------------------------------------------- */

struct namespaces {
    char **items;
    size_t count;
    size_t cap;
};

static void namespaces_deinit(struct namespaces *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
}

static enum err_kind
collect_namespace(void *data, struct str document, const char *origin, struct err *err)
{
    struct namespaces *n = data;
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(document, JSON_STORED, &doc, err);
    struct str name = r == ERR_OK ? json_str(doc.root) : str_of(NULL, 0);
    if (name.p == NULL || core_names_check_namespace(name, err) != ERR_OK)
        return err_set(
            err, ERR_FAILED, "%s printed a namespace that is no valid name: " STR_FMT, origin,
            STR_ARG(str_take(document, 80)));
    mem_grow(&n->items, n->count, &n->cap);
    n->items[n->count++] = mem_strdup_str(name);
    return ERR_OK;
}

static enum err_kind list_one(
    const struct core_served *served,
    struct vfs *tree,
    struct str ns,
    struct buf *ret,
    struct err *err)
{
    struct core_controller *controller = served->controller;
    struct core_call call = {.kind = &served->kind, .ns = ns, .tree = tree};
    struct sink sink = {.served = served, .ns = ns, .to = ret};
    return controller->ops->list(controller, &call, emit, &sink, err);
}

static enum err_kind
list_all(const struct core_served *served, struct vfs *tree, struct buf *ret, struct err *err)
{
    struct core_controller *controller = served->controller;
    struct core_call call = {.kind = &served->kind, .tree = tree};
    struct sink sink = {.served = served, .to = ret};
    if (controller->ops->list_all != NULL)
        return controller->ops->list_all(controller, &call, emit, &sink, err);
    struct namespaces all = {0};
    enum err_kind r = ERR_UNSUPPORTED;
    if (controller->ops->namespaces != NULL)
        r = controller->ops->namespaces(controller, &call, collect_namespace, &all, err);
    for (size_t i = 0; r == ERR_OK && i < all.count; i++)
        r = list_one(served, tree, str_from(all.items[i]), ret, err);
    namespaces_deinit(&all);
    return r;
}

enum err_kind core_list(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct buf *ret,
    char ret_etag[CORE_ETAG_MAX],
    struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    auto_vfs struct vfs *owned = NULL;
    struct vfs *tree;
    const struct core_served *served;
    ret->max = LIST_MAX;
    enum err_kind r = core_find_served(s, t, &served, err);
    if (r == ERR_OK)
        r = core_tree_for(c, s, o, &tree, &owned, err);
    if (r == ERR_OK)
        r = t->ns.p == NULL ? list_all(served, tree, ret, err)
                            : list_one(served, tree, t->ns, ret, err);
    if (r == ERR_OK)
        write_etag(buf_view(ret), ret_etag);
    return r;
}

enum err_kind core_definitions(struct core *c, struct buf *ret, struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    buf_add(ret, s->registry->definitions, s->registry->definitions_bytes);
    return buf_check(ret, "definitions", err);
}

/* --- put and delete -------------------------------------------------------------------------------- */

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
    const struct core_target *t,
    struct str api_version,
    struct err *err)
{
    enum err_kind k = fill_or_compare("apiVersion", &r->api_version, api_version, err);
    if (k == ERR_OK)
        k = fill_or_compare("kind", &r->kind, str_from(served->kind.kind), err);
    if (k == ERR_OK)
        k = fill_or_compare("metadata.namespace", &r->ns, t->ns, err);
    if (k == ERR_OK)
        k = fill_or_compare("metadata.name", &r->name, t->name, err);
    return k;
}

/* The schema sees the whole body as it will be stored (as upstream). */
static enum err_kind check_body(
    const struct core_served *served,
    const struct core_target *t,
    struct core_resource *r,
    struct buf *ret_body,
    struct err *err)
{
    autofree char *api_version = mem_printf("%s/%s", served->kind.group, served->kind.version);
    enum err_kind k = match_url(r, served, t, str_from(api_version), err);
    if (k != ERR_OK)
        return k;
    core_resource_write(ret_body, r, 0);
    buf_char(ret_body, '\n');
    k = buf_check(ret_body, "body", err);
    return k == ERR_OK ? json_schema_validate(served->schema, buf_view(ret_body), err) : k;
}

static enum err_kind carry_out(
    struct core *c,
    struct core_snapshot *s,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err)
{
    return c->is_git ? core_change_git(c, change, ret, err)
                     : core_change_local(c, s, change, ret, err);
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
        r = check_body(served, t, &resource, &canonical, err);
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
