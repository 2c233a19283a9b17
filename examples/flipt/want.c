#include "want.h"

#include "want_list.h"
#include "yaml_scalar.h"

#include <stdint.h>
#include <string.h>

static enum cup_sdk_result build_struct(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_shape *shape,
    yyjson_val *json,
    struct flipt_want **ret_want);

struct flipt_want *flipt_want_new(struct flipt_arena *arena, enum flipt_want_kind kind)
{
    struct flipt_want *want = flipt_alloc(arena, sizeof(*want));
    want->kind = kind;
    return want;
}

struct flipt_want *flipt_want_keep(struct flipt_arena *arena, const struct flipt_node *node)
{
    struct flipt_want *want = flipt_want_new(arena, FLIPT_KEEP);
    want->base = node;
    return want;
}

struct flipt_want *flipt_want_text(struct flipt_arena *arena, const char *text, size_t n)
{
    struct flipt_want *want = flipt_want_new(arena, FLIPT_PUT_TEXT);
    want->text = text;
    want->n = n;
    return want;
}

static struct flipt_want *want_raw(struct flipt_arena *arena, const char *text, size_t n)
{
    struct flipt_want *want = flipt_want_text(arena, text, n);
    want->kind = FLIPT_PUT_RAW;
    return want;
}

static struct flipt_want_entry *add_entry(struct flipt_arena *arena, struct flipt_want *want)
{
    want->entries =
        flipt_grow(arena, want->entries, want->count, &want->room, sizeof(want->entries[0]));
    struct flipt_want_entry *entry = &want->entries[want->count++];
    *entry = (struct flipt_want_entry){0};
    return entry;
}

struct flipt_want *flipt_want_copy(struct flipt_arena *arena, const struct flipt_node *collection)
{
    bool is_mapping = collection->kind == FLIPT_MAPPING;
    struct flipt_want *want =
        flipt_want_new(arena, is_mapping ? FLIPT_PUT_MAPPING : FLIPT_PUT_SEQUENCE);
    want->base = collection;
    for (size_t i = 0; i < collection->count; i += is_mapping ? 2 : 1) {
        struct flipt_want_entry *entry = add_entry(arena, want);
        entry->key = is_mapping ? collection->items[i] : NULL;
        entry->value = flipt_want_keep(arena, collection->items[is_mapping ? i + 1 : i]);
    }
    return want;
}

void flipt_want_insert(
    struct flipt_arena *arena,
    struct flipt_want *want,
    size_t index,
    const char *name,
    struct flipt_want *value)
{
    add_entry(arena, want);
    memmove(
        want->entries + index + 1, want->entries + index,
        (want->count - 1 - index) * sizeof(want->entries[0]));
    want->entries[index] =
        (struct flipt_want_entry){NULL, name, name != NULL ? strlen(name) : 0, value};
}

void flipt_want_remove(struct flipt_want *want, size_t index)
{
    want->count--;
    memmove(
        want->entries + index, want->entries + index + 1,
        (want->count - index) * sizeof(want->entries[0]));
}

/* --- Scalars --- */

static enum cup_sdk_result bad_json(struct flipt_builder *b, const char *member, const char *text)
{
    return cup_sdk_fail(b->err, "spec: '%s' is not %s", member, text);
}

static bool is_none(yyjson_val *json)
{
    return json == NULL || yyjson_is_null(json);
}

static bool is_same_text(const struct flipt_node *node, const char *text, size_t n)
{
    size_t old_n;
    const char *old = flipt_text_of(node, &old_n);
    return old != NULL && old_n == n && memcmp(old, text, n) == 0;
}

/* NULL in *ret_want: nothing need stand there. */
static enum cup_sdk_result build_text(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const char *member,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    if (!is_none(json) && !yyjson_is_str(json))
        return bad_json(b, member, "a text");
    const char *text = is_none(json) ? "" : yyjson_get_str(json);
    size_t n = is_none(json) ? 0 : yyjson_get_len(json);
    if (is_same_text(base, text, n))
        *ret_want = base != NULL ? flipt_want_keep(b->stream->arena, base) : NULL;
    else
        *ret_want = n > 0 ? flipt_want_text(b->stream->arena, text, n) : NULL;
    return CUP_SDK_OK;
}

static enum cup_sdk_result build_truth(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_field *field,
    yyjson_val *json,
    bool is_new,
    struct flipt_want **ret_want)
{
    const struct flipt_node *node = flipt_node_resolve(base);
    bool old = false, value = !is_none(json) && yyjson_get_bool(json);
    if (!is_none(json) && !yyjson_is_bool(json))
        return bad_json(b, field->json, "true or false");
    if (node != NULL && node->kind == FLIPT_SCALAR)
        flipt_scalar_bool(node, &old);
    if (old == value && !(is_new && field->is_always_written))
        *ret_want = base != NULL ? flipt_want_keep(b->stream->arena, base) : NULL;
    else
        *ret_want = want_raw(b->stream->arena, value ? "true" : "false", value ? 4 : 5);
    return CUP_SDK_OK;
}

