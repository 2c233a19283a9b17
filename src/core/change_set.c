/* POST …/changes: several puts and deletes as one change. docs/writing.md has the form of the body. */
#include "base/mem.h"
#include "core/change.h"
#include "core/follow.h"
#include "core/names.h"

#include <stdio.h>

/* The request as it is read. */
struct set {
    struct core_snapshot *snapshot;
    struct json_doc doc;
    struct core_change change;
    struct str message;
};

static void set_deinit(struct set *s)
{
    for (size_t i = 0; i < s->change.count; i++)
        core_edit_deinit(&s->change.edits[i]);
    free(s->change.edits);
    json_doc_deinit(&s->doc);
}
#define auto_set CLEANUP(set_deinit)

/* --- form --------------------------------------------------------------------------------------------- */

/* A slip in a member's name must not turn into a change without it. */
static enum err_kind
check_members(yyjson_val *object, const char *const *known, size_t count, struct err *err)
{
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    if (!yyjson_is_obj(object))
        return err_set(err, ERR_MALFORMED, "it must be a JSON object");
    yyjson_obj_foreach(object, i, max, key, value)
    {
        bool is_known = false;
        for (size_t k = 0; k < count && !is_known; k++)
            is_known = str_eqz(json_str(key), known[k]);
        if (!is_known)
            return err_set(
                err, ERR_MALFORMED, "there is no member '" STR_FMT "'",
                STR_ARG(str_take(json_str(key), 64)));
    }
    return ERR_OK;
}

static enum err_kind
read_text(yyjson_val *object, const char *key, struct str *ret, struct err *err)
{
    yyjson_val *value = json_get(object, key);
    *ret = json_str(value);
    if (value != NULL && !yyjson_is_null(value) && ret->p == NULL)
        return err_set(err, ERR_MALFORMED, "'%s' must be a string", key);
    return ERR_OK;
}

static enum err_kind read_condition(yyjson_val *item, struct core_condition *ret, struct err *err)
{
    struct str absent;
    enum err_kind r = read_text(item, "ifMatch", &ret->version, err);
    if (r == ERR_OK)
        r = read_text(item, "ifNoneMatch", &absent, err);
    if (r == ERR_OK && absent.n > 0 && !str_eqz(absent, "*"))
        return err_set(err, ERR_MALFORMED, "'ifNoneMatch' can only be \"*\"");
    ret->is_absent = r == ERR_OK && absent.n > 0;
    return r;
}

static enum err_kind read_op(yyjson_val *item, bool *ret_is_delete, struct err *err)
{
    struct str op;
    enum err_kind r = read_text(item, "op", &op, err);
    if (r != ERR_OK)
        return r;
    *ret_is_delete = str_eqz(op, "delete");
    if (*ret_is_delete || str_eqz(op, "put"))
        return r;
    return err_set(err, ERR_MALFORMED, "'op' must be \"put\" or \"delete\"");
}

/* --- objects ------------------------------------------------------------------------------------------ */

static enum err_kind find_served(
    struct set *s, const struct core_resource *r, const struct core_served **ret, struct err *err)
{
    struct str version = r->api_version;
    struct str group = str_cut(&version, '/');
    if (r->api_version.n == 0 || r->kind.n == 0)
        return err_set(
            err, ERR_INVALID, "%s of the object is missing",
            r->api_version.n == 0 ? "apiVersion" : "kind");
    *ret = core_registry_find_kind(s->snapshot->registry, group, version, r->kind);
    if (*ret == NULL)
        return err_set(
            err, ERR_NOT_FOUND, "nothing serves kind '" STR_FMT "' of '" STR_FMT "'",
            STR_ARG(str_take(r->kind, 64)), STR_ARG(str_take(r->api_version, 128)));
    return ERR_OK;
}

/* The namespace beside the object counts where the object has none. */
static enum err_kind settle_names(struct core_resource *r, struct str ns, struct err *err)
{
    if (r->ns.n == 0)
        r->ns = ns;
    enum err_kind k = core_names_check_namespace(r->ns, err);
    return k == ERR_OK ? core_names_check_name(r->name, err) : k;
}

static enum err_kind make_edit(
    struct set *s, struct core_resource *take, bool is_delete, struct core_edit *e, struct err *err)
{
    const struct core_served *served;
    enum err_kind r = find_served(s, take, &served, err);
    if (r != ERR_OK)
        return r;
    if (!is_delete)
        return core_edit_put(served, take->ns, take->name, take, e, err);
    *e = (struct core_edit){
        .served = served,
        .ns = take->ns,
        .name = take->name,
        .version = take->resource_version,
        .is_delete = true,
        .resource = *take,
    };
    *take = (struct core_resource){0};
    return ERR_OK;
}

