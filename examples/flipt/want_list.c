#include "want_list.h"

#include <stdint.h>
#include <string.h>

/* Above this many pairs, items are paired by their place alone. */
#define PAIRS_MAX ((size_t)250000)

/* The part of a list between the items that are equal at its start and at its end. */
struct matching {
    struct flipt_builder *b;
    const struct flipt_items *items;
    const struct flipt_node *node; /* the old list */
    yyjson_val **json;             /* the new one */
    struct flipt_want **wants;     /* one for each of json; NULL: not matched yet */
    bool *is_used;                 /* one for each old item */
    size_t old_begin, old_end;
    size_t new_begin, new_end;
};

static enum cup_sdk_result match(struct matching *m, size_t old, size_t new, bool *ret_is_equal)
{
    struct flipt_want *want;
    enum cup_sdk_result r =
        flipt_build_item(m->b, m->node->items[old], m->items, m->json[new], &want);
    *ret_is_equal = r == CUP_SDK_OK && want->kind == FLIPT_KEEP;
    if (*ret_is_equal) {
        m->wants[new] = want;
        m->is_used[old] = true;
    }
    return r;
}

static enum cup_sdk_result match_ends(struct matching *m)
{
    bool is_equal = true;
    enum cup_sdk_result r = CUP_SDK_OK;
    while (m->old_begin < m->old_end && m->new_begin < m->new_end) {
        r = match(m, m->old_begin, m->new_begin, &is_equal);
        if (r != CUP_SDK_OK || !is_equal)
            break;
        m->old_begin++;
        m->new_begin++;
    }
    while (r == CUP_SDK_OK && m->old_begin < m->old_end && m->new_begin < m->new_end) {
        r = match(m, m->old_end - 1, m->new_end - 1, &is_equal);
        if (r != CUP_SDK_OK || !is_equal)
            break;
        m->old_end--;
        m->new_end--;
    }
    return r;
}

static enum cup_sdk_result match_equal(struct matching *m)
{
    for (size_t new = m->new_begin; new < m->new_end; new ++) {
        bool is_equal = false;
        for (size_t old = m->old_begin; old < m->old_end && !is_equal; old++) {
            if (m->is_used[old])
                continue;
            enum cup_sdk_result r = match(m, old, new, &is_equal);
            if (r != CUP_SDK_OK)
                return r;
        }
    }
    return CUP_SDK_OK;
}

static const char *identity_member(const struct flipt_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++)
        if (strcmp(shape->fields[i].json, shape->identity) == 0)
            return shape->fields[i].yaml;
    return shape->identity;
}

static bool is_same_identity(struct matching *m, size_t old, size_t new)
{
    const struct flipt_node *node = flipt_node_resolve(m->node->items[old]);
    yyjson_val *json = yyjson_obj_get(m->json[new], m->items->shape->identity);
    size_t n;
    if (node->kind != FLIPT_MAPPING || !yyjson_is_str(json))
        return false;
    const char *text =
        flipt_text_of(flipt_node_member(node, identity_member(m->items->shape), NULL), &n);
    return text != NULL && n > 0 && yyjson_equals_strn(json, text, n);
}

static enum cup_sdk_result pair(struct matching *m, size_t old, size_t new)
{
    m->is_used[old] = true;
    return flipt_build_item(m->b, m->node->items[old], m->items, m->json[new], &m->wants[new]);
}

static enum cup_sdk_result match_identities(struct matching *m)
{
    enum cup_sdk_result r = CUP_SDK_OK;
    for (size_t new = m->new_begin; new < m->new_end; new ++) {
        for (size_t old = m->old_begin; old < m->old_end && m->wants[new] == NULL; old++) {
            if (!m->is_used[old] && is_same_identity(m, old, new))
                r = pair(m, old, new);
            if (r != CUP_SDK_OK)
                return r;
        }
    }
    return r;
}

/* What is left is paired in order, if that can only mean a change in place; else it is new. */
static enum cup_sdk_result match_rest(struct matching *m)
{
    bool has_identity = m->items->shape != NULL && m->items->shape->identity != NULL;
    size_t old = m->old_begin;
    enum cup_sdk_result r = CUP_SDK_OK;
    if (has_identity && m->old_end - m->old_begin != m->new_end - m->new_begin)
        old = m->old_end;
    for (size_t new = m->new_begin; new < m->new_end &&r == CUP_SDK_OK; new ++) {
        if (m->wants[new] != NULL)
            continue;
        while (old < m->old_end && m->is_used[old])
            old++;
        if (old < m->old_end)
            r = pair(m, old, new);
        else
            r = flipt_build_item(m->b, NULL, m->items, m->json[new], &m->wants[new]);
    }
    return r;
}