static bool is_zero(const char *text, size_t n)
{
    for (size_t i = 0; i < n && text[i] != 'e' && text[i] != 'E'; i++)
        if (text[i] >= '1' && text[i] <= '9')
            return false;
    return true;
}

static enum cup_sdk_result build_amount(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const char *member,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    struct flipt_arena *arena = b->stream->arena;
    const struct flipt_node *node = flipt_node_resolve(base);
    struct flipt_value old = {FLIPT_NULL, "null", 4};
    if (!is_none(json) && !yyjson_is_raw(json))
        return bad_json(b, member, "a number");
    const char *text = is_none(json) ? "0" : yyjson_get_raw(json);
    size_t n = is_none(json) ? 1 : yyjson_get_len(json);
    if (node != NULL && node->kind == FLIPT_SCALAR)
        old = flipt_scalar_value(arena, node);
    bool is_same = old.kind == FLIPT_NUMBER && old.n == n && memcmp(old.text, text, n) == 0;
    if (is_same || (old.kind == FLIPT_NULL && is_zero(text, n)))
        *ret_want = base != NULL ? flipt_want_keep(arena, base) : NULL;
    else
        *ret_want = want_raw(arena, text, n);
    return CUP_SDK_OK;
}

/* --- Any value --- */

static enum cup_sdk_result build_any_scalar(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    struct flipt_arena *arena = b->stream->arena;
    const struct flipt_node *node = flipt_node_resolve(base);
    struct flipt_value value = {FLIPT_NULL, "null", 4}, old = {FLIPT_NULL, NULL, 0};
    if (yyjson_is_str(json))
        value = (struct flipt_value){FLIPT_STRING, yyjson_get_str(json), yyjson_get_len(json)};
    else if (yyjson_is_raw(json))
        value = (struct flipt_value){FLIPT_NUMBER, yyjson_get_raw(json), yyjson_get_len(json)};
    else if (yyjson_is_bool(json))
        value = yyjson_get_bool(json) ? (struct flipt_value){FLIPT_BOOL, "true", 4}
                                      : (struct flipt_value){FLIPT_BOOL, "false", 5};
    if (node != NULL && node->kind == FLIPT_SCALAR)
        old = flipt_scalar_value(arena, node);
    if (old.text != NULL && old.kind == value.kind && old.n == value.n &&
        memcmp(old.text, value.text, value.n) == 0)
        *ret_want = flipt_want_keep(arena, base);
    else
        *ret_want = value.kind == FLIPT_STRING ? flipt_want_text(arena, value.text, value.n)
                                               : want_raw(arena, value.text, value.n);
    return CUP_SDK_OK;
}

/* Members that stand in both stand in the same order? Else the mapping is written anew. */
static bool is_same_order(const struct flipt_node *node, yyjson_val *json)
{
    size_t i, max, last = 0;
    yyjson_val *key, *value;
    yyjson_obj_foreach(json, i, max, key, value)
    {
        size_t index;
        flipt_node_member(node, yyjson_get_str(key), &index);
        if (index == SIZE_MAX)
            continue;
        if (index < last)
            return false;
        last = index;
    }
    return true;
}

static size_t find_entry(const struct flipt_want *want, const struct flipt_node *key)
{
    for (size_t i = 0; i < want->count; i++)
        if (want->entries[i].key == key)
            return i;
    return want->count;
}

static bool remove_unwanted(struct flipt_want *want, yyjson_val *json)
{
    size_t before = want->count;
    for (size_t i = want->count; i-- > 0;) {
        const struct flipt_node *key = flipt_node_resolve(want->entries[i].key);
        if (key->kind != FLIPT_SCALAR || strcmp(key->text, "<<") == 0)
            continue;
        if (yyjson_obj_getn(json, key->text, key->text_n) == NULL)
            flipt_want_remove(want, i);
    }
    return want->count != before;
}

