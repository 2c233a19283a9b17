/*
 * A YAML stream as a tree of nodes that know which bytes of the file they stand in. Read with
 * libyaml's parser; what a plain scalar means is yaml_scalar.h's business, and changing is edit.h's.
 */
#pragma once

#include "cup_sdk.h"
#include "mem.h"

/* Limits of a file: bytes, nodes, and how deep collections may nest. */
#define FLIPT_FILE_MAX ((size_t)16 << 20)
#define FLIPT_NODES_MAX ((size_t)2000000)
#define FLIPT_DEPTH_MAX 100

enum flipt_node_kind {
    FLIPT_SCALAR,
    FLIPT_SEQUENCE,
    FLIPT_MAPPING,
    FLIPT_ALIAS,
};

enum flipt_node_style {
    FLIPT_PLAIN, /* also the empty scalar: "key:" */
    FLIPT_SINGLE,
    FLIPT_DOUBLE,
    FLIPT_LITERAL,
    FLIPT_FOLDED,
    FLIPT_BLOCK,
    FLIPT_FLOW,
};

struct flipt_node {
    enum flipt_node_kind kind;
    enum flipt_node_style style;
    const char *anchor; /* of an alias: the name it uses; NULL: none */
    const char *tag;    /* NULL: none */
    const char *text;   /* of a scalar, zero-terminated, may hold zero bytes */
    size_t text_n;
    size_t start; /* byte offset of the node's anchor, tag or content, whichever is first */
    size_t end;   /* byte offset behind its last character; never counts the last line's break */
    size_t line;  /* of start, from 1 */
    struct flipt_node *target; /* of an alias */
    struct flipt_node **items; /* of a sequence; of a mapping: key, value, key, value ... */
    size_t count;              /* of items: twice the number of a mapping's members */
    size_t room;
};

struct flipt_document {
    struct flipt_node *root; /* an empty plain scalar if the document is empty */
    size_t end; /* offset of its end: that of the next "---", of "...", or of the file */
};

struct flipt_stream {
    struct flipt_arena *arena;
    const char *path; /* for errors */
    const char *text; /* the whole file, byte-order mark included */
    size_t n;
    const char *line_break; /* "\n" or "\r\n": what the file's first line ends with */
    struct flipt_document *documents;
    size_t count;
    size_t room;
    struct flipt_node **aliases; /* all of the stream */
    size_t alias_count;
    size_t alias_room;
    size_t *marks; /* offsets of each "-", ":" and "," that is an indicator, ascending */
    size_t mark_count;
    size_t mark_room;
    size_t budget; /* nodes that may still be looked at: aliases can make a small file look huge */
};

/*
 * Read a file's text.
 *
 * text         borrowed as long as the stream is used
 * ret_stream   lives in `arena`
 * fails        ERROR  not YAML in UTF-8, an alias without its anchor or within it, or over a limit;
 *                     names path and line
 */
enum cup_sdk_result flipt_stream_read(
    struct flipt_arena *arena,
    const char *path,
    const char *text,
    size_t n,
    struct flipt_stream **ret_stream,
    struct cup_sdk_err *err);

/* Find the indicators (stream->marks); needed before an edit only. fails: ERROR. */
enum cup_sdk_result flipt_stream_mark(struct flipt_stream *stream, struct cup_sdk_err *err);

/* The greatest indicator offset below `before`; SIZE_MAX if there is none. */
size_t flipt_stream_mark_before(const struct flipt_stream *stream, size_t before);

/* What an alias stands for, else the node itself. NULL stays NULL. */
const struct flipt_node *flipt_node_resolve(const struct flipt_node *node);

/*
 * The value of `key` in a mapping: its own member, else one that a merge key ("<<") brings in. NULL: none.
 *
 * ret_index   of the member's key in items; SIZE_MAX if it is merged in or missing. May be NULL
 */
const struct flipt_node *
flipt_node_member(const struct flipt_node *mapping, const char *key, size_t *ret_index);

/* Offset of the first byte of the line that holds `at`. */
size_t flipt_line_start(const struct flipt_stream *stream, size_t at);

/* Offset of the line break (or the end of the text) of the line that holds `at`. */
size_t flipt_line_end(const struct flipt_stream *stream, size_t at);

/* Offset behind that line break. */
size_t flipt_next_line(const struct flipt_stream *stream, size_t at);

/* Bytes between the start of its line and `at`. */
size_t flipt_column(const struct flipt_stream *stream, size_t at);
