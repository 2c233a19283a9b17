#include "controller.h"

#include "change.h"
#include "files.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION "flipt.io/v1alpha1"
#define NEW_FILE "features.yml"

/* One call: all that it reads lives until it ends. */
struct call {
    struct flipt_arena arena;
    struct flipt_files files;
    const struct flipt_kind *kind;
    const char *ns;
    const char *name;
    struct cup_sdk_out *out;
    struct cup_sdk_err *err;
    bool is_done; /* what was asked for was found */
    /* of put: the first document of the namespace */
    struct flipt_stream *home;
    size_t home_document;
    /* of namespaces: those printed */
    struct flipt_patterns seen;
};

/* Told of each document with something in it, until call->is_done. */
typedef enum cup_sdk_result (*document_fn)(
    struct call *call, struct flipt_stream *stream, size_t document, const char *ns);

static enum cup_sdk_result
open_file(struct call *call, const char *path, struct flipt_stream **ret_stream)
{
    char *text;
    size_t n;
    enum cup_sdk_result r = cup_sdk_read_file(path, FLIPT_FILE_MAX, &text, &n, call->err);
    if (r != CUP_SDK_OK)
        return CUP_SDK_ERROR;
    const char *copy = flipt_copy(&call->arena, text, n);
    free(text);
    return flipt_stream_read(&call->arena, path, copy, n, ret_stream, call->err);
}

static enum cup_sdk_result
each_document(struct call *call, struct flipt_stream *stream, document_fn fn)
{
    enum cup_sdk_result r = CUP_SDK_OK;
    for (size_t i = 0; i < stream->count && r == CUP_SDK_OK && !call->is_done; i++) {
        const char *ns;
        r = flipt_namespace_of(stream, i, &ns, call->err);
        if (r == CUP_SDK_OK && ns != NULL)
            r = fn(call, stream, i, ns);
    }
    return r;
}

/* Visit the documents of all files in path order until one of them is what was asked for. */
static enum cup_sdk_result each_file(struct call *call, document_fn fn)
{
    enum cup_sdk_result r = flipt_files_find(&call->arena, &call->files, call->err);
    for (size_t i = 0; i < call->files.count && r == CUP_SDK_OK && !call->is_done; i++) {
        struct flipt_stream *stream;
        r = open_file(call, call->files.paths[i], &stream);
        if (r == CUP_SDK_OK)
            r = each_document(call, stream, fn);
    }
    return r;
}

static enum cup_sdk_result not_found(struct call *call)
{
    return cup_sdk_not_found(
        call->err, "no %s '%.200s' in namespace '%.200s'", call->kind->shape->what, call->name,
        call->ns);
}

static enum cup_sdk_result write_object(
    struct call *call, struct flipt_stream *stream, const struct flipt_node *item, const char *key)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *spec;
    enum cup_sdk_result r = flipt_view(stream, item, call->kind->shape, doc, &spec, call->err);
    if (r == CUP_SDK_OK)
        r = cup_sdk_write(
            call->out, cup_sdk_object(doc, API_VERSION, call->kind->kind, call->ns, key, spec),
            call->err);
    yyjson_mut_doc_free(doc);
    return r;
}

static enum cup_sdk_result
get_in(struct call *call, struct flipt_stream *stream, size_t document, const char *ns)
{
    const struct flipt_node *list;
    size_t index;
    if (strcmp(ns, call->ns) != 0)
        return CUP_SDK_OK;
    enum cup_sdk_result r =
        flipt_find(stream, document, call->kind, call->name, 0, &index, call->err);
    if (r != CUP_SDK_OK || index == FLIPT_NONE)
        return r;
    call->is_done = true;
    r = flipt_list_of(stream, document, call->kind, &list, call->err);
    return r == CUP_SDK_OK ? write_object(call, stream, list->items[index], call->name) : r;
}

static enum cup_sdk_result
list_in(struct call *call, struct flipt_stream *stream, size_t document, const char *ns)
{
    const struct flipt_node *list;
    if (strcmp(ns, call->ns) != 0)
        return CUP_SDK_OK;
    enum cup_sdk_result r = flipt_list_of(stream, document, call->kind, &list, call->err);
    for (size_t i = 0; r == CUP_SDK_OK && list != NULL && i < list->count; i++) {
        const char *key;
        r = flipt_key_of(stream, list->items[i], call->kind, &key, call->err);
        if (r == CUP_SDK_OK && key != NULL)
            r = write_object(call, stream, list->items[i], key);
    }
    return r;
}

