/* Shared by edit.c (what to do with a node), edit_block.c and edit_flow.c (with a collection's entries). */
#pragma once

#include "edit.h"
#include "emit.h"

#include <stdint.h>

#define FLIPT_NOWHERE SIZE_MAX

/* Replace the bytes from start to end; start == end inserts. */
struct flipt_splice {
    size_t start;
    size_t end;
    const char *text;
    size_t n;
    size_t order;
};

struct flipt_editor {
    const struct flipt_stream *stream;
    struct flipt_layout layout;
    struct cup_sdk_err *err;
    struct flipt_splice *splices;
    size_t count;
    size_t room;
};

enum flipt_parent {
    FLIPT_IN_NOTHING, /* the root of a document */
    FLIPT_IN_MAPPING,
    FLIPT_IN_SEQUENCE,
    FLIPT_IN_FLOW,
};

/* Where a node stands. */
struct flipt_spot {
    enum flipt_parent parent;
    size_t column;    /* of the parent's keys or dashes */
    size_t indicator; /* offset of the ":" or "-" before it */
};

void flipt_splice_add(
    struct flipt_editor *e, size_t start, size_t end, const struct flipt_text *text);
void flipt_splice_remove(struct flipt_editor *e, size_t start, size_t end);
struct flipt_text flipt_splice_text(const struct flipt_editor *e);

/* Make `node` say what `want` says. fails: ERROR. */
enum cup_sdk_result flipt_edit_node(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const struct flipt_spot *spot);

/*
 * Which of the wanted entries stand where they stood: the index of the old member or item for each,
 * FLIPT_NOWHERE for a new or a moved one. Ascending.
 */
size_t *flipt_places(
    const struct flipt_editor *e, const struct flipt_node *node, const struct flipt_want *want);

/* Is each old entry among `places`? */
bool *flipt_kept(
    const struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const size_t *places);

/*
 * Fail if an alias elsewhere stands for something that changes with the node. `is_replaced`: the node
 * goes away; else it only gets or loses entries.
 */
enum cup_sdk_result
flipt_check_aliases(struct flipt_editor *e, const struct flipt_node *node, bool is_replaced);

/*
 * Edit the entries of a collection in place. *ret_done false: it is not laid out so that this can be
 * done, nothing was spliced, the caller replaces it whole.
 */
enum cup_sdk_result flipt_edit_mapping(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    bool *ret_done);
enum cup_sdk_result flipt_edit_sequence(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    const struct flipt_spot *spot,
    bool *ret_done);
enum cup_sdk_result flipt_edit_flow(
    struct flipt_editor *e,
    const struct flipt_node *node,
    const struct flipt_want *want,
    bool *ret_done);