static enum cup_sdk_result build_any_object(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    struct flipt_arena *arena = b->stream->arena;
    const struct flipt_node *node = flipt_node_resolve(base);
    bool is_edit = node != NULL && node->kind == FLIPT_MAPPING && is_same_order(node, json);
    struct flipt_want *want =
        is_edit ? flipt_want_copy(arena, node) : flipt_want_new(arena, FLIPT_PUT_MAPPING);
    bool is_changed = !is_edit || remove_unwanted(want, json);
    size_t i, max, next = 0;
    yyjson_val *key, *value;
    yyjson_obj_foreach(json, i, max, key, value)
    {
        struct flipt_want *member;
        size_t index = SIZE_MAX;
        const char *name = yyjson_get_str(key);
        const struct flipt_node *old = is_edit ? flipt_node_member(node, name, &index) : NULL;
        enum cup_sdk_result r = flipt_build_any(b, old, value, &member);
        if (r != CUP_SDK_OK)
            return r;
        if (index != SIZE_MAX) {
            next = find_entry(want, node->items[index]) + 1;
            want->entries[next - 1].value = member;
        } else if (old == NULL || member->kind != FLIPT_KEEP) {
            flipt_want_insert(arena, want, next++, name, member);
        }
        is_changed |= member->kind != FLIPT_KEEP;
    }
    *ret_want = is_changed ? want : flipt_want_keep(arena, base);
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_build_any(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    static const struct flipt_items anything = {.is_any = true};
    if (yyjson_is_obj(json))
        return build_any_object(b, base, json, ret_want);
    if (yyjson_is_arr(json))
        return flipt_build_list(b, base, &anything, json, ret_want);
    return build_any_scalar(b, base, json, ret_want);
}

/* --- Members of a shape --- */

static bool is_empty_node(struct flipt_builder *b, const struct flipt_node *node)
{
    node = flipt_node_resolve(node);
    if (node == NULL)
        return true;
    if (node->kind == FLIPT_SCALAR)
        return flipt_scalar_value(b->stream->arena, node).kind == FLIPT_NULL;
    return node->count == 0;
}

static enum cup_sdk_result build_field_list(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_field *field,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    struct flipt_items items = {.shape = field->shape, .member = field->json};
    if (!is_none(json) && !yyjson_is_arr(json))
        return bad_json(b, field->json, "a list");
    if (!is_none(json) && yyjson_arr_size(json) > 0)
        return flipt_build_list(b, base, &items, json, ret_want);
    bool stays = base != NULL && is_empty_node(b, base);
    *ret_want = stays ? flipt_want_keep(b->stream->arena, base) : NULL;
    return CUP_SDK_OK;
}

static enum cup_sdk_result build_identity(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    if (!is_none(json) && !yyjson_is_str(json))
        return bad_json(b, "key", "a text");
    if (yyjson_get_len(json) > 0 && strcmp(yyjson_get_str(json), b->name) != 0)
        return cup_sdk_fail(
            b->err, "spec: 'key' is '%.200s', but the object's name is '%.200s'",
            yyjson_get_str(json), b->name);
    *ret_want = base != NULL ? flipt_want_keep(b->stream->arena, base)
                             : flipt_want_text(b->stream->arena, b->name, strlen(b->name));
    return CUP_SDK_OK;
}

static enum cup_sdk_result build_name(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *json,
    bool is_new,
    struct flipt_want **ret_want)
{
    if (!is_none(json) && !yyjson_is_str(json))
        return bad_json(b, "name", "a text");
    if (yyjson_get_len(json) > 0)
        return build_text(b, base, "name", json, ret_want);
    if (base != NULL)
        *ret_want = flipt_want_keep(b->stream->arena, base);
    else
        *ret_want = is_new ? flipt_want_text(b->stream->arena, b->name, strlen(b->name)) : NULL;
    return CUP_SDK_OK;
}

static enum cup_sdk_result build_field(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_field *field,
    yyjson_val *object,
    bool is_new,
    struct flipt_want **ret_want)
{
    yyjson_val *json = yyjson_obj_get(object, field->json);
    *ret_want = NULL;
    switch (field->type) {
    case FLIPT_IDENTITY:
        return build_identity(b, base, json, ret_want);
    case FLIPT_NAME:
        return build_name(b, base, json, is_new, ret_want);
    case FLIPT_TEXT:
        return build_text(b, base, field->json, json, ret_want);
    case FLIPT_TRUTH:
        return build_truth(b, base, field, json, is_new, ret_want);
    case FLIPT_AMOUNT:
        return build_amount(b, base, field->json, json, ret_want);
    case FLIPT_LIST:
    case FLIPT_TEXTS:
        return build_field_list(b, base, field, json, ret_want);
    case FLIPT_SEGMENT:
        return flipt_build_segment(b, base, object, ret_want);
    case FLIPT_SEGMENT_KEYS:
    case FLIPT_SEGMENT_OPERATOR:
        return CUP_SDK_OK;
    case FLIPT_STRUCT:
    case FLIPT_ANY:
    default:
        break;
    }
    if (is_none(json))
        *ret_want =
            base != NULL && is_empty_node(b, base) ? flipt_want_keep(b->stream->arena, base) : NULL;
    else if (field->type == FLIPT_ANY)
        return flipt_build_any(b, base, json, ret_want);
    else
        return build_struct(b, base, field->shape, json, ret_want);
    return CUP_SDK_OK;
}

static enum cup_sdk_result
check_members(struct flipt_builder *b, const struct flipt_shape *shape, yyjson_val *json)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(json))
        return bad_json(b, shape->what, "an object");
    yyjson_obj_foreach(json, i, max, key, value)
    {
        bool is_known = false;
        for (size_t k = 0; k < shape->count && !is_known; k++)
            is_known = yyjson_equals_str(key, shape->fields[k].json);
        if (!is_known)
            return cup_sdk_fail(
                b->err, "spec: a %s has no member '%.200s'", shape->what, yyjson_get_str(key));
    }
    return CUP_SDK_OK;
}

