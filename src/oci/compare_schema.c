#include "oci/compare_schema.h"
#include "base/mem.h"

#include <stdlib.h>

enum { DEPTH_MAX = 127 }; /* of schemas that compile */

struct walk {
    struct oci_comparison *to;
    const char *subject;
    unsigned depth;
};

/* How a keyword's change is judged. */
enum judgement {
    JUDGE_NOTE,  /* says nothing of what is valid */
    JUDGE_LOWER, /* a lower bound: raised or new is breaking */
    JUDGE_UPPER, /* an upper bound: lowered or new is breaking */
    JUDGE_RULE,  /* new or another is breaking, gone is not */
    JUDGE_OWN,   /* has a function of its own below */
};
static const struct {
    const char *keyword;
    enum judgement judgement;
} keywords[] = {
    {"title", JUDGE_NOTE},
    {"description", JUDGE_NOTE},
    {"default", JUDGE_NOTE},
    {"examples", JUDGE_NOTE},
    {"$comment", JUDGE_NOTE},
    {"deprecated", JUDGE_NOTE},
    {"readOnly", JUDGE_NOTE},
    {"writeOnly", JUDGE_NOTE},
    {"minimum", JUDGE_LOWER},
    {"$schema", JUDGE_RULE},
    {"exclusiveMinimum", JUDGE_LOWER},
    {"minLength", JUDGE_LOWER},
    {"minItems", JUDGE_LOWER},
    {"minProperties", JUDGE_LOWER},
    {"maximum", JUDGE_UPPER},
    {"maxLength", JUDGE_UPPER},
    {"exclusiveMaximum", JUDGE_UPPER},
    {"maxItems", JUDGE_UPPER},
    {"maxProperties", JUDGE_UPPER},
    {"type", JUDGE_OWN},
    {"properties", JUDGE_OWN},
    {"required", JUDGE_OWN},
    {"enum", JUDGE_OWN},
    {"items", JUDGE_OWN},
    {"additionalProperties", JUDGE_OWN},
};

static enum judgement judgement_of(struct str keyword)
{
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        if (str_eqz(keyword, keywords[i].keyword))
            return keywords[i].judgement;
    }
    return JUDGE_RULE;
}

static bool is_same(yyjson_val *a, yyjson_val *b)
{
    autobuf struct buf x = {0}, y = {0};
    if (a == NULL || b == NULL)
        return a == b;
    json_text_canonical(&x, a);
    json_text_canonical(&y, b);
    return !x.is_failed && !y.is_failed && str_eq(buf_view(&x), buf_view(&y));
}

static void
add(struct walk *w, const char *path, bool is_breaking, enum oci_change change, char *take_detail)
{
    struct oci_difference d = {
        .is_breaking = is_breaking,
        .change = change,
        .what = "schema",
        .subject = mem_strdup(w->subject),
        .path = mem_strdup(path),
        .detail = take_detail,
    };
    oci_comparison_add(w->to, &d);
}

static char *below(const char *path, struct str name)
{
    return path[0] == '\0' ? mem_strdup_str(name) : mem_printf("%s." STR_FMT, path, STR_ARG(name));
}

static char *text_of(yyjson_val *val)
{
    struct buf text = {0};
    if (val == NULL)
        return mem_strdup("none");
    json_text_canonical(&text, val);
    return buf_steal(&text);
}

/* --- lists of words: type, required, enum ------------------------------------------------------------ */

static bool list_has(yyjson_val *list, yyjson_val *item)
{
    size_t i, n;
    yyjson_val *at;
    if (!yyjson_is_arr(list))
        return is_same(list, item);
    yyjson_arr_foreach(list, i, n, at)
    {
        if (is_same(at, item))
            return true;
    }
    return false;
}

/* "number" takes what "integer" takes. */
static bool takes_type(yyjson_val *types, yyjson_val *type)
{
    if (types == NULL || list_has(types, type))
        return true;
    if (!str_eqz(json_str(type), "integer"))
        return false;
    size_t i, n;
    yyjson_val *at;
    if (!yyjson_is_arr(types))
        return str_eqz(json_str(types), "number");
    yyjson_arr_foreach(types, i, n, at)
    {
        if (str_eqz(json_str(at), "number"))
            return true;
    }
    return false;
}

static void compare_type(struct walk *w, const char *path, yyjson_val *old, yyjson_val *new)
{
    if (is_same(old, new))
        return;
    bool is_narrower = old == NULL;
    size_t i, n;
    yyjson_val *at;
    if (yyjson_is_arr(old)) {
        yyjson_arr_foreach(old, i, n, at)
        {
            is_narrower |= !takes_type(new, at);
        }
    } else if (old != NULL) {
        is_narrower = !takes_type(new, old);
    }
    autofree char *before = text_of(old);
    autofree char *after = text_of(new);
    add(w, path, is_narrower, OCI_CHANGED, mem_printf("type %s became %s", before, after));
}

/* Those of `a` that `b` lacks. */
static void compare_words(
    struct walk *w,
    const char *path,
    yyjson_val *a,
    yyjson_val *b,
    const char *what,
    enum oci_change change,
    bool is_breaking)
{
    size_t i, n;
    yyjson_val *at;
    if (!yyjson_is_arr(a))
        return;
    yyjson_arr_foreach(a, i, n, at)
    {
        if (yyjson_is_arr(b) && list_has(b, at))
            continue;
        autofree char *word = text_of(at);
        const char *verb = change == OCI_ADDED ? "added" : "removed";
        add(w, path, is_breaking, change, mem_printf("%s %s %s", what, word, verb));
    }
}

