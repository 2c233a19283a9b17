/* Edits over a tree: what is expected of the objects is looked at, then controllers write. */
#include "base/mem.h"
#include "core/change.h"

#include <stdio.h>

static const uint64_t WRITTEN_MAX_DEFAULT = (uint64_t)64 << 20;

static uint64_t written_max(const struct core_edit *e)
{
    uint64_t max = e->served->controller->written_max;
    return max > 0 ? max : WRITTEN_MAX_DEFAULT;
}

struct overlay *core_change_overlay(const struct core_change *change, struct vfs *tree)
{
    uint64_t max = 0;
    for (size_t i = 0; i < change->count; i++) {
        uint64_t own = written_max(&change->edits[i]);
        max = own > max ? own : max;
    }
    return overlay_new(tree, max);
}

/* --- what is expected ----------------------------------------------------------------------------- */

static enum err_kind moved(const struct core_edit *e, enum err_kind kind, struct err *err)
{
    return err_set(
        err, kind, "%s '" STR_FMT "' was changed by somebody else: get it again",
        e->served->kind.singular, STR_ARG(e->name));
}

static enum err_kind missing(const struct core_edit *e, enum err_kind kind, struct err *err)
{
    return err_set(
        err, kind, "%s '" STR_FMT "' is not there (any more)", e->served->kind.singular,
        STR_ARG(e->name));
}

/* etag NULL: the object is not there. */
static enum err_kind compare(const struct core_edit *e, const char *etag, struct err *err)
{
    struct str wanted = e->condition.version;
    if (e->condition.is_absent && etag != NULL)
        return err_set(
            err, ERR_PRECONDITION, "%s '" STR_FMT "' is there already", e->served->kind.singular,
            STR_ARG(e->name));
    if (wanted.n > 0 && etag == NULL)
        return missing(e, ERR_PRECONDITION, err);
    if (wanted.n > 0 && !str_eqz(wanted, "*") && !str_eqz(wanted, etag))
        return moved(e, ERR_PRECONDITION, err);
    if (e->version.n > 0 && etag == NULL)
        return missing(e, ERR_CONFLICT, err);
    if (e->version.n > 0 && !str_eqz(e->version, etag))
        return moved(e, ERR_CONFLICT, err);
    return ERR_OK;
}

static enum err_kind check_condition(
    const struct core_change *change, const struct core_edit *e, struct vfs *tree, struct err *err)
{
    autobuf struct buf now = {0};
    char etag[CORE_ETAG_MAX];
    if (e->version.n == 0 && e->condition.version.n == 0 && !e->condition.is_absent)
        return ERR_OK;
    enum err_kind r =
        core_read_object(e->served, tree, e->ns, e->name, change->options->cancel, &now, etag, err);
    if (r != ERR_OK && r != ERR_NOT_FOUND)
        return r;
    return compare(e, r == ERR_OK ? etag : NULL, err);
}

/* --- controllers ---------------------------------------------------------------------------------- */

static enum err_kind call_controller(
    const struct core_change *change,
    const struct core_edit *e,
    struct overlay *overlay,
    struct vfs *tree,
    struct err *err)
{
    struct core_controller *controller = e->served->controller;
    struct core_call call = {
        .kind = &e->served->kind,
        .ns = e->ns,
        .name = e->name,
        .tree = tree,
        .overlay = overlay,
        .cancel = change->options->cancel,
    };
    if (e->is_delete)
        return controller->ops->remove(controller, &call, err);
    return controller->ops->put(controller, &call, buf_view(&e->body), err);
}

/* In an overlay of its own over what the others wrote: what a controller may write is checked on all that
 * its overlay holds. */
static enum err_kind call_aside(
    const struct core_change *change,
    const struct core_edit *e,
    struct overlay *overlay,
    struct err *err)
{
    struct vfs *tree = overlay_vfs(overlay);
    struct overlay *own = overlay_new(tree, written_max(e));
    struct vfs_changes changes = {0};
    enum err_kind r = call_controller(change, e, own, tree, err);
    if (r == ERR_OK)
        r = overlay_changes(own, &changes, err);
    if (r == ERR_OK)
        r = overlay_take(overlay, &changes, err);
    overlay_free(own);
    return r;
}

enum err_kind core_change_apply(
    const struct core_change *change, struct overlay *overlay, struct vfs *tree, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < change->count; i++) {
        const struct core_edit *e = &change->edits[i];
        r = check_condition(change, e, tree, err);
        if (r == ERR_OK)
            r = change->count == 1 ? call_controller(change, e, overlay, tree, err)
                                   : call_aside(change, e, overlay, err);
        if (r != ERR_OK)
            core_change_blame(change, i, err);
    }
    return r;
}

enum err_kind core_change_check_paths(const struct vfs_changes *changes, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < changes->count; i++)
        r = repo_check_path(changes->items[i].path, err);
    return r;
}

/* --- which one it was ------------------------------------------------------------------------------- */

static void write_cause(struct buf *to, size_t index, struct str field, struct str message)
{
    autofree char *name = field.n == 0
        ? mem_printf("changes[%zu]", index)
        : mem_printf("changes[%zu].object." STR_FMT, index, STR_ARG(field));
    buf_text(to, to->n == 0 ? "[{\"field\":" : ",{\"field\":");
    json_text_string(to, str_from(name));
    buf_text(to, ",\"message\":");
    json_text_string(to, message);
    buf_char(to, '}');
}

/* Those that are there, each field below its change; the error itself where there is none. What does not
 * fit is left out. */
static void rewrite_causes(size_t index, struct err *err)
{
    autobuf struct buf text = {.max = ERR_CAUSES_MAX - 2};
    auto_json struct json_doc doc = {0};
    size_t i;
    size_t max;
    yyjson_val *cause;
    if (json_parse(str_from(err->causes), JSON_STORED, &doc, NULL) == ERR_OK &&
        yyjson_arr_size(doc.root) > 0)
        yyjson_arr_foreach(doc.root, i, max, cause) write_cause(
            &text, index, json_str(json_get(cause, "field")), json_str(json_get(cause, "message")));
    else
        write_cause(&text, index, STR(""), str_from(err->text));
    buf_char(&text, ']');
    if (!text.is_failed)
        memcpy(err->causes, text.p, text.n + 1);
}

void core_change_blame(const struct core_change *change, size_t index, struct err *err)
{
    const struct core_edit *e = &change->edits[index];
    if (!change->is_set || err == NULL)
        return;
    rewrite_causes(index, err);
    err_wrap(
        err, "changes[%zu] (%s '" STR_FMT "' in namespace '" STR_FMT "')", index,
        e->served->kind.plural, STR_ARG(e->name), STR_ARG(e->ns));
}