static enum cup_sdk_result
namespace_in(struct call *call, struct flipt_stream *stream, size_t document, const char *ns)
{
    (void)stream;
    (void)document;
    for (size_t i = 0; i < call->seen.count; i++)
        if (strcmp(call->seen.list[i], ns) == 0)
            return CUP_SDK_OK;
    call->seen.list = flipt_grow(
        &call->arena, call->seen.list, call->seen.count, &call->seen.room,
        sizeof(call->seen.list[0]));
    call->seen.list[call->seen.count++] = ns;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    enum cup_sdk_result r = cup_sdk_write(call->out, yyjson_mut_strcpy(doc, ns), call->err);
    yyjson_mut_doc_free(doc);
    return r;
}

/* --- put --- */

struct put {
    struct call call;
    yyjson_val *spec;
};

static enum cup_sdk_result
write_text(struct call *call, const char *path, const struct flipt_text *text)
{
    return cup_sdk_write_file(path, text->p, text->n, call->err);
}

static enum cup_sdk_result
put_at(struct put *put, struct flipt_stream *stream, size_t document, size_t item)
{
    struct call *call = &put->call;
    struct flipt_text text = {.arena = &call->arena};
    bool is_changed;
    enum cup_sdk_result r = flipt_put(
        stream, document, call->kind, call->name, item, put->spec, &text, &is_changed, call->err);
    if (r == CUP_SDK_OK && is_changed)
        r = write_text(call, stream->path, &text);
    return r;
}

static enum cup_sdk_result
put_in(struct call *call, struct flipt_stream *stream, size_t document, const char *ns)
{
    struct put *put = (struct put *)call;
    size_t index;
    if (strcmp(ns, call->ns) != 0)
        return CUP_SDK_OK;
    if (call->home == NULL) {
        call->home = stream;
        call->home_document = document;
    }
    enum cup_sdk_result r =
        flipt_find(stream, document, call->kind, call->name, 0, &index, call->err);
    if (r != CUP_SDK_OK || index == FLIPT_NONE)
        return r;
    call->is_done = true;
    return put_at(put, stream, document, index);
}

static bool has_file(const struct flipt_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->paths[i], path) == 0)
            return true;
    return false;
}

/* A namespace without a document gets one: in features.yml, or else in the first file there is. */
static enum cup_sdk_result put_in_new_document(struct put *put)
{
    struct call *call = &put->call;
    struct flipt_text text = {.arena = &call->arena};
    struct flipt_stream *stream;
    const char *path = NEW_FILE;
    enum cup_sdk_result r;
    if (!flipt_files_admits(&call->files, path)) {
        if (call->files.count == 0)
            return cup_sdk_fail(
                call->err,
                "no file for namespace '%.200s': '" FLIPT_INDEX_FILE "' does not include '" NEW_FILE
                "', and there is no file that it includes",
                call->ns);
        path = call->files.paths[0];
    }
    if (has_file(&call->files, path))
        r = open_file(call, path, &stream);
    else
        r = flipt_stream_read(&call->arena, path, "", 0, &stream, call->err);
    if (r == CUP_SDK_OK)
        r = flipt_add_document(
            stream, call->ns, call->kind, call->name, put->spec, &text, call->err);
    return r == CUP_SDK_OK ? write_text(call, path, &text) : r;
}

static enum cup_sdk_result run_put(struct put *put)
{
    struct call *call = &put->call;
    enum cup_sdk_result r = each_file(call, put_in);
    if (r != CUP_SDK_OK || call->is_done)
        return r;
    if (call->home != NULL)
        return put_at(put, call->home, call->home_document, FLIPT_NONE);
    return put_in_new_document(put);
}

/* The host has made the body's names equal to the call's; a body that says otherwise is a mistake. */
static enum cup_sdk_result check_names(const struct call *call, yyjson_val *object)
{
    yyjson_val *metadata = yyjson_obj_get(object, "metadata");
    yyjson_val *ns = yyjson_obj_get(metadata, "namespace"),
               *name = yyjson_obj_get(metadata, "name");
    if (yyjson_get_len(ns) > 0 && !yyjson_equals_str(ns, call->ns))
        return cup_sdk_fail(
            call->err, "metadata.namespace is not '%.200s', which the call names", call->ns);
    if (yyjson_get_len(name) > 0 && !yyjson_equals_str(name, call->name))
        return cup_sdk_fail(
            call->err, "metadata.name is not '%.200s', which the call names", call->name);
    return CUP_SDK_OK;
}