static enum cup_sdk_result match_all(struct matching *m)
{
    enum cup_sdk_result r = match_ends(m);
    size_t pairs = (m->old_end - m->old_begin) * (m->new_end - m->new_begin);
    if (r == CUP_SDK_OK && pairs <= PAIRS_MAX)
        r = match_equal(m);
    if (r == CUP_SDK_OK && pairs <= PAIRS_MAX && m->items->shape != NULL &&
        m->items->shape->identity != NULL)
        r = match_identities(m);
    return r == CUP_SDK_OK ? match_rest(m) : r;
}

static yyjson_val **list_values(struct flipt_arena *arena, yyjson_val *json, size_t count)
{
    yyjson_val **values = flipt_alloc(arena, (count + 1) * sizeof(values[0]));
    size_t i, max;
    yyjson_val *value;
    yyjson_arr_foreach(json, i, max, value)
    {
        values[i] = value;
    }
    return values;
}

enum cup_sdk_result flipt_build_list(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_items *items,
    yyjson_val *json,
    struct flipt_want **ret_want)
{
    static const struct flipt_node nothing = {.kind = FLIPT_SEQUENCE};
    struct flipt_arena *arena = b->stream->arena;
    const struct flipt_node *node = flipt_node_resolve(base);
    bool is_edit = node != NULL && node->kind == FLIPT_SEQUENCE;
    size_t count = yyjson_arr_size(json);
    struct matching m = {
        .b = b,
        .items = items,
        .node = is_edit ? node : &nothing,
        .json = list_values(arena, json, count),
        .wants = flipt_alloc(arena, (count + 1) * sizeof(struct flipt_want *)),
        .new_end = count,
    };
    m.old_end = m.node->count;
    m.is_used = flipt_alloc(arena, m.node->count + 1);
    enum cup_sdk_result r = match_all(&m);
    if (r != CUP_SDK_OK)
        return r;
    struct flipt_want *want = flipt_want_new(arena, FLIPT_PUT_SEQUENCE);
    want->base = is_edit ? node : NULL;
    bool is_changed = !is_edit || count != node->count;
    for (size_t i = 0; i < count; i++) {
        flipt_want_insert(arena, want, i, NULL, m.wants[i]);
        is_changed |= m.wants[i]->kind != FLIPT_KEEP || m.wants[i]->base != m.node->items[i];
    }
    *ret_want = is_changed ? want : flipt_want_keep(arena, base);
    return CUP_SDK_OK;
}

/* --- A rule's segment --- */

struct segment {
    const char *key; /* of the text form; "" else */
    yyjson_val *keys;
    const char *operation;
};

static enum cup_sdk_result
read_segment(struct flipt_builder *b, yyjson_val *rule, struct segment *ret_segment)
{
    static const char *const names[] = {"segment_key", "segments", "segmentOperator"};
    yyjson_val *values[3];
    for (size_t i = 0; i < 3; i++) {
        values[i] = yyjson_obj_get(rule, names[i]);
        bool is_right = i == 1 ? yyjson_is_arr(values[i]) : yyjson_is_str(values[i]);
        if (values[i] != NULL && !yyjson_is_null(values[i]) && !is_right)
            return cup_sdk_fail(
                b->err, "spec: '%s' is not a %s", names[i], i == 1 ? "list" : "text");
    }
    *ret_segment = (struct segment){
        .key = yyjson_is_str(values[0]) ? yyjson_get_str(values[0]) : "",
        .keys = yyjson_arr_size(values[1]) > 0 ? values[1] : NULL,
        .operation = yyjson_is_str(values[2]) ? yyjson_get_str(values[2]) : "",
    };
    return CUP_SDK_OK;
}

static bool is_text(const struct flipt_node *node, const char *text)
{
    size_t n;
    const char *old = flipt_text_of(node, &n);
    return old != NULL && n == strlen(text) && memcmp(old, text, n) == 0;
}

static size_t key_count(const struct segment *segment)
{
    if (segment->keys != NULL)
        return yyjson_arr_size(segment->keys);
    return segment->key[0] != 0 ? 1 : 0;
}

/* NULL: not a text. */
static const char *key_at(const struct segment *segment, size_t index)
{
    return segment->keys != NULL ? yyjson_get_str(yyjson_arr_get(segment->keys, index))
                                 : segment->key;
}

