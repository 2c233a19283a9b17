/* Entries of block collections: each has its lines, which go and come whole. */
#include "edit_internal.h"

#include <string.h>

static bool is_first_on_line(const struct flipt_stream *s, size_t at)
{
    for (size_t i = flipt_line_start(s, at); i < at; i++)
        if (s->text[i] != ' ')
            return false;
    return true;
}

/*
 * The end of the last line of an entry that ends at `end`: comment lines right behind it that stand
 * deeper than the entry's own column are part of it.
 */
static size_t lines_end(const struct flipt_stream *s, size_t end, size_t column)
{
    size_t last = flipt_line_end(s, end);
    for (size_t line = flipt_next_line(s, end); line < s->n; line = flipt_next_line(s, line)) {
        size_t at = line;
        while (at < s->n && s->text[at] == ' ')
            at++;
        if (at >= s->n || s->text[at] != '#' || at - line <= column)
            break;
        last = flipt_line_end(s, at);
    }
    return last;
}

/* The end of the line before the one that holds `at`; FLIPT_NOWHERE in the first line. */
static size_t previous_line_end(const struct flipt_stream *s, size_t at)
{
    size_t start = flipt_line_start(s, at);
    return start > 0 && s->text[start - 1] == '\n' ? flipt_line_end(s, start - 1) : FLIPT_NOWHERE;
}

/*
 * Lines go with the break before them, so that what is inserted at their end still has its place. The
 * last line of a file that has no break at its end goes without: the one before it keeps its own.
 */
static void remove_lines(struct flipt_editor *e, size_t at, size_t end)
{
    const struct flipt_stream *s = e->stream;
    size_t before = previous_line_end(s, at);
    if (before != FLIPT_NOWHERE && end < s->n)
        flipt_splice_remove(e, before, end);
    else
        flipt_splice_remove(e, flipt_line_start(s, at), flipt_next_line(s, end));
}

/* Put lines before the one that holds `at`. `text` is without breaks at its ends. */
static void insert_lines_before(struct flipt_editor *e, size_t at, const struct flipt_text *text)
{
    struct flipt_text lines = flipt_splice_text(e);
    size_t before = previous_line_end(e->stream, at);
    if (before != FLIPT_NOWHERE)
        flipt_text_adds(&lines, e->layout.line_break);
    flipt_text_add(&lines, text->p, text->n);
    if (before == FLIPT_NOWHERE) {
        flipt_text_adds(&lines, e->layout.line_break);
        before = flipt_line_start(e->stream, at);
    }
    flipt_splice_add(e, before, before, &lines);
}

/* --- Mappings --- */

struct mapping {
    struct flipt_editor *e;
    const struct flipt_node *node;
    const struct flipt_want *want;
    const size_t *places;
    const bool *kept;
    size_t members;
    size_t first_kept;
    size_t column;
    bool is_compact; /* its first key stands behind a dash */
};

static const struct flipt_node *key_of(const struct mapping *m, size_t member)
{
    return m->node->items[2 * member];
}

static const struct flipt_node *value_of(const struct mapping *m, size_t member)
{
    return m->node->items[2 * member + 1];
}

static enum cup_sdk_result remove_members(struct mapping *m)
{
    for (size_t i = 0; i < m->members; i++) {
        if (m->kept[i])
            continue;
        enum cup_sdk_result r = flipt_check_aliases(m->e, key_of(m, i), true);
        if (r == CUP_SDK_OK)
            r = flipt_check_aliases(m->e, value_of(m, i), true);
        if (r != CUP_SDK_OK)
            return r;
        if (m->is_compact && i < m->first_kept)
            continue;
        remove_lines(
            m->e, key_of(m, i)->start, lines_end(m->e->stream, value_of(m, i)->end, m->column));
    }
    /* what stood behind the dash goes, the first that stays moves there */
    if (m->is_compact && m->first_kept > 0)
        flipt_splice_remove(m->e, key_of(m, 0)->start, key_of(m, m->first_kept)->start);
    return CUP_SDK_OK;
}

static void insert_member(struct mapping *m, const struct flipt_want_entry *entry, size_t after)
{
    struct flipt_text text = flipt_splice_text(m->e);
    const struct flipt_layout *layout = &m->e->layout;
    if (after == FLIPT_NOWHERE && m->is_compact) {
        size_t at = key_of(m, 0)->start;
        flipt_emit_member(&text, layout, entry, m->column);
        flipt_text_adds(&text, layout->line_break);
        flipt_text_spaces(&text, m->column);
        flipt_splice_add(m->e, at, at, &text);
        return;
    }
    if (after != FLIPT_NOWHERE)
        flipt_text_adds(&text, layout->line_break);
    flipt_text_spaces(&text, m->column);
    flipt_emit_member(&text, layout, entry, m->column);
    if (after == FLIPT_NOWHERE) {
        insert_lines_before(m->e, key_of(m, 0)->start, &text);
        return;
    }
    size_t at = lines_end(m->e->stream, value_of(m, after)->end, m->column);
    flipt_splice_add(m->e, at, at, &text);
}

static enum cup_sdk_result edit_members(struct mapping *m)
{
    size_t last = FLIPT_NOWHERE;
    bool has_new = false;
    for (size_t i = 0; i < m->want->count; i++) {
        const struct flipt_want_entry *entry = &m->want->entries[i];
        size_t place = m->places[i];
        if (place == FLIPT_NOWHERE) {
            insert_member(m, entry, last);
            has_new = true;
            continue;
        }
        const struct flipt_node *value = value_of(m, place);
        struct flipt_spot spot = {
            .parent = FLIPT_IN_MAPPING,
            .column = m->column,
            .indicator = flipt_stream_mark_before(m->e->stream, value->start),
        };
        enum cup_sdk_result r = flipt_edit_node(m->e, value, entry->value, &spot);
        if (r != CUP_SDK_OK)
            return r;
        last = place;
    }
    return has_new ? flipt_check_aliases(m->e, m->node, false) : CUP_SDK_OK;
}

