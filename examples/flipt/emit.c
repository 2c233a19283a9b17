#include "emit.h"

#include "yaml_scalar.h"

#include <stdint.h>
#include <string.h>

#define STEP 2 /* as Flipt exports */

/* --- Layout --- */

struct search {
    const struct flipt_stream *stream;
    size_t step; /* SIZE_MAX: not seen yet */
    size_t dash_offset;
    size_t dash_width;
};

static size_t dash_of(const struct search *s, const struct flipt_node *item)
{
    return flipt_stream_mark_before(s->stream, item->start);
}

static void look_at_sequence(struct search *s, const struct flipt_node *node, size_t column)
{
    size_t dash = dash_of(s, node->items[0]);
    if (dash == SIZE_MAX || s->stream->text[dash] != '-')
        return;
    size_t dash_column = flipt_column(s->stream, dash);
    if (s->dash_offset == SIZE_MAX && column != SIZE_MAX && dash_column >= column)
        s->dash_offset = dash_column - column;
    const struct flipt_node *item = node->items[0];
    bool is_on_line = flipt_line_start(s->stream, item->start) == flipt_line_start(s->stream, dash);
    if (s->dash_width == SIZE_MAX && item->kind == FLIPT_MAPPING && item->style == FLIPT_BLOCK &&
        is_on_line)
        s->dash_width = item->start - dash;
}

/* `column`: of the mapping that the node is a value of; SIZE_MAX: of none. */
static void look_at(struct search *s, const struct flipt_node *node, size_t column)
{
    if (node->style != FLIPT_BLOCK || node->count == 0)
        return;
    if (s->step != SIZE_MAX && s->dash_offset != SIZE_MAX && s->dash_width != SIZE_MAX)
        return;
    if (node->kind == FLIPT_SEQUENCE) {
        look_at_sequence(s, node, column);
        for (size_t i = 0; i < node->count; i++)
            look_at(s, node->items[i], SIZE_MAX);
        return;
    }
    size_t own = flipt_column(s->stream, node->items[0]->start);
    if (s->step == SIZE_MAX && column != SIZE_MAX && own > column)
        s->step = own - column;
    for (size_t i = 0; i + 1 < node->count; i += 2)
        look_at(s, node->items[i + 1], own);
}

static bool is_json(const struct flipt_node *root)
{
    return root != NULL && root->kind == FLIPT_MAPPING && root->style == FLIPT_FLOW &&
        root->count > 0 && root->items[0]->style == FLIPT_DOUBLE;
}

