/*
 * cup_sdk.h: what a controller written in C links with. A program lists its kinds, each with
 * callbacks, and returns cup_sdk_run(...) from main(): arguments, standard input, standard output and
 * exit codes of the controller ABI "wasi-cli/v1" are handled here.
 *
 *   verb         arguments                    standard input   standard output
 *   get          wasi get KIND NS NAME        -                one object
 *   list         wasi list KIND NS            -                objects, one a line
 *   put          wasi put KIND NS NAME        the object       dropped
 *   delete       wasi delete KIND NS NAME     -                dropped
 *   namespaces   wasi namespaces KIND         -                JSON strings, one a line
 *
 *   exit 0 done; 1 error, its text on standard error; 2 not found, its text on standard error.
 *
 * The repository is the current folder ("/" of the guest): paths are relative to it, with slashes.
 * JSON is yyjson's (yyjson.h). Documents that come in are read with numbers as raw text, so that
 * 12345678901234567890, 1.0 and 1e400 go out as they came in: use yyjson_is_raw() and
 * yyjson_get_raw(), and yyjson_mut_rawcpy() for numbers of your own.
 *
 * One thread; nothing here keeps state between calls. Running out of memory ends the program.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <yyjson.h>

/* Largest document on standard input, in bytes, and how deep it may nest. */
#define CUP_SDK_INPUT_MAX ((size_t)64 << 20)
#define CUP_SDK_DEPTH_MAX 512
/* Longest path that cup_sdk_walk() makes, in bytes. */
#define CUP_SDK_PATH_MAX 4096

/* What a call ended with; the values are the program's exit codes. */
enum cup_sdk_result {
    CUP_SDK_OK = 0,
    CUP_SDK_ERROR = 1,
    CUP_SDK_NOT_FOUND = 2,
};

/* Text of what went wrong; a plain value, nothing to free. */
struct cup_sdk_err {
    char text[1024];
};

/* Fill in `err` (longer text is cut) and return CUP_SDK_ERROR, so that `return cup_sdk_fail(...)` reads well. */
enum cup_sdk_result cup_sdk_fail(struct cup_sdk_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what is not there; returns CUP_SDK_NOT_FOUND. */
enum cup_sdk_result cup_sdk_not_found(struct cup_sdk_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Where get, list and namespaces put their results. */
struct cup_sdk_out;

/*
 * Write one compact JSON document and a newline. The value's document stays the caller's.
 * fails   ERROR  the value is not writable as JSON (bad UTF-8), or the output is closed
 */
enum cup_sdk_result
cup_sdk_write(struct cup_sdk_out *out, const yyjson_mut_val *value, struct cup_sdk_err *err);

/*
 * One kind and its callbacks. A callback that is NULL makes its verb unknown. Texts are borrowed for the
 * call. `data` is the member of that name. Results written before a callback fails are thrown away
 * by the host.
 */
struct cup_sdk_kind {
    const char *kind; /* names.kind of the definition: "Flag" */
    void *data;       /* handed to each callback */
    /* Write the object, or return cup_sdk_not_found(). */
    enum cup_sdk_result (*get)(
        void *data,
        const char *ns,
        const char *name,
        struct cup_sdk_out *out,
        struct cup_sdk_err *err);
    /* Write each object of the namespace, none if there is none. */
    enum cup_sdk_result (*list)(
        void *data, const char *ns, struct cup_sdk_out *out, struct cup_sdk_err *err);
    /* Store `object`: apiVersion, kind, metadata, spec; numbers are raw. Write no file if nothing changed. */
    enum cup_sdk_result (*put)(
        void *data, const char *ns, const char *name, yyjson_val *object, struct cup_sdk_err *err);
    /* Remove the object, or return cup_sdk_not_found(). */
    enum cup_sdk_result (*delete)(
        void *data, const char *ns, const char *name, struct cup_sdk_err *err);
    /* Write each namespace's name as a JSON string. Optional; announce it at packing: --verbs. */
    enum cup_sdk_result (*namespaces)(void *data, struct cup_sdk_out *out, struct cup_sdk_err *err);
};

/*
 * Do what the program's arguments ask of one of the `count` kinds; returns the exit code for main().
 * Texts: "too few arguments: count N", "unsupported kind: "X"", "unexpected command: "X"", each exit 1.
 */
int cup_sdk_run(const struct cup_sdk_kind *kinds, size_t count, int argc, char **argv);

/* The same over other streams than the standard ones, for tests. */
int cup_sdk_run_on(
    const struct cup_sdk_kind *kinds,
    size_t count,
    int argc,
    char **argv,
    FILE *in,
    FILE *out,
    FILE *errors);

/* --- JSON --- */

/*
 * Parse the first JSON document of `text`; what follows it is ignored. Numbers become raw.
 *
 * ret_doc   caller's, free with yyjson_doc_free()
 * fails     ERROR  not JSON, or nested deeper than CUP_SDK_DEPTH_MAX; `err` says what and where
 */
enum cup_sdk_result
cup_sdk_parse(const char *text, size_t text_bytes, yyjson_doc **ret_doc, struct cup_sdk_err *err);

/*
 * Make an object of `doc` in the order that the API shows: apiVersion, kind, metadata {namespace, name,
 * labels and annotations null}, spec. The texts are copied; `spec` must be of `doc`.
 */
yyjson_mut_val *cup_sdk_object(
    yyjson_mut_doc *doc,
    const char *api_version,
    const char *kind,
    const char *ns,
    const char *name,
    yyjson_mut_val *spec);

/* --- The tree --- */

/* Told of each file; anything but CUP_SDK_OK ends the walk and is returned by it. */
typedef enum cup_sdk_result (*cup_sdk_visit_fn)(
    void *data, const char *path, struct cup_sdk_err *err);

/*
 * Visit the files below `root` ("." is the whole tree), recursively, in the byte order of the names of
 * each folder, so that equal trees give equal answers. Links to files are files, links to folders
 * are not entered, and neither is ".git". Paths come without a leading "./".
 *
 * fails   ERROR  a folder cannot be read, a path is longer than CUP_SDK_PATH_MAX
 */
enum cup_sdk_result
cup_sdk_walk(const char *root, cup_sdk_visit_fn visit, void *data, struct cup_sdk_err *err);

/*
 * Read a file of at most `max_bytes`.
 *
 * ret_text   caller's, free(); a zero byte follows it
 * fails      NOT_FOUND  no such file
 *            ERROR      larger than `max_bytes`, or not readable
 */
enum cup_sdk_result cup_sdk_read_file(
    const char *path,
    size_t max_bytes,
    char **ret_text,
    size_t *ret_bytes,
    struct cup_sdk_err *err);

/* Write a file whole; folders above it that are missing are made. fails: ERROR. */
enum cup_sdk_result
cup_sdk_write_file(const char *path, const char *text, size_t text_bytes, struct cup_sdk_err *err);

/* --- Memory: as malloc(), realloc() and strndup(), but they end the program when there is none left. --- */

void *cup_sdk_alloc(size_t bytes);
void *cup_sdk_resize(void *take_memory, size_t bytes);
char *cup_sdk_copy(const char *text, size_t text_bytes);
