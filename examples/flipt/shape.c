#include "shape.h"

#include "yaml_scalar.h"

#include <string.h>

#define SHAPE(what, fields, identity)                                                              \
    {                                                                                              \
        what, fields, sizeof(fields) / sizeof(fields[0]), identity                                 \
    }

static const struct flipt_field variant_fields[] = {
    {.json = "key", .yaml = "key", .type = FLIPT_TEXT},
    {.json = "name", .yaml = "name", .type = FLIPT_TEXT},
    {.json = "description", .yaml = "description", .type = FLIPT_TEXT},
    {.json = "attachment", .yaml = "attachment", .type = FLIPT_ANY},
};
static const struct flipt_shape variant_shape = SHAPE("variant", variant_fields, "key");

static const struct flipt_field distribution_fields[] = {
    {.json = "variant_key", .yaml = "variant", .type = FLIPT_TEXT},
    {.json = "rollout", .yaml = "rollout", .type = FLIPT_AMOUNT},
};
static const struct flipt_shape distribution_shape =
    SHAPE("distribution", distribution_fields, "variant_key");

static const struct flipt_field rule_fields[] = {
    {.json = "segment_key", .yaml = "segment", .type = FLIPT_SEGMENT},
    {.json = "rank", .yaml = "rank", .type = FLIPT_AMOUNT},
    {.json = "distributions",
     .yaml = "distributions",
     .type = FLIPT_LIST,
     .shape = &distribution_shape},
    {.json = "segments", .yaml = "segment", .type = FLIPT_SEGMENT_KEYS},
    {.json = "segmentOperator", .yaml = "segment", .type = FLIPT_SEGMENT_OPERATOR},
};
static const struct flipt_shape rule_shape = SHAPE("rule", rule_fields, NULL);

static const struct flipt_field rollout_segment_fields[] = {
    {.json = "key", .yaml = "key", .type = FLIPT_TEXT},
    {.json = "value", .yaml = "value", .type = FLIPT_TRUTH},
    {.json = "keys", .yaml = "keys", .type = FLIPT_TEXTS, .is_optional = true},
    {.json = "operator", .yaml = "operator", .type = FLIPT_TEXT, .is_optional = true},
};
static const struct flipt_shape rollout_segment_shape =
    SHAPE("segment of a rollout", rollout_segment_fields, NULL);

static const struct flipt_field threshold_fields[] = {
    {.json = "percentage", .yaml = "percentage", .type = FLIPT_AMOUNT},
    {.json = "value", .yaml = "value", .type = FLIPT_TRUTH},
};
static const struct flipt_shape threshold_shape = SHAPE("threshold", threshold_fields, NULL);

static const struct flipt_field rollout_fields[] = {
    {.json = "description", .yaml = "description", .type = FLIPT_TEXT},
    {.json = "segment", .yaml = "segment", .type = FLIPT_STRUCT, .shape = &rollout_segment_shape},
    {.json = "threshold", .yaml = "threshold", .type = FLIPT_STRUCT, .shape = &threshold_shape},
};
static const struct flipt_shape rollout_shape = SHAPE("rollout", rollout_fields, NULL);

static const struct flipt_field flag_fields[] = {
    {.json = "key", .yaml = "key", .type = FLIPT_IDENTITY},
    {.json = "name", .yaml = "name", .type = FLIPT_NAME},
    {.json = "type", .yaml = "type", .type = FLIPT_TEXT},
    {.json = "description", .yaml = "description", .type = FLIPT_TEXT},
    {.json = "enabled", .yaml = "enabled", .type = FLIPT_TRUTH, .is_always_written = true},
    {.json = "variants", .yaml = "variants", .type = FLIPT_LIST, .shape = &variant_shape},
    {.json = "rules", .yaml = "rules", .type = FLIPT_LIST, .shape = &rule_shape},
    {.json = "rollouts", .yaml = "rollouts", .type = FLIPT_LIST, .shape = &rollout_shape},
};
static const struct flipt_shape flag_shape = SHAPE("flag", flag_fields, "key");

static const struct flipt_field constraint_fields[] = {
    {.json = "type", .yaml = "type", .type = FLIPT_TEXT},
    {.json = "property", .yaml = "property", .type = FLIPT_TEXT},
    {.json = "operator", .yaml = "operator", .type = FLIPT_TEXT},
    {.json = "value", .yaml = "value", .type = FLIPT_TEXT},
    {.json = "description", .yaml = "description", .type = FLIPT_TEXT},
};
static const struct flipt_shape constraint_shape = SHAPE("constraint", constraint_fields, NULL);

