/* The parts of want.c's building that have files of their own: lists, and a rule's segment. */
#pragma once

#include "want.h"

struct flipt_builder {
    struct flipt_stream *stream;
    const char *name; /* metadata.name */
    struct cup_sdk_err *err;
};

/* What a list holds: values of `shape`, anything, or else texts. */
struct flipt_items {
    const struct flipt_shape *shape;
    bool is_any;
    const char *member; /* for errors */
};

/* Each fills in FLIPT_KEEP where `base` (NULL: nothing there) says what `json` says. fails: ERROR. */
enum cup_sdk_result flipt_build_any(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *json,
    struct flipt_want **ret_want);

enum cup_sdk_result flipt_build_item(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_items *items,
    yyjson_val *json,
    struct flipt_want **ret_want);

/* `json` must be an array. An entry's value whose base is an item of the list stands for that item. */
enum cup_sdk_result flipt_build_list(
    struct flipt_builder *b,
    const struct flipt_node *base,
    const struct flipt_items *items,
    yyjson_val *json,
    struct flipt_want **ret_want);

/* `rule` is the object with segment_key, segments, segmentOperator. NULL: no segment. */
enum cup_sdk_result flipt_build_segment(
    struct flipt_builder *b,
    const struct flipt_node *base,
    yyjson_val *rule,
    struct flipt_want **ret_want);
