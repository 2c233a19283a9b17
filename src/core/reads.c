/*
 * get and list of objects: from the cache, or from the controller, whose documents are brought into form
 * and checked on their way.
 */
#include "base/mem.h"
#include "base/sha256.h"
#include "core/cache.h"
#include "core/internal.h"
#include "core/names.h"
#include "core/object.h"
#include "vfs/localtree.h"

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

char *core_api_version(const struct core_kind *kind)
{
    return kind->group == NULL ? NULL : mem_printf("%s/%s", kind->group, kind->version);
}

static enum err_kind check_result(
    const struct core_object_sink *sink,
    const struct core_resource *r,
    const char *origin,
    struct err *err)
{
    const struct core_kind *k = &sink->served->kind;
    autofree char *api_version = core_api_version(k);
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

enum err_kind core_object_emit(void *data, struct str document, const char *origin, struct err *err)
{
    struct core_object_sink *sink = data;
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
    const atomic_bool *cancel,
    struct buf *ret,
    char ret_etag[CORE_ETAG_MAX],
    struct err *err)
{
    struct core_controller *controller = served->controller;
    struct core_call call = {
        .kind = &served->kind, .ns = ns, .name = name, .tree = tree, .cancel = cancel};
    struct core_object_sink sink = {.served = served, .ns = ns, .name = name, .to = ret};
    enum err_kind r = controller->ops->get(controller, &call, core_object_emit, &sink, err);
    if (r == ERR_OK)
        write_etag(buf_view(ret), ret_etag);
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
    const atomic_bool *cancel,
    struct buf *ret,
    struct err *err)
{
    struct core_controller *controller = served->controller;
    struct core_call call = {.kind = &served->kind, .ns = ns, .tree = tree, .cancel = cancel};
    struct core_object_sink sink = {.served = served, .ns = ns, .to = ret};
    return controller->ops->list(controller, &call, core_object_emit, &sink, err);
}

static enum err_kind list_all(
    const struct core_served *served,
    struct vfs *tree,
    const atomic_bool *cancel,
    struct buf *ret,
    struct err *err)
{
    struct core_controller *controller = served->controller;
    struct core_call call = {.kind = &served->kind, .tree = tree, .cancel = cancel};
    struct core_object_sink sink = {.served = served, .to = ret};
    if (controller->ops->list_all != NULL)
        return controller->ops->list_all(controller, &call, core_object_emit, &sink, err);
    struct namespaces all = {0};
    enum err_kind r = ERR_UNSUPPORTED;
    if (controller->ops->namespaces != NULL)
        r = controller->ops->namespaces(controller, &call, collect_namespace, &all, err);
    for (size_t i = 0; r == ERR_OK && i < all.count; i++)
        r = list_one(served, tree, str_from(all.items[i]), cancel, ret, err);
    namespaces_deinit(&all);
    return r;
}

/* --- through the cache ------------------------------------------------------------------------------ */

/* A read on its way: what it is about. */
struct read {
    const struct core_served *served;
    struct str ns;   /* {NULL, 0}: across namespaces */
    struct str name; /* empty: a list */
    const atomic_bool *cancel;
    struct core_snapshot *local; /* of a local directory; NULL: the tree never changes */
};

static enum err_kind read_into(
    const struct read *read,
    struct vfs *tree,
    struct buf *to,
    char ret_etag[CORE_ETAG_MAX],
    struct err *err)
{
    if (read->name.n > 0)
        return core_read_object(
            read->served, tree, read->ns, read->name, read->cancel, to, ret_etag, err);
    to->max = LIST_MAX;
    enum err_kind r = read->ns.p == NULL
        ? list_all(read->served, tree, read->cancel, to, err)
        : list_one(read->served, tree, read->ns, read->cancel, to, err);
    if (r == ERR_OK)
        write_etag(buf_view(to), ret_etag);
    return r;
}

/* That there is no such object is an answer; all other errors are errors. */
static enum err_kind
compute(void *data, struct vfs *tree, struct core_answer **ret, struct err *err)
{
    const struct read *read = data;
    autobuf struct buf text = {0};
    struct err own = {0};
    char etag[CORE_ETAG_MAX] = "";
    enum err_kind r = read_into(read, tree, &text, etag, &own);
    if (r == ERR_OK) {
        *ret = core_answer_new(ERR_OK, buf_view(&text), etag);
    } else if (r == ERR_NOT_FOUND) {
        *ret = core_answer_new(r, str_from(own.text), "");
        r = ERR_OK;
    } else if (err != NULL) {
        *err = own;
    }
    return r;
}

/* What the call is, all but the tree: who computes (core_served.identity), and what is asked for. A
 * name holds no NUL, and a namespace may be absent, which is not the same as empty. */
static void write_key(const struct read *read, struct buf *to)
{
    buf_add(to, read->served->identity, sizeof(read->served->identity));
    buf_char(to, read->name.n > 0 ? 'g' : read->ns.p != NULL ? 'l' : 'a');
    buf_str(to, read->ns);
    buf_char(to, '\0');
    buf_str(to, read->name);
}

static enum err_kind
take_answer(struct core_answer *take, struct core_answer **ret, struct err *err)
{
    if (take->kind == ERR_OK) {
        *ret = take;
        return ERR_OK;
    }
    enum err_kind r = err_set(err, take->kind, "%s", take->bytes);
    core_answer_unref(take);
    return r;
}

/* Of a local directory: has nothing changed while it was read? */
static bool still_holds(void *data, const struct repo_id *root)
{
    const struct read *read = data;
    struct repo_id now;
    return read->local == NULL || (core_local_root(read->local, &now) && repo_id_eq(&now, root));
}

static void take_local_root(struct core *c, struct core_snapshot *s, struct core_view *view)
{
    view->has_root = core_local_root(s, &view->root);
    if (!view->has_root)
        core_local_note_unwatched(c, s);
}

static enum err_kind answer(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct core_answer **ret,
    struct err *err)
{
    if (core_wait_for_text(c, o->at_least, o->cancel, err) != ERR_OK)
        return err->kind;
    auto_snapshot struct core_snapshot *s = core_current(c);
    auto_core_view struct core_view view = {0};
    autobuf struct buf key = {0};
    struct read read = {.ns = t->ns, .name = t->name, .cancel = o->cancel};
    struct core_answer *found = NULL;
    enum err_kind r = core_local_follow(c, &s, err);
    if (r == ERR_OK)
        r = core_find_served(s, t, &read.served, err);
    if (r == ERR_OK)
        r = core_view_for(c, s, o, &view, err);
    if (r != ERR_OK)
        return r;
    read.local = c->is_git ? NULL : s;
    if (read.local != NULL)
        take_local_root(c, s, &view);
    write_key(&read, &key);
    struct core_cache_work work = {
        .key = buf_view(&key),
        .root = view.has_root ? &view.root : NULL,
        .still_holds = still_holds,
        .tree = view.tree,
        .compute = compute,
        .data = &read,
        .cancel = o->cancel,
    };
    r = core_cache_get(c->cache, &work, &found, err);
    return r == ERR_OK ? take_answer(found, ret, err) : r;
}

enum err_kind core_get(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct core_answer **ret,
    struct err *err)
{
    return answer(c, t, o, ret, err);
}

enum err_kind core_list(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct core_answer **ret,
    struct err *err)
{
    return answer(c, t, o, ret, err);
}

/* What the current tree is known by. */
static bool current_root(struct core *c, struct core_snapshot *s, struct repo_id *ret)
{
    *ret = s->root;
    return s->has_commit ||
        (!c->is_git && vfs_localtree_is_at(s->tree, c->local_path) && core_local_root(s, ret));
}

struct core_answer *core_peek(struct core *c, const struct core_target *t)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    struct read read = {.ns = t->ns, .name = t->name};
    struct repo_id root;
    if (!current_root(c, s, &root) || core_find_served(s, t, &read.served, NULL) != ERR_OK)
        return NULL;
    autobuf struct buf key = {0};
    write_key(&read, &key);
    struct core_answer *a = core_cache_peek(c->cache, buf_view(&key), &root);
    if (a != NULL && a->kind != ERR_OK)
        a = core_answer_unref(a);
    return a;
}

enum err_kind core_definitions(struct core *c, struct buf *ret, struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    buf_add(ret, s->registry->definitions, s->registry->definitions_bytes);
    return buf_check(ret, "definitions", err);
}
