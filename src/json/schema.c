#include "json/schema.h"
#include "base/mem.h"

#include <stdio.h>
#include <yyjson.h>

/* engine/src/lib.rs */
void *cup_schema_compile(const char *p, size_t n, char **ret_text, size_t *ret_text_bytes);
int cup_schema_validate(
    const void *validator, const char *p, size_t n, char **ret_text, size_t *ret_text_bytes);
void cup_schema_text_free(char *p, size_t n);
void cup_schema_free(void *validator);

enum { ENGINE_VALID = 0, ENGINE_INVALID = 1 };

struct json_schema {
    void *validator;
};

enum err_kind json_schema_compile(struct str schema, struct json_schema **ret, struct err *err)
{
    char *text = NULL;
    size_t n = 0;
    void *validator = cup_schema_compile(schema.p, schema.n, &text, &n);
    if (validator == NULL) {
        err_set(err, ERR_INVALID, "not a JSON Schema: %.*s", (int)n, text);
        cup_schema_text_free(text, n);
        return ERR_INVALID;
    }
    struct json_schema *s = mem_new(struct json_schema);
    s->validator = validator;
    *ret = s;
    return ERR_OK;
}

struct json_schema *json_schema_free(struct json_schema *s)
{
    if (s != NULL)
        cup_schema_free(s->validator);
    free(s);
    return NULL;
}

/* As many whole causes as fit: a cut one would not be JSON. */
static void store_causes(yyjson_doc *doc, struct err *err)
{
    size_t at = 0;
    size_t i;
    size_t max;
    yyjson_val *cause;
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, cause)
    {
        size_t n = 0;
        char *text = yyjson_val_write(cause, 0, &n);
        if (text != NULL && at + n + 3 < sizeof(err->causes)) {
            err->causes[at] = at == 0 ? '[' : ',';
            memcpy(err->causes + at + 1, text, n);
            at += n + 1;
        }
        free(text);
    }
    if (at > 0)
        memcpy(err->causes + at, "]", 2);
}

static enum err_kind invalid(struct str causes, struct err *err)
{
    if (err == NULL)
        return ERR_INVALID;
    yyjson_doc *doc = yyjson_read(causes.p, causes.n, 0);
    yyjson_val *first = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    const char *field = yyjson_get_str(yyjson_obj_get(first, "field"));
    const char *message = yyjson_get_str(yyjson_obj_get(first, "message"));
    err_set(
        err, ERR_INVALID, "%s: %s", field == NULL ? "(root)" : field,
        message == NULL ? "does not fit the schema" : message);
    store_causes(doc, err);
    yyjson_doc_free(doc);
    return ERR_INVALID;
}

enum err_kind
json_schema_validate(const struct json_schema *s, struct str document, struct err *err)
{
    char *text = NULL;
    size_t n = 0;
    int result = cup_schema_validate(s->validator, document.p, document.n, &text, &n);
    if (result == ENGINE_VALID)
        return ERR_OK;
    enum err_kind r = result == ENGINE_INVALID
        ? invalid(str_of(text, n), err)
        : err_set(err, ERR_MALFORMED, "not JSON: %.*s", (int)n, text);
    cup_schema_text_free(text, n);
    return r;
}