/* What to write over a merged-in value that should not be there. */
static struct flipt_want *cover_merged(struct flipt_builder *b, enum flipt_type type)
{
    if (type == FLIPT_TEXT || type == FLIPT_NAME)
        return flipt_want_text(b->stream->arena, "", 0);
    return want_raw(b->stream->arena, "null", 4);
}

/* Bring one member of `want` up to date; *next is where a new one would go. */
static enum cup_sdk_result apply_field(
    struct flipt_builder *b,
    struct flipt_want *want,
    const struct flipt_field *field,
    yyjson_val *json,
    size_t *next,
    bool *is_changed)
{
    const struct flipt_node *node = want->base;
    struct flipt_want *value;
    size_t index = SIZE_MAX;
    const struct flipt_node *old =
        node != NULL ? flipt_node_member(node, field->yaml, &index) : NULL;
    enum cup_sdk_result r = flipt_spend(b->stream, b->err);
    if (r == CUP_SDK_OK)
        r = build_field(b, old, field, json, node == NULL, &value);
    if (r != CUP_SDK_OK)
        return r;
    bool is_merged = old != NULL && index == SIZE_MAX;
    if (is_merged && value == NULL)
        value = cover_merged(b, field->type);
    if (index != SIZE_MAX) {
        size_t at = find_entry(want, node->items[index]);
        if (value == NULL) {
            flipt_want_remove(want, at);
            *next -= at < *next ? 1 : 0;
        } else {
            want->entries[at].value = value;
            *next = at + 1;
        }
        *is_changed |= value == NULL || value->kind != FLIPT_KEEP;
    } else if (value != NULL && value->kind != FLIPT_KEEP) {
        flipt_want_insert(b->stream->arena, want, (*next)++, field->yaml, value);
        *is_changed = true;
    }
    return CUP_SDK_OK;
}

static bool is_second_view(const struct flipt_field *field)
{
    return field->type == FLIPT_SEGMENT_KEYS || field->type == FLIPT_SEGMENT_OPERATOR;
}

static enum cup_sdk_result build_struct(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_shape *shape,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    struct flipt_arena *arena = b->stream->arena;
    const struct flipt_node *node = flipt_node_resolve(base);
    bool is_edit = node != NULL && node->kind == FLIPT_MAPPING, is_changed = !is_edit;
    enum cup_sdk_result r = check_members(b, shape, json);
    if (r != CUP_SDK_OK)
        return r;
    struct flipt_want *want =
        is_edit ? flipt_want_copy(arena, node) : flipt_want_new(arena, FLIPT_PUT_MAPPING);
    size_t next = 0;
    for (size_t i = 0; i < shape->count && r == CUP_SDK_OK; i++)
        if (!is_second_view(&shape->fields[i]))
            r = apply_field(b, want, &shape->fields[i], json, &next, &is_changed);
    if (r == CUP_SDK_OK)
        *ret_want = is_changed ? want : flipt_want_keep(arena, base);
    return r;
}

enum cup_sdk_result flipt_build_item(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_items *items,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    if (items->is_any)
        return flipt_build_any(b, base, json, ret_want);
    if (items->shape != NULL)
        return build_struct(b, base, items->shape, json, ret_want);
    if (!yyjson_is_str(json))
        return bad_json(b, items->member, "a list of texts");
    bool is_same = base != NULL && is_same_text(base, yyjson_get_str(json), yyjson_get_len(json));
    *ret_want = is_same
        ? flipt_want_keep(b->stream->arena, base)
        : flipt_want_text(b->stream->arena, yyjson_get_str(json), yyjson_get_len(json));
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_want_object(
    struct flipt_stream *stream,
    const struct flipt_node *node,
    const struct flipt_shape *shape,
    const char *name,
    yyjson_val *spec,
    struct flipt_want **ret_want,
    struct cup_sdk_err *err)
{
    struct flipt_builder b = {stream, name, err};
    return build_struct(&b, node, shape, spec, ret_want);
}
