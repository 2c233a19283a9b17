/*
 * What a part of a file should become: a tree that names, for all that stays as it is, the node that
 * stands there. Built from the node and the spec that a PUT brought; edit.h turns it into text,
 * verify.h compares the result with it.
 */
#pragma once

#include "shape.h"

enum flipt_want_kind {
    FLIPT_KEEP, /* as `base` */
    FLIPT_PUT_TEXT,
    FLIPT_PUT_RAW, /* a number, boolean or null in JSON's spelling */
    FLIPT_PUT_MAPPING,
    FLIPT_PUT_SEQUENCE,
};

struct flipt_want_entry {
    const struct flipt_node *key; /* of a mapping's member that was there; NULL: `name` is new */
    const char *name;
    size_t name_n;
    struct flipt_want *value;
};

struct flipt_want {
    enum flipt_want_kind kind;
    const struct flipt_node *base; /* what stands there now; NULL: something new */
    const char *text;
    size_t n;
    struct flipt_want_entry *entries; /* all that there should be, in this order */
    size_t count;
    size_t room;
};

/* "As it is". */
struct flipt_want *flipt_want_keep(struct flipt_arena *arena, const struct flipt_node *node);

/* A mapping or sequence that keeps all its entries; for changing some of them. */
struct flipt_want *flipt_want_copy(struct flipt_arena *arena, const struct flipt_node *collection);

/* A new text, mapping or sequence. */
struct flipt_want *flipt_want_text(struct flipt_arena *arena, const char *text, size_t n);
struct flipt_want *flipt_want_new(struct flipt_arena *arena, enum flipt_want_kind kind);

/* Put an entry at `index` of its entries; `name` NULL in a sequence. */
void flipt_want_insert(
    struct flipt_arena *arena,
    struct flipt_want *want,
    size_t index,
    const char *name,
    struct flipt_want *value);

/* Take the entry at `index` out. */
void flipt_want_remove(struct flipt_want *want, size_t index);

/*
 * What the object of `node` becomes when `spec` is put.
 *
 * node        its mapping; NULL: it is new
 * name        metadata.name
 * ret_want    FLIPT_KEEP if spec says what the file says
 * fails       ERROR  spec has a member that the shape does not know or that is of another type
 */
enum cup_sdk_result flipt_want_object(
    struct flipt_stream *stream,
    const struct flipt_node *node,
    const struct flipt_shape *shape,
    const char *name,
    yyjson_val *spec,
    struct flipt_want **ret_want,
    struct cup_sdk_err *err);
