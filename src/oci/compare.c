#include "oci/compare.h"
#include "base/mem.h"
#include "oci/compare_schema.h"
#include "json/json.h"

#include <inttypes.h>

#define DEFAULT_VERBS "get,list,put,delete"
#define OWN_ANNOTATIONS "io.flipt.cup."

void oci_comparison_add(struct oci_comparison *c, const struct oci_difference *take_difference)
{
    mem_grow(&c->items, c->count, &c->cap);
    c->items[c->count++] = *take_difference;
    c->breaking_count += take_difference->is_breaking;
}

void oci_comparison_deinit(struct oci_comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->items[i].subject);
        free(c->items[i].path);
        free(c->items[i].detail);
    }
    free(c->items);
    *c = (struct oci_comparison){0};
}

static void
add(struct oci_comparison *c,
    bool is_breaking,
    enum oci_change change,
    const char *what,
    char *take_subject,
    char *take_detail)
{
    struct oci_difference d = {
        .is_breaking = is_breaking,
        .change = change,
        .what = what,
        .subject = take_subject,
        .detail = take_detail,
    };
    oci_comparison_add(c, &d);
}

/* --- definitions -------------------------------------------------------------------------------------- */

struct parsed {
    struct json_doc doc;
    struct str group;
    struct str plural;
    yyjson_val *versions;
};

/* What an image holds was parsed when it was read; one that does not parse has no names. */
static struct parsed *parse_all(const struct oci_image *image)
{
    struct parsed *all = mem_realloc_array(NULL, image->definition_count + 1, sizeof(*all));
    for (size_t i = 0; i < image->definition_count; i++) {
        const struct oci_definition *d = &image->definitions[i];
        struct parsed p = {0};
        if (json_parse(str_of(d->bytes, d->n), JSON_STORED, &p.doc, NULL) == ERR_OK) {
            yyjson_val *spec = json_get(p.doc.root, "spec");
            p.group = json_str(json_get(spec, "group"));
            p.plural = json_str(json_get(json_get(p.doc.root, "names"), "plural"));
            p.versions = json_get(spec, "versions");
        }
        all[i] = p;
    }
    return all;
}

static void free_all(struct parsed *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        json_doc_deinit(&all[i].doc);
    free(all);
}

static const struct parsed *find(const struct parsed *all, size_t n, const struct parsed *wanted)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(all[i].group, wanted->group) && str_eq(all[i].plural, wanted->plural))
            return &all[i];
    }
    return NULL;
}

static char *subject_of(const struct parsed *p)
{
    return mem_printf(STR_FMT "." STR_FMT, STR_ARG(p->plural), STR_ARG(p->group));
}

static void
compare_kind(struct oci_comparison *c, const struct parsed *old, const struct parsed *new)
{
    static const char *const names[] = {"kind", "singular"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str a = json_str(json_get(json_get(old->doc.root, "names"), names[i]));
        struct str b = json_str(json_get(json_get(new->doc.root, "names"), names[i]));
        if (str_eq(a, b))
            continue;
        char *detail =
            mem_printf("%s '" STR_FMT "' became '" STR_FMT "'", names[i], STR_ARG(a), STR_ARG(b));
        add(c, i == 0, OCI_CHANGED, "definition", subject_of(old), detail);
    }
}

static void
compare_versions(struct oci_comparison *c, const struct parsed *old, const struct parsed *new)
{
    size_t i, n;
    yyjson_val *key, *schema;
    autofree char *name = subject_of(old);
    if (yyjson_is_obj(old->versions))
        yyjson_obj_foreach(old->versions, i, n, key, schema)
        {
            char *subject = mem_printf("%s/" STR_FMT, name, STR_ARG(json_str(key)));
            yyjson_val *now = json_get(new->versions, yyjson_get_str(key));
            if (now == NULL) {
                add(c, true, OCI_REMOVED, "version", subject, mem_strdup("version removed"));
                continue;
            }
            oci_compare_schemas(c, subject, schema, now);
            free(subject);
        }
    if (yyjson_is_obj(new->versions))
        yyjson_obj_foreach(new->versions, i, n, key, schema)
        {
            if (json_get(old->versions, yyjson_get_str(key)) == NULL)
                add(c, false, OCI_ADDED, "version",
                    mem_printf("%s/" STR_FMT, name, STR_ARG(json_str(key))),
                    mem_strdup("version added"));
        }
}

