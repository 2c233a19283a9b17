#include "edit.h"

#include "edit_internal.h"
#include "yaml_scalar.h"

#include <stdlib.h>
#include <string.h>

#define REORDER_MAX 2000 /* items among which the longest run that stays is searched */

struct flipt_text flipt_splice_text(const struct flipt_editor *e)
{
    return (struct flipt_text){.arena = e->stream->arena};
}

void flipt_splice_add(
    struct flipt_editor *e, size_t start, size_t end, const struct flipt_text *text)
{
    e->splices =
        flipt_grow(e->stream->arena, e->splices, e->count, &e->room, sizeof(e->splices[0]));
    e->splices[e->count] = (struct flipt_splice){start, end, text->p, text->n, e->count};
    e->count++;
}

void flipt_splice_remove(struct flipt_editor *e, size_t start, size_t end)
{
    struct flipt_text nothing = {0};
    flipt_splice_add(e, start, end, &nothing);
}

/* --- Which entries stay where they are --- */

static size_t find_item(const struct flipt_node *node, const struct flipt_want *value, size_t hint)
{
    for (size_t i = 0; i < node->count; i++) {
        size_t at = (hint + i) % node->count;
        if (node->items[at] == value->base)
            return at;
    }
    return FLIPT_NOWHERE;
}

static bool is_ascending(const size_t *places, size_t count)
{
    size_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (places[i] == FLIPT_NOWHERE)
            continue;
        if (places[i] < last)
            return false;
        last = places[i];
    }
    return true;
}

/* Keep a longest ascending run of places; the others count as moved, that is as removed and new. */
static void drop_moved(struct flipt_arena *arena, size_t *places, size_t count)
{
    size_t *length = flipt_alloc(arena, (count + 1) * sizeof(size_t));
    size_t *previous = flipt_alloc(arena, (count + 1) * sizeof(size_t));
    bool *stays = flipt_alloc(arena, count + 1);
    size_t best = FLIPT_NOWHERE;
    for (size_t i = 0; i < count; i++) {
        if (places[i] == FLIPT_NOWHERE)
            continue;
        length[i] = 1;
        previous[i] = FLIPT_NOWHERE;
        for (size_t j = i > REORDER_MAX ? i - REORDER_MAX : 0; j < i; j++) {
            if (places[j] == FLIPT_NOWHERE || places[j] > places[i] || length[j] < length[i])
                continue;
            length[i] = length[j] + 1;
            previous[i] = j;
        }
        if (best == FLIPT_NOWHERE || length[i] > length[best])
            best = i;
    }
    for (; best != FLIPT_NOWHERE; best = previous[best])
        stays[best] = true;
    for (size_t i = 0; i < count; i++)
        if (!stays[i])
            places[i] = FLIPT_NOWHERE;
}

size_t *flipt_places(
    const struct flipt_editor *e, const struct flipt_node *node, const struct flipt_want *want)
{
    size_t *places = flipt_alloc(e->stream->arena, (want->count + 1) * sizeof(size_t));
    size_t hint = 0;
    for (size_t i = 0; i < want->count; i++) {
        places[i] = FLIPT_NOWHERE;
        if (node->kind == FLIPT_MAPPING) {
            for (size_t k = 0; want->entries[i].key != NULL && k < node->count; k += 2)
                if (node->items[k] == want->entries[i].key)
                    places[i] = k / 2;
        } else if (want->entries[i].value->base != NULL) {
            places[i] = find_item(node, want->entries[i].value, hint);
            hint = places[i] != FLIPT_NOWHERE ? places[i] + 1 : hint;
        }
    }
    if (!is_ascending(places, want->count))
        drop_moved(e->stream->arena, places, want->count);
    return places;
}

bool *flipt_kept(
    const struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const size_t *places)
{
    bool *kept = flipt_alloc(e->stream->arena, node->count + 1);
    for (size_t i = 0; i < want->count; i++)
        if (places[i] != FLIPT_NOWHERE)
            kept[places[i]] = true;
    return kept;
}

/* --- Aliases --- */

static bool is_within(const struct flipt_node *inner, const struct flipt_node *outer)
{
    return outer->start <= inner->start && inner->end <= outer->end;
}

enum cup_sdk_result
flipt_check_aliases(struct flipt_editor *e, const struct flipt_node *node, bool is_replaced)
{
    const struct flipt_stream *s = e->stream;
    for (size_t i = 0; i < s->alias_count; i++) {
        const struct flipt_node *alias = s->aliases[i], *target = alias->target;
        bool is_hit = is_within(node, target);
        if (is_replaced)
            is_hit = (is_hit || is_within(target, node)) && !is_within(alias, node);
        if (is_hit)
            return cup_sdk_fail(
                e->err,
                "%.300s:%zu: what has to change here is used as alias '*%.100s' in line %zu: "
                "change it "
                "by hand",
                s->path, node->line, alias->anchor, alias->line);
    }
    return CUP_SDK_OK;
}

/* --- One node --- */

static enum flipt_node_style style_like(const struct flipt_editor *e, const struct flipt_node *node)
{
    if (node->kind == FLIPT_SCALAR && (node->style != FLIPT_PLAIN || !e->layout.is_json))
        return node->style;
    return e->layout.is_json ? FLIPT_DOUBLE : FLIPT_PLAIN;
}

static void replace_in_flow(
    struct flipt_editor *e, const struct flipt_node *node, const struct flipt_want *want)
{
    struct flipt_text text = flipt_splice_text(e);
    struct flipt_scalar_place place = {.like = style_like(e, node), .is_flow = true};
    if (node->start == node->end)
        flipt_text_adds(&text, " ");
    if (want->kind == FLIPT_PUT_TEXT)
        flipt_scalar_write(&text, want->text, want->n, &place);
    else
        flipt_emit_flow(&text, &e->layout, want);
    flipt_splice_add(e, node->start, node->end, &text);
}

