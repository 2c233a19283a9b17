#include "change.h"

#include "edit.h"
#include "emit.h"
#include "verify.h"
#include "yaml_scalar.h"

#include <stdint.h>
#include <string.h>

#define DEFAULT_NAMESPACE "default"

static bool is_null(const struct flipt_stream *stream, const struct flipt_node *node)
{
    node = flipt_node_resolve(node);
    return node == NULL ||
        (node->kind == FLIPT_SCALAR && flipt_scalar_value(stream->arena, node).kind == FLIPT_NULL);
}

enum cup_sdk_result flipt_namespace_of(
    const struct flipt_stream *stream,
    size_t document,
    const char **ret_namespace,
    struct cup_sdk_err *err)
{
    const struct flipt_node *root = stream->documents[document].root;
    size_t n;
    *ret_namespace = NULL;
    if (is_null(stream, root))
        return CUP_SDK_OK;
    if (root->kind != FLIPT_MAPPING)
        return flipt_bad_node(stream, root, err, "a document that is not a mapping");
    const struct flipt_node *node = flipt_node_resolve(flipt_node_member(root, "namespace", NULL));
    if (node != NULL && node->kind == FLIPT_MAPPING)
        node = flipt_node_resolve(flipt_node_member(node, "key", NULL));
    const char *text = flipt_text_of(node, &n);
    if (text == NULL)
        return flipt_bad_node(
            stream, node, err, "'namespace' is neither a text nor a mapping with a 'key'");
    *ret_namespace = n > 0 ? text : DEFAULT_NAMESPACE;
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_list_of(
    const struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const struct flipt_node **ret_list,
    struct cup_sdk_err *err)
{
    const struct flipt_node *root = stream->documents[document].root;
    const struct flipt_node *list = flipt_node_resolve(flipt_node_member(root, kind->member, NULL));
    *ret_list = NULL;
    if (is_null(stream, list))
        return CUP_SDK_OK;
    if (list->kind != FLIPT_SEQUENCE)
        return cup_sdk_fail(
            err, "%.300s:%zu: '%s' is not a list", stream->path, list->line, kind->member);
    *ret_list = list;
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_key_of(
    const struct flipt_stream *stream,
    const struct flipt_node *item,
    const struct flipt_kind *kind,
    const char **ret_key,
    struct cup_sdk_err *err)
{
    size_t n = 0;
    const char *key = NULL;
    item = flipt_node_resolve(item);
    *ret_key = NULL;
    if (is_null(stream, item))
        return CUP_SDK_OK;
    if (item->kind == FLIPT_MAPPING)
        key = flipt_text_of(flipt_node_member(item, kind->shape->identity, NULL), &n);
    if (key == NULL || n == 0)
        return cup_sdk_fail(
            err, "%.300s:%zu: a %s without a 'key'", stream->path, item->line, kind->shape->what);
    *ret_key = key;
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_find(
    const struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    size_t from,
    size_t *ret_index,
    struct cup_sdk_err *err)
{
    const struct flipt_node *list;
    enum cup_sdk_result r = flipt_list_of(stream, document, kind, &list, err);
    *ret_index = FLIPT_NONE;
    for (size_t i = from; r == CUP_SDK_OK && list != NULL && i < list->count; i++) {
        const char *key;
        r = flipt_key_of(stream, list->items[i], kind, &key, err);
        if (r == CUP_SDK_OK && key != NULL && strcmp(key, name) == 0) {
            *ret_index = i;
            break;
        }
    }
    return r;
}

/* --- Changes --- */

/* The root with its list of that kind replaced by, or growing, `list`. */
static struct flipt_want *want_root(
    const struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    struct flipt_want *list)
{
    const struct flipt_node *root = stream->documents[document].root;
    struct flipt_want *want = flipt_want_copy(stream->arena, root);
    size_t index;
    flipt_node_member(root, kind->member, &index);
    if (index != SIZE_MAX)
        want->entries[index / 2].value = list;
    else
        flipt_want_insert(stream->arena, want, want->count, kind->member, list);
    return want;
}

/* A copy of the list that stands there now, to be changed. */
static enum cup_sdk_result want_list(
    const struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    struct flipt_want **ret_list,
    struct cup_sdk_err *err)
{
    const struct flipt_node *root = stream->documents[document].root, *list;
    enum cup_sdk_result r = flipt_list_of(stream, document, kind, &list, err);
    if (r != CUP_SDK_OK)
        return r;
    const struct flipt_node *own = flipt_node_member(root, kind->member, NULL);
    if (own != NULL && own->kind == FLIPT_ALIAS)
        return cup_sdk_fail(
            err, "%.300s:%zu: '%s' is an alias: change it by hand", stream->path, own->line,
            kind->member);
    *ret_list = list != NULL ? flipt_want_copy(stream->arena, list)
                             : flipt_want_new(stream->arena, FLIPT_PUT_SEQUENCE);
    return CUP_SDK_OK;
}

/* Read the new text again and refuse it unless it says just what was wanted. */
static enum cup_sdk_result check(
    struct flipt_stream *stream,
    size_t document,
    const struct flipt_want *root,
    const struct flipt_text *out,
    struct flipt_stream **ret_after,
    struct cup_sdk_err *err)
{
    struct cup_sdk_err why;
    enum cup_sdk_result r =
        flipt_stream_read(stream->arena, stream->path, out->p, out->n, ret_after, &why);
    if (r == CUP_SDK_OK && flipt_verify(stream, *ret_after, document, root))
        return CUP_SDK_OK;
    return cup_sdk_fail(
        err,
        "%.300s: this change cannot be made in place without touching other lines: make it by "
        "hand%s%.300s",
        stream->path, r != CUP_SDK_OK ? ": " : "", r != CUP_SDK_OK ? why.text : "");
}

static enum cup_sdk_result change(
    struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const struct flipt_node *near,
    struct flipt_want *list,
    struct flipt_text *out,
    struct flipt_stream **ret_after,
    struct cup_sdk_err *err)
{
    struct flipt_want *root = want_root(stream, document, kind, list);
    enum cup_sdk_result r = flipt_stream_mark(stream, err);
    if (r == CUP_SDK_OK)
        r = flipt_edit(stream, stream->documents[document].root, near, root, out, err);
    if (r == CUP_SDK_OK)
        r = check(stream, document, root, out, ret_after, err);
    return r;
}

/* The same put on the new text must find nothing to do. */
static enum cup_sdk_result check_again(
    struct flipt_stream *after,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    yyjson_val *spec,
    struct cup_sdk_err *err)
{
    const struct flipt_node *list = NULL;
    struct flipt_want *again;
    size_t item = FLIPT_NONE;
    enum cup_sdk_result r = flipt_find(after, document, kind, name, 0, &item, err);
    if (r == CUP_SDK_OK)
        r = flipt_list_of(after, document, kind, &list, err);
    if (r == CUP_SDK_OK && list != NULL && item != FLIPT_NONE)
        r = flipt_want_object(after, list->items[item], kind->shape, name, spec, &again, err);
    if (r != CUP_SDK_OK)
        return r;
    if (list == NULL || item == FLIPT_NONE || again->kind != FLIPT_KEEP)
        return cup_sdk_fail(
            err,
            "%.300s: %s '%.200s' cannot be written so that it reads the same: make the change by "
            "hand",
            after->path, kind->shape->what, name);
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_put(
    struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    size_t item,
    yyjson_val *spec,
    struct flipt_text *out,
    bool *ret_changed,
    struct cup_sdk_err *err)
{
    struct flipt_want *list, *object;
    struct flipt_stream *after;
    const struct flipt_node *node = NULL, *near = NULL;
    *ret_changed = false;
    const struct flipt_node *items;
    enum cup_sdk_result r = flipt_list_of(stream, document, kind, &items, err);
    if (r != CUP_SDK_OK)
        return r;
    if (items != NULL && items->count > 0)
        near = items;
    if (item != FLIPT_NONE)
        near = node = items->items[item];
    r = flipt_want_object(stream, node, kind->shape, name, spec, &object, err);
    if (r != CUP_SDK_OK || object->kind == FLIPT_KEEP)
        return r;
    if (node != NULL && node->kind == FLIPT_ALIAS)
        return cup_sdk_fail(
            err, "%.300s:%zu: %s '%.200s' is an alias: change it by hand", stream->path, node->line,
            kind->shape->what, name);
    r = want_list(stream, document, kind, &list, err);
    if (r != CUP_SDK_OK)
        return r;
    if (item != FLIPT_NONE)
        list->entries[item].value = object;
    else
        flipt_want_insert(stream->arena, list, list->count, NULL, object);
    r = change(stream, document, kind, near, list, out, &after, err);
    if (r == CUP_SDK_OK)
        r = check_again(after, document, kind, name, spec, err);
    *ret_changed = r == CUP_SDK_OK;
    return r;
}

enum cup_sdk_result flipt_delete(
    struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    struct flipt_text *out,
    struct cup_sdk_err *err)
{
    struct flipt_want *list;
    struct flipt_stream *after;
    size_t index = 0;
    enum cup_sdk_result r = want_list(stream, document, kind, &list, err);
    if (r != CUP_SDK_OK)
        return r;
    for (size_t removed = 0;; removed++) {
        r = flipt_find(stream, document, kind, name, index, &index, err);
        if (r != CUP_SDK_OK)
            return r;
        if (index == FLIPT_NONE)
            break;
        flipt_want_remove(list, index - removed);
        index++;
    }
    return change(stream, document, kind, NULL, list, out, &after, err);
}

enum cup_sdk_result flipt_add_document(
    struct flipt_stream *stream,
    const char *ns,
    const struct flipt_kind *kind,
    const char *name,
    yyjson_val *spec,
    struct flipt_text *out,
    struct cup_sdk_err *err)
{
    struct flipt_arena *arena = stream->arena;
    struct flipt_want *object, *list = flipt_want_new(arena, FLIPT_PUT_SEQUENCE);
    struct flipt_want *root = flipt_want_new(arena, FLIPT_PUT_MAPPING);
    struct flipt_stream *after;
    enum cup_sdk_result r = flipt_want_object(stream, NULL, kind->shape, name, spec, &object, err);
    if (r == CUP_SDK_OK)
        r = flipt_stream_mark(stream, err);
    if (r != CUP_SDK_OK)
        return r;
    flipt_want_insert(arena, list, 0, NULL, object);
    flipt_want_insert(arena, root, 0, "namespace", flipt_want_text(arena, ns, strlen(ns)));
    flipt_want_insert(arena, root, 1, kind->member, list);
    const struct flipt_node *first = stream->count > 0 ? stream->documents[0].root : NULL;
    struct flipt_layout layout = flipt_layout_of(stream, first, NULL);
    layout.may_end_with_break = true;
    layout.is_json = false;
    flipt_text_add(out, stream->text, stream->n);
    if (stream->n > 0 && stream->text[stream->n - 1] != '\n')
        flipt_text_adds(out, layout.line_break);
    if (stream->count > 0) {
        flipt_text_adds(out, "---");
        flipt_text_adds(out, layout.line_break);
    }
    for (size_t i = 0; i < root->count; i++) {
        flipt_emit_member(out, &layout, &root->entries[i], 0);
        flipt_text_adds(out, layout.line_break);
    }
    size_t index = stream->count;
    r = check(stream, index, root, out, &after, err);
    return r == CUP_SDK_OK ? check_again(after, index, kind, name, spec, err) : r;
}