static void
compare_definitions(struct oci_comparison *c, const struct oci_image *a, const struct oci_image *b)
{
    struct parsed *old = parse_all(a), *new = parse_all(b);
    for (size_t i = 0; i < a->definition_count; i++) {
        const struct parsed *now = find(new, b->definition_count, &old[i]);
        if (now == NULL) {
            add(c, true, OCI_REMOVED, "definition", subject_of(&old[i]),
                mem_strdup("definition removed"));
            continue;
        }
        compare_kind(c, &old[i], now);
        compare_versions(c, &old[i], now);
    }
    for (size_t i = 0; i < b->definition_count; i++) {
        if (find(old, a->definition_count, &new[i]) == NULL)
            add(c, false, OCI_ADDED, "definition", subject_of(&new[i]),
                mem_strdup("definition added"));
    }
    free_all(old, a->definition_count);
    free_all(new, b->definition_count);
}

/* --- what the controller is and may do ---------------------------------------------------------------- */

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static void compare_text(
    struct oci_comparison *c, bool is_breaking, const char *what, const char *a, const char *b)
{
    a = text_or(a, "");
    b = text_or(b, "");
    if (strcmp(a, b) != 0)
        add(c, is_breaking, OCI_CHANGED, what, mem_strdup(what),
            mem_printf("%s '%s' became '%s'", what, a, b));
}

static bool has_word(struct str list, struct str word)
{
    while (list.p != NULL) {
        if (str_eq(str_trim(str_cut(&list, ',')), word))
            return true;
    }
    return false;
}

/* Verbs of `a` that `b` lacks. */
static void compare_verbs(
    struct oci_comparison *c,
    const char *a,
    const char *b,
    enum oci_change change,
    bool is_breaking)
{
    struct str rest = str_from(text_or(a, DEFAULT_VERBS));
    const char *how = change == OCI_ADDED ? "added" : "removed";
    while (rest.p != NULL) {
        struct str verb = str_trim(str_cut(&rest, ','));
        if (!has_word(str_from(text_or(b, DEFAULT_VERBS)), verb))
            add(c, is_breaking, change, "verb", mem_strdup_str(verb), mem_printf("verb %s", how));
    }
}

static bool has_text(char *const *list, const char *text)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return false;
}

/* Globs are compared as they are written. One more of them lets the controller reach more, unless all of
 * it was open before; that needs somebody's consent (docs/image-format.md section 1), so it breaks. */
static void
compare_globs(struct oci_comparison *c, const char *what, char *const *old, char *const *new)
{
    bool was_all = strcmp(what, "read") == 0 && has_text(old, "**");
    for (size_t i = 0; old != NULL && old[i] != NULL; i++) {
        if (!has_text(new, old[i]))
            add(c, false, OCI_REMOVED, what, mem_strdup(old[i]), mem_strdup("paths narrowed"));
    }
    for (size_t i = 0; new != NULL &&new[i] != NULL; i++) {
        if (!has_text(old, new[i]))
            add(c, !was_all, OCI_ADDED, what, mem_strdup(new[i]),
                mem_strdup(was_all ? "paths named" : "paths widened"));
    }
}

/* --- the module --------------------------------------------------------------------------------------- */

static void compare_names(
    struct oci_comparison *c,
    const char *what,
    char *const *a,
    size_t a_count,
    char *const *b,
    size_t b_count,
    enum oci_change change)
{
    for (size_t i = 0; i < a_count; i++) {
        bool has = false;
        for (size_t k = 0; k < b_count && !has; k++)
            has = strcmp(a[i], b[k]) == 0;
        if (!has)
            add(c, false, change, what, mem_strdup(a[i]),
                mem_printf("%s %s", what, change == OCI_ADDED ? "added" : "removed"));
    }
}

