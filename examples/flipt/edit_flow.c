/* Entries of flow collections, {a: 1, b: 2} and [1, 2]: each goes and comes with one comma. */
#include "edit_internal.h"

struct flow {
    struct flipt_editor *e;
    const struct flipt_node *node;
    const struct flipt_want *want;
    const size_t *places;
    const bool *kept;
    bool is_mapping;
    size_t entries;
    size_t first_kept;
};

static const struct flipt_node *value_of(const struct flow *f, size_t entry)
{
    return f->node->items[f->is_mapping ? 2 * entry + 1 : entry];
}

static size_t start_of(const struct flow *f, size_t entry)
{
    return f->node->items[f->is_mapping ? 2 * entry : entry]->start;
}

static size_t end_of(const struct flow *f, size_t entry)
{
    size_t end = value_of(f, entry)->end;
    size_t key_end = f->is_mapping ? f->node->items[2 * entry]->end : 0;
    return end > key_end ? end : key_end;
}

static enum cup_sdk_result remove_entries(struct flow *f)
{
    for (size_t i = 0; i < f->entries; i++) {
        if (f->kept[i])
            continue;
        enum cup_sdk_result r = flipt_check_aliases(f->e, value_of(f, i), true);
        if (r == CUP_SDK_OK)
            r = flipt_check_aliases(f->e, f->node, false);
        if (r != CUP_SDK_OK)
            return r;
        if (i > f->first_kept)
            flipt_splice_remove(f->e, end_of(f, i - 1), end_of(f, i));
    }
    if (f->first_kept > 0)
        flipt_splice_remove(f->e, start_of(f, 0), start_of(f, f->first_kept));
    return CUP_SDK_OK;
}

/* A blank, or a line break and blanks where the entries stand on lines of their own. */
static void add_gap(struct flow *f, struct flipt_text *text)
{
    const struct flipt_stream *s = f->e->stream;
    size_t start = flipt_line_start(s, start_of(f, 0)), at = start;
    while (at < start_of(f, 0) && (s->text[at] == ' ' || s->text[at] == '\t'))
        at++;
    if (at == start_of(f, 0)) {
        flipt_text_adds(text, f->e->layout.line_break);
        flipt_text_add(text, s->text + start, at - start);
    } else {
        flipt_text_adds(text, " ");
    }
}

static void insert_entry(struct flow *f, const struct flipt_want_entry *entry, size_t after)
{
    struct flipt_text text = flipt_splice_text(f->e);
    size_t at = after != FLIPT_NOWHERE ? end_of(f, after) : start_of(f, 0);
    if (after != FLIPT_NOWHERE) {
        flipt_text_adds(&text, ",");
        add_gap(f, &text);
    }
    if (f->is_mapping)
        flipt_emit_flow_member(&text, &f->e->layout, entry);
    else
        flipt_emit_flow(&text, &f->e->layout, entry->value);
    if (after == FLIPT_NOWHERE) {
        flipt_text_adds(&text, ",");
        add_gap(f, &text);
    }
    flipt_splice_add(f->e, at, at, &text);
}

static enum cup_sdk_result edit_entries(struct flow *f)
{
    static const struct flipt_spot spot = {.parent = FLIPT_IN_FLOW};
    size_t last = FLIPT_NOWHERE;
    bool has_new = false;
    for (size_t i = 0; i < f->want->count; i++) {
        if (f->places[i] == FLIPT_NOWHERE) {
            insert_entry(f, &f->want->entries[i], last);
            has_new = true;
            continue;
        }
        enum cup_sdk_result r =
            flipt_edit_node(f->e, value_of(f, f->places[i]), f->want->entries[i].value, &spot);
        if (r != CUP_SDK_OK)
            return r;
        last = f->places[i];
    }
    return has_new ? flipt_check_aliases(f->e, f->node, false) : CUP_SDK_OK;
}

enum cup_sdk_result flipt_edit_flow(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    bool *ret_done)
{
    bool is_mapping = node->kind == FLIPT_MAPPING;
    struct flow f = {
        .e = e,
        .node = node,
        .want = want,
        .is_mapping = is_mapping,
        .entries = is_mapping ? node->count / 2 : node->count,
    };
    *ret_done = false;
    if (is_mapping != (want->kind == FLIPT_PUT_MAPPING))
        return CUP_SDK_OK;
    f.places = flipt_places(e, node, want);
    f.kept = flipt_kept(e, node, want, f.places);
    while (f.first_kept < f.entries && !f.kept[f.first_kept])
        f.first_kept++;
    if (f.first_kept == f.entries)
        return CUP_SDK_OK;
    *ret_done = true;
    enum cup_sdk_result r = remove_entries(&f);
    return r == CUP_SDK_OK ? edit_entries(&f) : r;
}
