/*
 * Turn a file's text into one that says what is wanted by splicing only the bytes that must change:
 * a scalar, a member's lines, an item's lines. Comments, order, quoting and blank lines elsewhere are
 * not touched. What comes out is not trusted: see verify.h.
 */
#pragma once

#include "want.h"

/*
 * stream    flipt_stream_mark() was called
 * root      of one of its documents; `want` is what it becomes, with root as base
 * near      what to take the layout from first; may be NULL
 * out       the whole new text
 * fails     ERROR  what must change is used by an alias elsewhere, or stands where it cannot be spliced
 */
enum cup_sdk_result flipt_edit(
    const struct flipt_stream *stream,
    const struct flipt_node *root,
    const struct flipt_node *near,
    const struct flipt_want *want,
    struct flipt_text *out,
    struct cup_sdk_err *err);
