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

/* Index behind the string literal that starts at i, or the end of the text. */
static size_t skip_string(struct str text, size_t i)
{
    for (i++; i < text.n && text.p[i] != '"'; i++) {
        if (text.p[i] == '\\')
            i++;
    }
    return i < text.n ? i + 1 : text.n;
}

/* Index behind the number or word that starts at i: at least one byte, whatever it is. */
static size_t skip_scalar(struct str text, size_t i)
{
    for (i++; i < text.n && !is_blank(text.p[i]); i++) {
        if (strchr(",:[]{}\"", text.p[i]) != NULL)
            break;
    }
    return i;
}

/*
 * The first document of the text, as far as brackets tell, and whether its depth is bearable: yyjson
 * has no limit of its own, and what walks its result recurses. It also copies all it is given, which
 * would make a stream of n documents cost n times the stream: so it gets one document at a time.
 */
static enum err_kind first_document(struct str text, struct str *ret, struct err *err)
{
    size_t depth = 0;
    size_t i = text.n - skip_blanks(text).n;
    while (i < text.n) {
        char c = text.p[i];
        if (c == '"')
            i = skip_string(text, i);
        else if (depth == 0 && c != '[' && c != '{')
            i = skip_scalar(text, i);
        else
            i++;
        if ((c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX)
            return err_set(err, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
        if ((c == ']' || c == '}') && depth > 0)
            depth--;
        if (depth == 0)
            break;
    }
    *ret = str_take(text, i);
    return ERR_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err_kind duplicate(struct str key, struct err *err)
{
    /* escaped: a key may hold what a terminal or a log would act upon */
    autobuf struct buf shown = {0};
    json_text_string(&shown, str_take(key, 128));
    return err_set(err, ERR_MALFORMED, "duplicate key " STR_FMT, STR_ARG(buf_view(&shown)));
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
read_document(struct str text, enum json_mode mode, struct json_doc *ret, struct err *err)
{
    yyjson_read_err why = {0};
    yyjson_read_flag flags = READ_FLAGS;
    struct str first = text;
    enum err_kind r = first_document(text, &first, err);
    if (r != ERR_OK)
        return r;
    if (mode == JSON_STORED) {
        flags |= YYJSON_READ_STOP_WHEN_DONE;
        text = first;
    }
    /* yyjson's "insitu" mode is not used: the text stays as it is, its tokens are wanted later. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.n, flags, NULL, &why);
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
    enum err_kind r = read_document(text, mode, &doc, err);
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
    enum err_kind r = read_document(*rest, JSON_STORED, ret, err);
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
