/*
 * What a YAML scalar means, and how a text is written as one. A plain scalar that is spelled as a JSON
 * number is that number, with its spelling; other YAML spellings of numbers (0x1f, 1_000, .5) are
 * turned into JSON's. Times and dates are texts.
 */
#pragma once

#include "yaml_tree.h"

enum flipt_value_kind {
    FLIPT_NULL,
    FLIPT_BOOL,
    FLIPT_NUMBER,
    FLIPT_STRING,
};

struct flipt_value {
    enum flipt_value_kind kind;
    const char *text; /* JSON's spelling of null, booleans and numbers; a string's bytes */
    size_t n;
};

/* `node` must be a scalar. Numbers in another spelling than JSON's are made in `arena`. */
struct flipt_value flipt_scalar_value(struct flipt_arena *arena, const struct flipt_node *node);

/* The same for a place where YAML 1.1's yes, no, on, off, y, n are booleans. False: not a boolean. */
bool flipt_scalar_bool(const struct flipt_node *node, bool *ret_value);

bool flipt_is_json_number(const char *text, size_t n);

/* Where and how a text is to be written. */
struct flipt_scalar_place {
    enum flipt_node_style like; /* the style that it should have if it can */
    bool is_flow;               /* within [] or {} */
    bool is_key;
    bool
        may_end_with_break; /* false: a literal block may not count on the file's last line break */
    size_t indent;          /* of the lines of a literal block */
    const char *line_break;
};

/* Write `text` so that any YAML 1.1 or 1.2 reader takes it for that text and for nothing else. */
void flipt_scalar_write(
    struct flipt_text *out, const char *text, size_t n, const struct flipt_scalar_place *place);