static const struct flipt_field segment_fields[] = {
    {.json = "key", .yaml = "key", .type = FLIPT_IDENTITY},
    {.json = "name", .yaml = "name", .type = FLIPT_NAME},
    {.json = "description", .yaml = "description", .type = FLIPT_TEXT},
    {.json = "constraints", .yaml = "constraints", .type = FLIPT_LIST, .shape = &constraint_shape},
    {.json = "match_type", .yaml = "match_type", .type = FLIPT_TEXT},
};
static const struct flipt_shape segment_shape = SHAPE("segment", segment_fields, "key");

const struct flipt_kind flipt_kind_flag = {"Flag", "flags", &flag_shape};
const struct flipt_kind flipt_kind_segment = {"Segment", "segments", &segment_shape};

/* State of one view. */
struct view {
    struct flipt_stream *stream;
    yyjson_mut_doc *doc;
    struct cup_sdk_err *err;
};

static enum cup_sdk_result view_struct(
    struct view *v,
    const struct flipt_node *node,
    const struct flipt_shape *shape,
    yyjson_mut_val **ret_value);
static enum cup_sdk_result
view_any(struct view *v, const struct flipt_node *node, yyjson_mut_val **ret_value);

enum cup_sdk_result flipt_bad_node(
    const struct flipt_stream *stream,
    const struct flipt_node *node,
    struct cup_sdk_err *err,
    const char *text)
{
    return cup_sdk_fail(err, "%.300s:%zu: %s", stream->path, node->line, text);
}

static enum cup_sdk_result
bad_member(struct view *v, const struct flipt_node *node, const char *member, const char *text)
{
    return cup_sdk_fail(
        v->err, "%.300s:%zu: '%s' is not %s", v->stream->path, node->line, member, text);
}

enum cup_sdk_result flipt_spend(struct flipt_stream *stream, struct cup_sdk_err *err)
{
    if (stream->budget == 0)
        return cup_sdk_fail(
            err, "%.300s: its aliases stand for more than %zu values", stream->path,
            FLIPT_NODES_MAX);
    stream->budget--;
    return CUP_SDK_OK;
}

static bool is_null(struct flipt_arena *arena, const struct flipt_node *node)
{
    return node == NULL ||
        (node->kind == FLIPT_SCALAR && flipt_scalar_value(arena, node).kind == FLIPT_NULL);
}

const char *flipt_text_of(const struct flipt_node *node, size_t *ret_n)
{
    static const char *const nulls[] = {"~", "null", "Null", "NULL"};
    node = flipt_node_resolve(node);
    *ret_n = 0;
    if (node == NULL)
        return "";
    if (node->kind != FLIPT_SCALAR)
        return NULL;
    if (node->style == FLIPT_PLAIN && node->tag == NULL)
        for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
            if (strcmp(nulls[i], node->text) == 0)
                return "";
    *ret_n = node->text_n;
    return node->text;
}

static enum cup_sdk_result view_text(
    struct view *v, const struct flipt_node *node, const char *member, yyjson_mut_val **ret_value)
{
    size_t n;
    const char *text = flipt_text_of(node, &n);
    if (text == NULL)
        return bad_member(v, node, member, "a text");
    *ret_value = yyjson_mut_strncpy(v->doc, text, n);
    return CUP_SDK_OK;
}

static enum cup_sdk_result view_truth(
    struct view *v, const struct flipt_node *node, const char *member, yyjson_mut_val **ret_value)
{
    bool value = false;
    if (!is_null(v->stream->arena, node) &&
        (node->kind != FLIPT_SCALAR || !flipt_scalar_bool(node, &value)))
        return bad_member(v, node, member, "true or false");
    *ret_value = yyjson_mut_bool(v->doc, value);
    return CUP_SDK_OK;
}

static yyjson_mut_val *make_value(yyjson_mut_doc *doc, const struct flipt_value *value)
{
    switch (value->kind) {
    case FLIPT_NULL:
        return yyjson_mut_null(doc);
    case FLIPT_BOOL:
        return yyjson_mut_bool(doc, value->text[0] == 't');
    case FLIPT_NUMBER:
        return yyjson_mut_rawncpy(doc, value->text, value->n);
    case FLIPT_STRING:
    default:
        return yyjson_mut_strncpy(doc, value->text, value->n);
    }
}

static enum cup_sdk_result view_amount(
    struct view *v, const struct flipt_node *node, const char *member, yyjson_mut_val **ret_value)
{
    struct flipt_value value = {FLIPT_NUMBER, "0", 1};
    if (!is_null(v->stream->arena, node)) {
        if (node->kind == FLIPT_SCALAR)
            value = flipt_scalar_value(v->stream->arena, node);
        if (node->kind != FLIPT_SCALAR || value.kind != FLIPT_NUMBER)
            return bad_member(v, node, member, "a number");
    }
    *ret_value = make_value(v->doc, &value);
    return CUP_SDK_OK;
}

