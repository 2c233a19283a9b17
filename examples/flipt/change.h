/* Finding, storing and removing an object in the documents of one file. Works on text; opens no file. */
#pragma once

#include "shape.h"

/* Each fills in or returns FLIPT_NONE where there is none. */
#define FLIPT_NONE SIZE_MAX

/*
 * The namespace of a document: "default" where it names none.
 *
 * ret_namespace   NULL if the document is empty; lives with the stream
 * fails           ERROR  the document is not a mapping, or its namespace neither text nor {key, ...}
 */
enum cup_sdk_result flipt_namespace_of(
    const struct flipt_stream *stream,
    size_t document,
    const char **ret_namespace,
    struct cup_sdk_err *err);

/* The list of a kind in a document; NULL if there is none. fails: ERROR it is not a list. */
enum cup_sdk_result flipt_list_of(
    const struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const struct flipt_node **ret_list,
    struct cup_sdk_err *err);

/* Key of an item of such a list; NULL for an item that is null. fails: ERROR it has none. */
enum cup_sdk_result flipt_key_of(
    const struct flipt_stream *stream,
    const struct flipt_node *item,
    const struct flipt_kind *kind,
    const char **ret_key,
    struct cup_sdk_err *err);

/* Index of the first item from `from` on that has the key; FLIPT_NONE. */
enum cup_sdk_result flipt_find(
    const struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    size_t from,
    size_t *ret_index,
    struct cup_sdk_err *err);

/*
 * Put `spec` over the item (FLIPT_NONE: behind the last one).
 *
 * out             the whole new text, if *ret_changed
 * ret_changed     false: the file says that already
 * fails           ERROR  spec does not fit the shape; the place cannot be edited; what came out is not
 *                        what was wanted
 */
enum cup_sdk_result flipt_put(
    struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    size_t item,
    yyjson_val *spec,
    struct flipt_text *out,
    bool *ret_changed,
    struct cup_sdk_err *err);

/* Remove every item of that name from a document that has one. out, fails: as flipt_put(). */
enum cup_sdk_result flipt_delete(
    struct flipt_stream *stream,
    size_t document,
    const struct flipt_kind *kind,
    const char *name,
    struct flipt_text *out,
    struct cup_sdk_err *err);

/* Add a document for a namespace that has none yet, with the object in it. out, fails: as flipt_put(). */
enum cup_sdk_result flipt_add_document(
    struct flipt_stream *stream,
    const char *ns,
    const struct flipt_kind *kind,
    const char *name,
    yyjson_val *spec,
    struct flipt_text *out,
    struct cup_sdk_err *err);
