/* Wanted values as YAML text, in the block or flow style of the file that they go into. */
#pragma once

#include "want.h"

/* How a file is laid out; found by flipt_layout_of(). */
struct flipt_layout {
    const char *line_break;
    size_t step;             /* columns from a mapping to one within it */
    size_t dash_offset;      /* columns from a mapping's keys to the dashes of a list within it */
    size_t dash_width;       /* columns from a dash to its value */
    bool may_end_with_break; /* the file ends with a line break */
    bool is_json;            /* it is written as JSON: all keys and texts are in double quotes */
};

/* `near` is looked at first, then the whole document; what neither shows is as Flipt exports it. */
struct flipt_layout flipt_layout_of(
    const struct flipt_stream *stream,
    const struct flipt_node *root,
    const struct flipt_node *near);

/* What follows "KEY:" of a mapping at `column`: " value", or lines of their own. */
void flipt_emit_after_key(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *want,
    size_t column);

/* What follows a dash at `column`. */
void flipt_emit_after_dash(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *want,
    size_t column);

/* "KEY:" and what follows it, of an entry of a mapping at `column`; in flow style without column. */
void flipt_emit_member(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want_entry *entry,
    size_t column);
void flipt_emit_flow_member(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want_entry *entry);

/* A value within [] or {}. */
void flipt_emit_flow(
    struct flipt_text *out, const struct flipt_layout *layout, const struct flipt_want *want);

/* A scalar in block style that should look `like` the one that it replaces. */
void flipt_emit_scalar(
    struct flipt_text *out,
    const struct flipt_layout *layout,
    const struct flipt_want *want,
    enum flipt_node_style like,
    size_t indent);

/* Does the value take lines of its own in block style? */
bool flipt_is_block(const struct flipt_want *want);