/* `shape` NULL: a list of texts. */
static enum cup_sdk_result view_list(
    struct view *v,
    const struct flipt_node *node,
    const char *member,
    const struct flipt_shape *shape,
    yyjson_mut_val **ret_value)
{
    if (is_null(v->stream->arena, node)) {
        *ret_value = yyjson_mut_null(v->doc);
        return CUP_SDK_OK;
    }
    if (node->kind != FLIPT_SEQUENCE)
        return bad_member(v, node, member, "a list");
    yyjson_mut_val *list = yyjson_mut_arr(v->doc);
    for (size_t i = 0; i < node->count; i++) {
        yyjson_mut_val *item = NULL;
        const struct flipt_node *from = flipt_node_resolve(node->items[i]);
        enum cup_sdk_result r = flipt_spend(v->stream, v->err);
        if (r == CUP_SDK_OK)
            r = shape != NULL ? view_struct(v, from, shape, &item)
                              : view_text(v, from, member, &item);
        if (r != CUP_SDK_OK)
            return r;
        yyjson_mut_arr_append(list, item);
    }
    *ret_value = list;
    return CUP_SDK_OK;
}

static enum cup_sdk_result check_segment(struct view *v, const struct flipt_node *node)
{
    if (node != NULL && node->kind == FLIPT_SEQUENCE)
        return bad_member(v, node, "segment", "a text, nor a mapping of 'keys' and 'operator'");
    return CUP_SDK_OK;
}

/* The three members that a rule's segment is shown as; the text form lists its one key as well. */
static enum cup_sdk_result view_segment(
    struct view *v, const struct flipt_node *node, enum flipt_type type, yyjson_mut_val **ret_value)
{
    bool is_mapping = node != NULL && node->kind == FLIPT_MAPPING;
    enum cup_sdk_result r = check_segment(v, node);
    if (r != CUP_SDK_OK)
        return r;
    if (type == FLIPT_SEGMENT)
        return view_text(v, is_mapping ? NULL : node, "segment", ret_value);
    if (type == FLIPT_SEGMENT_OPERATOR) {
        const struct flipt_node *from =
            is_mapping ? flipt_node_resolve(flipt_node_member(node, "operator", NULL)) : NULL;
        return view_text(v, from, "operator", ret_value);
    }
    if (is_mapping)
        return view_list(
            v, flipt_node_resolve(flipt_node_member(node, "keys", NULL)), "keys", NULL, ret_value);
    size_t n;
    const char *key = flipt_text_of(node, &n);
    *ret_value = n > 0 ? yyjson_mut_arr(v->doc) : yyjson_mut_null(v->doc);
    if (n > 0)
        yyjson_mut_arr_add_strncpy(v->doc, *ret_value, key, n);
    return CUP_SDK_OK;
}

static enum cup_sdk_result view_field(
    struct view *v,
    const struct flipt_field *field,
    const struct flipt_node *node,
    yyjson_mut_val **ret_value)
{
    switch (field->type) {
    case FLIPT_IDENTITY:
    case FLIPT_NAME:
        *ret_value = yyjson_mut_str(v->doc, "");
        return CUP_SDK_OK;
    case FLIPT_TEXT:
        return view_text(v, node, field->yaml, ret_value);
    case FLIPT_TRUTH:
        return view_truth(v, node, field->yaml, ret_value);
    case FLIPT_AMOUNT:
        return view_amount(v, node, field->yaml, ret_value);
    case FLIPT_LIST:
    case FLIPT_TEXTS:
        return view_list(v, node, field->yaml, field->shape, ret_value);
    case FLIPT_SEGMENT:
    case FLIPT_SEGMENT_KEYS:
    case FLIPT_SEGMENT_OPERATOR:
        return view_segment(v, node, field->type, ret_value);
    case FLIPT_STRUCT:
        if (!is_null(v->stream->arena, node))
            return view_struct(v, node, field->shape, ret_value);
        break;
    case FLIPT_ANY:
    default:
        if (node != NULL)
            return view_any(v, node, ret_value);
    }
    *ret_value = yyjson_mut_null(v->doc);
    return CUP_SDK_OK;
}

