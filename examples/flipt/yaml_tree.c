#include "yaml_tree.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#define OFFSET_STEP 64  /* characters between two known offsets */
#define MERGES_MAX 1000 /* mappings that one look-up enters */

struct anchor {
    const char *name;
    struct flipt_node *node;
    bool is_open; /* its node is still being read */
};

/* State of one reading. libyaml counts characters; `offsets` turns that into bytes. */
struct reader {
    struct flipt_stream *stream;
    struct cup_sdk_err *err;
    yaml_parser_t parser;
    size_t begin; /* offset of the text behind a byte-order mark */
    size_t *offsets;
    size_t offset_count;
    bool is_ascii;
    size_t nodes;
    struct anchor *anchors;
    size_t anchor_count;
    size_t anchor_room;
};

static enum cup_sdk_result
read_node(struct reader *r, yaml_event_t *event, size_t depth, struct flipt_node **ret_node);

static void find_offsets(struct reader *r)
{
    const struct flipt_stream *s = r->stream;
    size_t characters = 0, room = (s->n - r->begin) / OFFSET_STEP + 2;
    r->is_ascii = true;
    for (size_t i = r->begin; i < s->n && r->is_ascii; i++)
        r->is_ascii = (unsigned char)s->text[i] < 0x80;
    if (r->is_ascii)
        return;
    r->offsets = flipt_alloc(s->arena, room * sizeof(size_t));
    for (size_t i = r->begin; i < s->n; i++) {
        if (((unsigned char)s->text[i] & 0xc0) == 0x80)
            continue;
        if (characters++ % OFFSET_STEP == 0)
            r->offsets[r->offset_count++] = i;
    }
}

static size_t byte_offset(const struct reader *r, size_t characters)
{
    const struct flipt_stream *s = r->stream;
    if (r->is_ascii)
        return r->begin + characters < s->n ? r->begin + characters : s->n;
    size_t step = characters / OFFSET_STEP, left = characters % OFFSET_STEP;
    if (step >= r->offset_count)
        return s->n;
    size_t i = r->offsets[step];
    for (; left > 0 && i < s->n; left--) {
        i++;
        while (i < s->n && ((unsigned char)s->text[i] & 0xc0) == 0x80)
            i++;
    }
    return i;
}

static enum cup_sdk_result parser_failure(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem != NULL ? p->problem : "out of memory";
    if (p->error == YAML_READER_ERROR)
        return cup_sdk_fail(
            r->err, "%.300s: not UTF-8 text: %s at byte %zu", r->stream->path, problem,
            p->problem_offset);
    return cup_sdk_fail(
        r->err, "%.300s:%zu: %s", r->stream->path, p->problem_mark.line + 1, problem);
}

static enum cup_sdk_result next_event(struct reader *r, yaml_event_t *ret_event)
{
    if (yaml_parser_parse(&r->parser, ret_event) == 0)
        return parser_failure(r);
    return CUP_SDK_OK;
}

static struct flipt_node *
new_node(struct reader *r, enum flipt_node_kind kind, const yaml_event_t *event)
{
    struct flipt_node *node = flipt_alloc(r->stream->arena, sizeof(*node));
    node->kind = kind;
    node->start = byte_offset(r, event->start_mark.index);
    node->end = byte_offset(r, event->end_mark.index);
    node->line = event->start_mark.line + 1;
    return node;
}

static const char *copy_name(struct reader *r, const yaml_char_t *name)
{
    if (name == NULL)
        return NULL;
    return flipt_copy(r->stream->arena, (const char *)name, strlen((const char *)name));
}

static void add_anchor(struct reader *r, struct flipt_node *node)
{
    if (node->anchor == NULL)
        return;
    r->anchors = flipt_grow(
        r->stream->arena, r->anchors, r->anchor_count, &r->anchor_room, sizeof(r->anchors[0]));
    r->anchors[r->anchor_count++] = (struct anchor){node->anchor, node, true};
}

static void close_anchor(struct reader *r, const struct flipt_node *node)
{
    if (node->anchor == NULL)
        return;
    for (size_t i = r->anchor_count; i-- > 0;)
        if (r->anchors[i].node == node)
            r->anchors[i].is_open = false;
}

static void add_item(struct reader *r, struct flipt_node *parent, struct flipt_node *item)
{
    parent->items = flipt_grow(
        r->stream->arena, parent->items, parent->count, &parent->room, sizeof(parent->items[0]));
    parent->items[parent->count++] = item;
}