static void compare_enum(struct walk *w, const char *path, yyjson_val *old, yyjson_val *new)
{
    if (old == NULL && new != NULL) {
        autofree char *after = text_of(new);
        add(w, path, true, OCI_ADDED, mem_printf("only %s is allowed now", after));
    } else if (old != NULL && new == NULL) {
        add(w, path, false, OCI_REMOVED, mem_strdup("any value is allowed now"));
    } else {
        compare_words(w, path, old, new, "value", OCI_REMOVED, true);
        compare_words(w, path, new, old, "value", OCI_ADDED, false);
    }
}

/* --- other keywords ---------------------------------------------------------------------------------- */

static double number_of(yyjson_val *val)
{
    return yyjson_is_raw(val) ? strtod(yyjson_get_raw(val), NULL) : 0;
}

static bool is_narrowed(enum judgement j, yyjson_val *old, yyjson_val *new)
{
    if (j == JUDGE_NOTE || new == NULL)
        return false;
    if (j == JUDGE_RULE || old == NULL)
        return true;
    return j == JUDGE_LOWER ? number_of(new) > number_of(old) : number_of(new) < number_of(old);
}

static void compare_keyword(
    struct walk *w, const char *path, const char *keyword, yyjson_val *old, yyjson_val *new)
{
    enum judgement j = judgement_of(str_from(keyword));
    if (j == JUDGE_OWN || is_same(old, new))
        return;
    if (j == JUDGE_NOTE) {
        add(w, path, false, OCI_CHANGED, mem_printf("%s changed", keyword));
        return;
    }
    autofree char *before = text_of(old);
    autofree char *after = text_of(new);
    add(w, path, is_narrowed(j, old, new),
        old == NULL       ? OCI_ADDED
            : new == NULL ? OCI_REMOVED
                          : OCI_CHANGED,
        mem_printf("%s %s became %s", keyword, before, after));
}

static void compare_rest(struct walk *w, const char *path, yyjson_val *old, yyjson_val *new)
{
    size_t i, n;
    yyjson_val *key, *val;
    if (yyjson_is_obj(old))
        yyjson_obj_foreach(old, i, n, key, val)
        {
            compare_keyword(w, path, yyjson_get_str(key), val, json_get(new, yyjson_get_str(key)));
        }
    if (yyjson_is_obj(new))
        yyjson_obj_foreach(new, i, n, key, val)
        {
            if (json_get(old, yyjson_get_str(key)) == NULL)
                compare_keyword(w, path, yyjson_get_str(key), NULL, val);
        }
}

/* --- schemas in schemas ------------------------------------------------------------------------------ */

static void compare(struct walk *w, const char *path, yyjson_val *old, yyjson_val *new);

static void compare_properties(struct walk *w, const char *path, yyjson_val *old, yyjson_val *new)
{
    size_t i, n;
    yyjson_val *key, *val;
    if (yyjson_is_obj(old))
        yyjson_obj_foreach(old, i, n, key, val)
        {
            autofree char *name = below(path, json_str(key));
            yyjson_val *now = json_get(new, yyjson_get_str(key));
            if (now == NULL)
                add(w, name, true, OCI_REMOVED, mem_strdup("property removed"));
            else
                compare(w, name, val, now);
        }
    if (yyjson_is_obj(new))
        yyjson_obj_foreach(new, i, n, key, val)
        {
            autofree char *name = below(path, json_str(key));
            if (json_get(old, yyjson_get_str(key)) == NULL)
                add(w, name, false, OCI_ADDED, mem_strdup("property added"));
        }
}

/* A schema that stands in a keyword; absent: anything goes. */
static void compare_inner(
    struct walk *w, const char *path, const char *keyword, yyjson_val *old, yyjson_val *new)
{
    yyjson_val *a = json_get(old, keyword), *b = json_get(new, keyword);
    bool is_list = strcmp(keyword, "items") == 0;
    if (is_same(a, b))
        return;
    if (yyjson_is_obj(a) && yyjson_is_obj(b)) {
        autofree char *inner = is_list ? mem_printf("%s[]", path) : below(path, STR("*"));
        compare(w, inner, a, b);
        return;
    }
    bool was_open = a == NULL || yyjson_is_true(a);
    bool is_open = b == NULL || yyjson_is_true(b);
    if (was_open && is_open)
        return;
    autofree char *before = text_of(a);
    autofree char *after = text_of(b);
    add(w, path, !is_open && !yyjson_is_false(a), OCI_CHANGED,
        mem_printf("%s %s became %s", keyword, before, after));
}

static void compare(struct walk *w, const char *path, yyjson_val *old, yyjson_val *new)
{
    if (is_same(old, new))
        return;
    /* true is read as {}: it has no members */
    if (yyjson_is_false(old) || yyjson_is_false(new) || w->depth > DEPTH_MAX) {
        add(w, path, !yyjson_is_false(old), OCI_CHANGED, mem_strdup("the schema is another one"));
        return;
    }
    w->depth++;
    compare_type(w, path, json_get(old, "type"), json_get(new, "type"));
    compare_enum(w, path, json_get(old, "enum"), json_get(new, "enum"));
    yyjson_val *was = json_get(old, "required"), *is = json_get(new, "required");
    compare_words(w, path, is, was, "required", OCI_ADDED, true);
    compare_words(w, path, was, is, "required", OCI_REMOVED, false);
    compare_properties(w, path, json_get(old, "properties"), json_get(new, "properties"));
    compare_inner(w, path, "additionalProperties", old, new);
    compare_inner(w, path, "items", old, new);
    compare_rest(w, path, old, new);
    w->depth--;
}

void oci_compare_schemas(
    struct oci_comparison *c, const char *subject, yyjson_val *old, yyjson_val *new)
{
    struct walk w = {.to = c, .subject = subject};
    compare(&w, "", old, new);
}