/* --- delete --- */

/* A file may hold several documents of a namespace: each is edited on the text that the last one left. */
static enum cup_sdk_result delete_in_file(struct call *call, const char *path)
{
    struct flipt_stream *stream;
    bool is_changed = false;
    enum cup_sdk_result r = open_file(call, path, &stream);
    for (size_t i = 0; r == CUP_SDK_OK && i < stream->count; i++) {
        struct flipt_text text = {.arena = &call->arena};
        const char *ns;
        size_t index = FLIPT_NONE;
        r = flipt_namespace_of(stream, i, &ns, call->err);
        if (r == CUP_SDK_OK && ns != NULL && strcmp(ns, call->ns) == 0)
            r = flipt_find(stream, i, call->kind, call->name, 0, &index, call->err);
        if (r != CUP_SDK_OK || index == FLIPT_NONE)
            continue;
        is_changed = true;
        r = flipt_delete(stream, i, call->kind, call->name, &text, call->err);
        if (r == CUP_SDK_OK)
            r = flipt_stream_read(&call->arena, path, text.p, text.n, &stream, call->err);
    }
    if (r != CUP_SDK_OK || !is_changed)
        return r;
    call->is_done = true;
    return cup_sdk_write_file(path, stream->text, stream->n, call->err);
}

static enum cup_sdk_result run_delete(struct call *call)
{
    enum cup_sdk_result r = flipt_files_find(&call->arena, &call->files, call->err);
    for (size_t i = 0; i < call->files.count && r == CUP_SDK_OK; i++)
        r = delete_in_file(call, call->files.paths[i]);
    return r == CUP_SDK_OK && !call->is_done ? not_found(call) : r;
}

/* --- Callbacks --- */

static enum cup_sdk_result on_get(
    void *data, const char *ns, const char *name, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    struct call call = {.kind = data, .ns = ns, .name = name, .out = out, .err = err};
    enum cup_sdk_result r = each_file(&call, get_in);
    if (r == CUP_SDK_OK && !call.is_done)
        r = not_found(&call);
    flipt_arena_free(&call.arena);
    return r;
}

static enum cup_sdk_result
on_list(void *data, const char *ns, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    struct call call = {.kind = data, .ns = ns, .out = out, .err = err};
    enum cup_sdk_result r = each_file(&call, list_in);
    flipt_arena_free(&call.arena);
    return r;
}

static enum cup_sdk_result
on_namespaces(void *data, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    struct call call = {.kind = data, .out = out, .err = err};
    enum cup_sdk_result r = each_file(&call, namespace_in);
    flipt_arena_free(&call.arena);
    return r;
}

static enum cup_sdk_result
on_put(void *data, const char *ns, const char *name, yyjson_val *object, struct cup_sdk_err *err)
{
    struct put put = {.call = {.kind = data, .ns = ns, .name = name, .err = err}};
    put.spec = yyjson_obj_get(object, "spec");
    enum cup_sdk_result r = check_names(&put.call, object);
    if (r == CUP_SDK_OK && !yyjson_is_obj(put.spec))
        r = cup_sdk_fail(err, "'spec' is not an object");
    if (r == CUP_SDK_OK)
        r = run_put(&put);
    flipt_arena_free(&put.call.arena);
    return r;
}

static enum cup_sdk_result
on_delete(void *data, const char *ns, const char *name, struct cup_sdk_err *err)
{
    struct call call = {.kind = data, .ns = ns, .name = name, .err = err};
    enum cup_sdk_result r = run_delete(&call);
    flipt_arena_free(&call.arena);
    return r;
}

static struct cup_sdk_kind kind_of(struct flipt_kind *kind)
{
    return (struct cup_sdk_kind){
        .kind = kind->kind,
        .data = kind,
        .get = on_get,
        .list = on_list,
        .put = on_put,
        .delete = on_delete,
        .namespaces = on_namespaces,
    };
}

int flipt_controller_run(int argc, char **argv)
{
    struct flipt_kind flag = flipt_kind_flag, segment = flipt_kind_segment;
    struct cup_sdk_kind kinds[] = {kind_of(&flag), kind_of(&segment)};
    return cup_sdk_run(kinds, 2, argc, argv);
}