static enum cup_sdk_result
read_alias(struct reader *r, const yaml_event_t *event, struct flipt_node **ret_node)
{
    struct flipt_stream *s = r->stream;
    struct flipt_node *node = new_node(r, FLIPT_ALIAS, event);
    node->anchor = copy_name(r, event->data.alias.anchor);
    const struct anchor *found = NULL;
    for (size_t i = r->anchor_count; i-- > 0 && found == NULL;)
        if (strcmp(r->anchors[i].name, node->anchor) == 0)
            found = &r->anchors[i];
    if (found == NULL || found->is_open)
        return cup_sdk_fail(
            r->err, "%.300s:%zu: alias '*%.100s' %s", s->path, node->line, node->anchor,
            found == NULL ? "has no anchor before it" : "is within its own anchor");
    node->target = found->node;
    s->aliases =
        flipt_grow(s->arena, s->aliases, s->alias_count, &s->alias_room, sizeof(s->aliases[0]));
    s->aliases[s->alias_count++] = node;
    *ret_node = node;
    return CUP_SDK_OK;
}

/*
 * libyaml ends a block scalar behind the blank lines that follow it. They are its content with "+"
 * only; else they are as much outside of it as after any other value.
 */
static size_t block_scalar_end(const struct flipt_stream *s, const struct flipt_node *node)
{
    size_t end = node->end, header = node->start;
    bool keeps = false;
    while (header < end && s->text[header] != '|' && s->text[header] != '>')
        header++;
    for (; header < end && strchr("|>+-0123456789", s->text[header]) != NULL; header++)
        keeps |= s->text[header] == '+';
    if (keeps) {
        if (end > header && s->text[end - 1] == '\n')
            end--;
        if (end > header && s->text[end - 1] == '\r')
            end--;
        return end;
    }
    while (end > header && strchr(" \t\r\n", s->text[end - 1]) != NULL)
        end--;
    return end;
}

static enum flipt_node_style scalar_style(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return FLIPT_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return FLIPT_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE:
        return FLIPT_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return FLIPT_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
    default:
        return FLIPT_PLAIN;
    }
}

static struct flipt_node *read_scalar(struct reader *r, const yaml_event_t *event)
{
    struct flipt_node *node = new_node(r, FLIPT_SCALAR, event);
    node->anchor = copy_name(r, event->data.scalar.anchor);
    node->tag = copy_name(r, event->data.scalar.tag);
    node->style = scalar_style(event->data.scalar.style);
    node->text = flipt_copy(
        r->stream->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
    node->text_n = event->data.scalar.length;
    if (node->style == FLIPT_LITERAL || node->style == FLIPT_FOLDED)
        node->end = block_scalar_end(r->stream, node);
    add_anchor(r, node);
    close_anchor(r, node);
    return node;
}

static enum cup_sdk_result
read_items(struct reader *r, struct flipt_node *node, yaml_event_type_t last, size_t depth)
{
    for (;;) {
        yaml_event_t event;
        struct flipt_node *item = NULL;
        enum cup_sdk_result result = next_event(r, &event);
        if (result != CUP_SDK_OK)
            return result;
        if (event.type == last) {
            if (node->style == FLIPT_FLOW)
                node->end = byte_offset(r, event.end_mark.index);
            else if (node->count > 0)
                node->end = node->items[node->count - 1]->end;
            yaml_event_delete(&event);
            close_anchor(r, node);
            return CUP_SDK_OK;
        }
        result = read_node(r, &event, depth + 1, &item);
        yaml_event_delete(&event);
        if (result != CUP_SDK_OK)
            return result;
        add_item(r, node, item);
    }
}

static enum cup_sdk_result read_collection(
    struct reader *r, const yaml_event_t *event, size_t depth, struct flipt_node **ret_node)
{
    bool is_sequence = event->type == YAML_SEQUENCE_START_EVENT;
    struct flipt_node *node = new_node(r, is_sequence ? FLIPT_SEQUENCE : FLIPT_MAPPING, event);
    if (depth >= FLIPT_DEPTH_MAX)
        return cup_sdk_fail(
            r->err, "%.300s:%zu: nested deeper than %d levels", r->stream->path, node->line,
            FLIPT_DEPTH_MAX);
    if (is_sequence) {
        node->anchor = copy_name(r, event->data.sequence_start.anchor);
        node->tag = copy_name(r, event->data.sequence_start.tag);
        node->style =
            event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE ? FLIPT_FLOW : FLIPT_BLOCK;
    } else {
        node->anchor = copy_name(r, event->data.mapping_start.anchor);
        node->tag = copy_name(r, event->data.mapping_start.tag);
        node->style =
            event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE ? FLIPT_FLOW : FLIPT_BLOCK;
    }
    add_anchor(r, node);
    *ret_node = node;
    return read_items(
        r, node, is_sequence ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT, depth);
}

static enum cup_sdk_result
read_node(struct reader *r, yaml_event_t *event, size_t depth, struct flipt_node **ret_node)
{
    if (r->nodes++ >= FLIPT_NODES_MAX)
        return cup_sdk_fail(
            r->err, "%.300s: more than %zu values", r->stream->path, FLIPT_NODES_MAX);
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(r, event, ret_node);
    case YAML_SCALAR_EVENT:
        *ret_node = read_scalar(r, event);
        return CUP_SDK_OK;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_collection(r, event, depth, ret_node);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
    default:
        return cup_sdk_fail(r->err, "%.300s: a value was expected", r->stream->path);
    }
}

