#include "json/schema.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdio.h>

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

/*
 * Add a text for people: schemas and documents are other people's, and what is in them must not act
 * upon a terminal or a log. At most max bytes, cut between characters.
 */
static void add_shown(struct buf *to, struct str text, size_t max)
{
    size_t n = text.n < max ? text.n : max;
    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_c1 = i > 0 && (unsigned char)text.p[i - 1] == 0xC2 && c < 0xA0;
        if (is_c1)
            to->n--; /* its lead byte goes with it */
        buf_char(to, c < ' ' || c == 0x7F || is_c1 ? '?' : (char)c);
    }
}

/* serde_json's word for it; it has no code of its own. */
static bool is_too_deep(struct str text)
{
    return str_search(text, STR("recursion limit exceeded")) == 0;
}

static enum err_kind
not_usable(enum err_kind kind, const char *what, struct str text, struct err *err)
{
    if (is_too_deep(text))
        return err_set(
            err, ERR_LIMIT, "%s: nested deeper than %d levels", what, JSON_SCHEMA_DEPTH_MAX);
    autobuf struct buf shown = {0};
    add_shown(&shown, text, 600);
    return err_set(err, kind, "%s: " STR_FMT, what, STR_ARG(buf_view(&shown)));
}

enum err_kind json_schema_compile(struct str schema, struct json_schema **ret, struct err *err)
{
    char *text = NULL;
    size_t n = 0;
    void *validator = cup_schema_compile(schema.p, schema.n, &text, &n);
    if (validator == NULL) {
        enum err_kind r = not_usable(ERR_INVALID, "not a JSON Schema", str_of(text, n), err);
        cup_schema_text_free(text, n);
        return r;
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
    autobuf struct buf shown = {0};
    add_shown(&shown, json_str(yyjson_obj_get(first, "field")), 200);
    buf_text(&shown, ": ");
    add_shown(&shown, json_str(yyjson_obj_get(first, "message")), 600);
    err_set(err, ERR_INVALID, STR_FMT, STR_ARG(buf_view(&shown)));
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
        : not_usable(ERR_MALFORMED, "not JSON", str_of(text, n), err);
    cup_schema_text_free(text, n);
    return r;
}