static enum cup_sdk_result view_struct(
    struct view *v,
    const struct flipt_node *node,
    const struct flipt_shape *shape,
    yyjson_mut_val **ret_value)
{
    if (node->kind != FLIPT_MAPPING)
        return bad_member(v, node, shape->what, "a mapping");
    yyjson_mut_val *object = yyjson_mut_obj(v->doc);
    for (size_t i = 0; i < shape->count; i++) {
        const struct flipt_field *field = &shape->fields[i];
        const struct flipt_node *from = flipt_node_member(node, field->yaml, NULL);
        yyjson_mut_val *value = NULL;
        if (from == NULL && field->is_optional)
            continue;
        enum cup_sdk_result r = flipt_spend(v->stream, v->err);
        if (r == CUP_SDK_OK)
            r = view_field(v, field, flipt_node_resolve(from), &value);
        if (r != CUP_SDK_OK)
            return r;
        yyjson_mut_obj_add_val(v->doc, object, field->json, value);
    }
    *ret_value = object;
    return CUP_SDK_OK;
}

static bool is_merge_key(const struct flipt_node *key)
{
    return key->kind == FLIPT_SCALAR && key->style == FLIPT_PLAIN && strcmp(key->text, "<<") == 0;
}

/* Add the members of `from` that `object` does not have yet; its own go first, merged ones after. */
static enum cup_sdk_result
add_members(struct view *v, const struct flipt_node *from, bool is_merged, yyjson_mut_val *object)
{
    for (size_t i = 0; i + 1 < from->count; i += 2) {
        const struct flipt_node *key = flipt_node_resolve(from->items[i]);
        yyjson_mut_val *value = NULL;
        if (is_merge_key(key))
            continue;
        if (key->kind != FLIPT_SCALAR)
            return flipt_bad_node(v->stream, key, v->err, "a key that is not a text");
        if (yyjson_mut_obj_getn(object, key->text, key->text_n) != NULL) {
            if (is_merged)
                continue;
            return flipt_bad_node(v->stream, key, v->err, "a key that stands there twice");
        }
        enum cup_sdk_result r = view_any(v, flipt_node_resolve(from->items[i + 1]), &value);
        if (r != CUP_SDK_OK)
            return r;
        yyjson_mut_obj_add(object, yyjson_mut_strncpy(v->doc, key->text, key->text_n), value);
    }
    return CUP_SDK_OK;
}

static enum cup_sdk_result add_all_members(
    struct view *v, const struct flipt_node *from, bool is_merged, yyjson_mut_val *object);

static enum cup_sdk_result
add_merged(struct view *v, const struct flipt_node *from, yyjson_mut_val *object)
{
    enum cup_sdk_result r = CUP_SDK_OK;
    from = flipt_node_resolve(from);
    if (from->kind == FLIPT_MAPPING)
        return add_all_members(v, from, true, object);
    for (size_t i = 0; from->kind == FLIPT_SEQUENCE && i < from->count && r == CUP_SDK_OK; i++)
        r = add_merged(v, from->items[i], object);
    return r;
}

static enum cup_sdk_result add_all_members(
    struct view *v, const struct flipt_node *from, bool is_merged, yyjson_mut_val *object)
{
    enum cup_sdk_result r = flipt_spend(v->stream, v->err);
    if (r == CUP_SDK_OK)
        r = add_members(v, from, is_merged, object);
    for (size_t i = 0; i + 1 < from->count && r == CUP_SDK_OK; i += 2)
        if (is_merge_key(flipt_node_resolve(from->items[i])))
            r = add_merged(v, from->items[i + 1], object);
    return r;
}

static enum cup_sdk_result
view_any(struct view *v, const struct flipt_node *node, yyjson_mut_val **ret_value)
{
    enum cup_sdk_result r = flipt_spend(v->stream, v->err);
    if (r != CUP_SDK_OK)
        return r;
    if (node->kind == FLIPT_SCALAR) {
        struct flipt_value value = flipt_scalar_value(v->stream->arena, node);
        *ret_value = make_value(v->doc, &value);
        return CUP_SDK_OK;
    }
    if (node->kind == FLIPT_MAPPING) {
        *ret_value = yyjson_mut_obj(v->doc);
        return add_all_members(v, node, false, *ret_value);
    }
    *ret_value = yyjson_mut_arr(v->doc);
    for (size_t i = 0; i < node->count && r == CUP_SDK_OK; i++) {
        yyjson_mut_val *item = NULL;
        r = view_any(v, flipt_node_resolve(node->items[i]), &item);
        if (r == CUP_SDK_OK)
            yyjson_mut_arr_append(*ret_value, item);
    }
    return r;
}

enum cup_sdk_result flipt_view(
    struct flipt_stream *stream,
    const struct flipt_node *node,
    const struct flipt_shape *shape,
    yyjson_mut_doc *doc,
    yyjson_mut_val **ret_value,
    struct cup_sdk_err *err)
{
    struct view v = {stream, doc, err};
    return view_struct(&v, flipt_node_resolve(node), shape, ret_value);
}