static enum cup_sdk_result read_document(struct reader *r)
{
    struct flipt_stream *s = r->stream;
    struct flipt_document document = {0};
    yaml_event_t event;
    r->anchor_count = 0;
    enum cup_sdk_result result = next_event(r, &event);
    if (result != CUP_SDK_OK)
        return result;
    result = read_node(r, &event, 0, &document.root);
    yaml_event_delete(&event);
    if (result != CUP_SDK_OK || (result = next_event(r, &event)) != CUP_SDK_OK)
        return result;
    document.end = byte_offset(r, event.start_mark.index);
    yaml_event_delete(&event);
    s->documents = flipt_grow(s->arena, s->documents, s->count, &s->room, sizeof(s->documents[0]));
    s->documents[s->count++] = document;
    return CUP_SDK_OK;
}

static enum cup_sdk_result read_documents(struct reader *r)
{
    for (;;) {
        yaml_event_t event;
        enum cup_sdk_result result = next_event(r, &event);
        if (result != CUP_SDK_OK)
            return result;
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            return CUP_SDK_OK;
        if (type == YAML_DOCUMENT_START_EVENT && (result = read_document(r)) != CUP_SDK_OK)
            return result;
    }
}

static enum cup_sdk_result start_parser(struct reader *r)
{
    const struct flipt_stream *s = r->stream;
    if (s->n >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0)
        r->begin = 3;
    if (yaml_parser_initialize(&r->parser) == 0)
        return cup_sdk_fail(r->err, "out of memory");
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &r->parser, (const unsigned char *)s->text + r->begin, s->n - r->begin);
    return CUP_SDK_OK;
}

static const char *find_line_break(const char *text, size_t n)
{
    const char *feed = n > 0 ? memchr(text, '\n', n) : NULL;
    return feed != NULL && feed > text && feed[-1] == '\r' ? "\r\n" : "\n";
}

enum cup_sdk_result flipt_stream_read(
    struct flipt_arena *arena,
    const char *path,
    const char *text,
    size_t n,
    struct flipt_stream **ret_stream,
    struct cup_sdk_err *err)
{
    struct flipt_stream *s = flipt_alloc(arena, sizeof(*s));
    struct reader r = {.stream = s, .err = err};
    *s = (struct flipt_stream){
        .arena = arena,
        .path = path,
        .text = text,
        .n = n,
        .line_break = find_line_break(text, n),
        .budget = FLIPT_NODES_MAX,
    };
    enum cup_sdk_result result = start_parser(&r);
    if (result != CUP_SDK_OK)
        return result;
    find_offsets(&r);
    result = read_documents(&r);
    yaml_parser_delete(&r.parser);
    if (result == CUP_SDK_OK)
        *ret_stream = s;
    return result;
}

static enum cup_sdk_result scan_marks(struct reader *r)
{
    struct flipt_stream *s = r->stream;
    for (;;) {
        yaml_token_t token;
        if (yaml_parser_scan(&r->parser, &token) == 0)
            return parser_failure(r);
        yaml_token_type_t type = token.type;
        size_t at = byte_offset(r, token.start_mark.index);
        yaml_token_delete(&token);
        if (type == YAML_STREAM_END_TOKEN)
            return CUP_SDK_OK;
        if (type != YAML_BLOCK_ENTRY_TOKEN && type != YAML_VALUE_TOKEN &&
            type != YAML_FLOW_ENTRY_TOKEN)
            continue;
        s->marks =
            flipt_grow(s->arena, s->marks, s->mark_count, &s->mark_room, sizeof(s->marks[0]));
        s->marks[s->mark_count++] = at;
    }
}

