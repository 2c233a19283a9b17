/*
 * The shapes of flags and segments: which members a file's mapping and an API object's spec have, how
 * one is shown as the other. Everything that knows a member by name is in this table.
 */
#pragma once

#include "yaml_tree.h"

enum flipt_type {
    FLIPT_TEXT,             /* absent is "" */
    FLIPT_TRUTH,            /* absent is false */
    FLIPT_AMOUNT,           /* a number; absent is 0 */
    FLIPT_LIST,             /* of `shape`; absent is null */
    FLIPT_TEXTS,            /* list of texts; absent is null */
    FLIPT_STRUCT,           /* of `shape`; absent is null */
    FLIPT_ANY,              /* any value; absent is null */
    FLIPT_SEGMENT,          /* text, or {keys, operator}: shown as segment_key ... */
    FLIPT_SEGMENT_KEYS,     /* ... and as segments ... */
    FLIPT_SEGMENT_OPERATOR, /* ... and segmentOperator */
    FLIPT_IDENTITY,         /* the object's own key: shown as "", carried by metadata.name */
    FLIPT_NAME,             /* shown as ""; an empty one keeps what is stored */
};

struct flipt_field {
    const char *json;
    const char *yaml;
    enum flipt_type type;
    const struct flipt_shape *shape;
    bool is_always_written; /* in a new mapping, even if it says what absence says */
    bool is_optional;       /* shown only where the file has it */
};

struct flipt_shape {
    const char *what; /* "flag" */
    const struct flipt_field *fields;
    size_t count;
    const char *identity; /* member that tells one of a list from the others; NULL: none does */
};

/* A kind of object: its list in a document and its shape. */
struct flipt_kind {
    const char *kind;   /* "Flag" */
    const char *member; /* "flags" */
    const struct flipt_shape *shape;
};

extern const struct flipt_kind flipt_kind_flag;
extern const struct flipt_kind flipt_kind_segment;

/*
 * Show `node` (resolved or not) as the spec of an object of that shape.
 *
 * ret_value   of `doc`
 * fails       ERROR  a member is not what the shape says; names path and line
 */
enum cup_sdk_result flipt_view(
    struct flipt_stream *stream,
    const struct flipt_node *node,
    const struct flipt_shape *shape,
    yyjson_mut_doc *doc,
    yyjson_mut_val **ret_value,
    struct cup_sdk_err *err);

/* Text of a scalar in a place where only text can be ("" for null); NULL: not a scalar. */
const char *flipt_text_of(const struct flipt_node *node, size_t *ret_n);

/* "PATH:LINE: " and the text, as an error. */
enum cup_sdk_result flipt_bad_node(
    const struct flipt_stream *stream,
    const struct flipt_node *node,
    struct cup_sdk_err *err,
    const char *text);

/* Take one node off the budget; fails where aliases make a small file look huge. */
enum cup_sdk_result flipt_spend(struct flipt_stream *stream, struct cup_sdk_err *err);