/* text: the item's own, for its object's tokens. */
static enum err_kind
read_item(struct set *s, yyjson_val *item, struct str text, struct core_edit *e, struct err *err)
{
    static const char *const known[] = {"op", "object", "namespace", "ifMatch", "ifNoneMatch"};
    struct core_resource resource = {0};
    struct core_condition condition = {0};
    struct str ns;
    bool is_delete = false;
    enum err_kind r = check_members(item, known, ARRAY_LEN(known), err);
    if (r == ERR_OK)
        r = read_op(item, &is_delete, err);
    if (r == ERR_OK)
        r = read_condition(item, &condition, err);
    if (r == ERR_OK)
        r = read_text(item, "namespace", &ns, err);
    struct str object = json_text_member(text, STR("object"), false);
    if (r == ERR_OK && object.p == NULL)
        r = err_set(err, ERR_MALFORMED, "'object' is missing");
    if (r == ERR_OK)
        r = core_resource_parse(object, JSON_STRICT, &resource, err);
    if (r == ERR_OK)
        r = settle_names(&resource, ns, err);
    if (r == ERR_OK)
        r = make_edit(s, &resource, is_delete, e, err);
    e->condition = condition;
    core_resource_deinit(&resource);
    return r;
}

/* What was said twice of one object would depend on the order. */
static enum err_kind note_object(struct set *s, const struct core_edit *e, struct err *err)
{
    const struct core_kind *k = &e->served->kind;
    size_t before = s->change.objects.count;
    autofree char *text = core_object_text(k->group, k->version, k->kind, e->ns, e->name);
    core_objects_add(&s->change.objects, str_from(text));
    if (s->change.objects.count > before)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "another change of the same request is of this object, too");
}

/* Before it is known what an item is about, its index is all there is to say. */
static void blame(struct set *s, size_t index, struct err *err)
{
    bool is_known = s->change.edits[index].served != NULL;
    s->change.count = index + 1;
    if (is_known)
        core_change_blame(&s->change, index, err);
    else
        err_wrap(err, "changes[%zu]", index);
}

static enum err_kind read_items(struct set *s, yyjson_val *items, struct str text, struct err *err)
{
    size_t i;
    size_t max;
    size_t at = 0;
    yyjson_val *item;
    s->change.edits = mem_alloc((yyjson_arr_size(items) + 1) * sizeof(*s->change.edits));
    yyjson_arr_foreach(items, i, max, item)
    {
        struct core_edit *e = &s->change.edits[i];
        enum err_kind r = read_item(s, item, json_text_element(text, &at), e, err);
        s->change.count = i + 1;
        if (r == ERR_OK)
            r = note_object(s, e, err);
        if (r != ERR_OK) {
            blame(s, i, err);
            return r;
        }
    }
    return ERR_OK;
}

static enum err_kind read_set(struct set *s, struct str body, struct err *err)
{
    static const char *const known[] = {"apiVersion", "kind", "metadata", "message", "changes"};
    enum err_kind r = json_parse(body, JSON_STRICT, &s->doc, err);
    if (r == ERR_OK)
        r = check_members(s->doc.root, known, ARRAY_LEN(known), err);
    if (r == ERR_OK)
        r = read_text(s->doc.root, "message", &s->message, err);
    if (r != ERR_OK)
        return r;
    yyjson_val *items = json_get(s->doc.root, "changes");
    if (!yyjson_is_arr(items) || yyjson_arr_size(items) == 0)
        return err_set(err, ERR_MALFORMED, "'changes' must be an array with something in it");
    if (yyjson_arr_size(items) > CORE_OBJECTS_MAX)
        return err_set(
            err, ERR_LIMIT, "more than %d changes: make them in several requests",
            CORE_OBJECTS_MAX);
    return read_items(s, items, json_text_member(s->doc.text, STR("changes"), false), err);
}

enum err_kind core_change_set(
    struct core *c,
    struct str body,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err)
{
    auto_snapshot struct core_snapshot *snapshot = core_current(c);
    struct core_write_options options = *o;
    auto_set struct set s = {.snapshot = snapshot, .change = {.is_set = true, .options = &options}};
    enum err_kind r = read_set(&s, body, err);
    core_objects_deinit(&s.change.objects);
    if (r != ERR_OK)
        return r;
    if (options.message.n == 0)
        options.message = s.message;
    return core_change_run(c, snapshot, &s.change, ret, err);
}