static void
compare_modules(struct oci_comparison *c, const struct oci_side *a, const struct oci_side *b)
{
    const struct oci_wasm_info *x = a->wasm, *y = b->wasm;
    if (strcmp(a->wasm_digest, b->wasm_digest) == 0)
        return;
    add(c, false, OCI_CHANGED, "module", mem_strdup("module"),
        mem_printf("the code is another: %s became %s", a->wasm_digest, b->wasm_digest));
    if (a->image->wasm_bytes != b->image->wasm_bytes)
        add(c, false, OCI_CHANGED, "module", mem_strdup("module"),
            mem_printf(
                "size %" PRIu64 " became %" PRIu64, a->image->wasm_bytes, b->image->wasm_bytes));
    if (x == NULL || y == NULL)
        return;
    compare_names(
        c, "import", x->imports, x->import_count, y->imports, y->import_count, OCI_REMOVED);
    compare_names(c, "import", y->imports, y->import_count, x->imports, x->import_count, OCI_ADDED);
    compare_names(
        c, "export", x->exports, x->export_count, y->exports, y->export_count, OCI_REMOVED);
    compare_names(c, "export", y->exports, y->export_count, x->exports, x->export_count, OCI_ADDED);
}

/* They say nothing of what clients see. */
static void
compare_tests(struct oci_comparison *c, const struct oci_side *a, const struct oci_side *b)
{
    const char *x = a->image->tests_digest;
    const char *y = b->image->tests_digest;
    if (a->is_directory || b->is_directory || strcmp(x, y) == 0)
        return;
    enum oci_change change = x[0] == '\0' ? OCI_ADDED : y[0] == '\0' ? OCI_REMOVED : OCI_CHANGED;
    add(c, false, change, "tests", mem_strdup("tests"),
        change == OCI_ADDED         ? mem_strdup("golden cases added")
            : change == OCI_REMOVED ? mem_strdup("golden cases removed")
                                    : mem_printf("golden cases changed: %s became %s", x, y));
}

/* --- annotations -------------------------------------------------------------------------------------- */

/* Of the user; cup's own say what is compared above. */
static void
compare_annotations(struct oci_comparison *c, yyjson_val *a, yyjson_val *b, bool is_second_pass)
{
    size_t i, n;
    yyjson_val *key, *val;
    if (yyjson_is_obj(a))
        yyjson_obj_foreach(a, i, n, key, val)
        {
            struct str name = json_str(key), was = json_str(val);
            struct str is = json_str(json_get(b, yyjson_get_str(key)));
            if (str_starts(name, STR(OWN_ANNOTATIONS)) || (is.p != NULL && is_second_pass) ||
                (is.p != NULL && str_eq(was, is)))
                continue;
            if (is.p != NULL)
                add(c, false, OCI_CHANGED, "annotation", mem_strdup_str(name),
                    mem_printf("'" STR_FMT "' became '" STR_FMT "'", STR_ARG(was), STR_ARG(is)));
            else
                add(c, false, is_second_pass ? OCI_ADDED : OCI_REMOVED, "annotation",
                    mem_strdup_str(name), mem_strdup(is_second_pass ? "added" : "removed"));
        }
}

static void
compare_manifests(struct oci_comparison *c, const struct oci_image *a, const struct oci_image *b)
{
    auto_json struct json_doc x = {0}, y = {0};
    if (json_parse(str_of(a->manifest, a->manifest_bytes), JSON_STORED, &x, NULL) != ERR_OK ||
        json_parse(str_of(b->manifest, b->manifest_bytes), JSON_STORED, &y, NULL) != ERR_OK)
        return;
    yyjson_val *old = json_get(x.root, "annotations"), *new = json_get(y.root, "annotations");
    compare_annotations(c, old, new, false);
    compare_annotations(c, new, old, true);
}

void oci_compare(const struct oci_side *a, const struct oci_side *b, struct oci_comparison *ret)
{
    const struct oci_image *x = a->image, *y = b->image;
    struct oci_comparison c = {0};
    compare_definitions(&c, x, y);
    compare_text(&c, false, "name", x->name, y->name);
    compare_text(&c, true, "abi", x->abi, y->abi);
    compare_verbs(&c, x->verbs, y->verbs, OCI_REMOVED, true);
    compare_verbs(&c, y->verbs, x->verbs, OCI_ADDED, false);
    compare_globs(&c, "read", x->read_globs, y->read_globs);
    compare_globs(&c, "write", x->write_globs, y->write_globs);
    compare_modules(&c, a, b);
    compare_tests(&c, a, b);
    compare_manifests(&c, x, y);
    *ret = c;
}
