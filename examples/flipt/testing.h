/* For tests: a change carried out on a text, as the controller does it on a file of one document. */
#pragma once

#include "change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct flipt_testing {
    struct flipt_arena arena;
    struct cup_sdk_err err;
    char *text; /* after the change, zero-terminated; the text before where nothing changed */
    bool is_changed;
};

/* spec NULL: delete. All is of the first document. */
static inline enum cup_sdk_result flipt_testing_change(
    struct flipt_testing *t,
    const char *before,
    const struct flipt_kind *kind,
    const char *name,
    const char *spec)
{
    struct flipt_stream *stream;
    struct flipt_text out = {.arena = &t->arena};
    yyjson_doc *doc = NULL;
    size_t index;
    t->text = NULL;
    t->is_changed = false;
    enum cup_sdk_result r =
        flipt_stream_read(&t->arena, "features.yml", before, strlen(before), &stream, &t->err);
    if (r == CUP_SDK_OK)
        r = flipt_find(stream, 0, kind, name, 0, &index, &t->err);
    if (r != CUP_SDK_OK)
        return r;
    if (spec == NULL) {
        r = flipt_delete(stream, 0, kind, name, &out, &t->err);
        t->is_changed = r == CUP_SDK_OK;
    } else {
        assert_int_equal(cup_sdk_parse(spec, strlen(spec), &doc, &t->err), CUP_SDK_OK);
        r = flipt_put(
            stream, 0, kind, name, index, yyjson_doc_get_root(doc), &out, &t->is_changed, &t->err);
        yyjson_doc_free(doc);
    }
    t->text = t->is_changed ? flipt_copy(&t->arena, out.p, out.n)
                            : flipt_copy(&t->arena, before, strlen(before));
    return r;
}

/* The spec that a get shows, as text to free(); NULL with `err` filled in if it cannot be shown. */
static inline char *flipt_testing_spec(
    struct flipt_testing *t, const char *text, const struct flipt_kind *kind, const char *name)
{
    struct flipt_stream *stream;
    const struct flipt_node *list;
    size_t index;
    yyjson_mut_val *spec;
    if (flipt_stream_read(&t->arena, "features.yml", text, strlen(text), &stream, &t->err) !=
            CUP_SDK_OK ||
        flipt_find(stream, 0, kind, name, 0, &index, &t->err) != CUP_SDK_OK ||
        index == FLIPT_NONE || flipt_list_of(stream, 0, kind, &list, &t->err) != CUP_SDK_OK)
        return NULL;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    char *shown = NULL;
    if (flipt_view(stream, list->items[index], kind->shape, doc, &spec, &t->err) == CUP_SDK_OK)
        shown = yyjson_mut_val_write(spec, YYJSON_WRITE_NOFLAG, NULL);
    yyjson_mut_doc_free(doc);
    return shown;
}
