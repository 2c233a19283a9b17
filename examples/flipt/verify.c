#include "verify.h"

#include "yaml_scalar.h"

#include <string.h>

static bool is_same_value(const struct flipt_value *a, const struct flipt_value *b)
{
    return a->kind == b->kind && a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
}

static bool is_same_tag(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_equal_scalar(const struct flipt_node *a, const struct flipt_node *b)
{
    struct flipt_arena scratch = {0};
    if (!is_same_tag(a->tag, b->tag))
        return false;
    if (a->style == FLIPT_PLAIN && b->style == FLIPT_PLAIN)
        return a->text_n == b->text_n && memcmp(a->text, b->text, a->text_n) == 0;
    struct flipt_value x = flipt_scalar_value(&scratch, a), y = flipt_scalar_value(&scratch, b);
    bool is_same = is_same_value(&x, &y);
    flipt_arena_free(&scratch);
    return is_same;
}

bool flipt_is_equal(const struct flipt_node *a, const struct flipt_node *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == FLIPT_ALIAS)
        return strcmp(a->anchor, b->anchor) == 0;
    if (a->kind == FLIPT_SCALAR)
        return is_equal_scalar(a, b);
    if (a->count != b->count || !is_same_tag(a->tag, b->tag))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!flipt_is_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

static bool
says_scalar(const struct flipt_node *node, enum flipt_value_kind kind, const char *text, size_t n)
{
    struct flipt_arena scratch = {0};
    if (node->kind != FLIPT_SCALAR)
        return false;
    struct flipt_value value = flipt_scalar_value(&scratch, node);
    bool is_right_kind = kind == FLIPT_STRING ? value.kind == kind : value.kind != FLIPT_STRING;
    bool is_same = is_right_kind && value.n == n && memcmp(value.text, text, n) == 0;
    flipt_arena_free(&scratch);
    return is_same;
}

static bool says(const struct flipt_node *node, const struct flipt_want *want);

static bool says_entries(const struct flipt_node *node, const struct flipt_want *want)
{
    bool is_mapping = want->kind == FLIPT_PUT_MAPPING;
    size_t step = is_mapping ? 2 : 1;
    if (node->kind != (is_mapping ? FLIPT_MAPPING : FLIPT_SEQUENCE) ||
        node->count != step * want->count)
        return false;
    for (size_t i = 0; i < want->count; i++) {
        const struct flipt_want_entry *entry = &want->entries[i];
        const struct flipt_node *first = node->items[step * i];
        if (is_mapping && entry->key != NULL && !flipt_is_equal(first, entry->key))
            return false;
        if (is_mapping && entry->key == NULL &&
            !says_scalar(first, FLIPT_STRING, entry->name, entry->name_n))
            return false;
        if (!says(node->items[step * i + step - 1], entry->value))
            return false;
    }
    return true;
}

static bool says(const struct flipt_node *node, const struct flipt_want *want)
{
    switch (want->kind) {
    case FLIPT_KEEP:
        return flipt_is_equal(node, want->base);
    case FLIPT_PUT_TEXT:
        return says_scalar(node, FLIPT_STRING, want->text, want->n);
    case FLIPT_PUT_RAW:
        return says_scalar(node, FLIPT_NULL, want->text, want->n);
    case FLIPT_PUT_MAPPING:
    case FLIPT_PUT_SEQUENCE:
    default:
        return says_entries(node, want);
    }
}

bool flipt_verify(
    const struct flipt_stream *before,
    const struct flipt_stream *after,
    size_t index,
    const struct flipt_want *want)
{
    size_t expected = before->count > index ? before->count : index + 1;
    if (after->count != expected)
        return false;
    for (size_t i = 0; i < before->count; i++)
        if (i != index && !flipt_is_equal(before->documents[i].root, after->documents[i].root))
            return false;
    return says(after->documents[index].root, want);
}