struct flipt_layout flipt_layout_of(
    const struct flipt_stream *stream, const struct flipt_node *root, const struct flipt_node *near)
{
    struct search s = {stream, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    if (near != NULL)
        look_at(&s, near, SIZE_MAX);
    if (root != NULL)
        look_at(&s, root, SIZE_MAX);
    return (struct flipt_layout){
        .line_break = stream->line_break,
        .step = s.step != SIZE_MAX ? s.step : STEP,
        .dash_offset = s.dash_offset != SIZE_MAX ? s.dash_offset : 0,
        .dash_width = s.dash_width != SIZE_MAX ? s.dash_width : STEP,
        .may_end_with_break = stream->n > 0 && stream->text[stream->n - 1] == '\n',
        .is_json = is_json(root),
    };
}

/* --- Values --- */

/* The entries to write: of a collection that is kept they are its own. */
static const struct flipt_want *unfold(struct flipt_arena *arena, const struct flipt_want *want)
{
    if (want->kind != FLIPT_KEEP)
        return want;
    bool is_collection = want->base->kind == FLIPT_MAPPING || want->base->kind == FLIPT_SEQUENCE;
    return is_collection ? flipt_want_copy(arena, want->base) : want;
}

bool flipt_is_block(const struct flipt_want *want)
{
    if (want->kind == FLIPT_KEEP)
        return (want->base->kind == FLIPT_MAPPING || want->base->kind == FLIPT_SEQUENCE) &&
            want->base->count > 0;
    return (want->kind == FLIPT_PUT_MAPPING || want->kind == FLIPT_PUT_SEQUENCE) && want->count > 0;
}

static bool is_plain_in_flow(const struct flipt_node *node)
{
    for (size_t i = 0; i < node->text_n; i++)
        if (strchr(",[]{}:", node->text[i]) != NULL)
            return false;
    return true;
}

static void emit_kept_scalar(
    struct flipt_text *out, const struct flipt_node *node, struct flipt_scalar_place *place)
{
    if (node->kind == FLIPT_ALIAS) {
        flipt_text_adds(out, "*");
        flipt_text_adds(out, node->anchor);
        return;
    }
    if (node->tag != NULL) {
        flipt_text_adds(out, "!<");
        flipt_text_adds(out, node->tag);
        flipt_text_adds(out, "> ");
    }
    place->like = node->style;
    if (node->style == FLIPT_PLAIN && memchr(node->text, '\n', node->text_n) == NULL &&
        (!place->is_flow || is_plain_in_flow(node)))
        flipt_text_add(out, node->text, node->text_n);
    else
        flipt_scalar_write(out, node->text, node->text_n, place);
}

static void emit_scalar_at(
    struct flipt_text *out, const struct flipt_want *want, struct flipt_scalar_place *place)
{
    if (want->kind == FLIPT_KEEP)
        emit_kept_scalar(out, want->base, place);
    else if (want->kind == FLIPT_PUT_TEXT)
        flipt_scalar_write(out, want->text, want->n, place);
    else if (want->kind == FLIPT_PUT_RAW)
        flipt_text_add(out, want->text, want->n);
    else
        flipt_text_adds(out, want->kind == FLIPT_PUT_MAPPING ? "{}" : "[]");
}

void flipt_emit_scalar(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *want,
    enum flipt_node_style like,
    size_t indent)
{
    struct flipt_scalar_place place = {
        .like = like,
        .may_end_with_break = layout->may_end_with_break,
        .indent = indent,
        .line_break = layout->line_break,
    };
    emit_scalar_at(out, unfold(out->arena, want), &place);
}

static void emit_key(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want_entry *entry,
    bool is_flow)
{
    struct flipt_scalar_place place = {
        .like = layout->is_json ? FLIPT_DOUBLE : FLIPT_PLAIN,
        .is_flow = is_flow,
        .is_key = true,
        .line_break = layout->line_break,
    };
    if (entry->key != NULL)
        emit_kept_scalar(out, entry->key, &place);
    else
        flipt_scalar_write(out, entry->name, entry->name_n, &place);
    flipt_text_adds(out, entry->key != NULL && entry->key->kind == FLIPT_ALIAS ? " :" : ":");
}

static void emit_line(struct flipt_text *out, const struct flipt_layout *layout, size_t column)
{
    flipt_text_adds(out, layout->line_break);
    flipt_text_spaces(out, column);
}

static void emit_mapping(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *mapping,
    size_t column)
{
    for (size_t i = 0; i < mapping->count; i++) {
        if (i > 0)
            emit_line(out, layout, column);
        flipt_emit_member(out, layout, &mapping->entries[i], column);
    }
}

void flipt_emit_member(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want_entry *entry,
    size_t column)
{
    emit_key(out, layout, entry, false);
    flipt_emit_after_key(out, layout, entry->value, column);
}

void flipt_emit_after_key(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *want,
    size_t column)
{
    const struct flipt_want *value = unfold(out->arena, want);
    if (!flipt_is_block(value)) {
        flipt_text_adds(out, " ");
        flipt_emit_scalar(out, layout, value, FLIPT_PLAIN, column + layout->step);
        return;
    }
    if (value->kind == FLIPT_PUT_MAPPING) {
        emit_line(out, layout, column + layout->step);
        emit_mapping(out, layout, value, column + layout->step);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        emit_line(out, layout, column + layout->dash_offset);
        flipt_text_adds(out, "-");
        flipt_emit_after_dash(out, layout, value->entries[i].value, column + layout->dash_offset);
    }
}

void flipt_emit_after_dash(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *want,
    size_t column)
{
    const struct flipt_want *value = unfold(out->arena, want);
    size_t inner = column + layout->dash_width;
    flipt_text_spaces(out, layout->dash_width - 1);
    if (!flipt_is_block(value)) {
        flipt_emit_scalar(out, layout, value, FLIPT_PLAIN, inner);
        return;
    }
    if (value->kind == FLIPT_PUT_MAPPING) {
        emit_mapping(out, layout, value, inner);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            emit_line(out, layout, inner);
        flipt_text_adds(out, "-");
        flipt_emit_after_dash(out, layout, value->entries[i].value, inner);
    }
}

void flipt_emit_flow_member(
    struct flipt_text *out, const struct flipt_layout *layout, const struct flipt_want_entry *entry)
{
    emit_key(out, layout, entry, true);
    flipt_text_adds(out, " ");
    flipt_emit_flow(out, layout, entry->value);
}

void flipt_emit_flow(
    struct flipt_text *out, const struct flipt_layout *layout, const struct flipt_want *want)
{
    const struct flipt_want *value = unfold(out->arena, want);
    struct flipt_scalar_place place = {
        .like = layout->is_json ? FLIPT_DOUBLE : FLIPT_PLAIN,
        .is_flow = true,
        .line_break = layout->line_break,
    };
    if (!flipt_is_block(value)) {
        emit_scalar_at(out, value, &place);
        return;
    }
    bool is_mapping = value->kind == FLIPT_PUT_MAPPING;
    flipt_text_adds(out, is_mapping ? "{" : "[");
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            flipt_text_adds(out, ", ");
        if (is_mapping)
            flipt_emit_flow_member(out, layout, &value->entries[i]);
        else
            flipt_emit_flow(out, layout, value->entries[i].value);
    }
    flipt_text_adds(out, is_mapping ? "}" : "]");
}
