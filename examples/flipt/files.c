#include "files.h"

#include "shape.h"

#include <stdlib.h>
#include <string.h>

/* Flipt's, where no index file says otherwise. */
static const char *const default_include[] = {
    "**features.yml",
    "**features.yaml",
    "**.features.yml",
    "**.features.yaml",
};

static void
add_pattern(struct flipt_arena *arena, struct flipt_patterns *patterns, const char *text)
{
    patterns->list = flipt_grow(
        arena, patterns->list, patterns->count, &patterns->room, sizeof(patterns->list[0]));
    patterns->list[patterns->count++] = text;
}

static bool matches_any(const struct flipt_patterns *patterns, const char *path)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (flipt_glob_match(patterns->list[i], path))
            return true;
    return false;
}

bool flipt_files_admits(const struct flipt_files *files, const char *path)
{
    return matches_any(&files->include, path) && !matches_any(&files->exclude, path);
}

static void use_defaults(struct flipt_files *files)
{
    for (size_t i = 0; i < sizeof(default_include) / sizeof(default_include[0]); i++)
        add_pattern(files->arena, &files->include, default_include[i]);
}

static enum cup_sdk_result read_patterns(
    const struct flipt_stream *stream,
    const struct flipt_node *list,
    struct flipt_patterns *patterns,
    struct cup_sdk_err *err)
{
    if (list->kind != FLIPT_SEQUENCE)
        return flipt_bad_node(stream, list, err, "patterns are not a list");
    for (size_t i = 0; i < list->count; i++) {
        size_t n;
        const char *text = flipt_text_of(list->items[i], &n);
        if (text == NULL || n == 0)
            return flipt_bad_node(stream, list->items[i], err, "a pattern is not a text");
        add_pattern(stream->arena, patterns, text);
    }
    return CUP_SDK_OK;
}

static bool is_nothing(const struct flipt_node *node)
{
    size_t n = 1;
    return node == NULL || (flipt_text_of(node, &n) != NULL && n == 0);
}

static enum cup_sdk_result
use_index(struct flipt_files *files, const struct flipt_stream *stream, struct cup_sdk_err *err)
{
    const struct flipt_node *root =
        stream->count > 0 ? flipt_node_resolve(stream->documents[0].root) : NULL;
    enum cup_sdk_result r = CUP_SDK_OK;
    if (!is_nothing(root) && root->kind != FLIPT_MAPPING)
        return flipt_bad_node(stream, root, err, "not a mapping of 'include' and 'exclude'");
    bool has_root = !is_nothing(root);
    const struct flipt_node *include =
        has_root ? flipt_node_resolve(flipt_node_member(root, "include", NULL)) : NULL;
    const struct flipt_node *exclude =
        has_root ? flipt_node_resolve(flipt_node_member(root, "exclude", NULL)) : NULL;
    if (is_nothing(include))
        use_defaults(files);
    else
        r = read_patterns(stream, include, &files->include, err);
    if (r == CUP_SDK_OK && !is_nothing(exclude))
        r = read_patterns(stream, exclude, &files->exclude, err);
    return r;
}

static enum cup_sdk_result read_index(struct flipt_files *files, struct cup_sdk_err *err)
{
    char *text;
    size_t n;
    struct flipt_stream *stream;
    enum cup_sdk_result r = cup_sdk_read_file(FLIPT_INDEX_FILE, FLIPT_FILE_MAX, &text, &n, err);
    if (r == CUP_SDK_NOT_FOUND) {
        use_defaults(files);
        return CUP_SDK_OK;
    }
    if (r != CUP_SDK_OK)
        return r;
    const char *copy = flipt_copy(files->arena, text, n);
    free(text);
    r = flipt_stream_read(files->arena, FLIPT_INDEX_FILE, copy, n, &stream, err);
    return r == CUP_SDK_OK ? use_index(files, stream, err) : r;
}

static enum cup_sdk_result visit(void *data, const char *path, struct cup_sdk_err *err)
{
    struct flipt_files *files = data;
    if (!flipt_files_admits(files, path))
        return CUP_SDK_OK;
    if (files->count >= FLIPT_FILES_MAX)
        return cup_sdk_fail(err, "more than %d feature files", FLIPT_FILES_MAX);
    files->paths =
        flipt_grow(files->arena, files->paths, files->count, &files->room, sizeof(files->paths[0]));
    files->paths[files->count++] = flipt_copy(files->arena, path, strlen(path));
    return CUP_SDK_OK;
}

enum cup_sdk_result
flipt_files_find(struct flipt_arena *arena, struct flipt_files *ret_files, struct cup_sdk_err *err)
{
    *ret_files = (struct flipt_files){.arena = arena};
    enum cup_sdk_result r = read_index(ret_files, err);
    return r == CUP_SDK_OK ? cup_sdk_walk(".", visit, ret_files, err) : r;
}