static bool is_followed_by_comment(const struct flipt_stream *s, size_t at)
{
    size_t end = flipt_line_end(s, at);
    return at < end && memchr(s->text + at, '#', end - at) != NULL;
}

/* A scalar for a scalar: only its own characters change, the comment behind it stays. */
static void replace_scalar(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const struct flipt_spot *spot)
{
    struct flipt_text text = flipt_splice_text(e);
    bool is_lines = node->style == FLIPT_LITERAL || node->style == FLIPT_FOLDED;
    enum flipt_node_style like = style_like(e, node);
    size_t inner = spot->parent == FLIPT_IN_SEQUENCE ? e->layout.dash_width : e->layout.step;
    if (!is_lines && want->kind == FLIPT_PUT_TEXT && is_followed_by_comment(e->stream, node->end))
        like = memchr(want->text, '\n', want->n) != NULL ? FLIPT_DOUBLE : like;
    if (node->start == node->end)
        flipt_text_adds(&text, " ");
    flipt_emit_scalar(&text, &e->layout, want, like, spot->column + inner);
    flipt_splice_add(e, node->start, node->end, &text);
}

static void emit_after(
    struct flipt_editor *e,
    struct flipt_text *text,
    const struct flipt_want *want,
    const struct flipt_spot *spot)
{
    if (spot->parent == FLIPT_IN_MAPPING)
        flipt_emit_after_key(text, &e->layout, want, spot->column);
    else
        flipt_emit_after_dash(text, &e->layout, want, spot->column);
}

static enum cup_sdk_result replace_node(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const struct flipt_spot *spot)
{
    struct flipt_text text = flipt_splice_text(e);
    bool was_block = node->style == FLIPT_BLOCK, is_block = flipt_is_block(want);
    enum cup_sdk_result r = flipt_check_aliases(e, node, true);
    if (r != CUP_SDK_OK)
        return r;
    if (spot->parent == FLIPT_IN_NOTHING)
        return cup_sdk_fail(
            e->err, "%.300s:%zu: cannot change this document", e->stream->path, node->line);
    if (spot->parent == FLIPT_IN_FLOW) {
        replace_in_flow(e, node, want);
        return CUP_SDK_OK;
    }
    if (!was_block && !is_block) {
        replace_scalar(e, node, want, spot);
        return CUP_SDK_OK;
    }
    emit_after(e, &text, want, spot);
    if (!was_block && spot->parent == FLIPT_IN_MAPPING) {
        /* "key: [] # why" becomes "key: # why" and the lines after it */
        size_t at = flipt_line_end(e->stream, node->end);
        flipt_splice_remove(e, spot->indicator + 1, node->end);
        flipt_splice_add(e, at, at, &text);
    } else {
        flipt_splice_add(e, spot->indicator + 1, node->end, &text);
    }
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_edit_node(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const struct flipt_spot *spot)
{
    bool is_done = false;
    enum cup_sdk_result r = CUP_SDK_OK;
    if (want->kind == FLIPT_KEEP)
        return CUP_SDK_OK;
    if (want->base == node && node->count > 0) {
        if (node->style == FLIPT_FLOW)
            r = flipt_edit_flow(e, node, want, &is_done);
        else if (want->kind == FLIPT_PUT_MAPPING && node->kind == FLIPT_MAPPING)
            r = flipt_edit_mapping(e, node, want, &is_done);
        else if (want->kind == FLIPT_PUT_SEQUENCE && node->kind == FLIPT_SEQUENCE)
            r = flipt_edit_sequence(e, node, want, spot, &is_done);
    }
    if (r == CUP_SDK_OK && !is_done)
        r = replace_node(e, node, want, spot);
    return r;
}

/* --- The whole text --- */

static int by_place(const void *a, const void *b)
{
    const struct flipt_splice *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    bool x_inserts = x->start == x->end, y_inserts = y->start == y->end;
    if (x_inserts != y_inserts)
        return x_inserts ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static enum cup_sdk_result apply(struct flipt_editor *e, struct flipt_text *out)
{
    const struct flipt_stream *s = e->stream;
    size_t at = 0;
    if (e->count > 0)
        qsort(e->splices, e->count, sizeof(e->splices[0]), by_place);
    for (size_t i = 0; i < e->count; i++) {
        const struct flipt_splice *splice = &e->splices[i];
        if (splice->start < at)
            return cup_sdk_fail(
                e->err, "%.300s: this change cannot be made in place: make it by hand", s->path);
        flipt_text_add(out, s->text + at, splice->start - at);
        flipt_text_add(out, splice->text, splice->n);
        at = splice->end;
    }
    flipt_text_add(out, s->text + at, s->n - at);
    return CUP_SDK_OK;
}

enum cup_sdk_result flipt_edit(
    const struct flipt_stream *stream,
    const struct flipt_node *root,
    const struct flipt_node *near,
    const struct flipt_want *want,
    struct flipt_text *out,
    struct cup_sdk_err *err)
{
    struct flipt_editor e = {
        .stream = stream,
        .layout = flipt_layout_of(stream, root, near),
        .err = err,
    };
    struct flipt_spot spot = {.parent = FLIPT_IN_NOTHING};
    enum cup_sdk_result r = flipt_edit_node(&e, root, want, &spot);
    return r == CUP_SDK_OK ? apply(&e, out) : r;
}