enum cup_sdk_result flipt_edit_mapping(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    bool *ret_done)
{
    struct mapping m = {
        .e = e,
        .node = node,
        .want = want,
        .places = flipt_places(e, node, want),
        .members = node->count / 2,
        .column = flipt_column(e->stream, node->items[0]->start),
        .is_compact = !is_first_on_line(e->stream, node->items[0]->start),
    };
    m.kept = flipt_kept(e, node, want, m.places);
    while (m.first_kept < m.members && !m.kept[m.first_kept])
        m.first_kept++;
    *ret_done = m.first_kept < m.members;
    if (!*ret_done)
        return CUP_SDK_OK;
    enum cup_sdk_result r = remove_members(&m);
    return r == CUP_SDK_OK ? edit_members(&m) : r;
}

/* --- Sequences --- */

struct sequence {
    struct flipt_editor *e;
    const struct flipt_node *node;
    const struct flipt_want *want;
    const size_t *places;
    const bool *kept;
    size_t column; /* of its dashes */
};

static size_t dash_of(const struct sequence *q, size_t item)
{
    return flipt_stream_mark_before(q->e->stream, q->node->items[item]->start);
}

static size_t item_end(const struct sequence *q, size_t item)
{
    return lines_end(q->e->stream, q->node->items[item]->end, q->column);
}

static bool has_blank_line_before(const struct sequence *q, size_t item)
{
    const struct flipt_stream *s = q->e->stream;
    size_t start = flipt_line_start(s, dash_of(q, item));
    return start >= 2 &&
        (s->text[start - 2] == '\n' ||
         (start >= 3 && s->text[start - 2] == '\r' && s->text[start - 3] == '\n'));
}

static enum cup_sdk_result remove_items(struct sequence *q)
{
    for (size_t i = 0; i < q->node->count; i++) {
        if (q->kept[i])
            continue;
        enum cup_sdk_result r = flipt_check_aliases(q->e, q->node->items[i], true);
        if (r == CUP_SDK_OK)
            r = flipt_check_aliases(q->e, q->node, false);
        if (r != CUP_SDK_OK)
            return r;
        remove_lines(q->e, dash_of(q, i), item_end(q, i));
    }
    return CUP_SDK_OK;
}

static void insert_item(struct sequence *q, const struct flipt_want *value, size_t after)
{
    const struct flipt_layout *layout = &q->e->layout;
    struct flipt_text text = flipt_splice_text(q->e);
    if (after != FLIPT_NOWHERE) {
        flipt_text_adds(&text, layout->line_break);
        if (after > 0 && after + 1 == q->node->count && has_blank_line_before(q, after))
            flipt_text_adds(&text, layout->line_break);
    }
    flipt_text_spaces(&text, q->column);
    flipt_text_adds(&text, "-");
    flipt_emit_after_dash(&text, layout, value, q->column);
    if (after == FLIPT_NOWHERE) {
        insert_lines_before(q->e, dash_of(q, 0), &text);
        return;
    }
    size_t at = item_end(q, after);
    flipt_splice_add(q->e, at, at, &text);
}

static enum cup_sdk_result edit_items(struct sequence *q)
{
    size_t last = FLIPT_NOWHERE;
    bool has_new = false;
    for (size_t i = 0; i < q->want->count; i++) {
        const struct flipt_want *value = q->want->entries[i].value;
        size_t place = q->places[i];
        if (place == FLIPT_NOWHERE) {
            insert_item(q, value, last);
            has_new = true;
            continue;
        }
        struct flipt_spot spot = {
            .parent = FLIPT_IN_SEQUENCE,
            .column = q->column,
            .indicator = dash_of(q, place),
        };
        enum cup_sdk_result r = flipt_edit_node(q->e, q->node->items[place], value, &spot);
        if (r != CUP_SDK_OK)
            return r;
        last = place;
    }
    return has_new ? flipt_check_aliases(q->e, q->node, false) : CUP_SDK_OK;
}

/* The first dash shares its line ("- - a"): then only what comes after the first item can change. */
static bool is_line_by_line(const struct sequence *q)
{
    if (is_first_on_line(q->e->stream, dash_of(q, 0)))
        return true;
    return q->want->count > 0 && q->places[0] == 0;
}

enum cup_sdk_result flipt_edit_sequence(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const struct flipt_spot *spot,
    bool *ret_done)
{
    struct sequence q = {
        .e = e,
        .node = node,
        .want = want,
        .places = flipt_places(e, node, want),
    };
    q.kept = flipt_kept(e, node, want, q.places);
    q.column = flipt_column(e->stream, dash_of(&q, 0));
    bool is_emptied = want->count == 0;
    *ret_done = is_line_by_line(&q) && (!is_emptied || spot->parent == FLIPT_IN_MAPPING);
    if (!*ret_done)
        return CUP_SDK_OK;
    if (is_emptied) {
        struct flipt_text text = flipt_splice_text(e);
        flipt_text_adds(&text, " []");
        flipt_splice_add(e, spot->indicator + 1, spot->indicator + 1, &text);
    }
    enum cup_sdk_result r = remove_items(&q);
    return r == CUP_SDK_OK ? edit_items(&q) : r;
}
