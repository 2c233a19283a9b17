/*
 * The controller of kind __KIND__: each object is one file, __PLURAL__/NAMESPACE/NAME.txt, and its
 * spec.text is what the file holds. Change `path_of`, `show` and `put` to what your files look like.
 */
#include "cup_sdk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_VERSION "__GROUP__/v1alpha1"
#define FOLDER "__PLURAL__"
#define ENDING ".txt"
#define FILE_MAX ((size_t)1 << 20)

static enum cup_sdk_result
path_of(const char *ns, const char *name, char path[CUP_SDK_PATH_MAX], struct cup_sdk_err *err)
{
    int n = snprintf(path, CUP_SDK_PATH_MAX, FOLDER "/%s/%s" ENDING, ns, name);
    return n < CUP_SDK_PATH_MAX ? CUP_SDK_OK : cup_sdk_fail(err, "the name is too long");
}

/* Read one file and write it as an object. */
static enum cup_sdk_result
show(const char *ns, const char *name, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    char path[CUP_SDK_PATH_MAX];
    char *text = NULL;
    size_t n = 0;
    enum cup_sdk_result r = path_of(ns, name, path, err);
    if (r == CUP_SDK_OK)
        r = cup_sdk_read_file(path, FILE_MAX, &text, &n, err);
    if (r != CUP_SDK_OK)
        return r; /* no such file: not found */
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *spec = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strncpy(doc, spec, "text", text, n);
    r = cup_sdk_write(out, cup_sdk_object(doc, API_VERSION, "__KIND__", ns, name, spec), err);
    yyjson_mut_doc_free(doc);
    free(text);
    return r;
}

static enum cup_sdk_result
get(void *data, const char *ns, const char *name, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    (void)data;
    return show(ns, name, out, err);
}

struct listing {
    const char *ns;
    struct cup_sdk_out *out;
};

/* Files below FOLDER/NAMESPACE, in order; those with another ending or in deeper folders are not ours. */
static enum cup_sdk_result visit(void *data, const char *path, struct cup_sdk_err *err)
{
    const struct listing *listing = data;
    const char *file = strrchr(path, '/') + 1;
    size_t n = strlen(file);
    size_t folder_n = strlen(FOLDER "/") + strlen(listing->ns) + 1;
    if (n <= strlen(ENDING) || strcmp(file + n - strlen(ENDING), ENDING) != 0 ||
        (size_t)(file - path) != folder_n)
        return CUP_SDK_OK;
    char *name = cup_sdk_copy(file, n - strlen(ENDING));
    enum cup_sdk_result r = show(listing->ns, name, listing->out, err);
    free(name);
    return r;
}

static enum cup_sdk_result
list(void *data, const char *ns, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    (void)data;
    char folder[CUP_SDK_PATH_MAX];
    struct listing listing = {ns, out};
    if (snprintf(folder, sizeof(folder), FOLDER "/%s", ns) >= (int)sizeof(folder))
        return cup_sdk_fail(err, "the namespace is too long");
    if (access(folder, F_OK) != 0)
        return CUP_SDK_OK;
    return cup_sdk_walk(folder, visit, &listing, err);
}

static enum cup_sdk_result
put(void *data, const char *ns, const char *name, yyjson_val *object, struct cup_sdk_err *err)
{
    (void)data;
    char path[CUP_SDK_PATH_MAX];
    yyjson_val *text = yyjson_obj_get(yyjson_obj_get(object, "spec"), "text");
    if (!yyjson_is_str(text))
        return cup_sdk_fail(err, "spec.text is missing");
    enum cup_sdk_result r = path_of(ns, name, path, err);
    return r == CUP_SDK_OK
        ? cup_sdk_write_file(path, yyjson_get_str(text), yyjson_get_len(text), err)
        : r;
}

static enum cup_sdk_result
delete_one(void *data, const char *ns, const char *name, struct cup_sdk_err *err)
{
    (void)data;
    char path[CUP_SDK_PATH_MAX];
    enum cup_sdk_result r = path_of(ns, name, path, err);
    if (r == CUP_SDK_OK && unlink(path) != 0)
        r = cup_sdk_not_found(err, "no file '%s'", path);
    return r;
}

int main(int argc, char **argv)
{
    static const struct cup_sdk_kind kinds[] = {
        {.kind = "__KIND__", .get = get, .list = list, .put = put, .delete = delete_one},
    };
    return cup_sdk_run(kinds, sizeof(kinds) / sizeof(kinds[0]), argc, argv);
}
