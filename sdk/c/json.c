/* JSON in and out: yyjson with numbers as raw text, so their spelling survives. */
#include "cup_sdk.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* yyjson itself does not recurse, but those who walk a document do. */
static bool is_too_deep(const char *text, size_t n)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > CUP_SDK_DEPTH_MAX)
                return true;
        } else if (c == '}' || c == ']') {
            if (depth-- <= 1)
                return false; /* the first document ends here */
        }
    }
    return false;
}

enum cup_sdk_result
cup_sdk_parse(const char *text, size_t text_bytes, yyjson_doc **ret_doc, struct cup_sdk_err *err)
{
    if (is_too_deep(text, text_bytes))
        return cup_sdk_fail(
            err, "JSON nested deeper than %d levels is not supported", CUP_SDK_DEPTH_MAX);
    char *copy =
        cup_sdk_copy(text, text_bytes); /* the API wants it writable, but leaves it alone */
    yyjson_read_err why = {0};
    yyjson_doc *doc = yyjson_read_opts(
        copy, text_bytes, YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_STOP_WHEN_DONE, NULL, &why);
    free(copy);
    if (doc == NULL)
        return cup_sdk_fail(err, "not JSON: %s at byte %zu", why.msg, why.pos);
    *ret_doc = doc;
    return CUP_SDK_OK;
}

enum cup_sdk_result
cup_sdk_write(struct cup_sdk_out *out, const yyjson_mut_val *value, struct cup_sdk_err *err)
{
    size_t n = 0;
    yyjson_write_err why = {0};
    char *text = yyjson_mut_val_write_opts(value, YYJSON_WRITE_NOFLAG, NULL, &n, &why);
    if (text == NULL)
        return cup_sdk_fail(err, "cannot write JSON: %s", why.msg);
    bool is_written = fwrite(text, 1, n, out->file) == n && fputc('\n', out->file) != EOF;
    free(text);
    return is_written ? CUP_SDK_OK : cup_sdk_fail(err, "cannot write standard output");
}

yyjson_mut_val *cup_sdk_object(
    yyjson_mut_doc *doc,
    const char *api_version,
    const char *kind,
    const char *ns,
    const char *name,
    yyjson_mut_val *spec)
{
    yyjson_mut_val *metadata = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strcpy(doc, metadata, "namespace", ns);
    yyjson_mut_obj_add_strcpy(doc, metadata, "name", name);
    yyjson_mut_obj_add_null(doc, metadata, "labels");
    yyjson_mut_obj_add_null(doc, metadata, "annotations");
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strcpy(doc, object, "apiVersion", api_version);
    yyjson_mut_obj_add_strcpy(doc, object, "kind", kind);
    yyjson_mut_obj_add_val(doc, object, "metadata", metadata);
    yyjson_mut_obj_add_val(doc, object, "spec", spec);
    return object;
}