/* Does the file's segment have just these keys? */
static bool has_keys(const struct flipt_node *node, const struct segment *segment)
{
    size_t count = key_count(segment);
    if (node == NULL || node->kind != FLIPT_MAPPING)
        return count == 0
            ? is_text(node, "")
            : count == 1 && key_at(segment, 0) != NULL && is_text(node, key_at(segment, 0));
    const struct flipt_node *list = flipt_node_resolve(flipt_node_member(node, "keys", NULL));
    size_t old_count = list != NULL && list->kind == FLIPT_SEQUENCE ? list->count : 0;
    if (count != old_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (key_at(segment, i) == NULL || !is_text(list->items[i], key_at(segment, i)))
            return false;
    return true;
}

/*
 * The text form is shown twice, as segment_key and as segments. They must agree: taking the one that
 * differs from the file would make the same PUT, sent twice, change the file back.
 */
static enum cup_sdk_result settle_segment(struct flipt_builder *b, struct segment *segment)
{
    yyjson_val *first = yyjson_arr_get_first(segment->keys);
    if (segment->key[0] == 0 || segment->keys == NULL)
        return CUP_SDK_OK;
    if (yyjson_arr_size(segment->keys) != 1 || !yyjson_equals_str(first, segment->key))
        return cup_sdk_fail(
            b->err,
            "spec: a rule's 'segment_key' is '%.200s', its 'segments' say otherwise: change both, "
            "or "
            "leave one out",
            segment->key);
    segment->keys = NULL;
    return CUP_SDK_OK;
}

static enum cup_sdk_result build_keys(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct segment *segment,
    struct flipt_want **ret_want)
{
    static const struct flipt_items texts = {.member = "segments"};
    struct flipt_arena *arena = b->stream->arena;
    if (segment->keys != NULL)
        return flipt_build_list(b, base, &texts, segment->keys, ret_want);
    const struct flipt_node *list = flipt_node_resolve(base);
    if (list != NULL && list->kind == FLIPT_SEQUENCE && list->count == 1 &&
        is_text(list->items[0], segment->key)) {
        *ret_want = flipt_want_keep(arena, base);
        return CUP_SDK_OK;
    }
    struct flipt_want *want = flipt_want_new(arena, FLIPT_PUT_SEQUENCE);
    flipt_want_insert(
        arena, want, 0, NULL, flipt_want_text(arena, segment->key, strlen(segment->key)));
    *ret_want = want;
    return CUP_SDK_OK;
}

/* Set or (value NULL) take out a member of a mapping that is being edited. */
static void set_member(
    struct flipt_arena *arena, struct flipt_want *want, const char *name, struct flipt_want *value)
{
    size_t at = 0;
    while (at < want->count && !is_text(want->entries[at].key, name))
        at++;
    if (at < want->count && value == NULL)
        flipt_want_remove(want, at);
    else if (at < want->count)
        want->entries[at].value = value;
    else if (value != NULL)
        flipt_want_insert(arena, want, at, name, value);
}

static enum cup_sdk_result build_segment_mapping(
    struct flipt_builder *b,
    const struct flipt_node *node,
    const struct segment *segment,
    struct flipt_want **ret_want)
{
    struct flipt_arena *arena = b->stream->arena;
    bool is_edit = node != NULL && node->kind == FLIPT_MAPPING;
    struct flipt_want *want =
        is_edit ? flipt_want_copy(arena, node) : flipt_want_new(arena, FLIPT_PUT_MAPPING);
    struct flipt_want *keys, *operation = NULL;
    const struct flipt_node *old = is_edit ? flipt_node_member(node, "operator", NULL) : NULL;
    enum cup_sdk_result r =
        build_keys(b, is_edit ? flipt_node_member(node, "keys", NULL) : NULL, segment, &keys);
    if (r != CUP_SDK_OK)
        return r;
    if (is_text(old, segment->operation))
        operation = old != NULL ? flipt_want_keep(arena, old) : NULL;
    else if (segment->operation[0] != 0)
        operation = flipt_want_text(arena, segment->operation, strlen(segment->operation));
    set_member(arena, want, "keys", keys);
    set_member(arena, want, "operator", operation);
    *ret_want = want;
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_build_segment(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *rule,
    struct flipt_want **ret_want)
{
    struct flipt_arena *arena = b->stream->arena;
    const struct flipt_node *node = flipt_node_resolve(base);
    bool is_mapping = node != NULL && node->kind == FLIPT_MAPPING;
    struct segment segment = {.key = "", .operation = ""};
    enum cup_sdk_result r = read_segment(b, rule, &segment);
    if (r == CUP_SDK_OK)
        r = settle_segment(b, &segment);
    if (r != CUP_SDK_OK)
        return r;
    const char *old_operator = "";
    size_t n;
    if (is_mapping)
        old_operator = flipt_text_of(flipt_node_member(node, "operator", NULL), &n);
    bool same_operator = old_operator != NULL && strcmp(old_operator, segment.operation) == 0;
    bool has_none = key_count(&segment) == 0;
    bool same_keys = has_keys(node, &segment);
    if (same_keys && same_operator) {
        *ret_want = base != NULL ? flipt_want_keep(arena, base) : NULL;
        return CUP_SDK_OK;
    }
    if (has_none && segment.operation[0] == 0) {
        *ret_want = NULL;
        return CUP_SDK_OK;
    }
    if (has_none)
        return cup_sdk_fail(b->err, "spec: a rule has 'segmentOperator', but no segment");
    const char *only = key_count(&segment) == 1 ? key_at(&segment, 0) : NULL;
    if (!is_mapping && segment.operation[0] == 0 && only != NULL) {
        *ret_want = flipt_want_text(arena, only, strlen(only));
        return CUP_SDK_OK;
    }
    return build_segment_mapping(b, node, &segment, ret_want);
}
