/*
 * Text of others (servers, images, files) made safe for a terminal: nothing that it holds can move
 * the cursor, forge a line or turn the writing direction.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* Append `text` on one line: control characters, DEL, C1 controls, line and paragraph separators,
 * direction marks and bytes that are no UTF-8 become \n, \x1b, \u202e …; all else stays. */
void cli_print_safe(struct buf *to, struct str text);
/* The same for text of several lines: newline and tab stay. */
void cli_print_safe_lines(struct buf *to, struct str text);
/* A JSON document as it is, but what cli_print_safe would escape inside its strings becomes \u….
 * Equal JSON. The document must have passed json_parse. */
void cli_print_safe_json(struct buf *to, struct str document);
/* Characters (code points; a byte that is no UTF-8 counts as one). */
size_t cli_print_width(struct str text);