enum cup_sdk_result flipt_stream_mark(struct flipt_stream *stream, struct cup_sdk_err *err)
{
    struct reader r = {.stream = stream, .err = err};
    stream->mark_count = 0;
    enum cup_sdk_result result = start_parser(&r);
    if (result != CUP_SDK_OK)
        return result;
    find_offsets(&r);
    result = scan_marks(&r);
    yaml_parser_delete(&r.parser);
    return result;
}

size_t flipt_stream_mark_before(const struct flipt_stream *stream, size_t before)
{
    size_t low = 0, high = stream->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream->marks[middle] < before)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? stream->marks[low - 1] : SIZE_MAX;
}

const struct flipt_node *flipt_node_resolve(const struct flipt_node *node)
{
    return node != NULL && node->kind == FLIPT_ALIAS ? node->target : node;
}

static bool is_key(const struct flipt_node *node, const char *key)
{
    node = flipt_node_resolve(node);
    return node != NULL && node->kind == FLIPT_SCALAR && node->text_n == strlen(key) &&
        memcmp(node->text, key, node->text_n) == 0;
}

/* `budget` is how many mappings a look-up may still enter: merges of merges multiply. */
static const struct flipt_node *
find_merged(const struct flipt_node *mapping, const char *key, size_t *budget);

static const struct flipt_node *
find_own(const struct flipt_node *mapping, const char *key, size_t *ret_index)
{
    for (size_t i = 0; i + 1 < mapping->count; i += 2) {
        if (is_key(mapping->items[i], key)) {
            *ret_index = i;
            return mapping->items[i + 1];
        }
    }
    return NULL;
}

static const struct flipt_node *
find_in(const struct flipt_node *mapping, const char *key, size_t *budget)
{
    size_t index;
    mapping = flipt_node_resolve(mapping);
    if (mapping == NULL || mapping->kind != FLIPT_MAPPING || *budget == 0)
        return NULL;
    (*budget)--;
    const struct flipt_node *found = find_own(mapping, key, &index);
    return found != NULL ? found : find_merged(mapping, key, budget);
}

/* "<<: *a" and "<<: [*a, *b]": the first that has the key wins (YAML 1.1, merge key type). */
static const struct flipt_node *
find_merged(const struct flipt_node *mapping, const char *key, size_t *budget)
{
    size_t index;
    const struct flipt_node *from = flipt_node_resolve(find_own(mapping, "<<", &index));
    const struct flipt_node *found = NULL;
    if (from == NULL)
        return NULL;
    if (from->kind == FLIPT_MAPPING)
        return find_in(from, key, budget);
    for (size_t i = 0; from->kind == FLIPT_SEQUENCE && i < from->count && found == NULL; i++)
        found = find_in(from->items[i], key, budget);
    return found;
}

const struct flipt_node *
flipt_node_member(const struct flipt_node *mapping, const char *key, size_t *ret_index)
{
    size_t index = SIZE_MAX, budget = MERGES_MAX;
    const struct flipt_node *found = find_own(mapping, key, &index);
    if (ret_index != NULL)
        *ret_index = index;
    return found != NULL ? found : find_merged(mapping, key, &budget);
}

size_t flipt_line_start(const struct flipt_stream *stream, size_t at)
{
    while (at > 0 && stream->text[at - 1] != '\n')
        at--;
    return at > 0 || stream->n < 3 || memcmp(stream->text, "\xef\xbb\xbf", 3) != 0 ? at : 3;
}

size_t flipt_line_end(const struct flipt_stream *stream, size_t at)
{
    while (at < stream->n && stream->text[at] != '\n')
        at++;
    return at > 0 && at < stream->n && stream->text[at - 1] == '\r' ? at - 1 : at;
}

size_t flipt_next_line(const struct flipt_stream *stream, size_t at)
{
    while (at < stream->n && stream->text[at] != '\n')
        at++;
    return at < stream->n ? at + 1 : at;
}

size_t flipt_column(const struct flipt_stream *stream, size_t at)
{
    return at - flipt_line_start(stream, at);
}
