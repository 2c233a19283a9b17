#include "json/json.h"
#include "base/mem.h"

static const yyjson_read_flag READ_FLAGS = YYJSON_READ_NUMBER_AS_RAW;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str skip_blanks(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    return s;
}

/* Position of byte `at` for people: both count from 1, columns in bytes. */
static void line_and_column(struct str text, size_t at, size_t *ret_line, size_t *ret_column)
{
    *ret_line = 1;
    *ret_column = 1;
    for (size_t i = 0; i < at && i < text.n; i++) {
        if (text.p[i] == '\n') {
            (*ret_line)++;
            *ret_column = 1;
        } else {
            (*ret_column)++;
        }
    }
}

static enum err_kind
malformed(struct str text, size_t at, const char *why, size_t why_bytes, struct err *err)
{
    size_t line;
    size_t column;
    line_and_column(text, at, &line, &column);
    return err_set(
        err, ERR_MALFORMED, "not JSON: %.*s at line %zu, column %zu", (int)why_bytes, why, line,
        column);
}

/*
 * Brackets open at once in the first document. yyjson has no limit of its own and what walks its
 * result recurses, so this comes first; strings are the only place where a bracket is none.
 */
static enum err_kind check_depth(struct str text, struct err *err)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if ((c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX)
            return err_set(err, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
        else if ((c == ']' || c == '}') && (depth == 0 || --depth == 0))
            return ERR_OK;
    }
    return ERR_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err_kind duplicate(struct str key, struct err *err)
{
    return err_set(
        err, ERR_MALFORMED, "duplicate key \"" STR_FMT "\"", STR_ARG(str_take(key, 128)));
}

/* Sorted first: linear scans of 100,000 keys against each other would be a gift to an attacker. */
static enum err_kind check_keys(yyjson_val *object, struct err *err)
{
    size_t count = yyjson_obj_size(object);
    if (count < 2)
        return ERR_OK;
    struct str few[16];
    struct str *keys =
        count <= ARRAY_LEN(few) ? few : mem_realloc_array(NULL, count, sizeof(*keys));
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(object, i, max, key, value) keys[i] = json_str(key);
    qsort(keys, count, sizeof(*keys), compare_keys);
    enum err_kind r = ERR_OK;
    for (i = 1; r == ERR_OK && i < count; i++) {
        if (str_eq(keys[i - 1], keys[i]))
            r = duplicate(keys[i], err);
    }
    if (keys != few)
        free(keys);
    return r;
}

/* Depth is bounded by check_depth. */
static enum err_kind check_duplicates(yyjson_val *value, struct err *err)
{
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *item;
    enum err_kind r = ERR_OK;
    if (yyjson_is_obj(value)) {
        r = check_keys(value, err);
        yyjson_obj_foreach(value, i, max, key, item)
        {
            if (r == ERR_OK && yyjson_is_ctn(item))
                r = check_duplicates(item, err);
        }
    } else if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, max, item)
        {
            if (r == ERR_OK && yyjson_is_ctn(item))
                r = check_duplicates(item, err);
        }
    }
    return r;
}

static enum err_kind
read_document(struct str text, yyjson_read_flag flags, struct json_doc *ret, struct err *err)
{
    yyjson_read_err why = {0};
    enum err_kind r = check_depth(text, err);
    if (r != ERR_OK)
        return r;
    /* yyjson's "insitu" mode is not used: the text stays as it is, its tokens are wanted later. */
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)text.p, text.n, READ_FLAGS | flags, NULL, &why);
    if (doc == NULL) {
        const char *message = why.msg == NULL ? "no document" : why.msg;
        return malformed(text, why.pos, message, strlen(message), err);
    }
    ret->doc = doc;
    ret->root = yyjson_doc_get_root(doc);
    ret->text = str_trim(str_take(text, yyjson_doc_get_read_size(doc)));
    return ERR_OK;
}

enum err_kind
json_parse(struct str text, enum json_mode mode, struct json_doc *ret, struct err *err)
{
    struct json_doc doc = {0};
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        return malformed(text, 0, "a byte-order mark", strlen("a byte-order mark"), err);
    if (skip_blanks(text).n == 0)
        return err_set(err, ERR_MALFORMED, "not JSON: the text is empty");
    yyjson_read_flag flags = mode == JSON_STORED ? YYJSON_READ_STOP_WHEN_DONE : 0;
    enum err_kind r = read_document(text, flags, &doc, err);
    if (r == ERR_OK && mode == JSON_STRICT)
        r = check_duplicates(doc.root, err);
    if (r != ERR_OK) {
        json_doc_deinit(&doc);
        return r;
    }
    *ret = doc;
    return ERR_OK;
}

enum err_kind json_parse_next(struct str *rest, struct json_doc *ret, struct err *err)
{
    *ret = (struct json_doc){0};
    *rest = skip_blanks(*rest);
    if (rest->n == 0)
        return ERR_OK;
    enum err_kind r = read_document(*rest, YYJSON_READ_STOP_WHEN_DONE, ret, err);
    if (r == ERR_OK)
        *rest = str_skip(*rest, yyjson_doc_get_read_size(ret->doc));
    return r;
}

void json_doc_deinit(struct json_doc *doc)
{
    yyjson_doc_free(doc->doc);
    *doc = (struct json_doc){0};
}

static yyjson_val *find(yyjson_val *obj, struct str key, bool is_nocase)
{
    yyjson_val *found = NULL;
    size_t i;
    size_t max;
    yyjson_val *name;
    yyjson_val *value;
    if (!yyjson_is_obj(obj))
        return NULL;
    yyjson_obj_foreach(obj, i, max, name, value)
    {
        if (is_nocase ? str_eq_nocase(json_str(name), key) : str_eq(json_str(name), key))
            found = value;
    }
    return found;
}

yyjson_val *json_get(yyjson_val *obj, const char *key)
{
    return find(obj, str_from(key), false);
}

yyjson_val *json_get_nocase(yyjson_val *obj, const char *key)
{
    return find(obj, str_from(key), true);
}

struct str json_str(yyjson_val *val)
{
    if (!yyjson_is_str(val))
        return str_of(NULL, 0);
    return str_of(yyjson_get_str(val), yyjson_get_len(val));
}
