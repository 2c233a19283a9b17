/*
 * The controller of kind ServiceSettings: a service's .env file, wherever it stands. NAMESPACE is the name of
 * the folder that holds it, NAME the file's without ".env": deploy/production/web.env is 'web' in
 * 'production'. See README.md.
 */
#include "cup_sdk.h"
#include "env_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_VERSION "settings.example.com/v1alpha1"
#define KIND "ServiceSettings"
#define ENDING ".env"
#define FILE_MAX ((size_t)1 << 20)

/* --- which files ---------------------------------------------------------------------------------------- */

/* A path taken apart; views of it. */
struct place {
    const char *ns;
    size_t ns_n;
    const char *name;
    size_t name_n;
};

/* False where it is no file of ours: at the top of the tree, or without a name before ".env". */
static bool place_of(const char *path, struct place *ret)
{
    const char *file = strrchr(path, '/');
    size_t n = strlen(path);
    if (file == NULL || n <= strlen(ENDING) || strcmp(path + n - strlen(ENDING), ENDING) != 0)
        return false;
    const char *folder = file;
    while (folder > path && folder[-1] != '/')
        folder--;
    *ret = (struct place){
        folder, (size_t)(file - folder), file + 1, (size_t)(path + n - strlen(ENDING) - file - 1)};
    return ret->name_n > 0 && ret->ns_n > 0;
}

static bool is_text(const char *p, size_t n, const char *text)
{
    return n == strlen(text) && memcmp(p, text, n) == 0;
}

struct search {
    const char *ns;
    const char *name;
    char *path;   /* the first file of that name */
    char *folder; /* the first folder of that namespace that holds such files */
};

static enum cup_sdk_result look(void *data, const char *path, struct cup_sdk_err *err)
{
    (void)err;
    struct search *s = data;
    struct place p;
    if (!place_of(path, &p) || !is_text(p.ns, p.ns_n, s->ns))
        return CUP_SDK_OK;
    if (s->folder == NULL)
        s->folder = cup_sdk_copy(path, (size_t)(p.ns + p.ns_n - path));
    if (s->path == NULL && is_text(p.name, p.name_n, s->name))
        s->path = cup_sdk_copy(path, strlen(path));
    return CUP_SDK_OK;
}

static enum cup_sdk_result
find(const char *ns, const char *name, struct search *ret, struct cup_sdk_err *err)
{
    *ret = (struct search){.ns = ns, .name = name};
    return cup_sdk_walk(".", look, ret, err);
}

static void search_free(struct search *s)
{
    free(s->path);
    free(s->folder);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static void add_variables(yyjson_mut_doc *doc, yyjson_mut_val *to, const struct env_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct env_variable *v = &file->variables[i];
        if (env_file_counts(file, i))
            yyjson_mut_obj_add(
                to, yyjson_mut_strcpy(doc, v->key),
                yyjson_mut_strncpy(doc, v->value, v->value_bytes));
    }
}

static enum cup_sdk_result show(const char *path, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    struct place p;
    char *text = NULL;
    size_t n = 0;
    struct env_file file;
    enum cup_sdk_result r = cup_sdk_read_file(path, FILE_MAX, &text, &n, err);
    if (r == CUP_SDK_OK)
        r = env_file_read(path, text, n, &file, err);
    if (r == CUP_SDK_OK && place_of(path, &p)) {
        char *ns = cup_sdk_copy(p.ns, p.ns_n), *name = cup_sdk_copy(p.name, p.name_n);
        yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
        yyjson_mut_val *spec = yyjson_mut_obj(doc);
        add_variables(doc, yyjson_mut_obj_add_obj(doc, spec, "variables"), &file);
        r = cup_sdk_write(out, cup_sdk_object(doc, API_VERSION, KIND, ns, name, spec), err);
        yyjson_mut_doc_free(doc);
        env_file_free(&file);
        free(ns);
        free(name);
    }
    free(text);
    return r;
}

static enum cup_sdk_result
get(void *data, const char *ns, const char *name, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    (void)data;
    struct search s;
    enum cup_sdk_result r = find(ns, name, &s, err);
    if (r == CUP_SDK_OK && s.path == NULL)
        r = cup_sdk_not_found(err, "no file '%.200s" ENDING "' in a folder '%.200s'", name, ns);
    if (r == CUP_SDK_OK)
        r = show(s.path, out, err);
    search_free(&s);
    return r;
}

/* Names that were told already: of two files of one name the first counts. */
struct seen {
    const char *ns; /* of a list; NULL: namespaces are told */
    struct cup_sdk_out *out;
    char **names;
    size_t count;
};

static bool is_seen(struct seen *s, const char *p, size_t n)
{
    for (size_t i = 0; i < s->count; i++) {
        if (is_text(p, n, s->names[i]))
            return true;
    }
    s->names = cup_sdk_resize(s->names, (s->count + 1) * sizeof(char *));
    s->names[s->count++] = cup_sdk_copy(p, n);
    return false;
}

static void seen_free(struct seen *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->names[i]);
    free(s->names);
}

static enum cup_sdk_result list_file(void *data, const char *path, struct cup_sdk_err *err)
{
    struct seen *s = data;
    struct place p;
    if (!place_of(path, &p) || !is_text(p.ns, p.ns_n, s->ns) || is_seen(s, p.name, p.name_n))
        return CUP_SDK_OK;
    return show(path, s->out, err);
}

static enum cup_sdk_result
list(void *data, const char *ns, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    (void)data;
    struct seen s = {.ns = ns, .out = out};
    enum cup_sdk_result r = cup_sdk_walk(".", list_file, &s, err);
    seen_free(&s);
    return r;
}

static enum cup_sdk_result name_folder(void *data, const char *path, struct cup_sdk_err *err)
{
    struct seen *s = data;
    struct place p;
    if (!place_of(path, &p) || is_seen(s, p.ns, p.ns_n))
        return CUP_SDK_OK;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    enum cup_sdk_result r = cup_sdk_write(s->out, yyjson_mut_strncpy(doc, p.ns, p.ns_n), err);
    yyjson_mut_doc_free(doc);
    return r;
}

static enum cup_sdk_result namespaces(void *data, struct cup_sdk_out *out, struct cup_sdk_err *err)
{
    (void)data;
    struct seen s = {.out = out};
    enum cup_sdk_result r = cup_sdk_walk(".", name_folder, &s, err);
    seen_free(&s);
    return r;
}

/* --- changing ------------------------------------------------------------------------------------------- */

/* An .env file has no place for them: losing them without a word would be worse. */
static enum cup_sdk_result check_metadata(yyjson_val *object, struct cup_sdk_err *err)
{
    static const char *const maps[] = {"labels", "annotations"};
    yyjson_val *metadata = yyjson_obj_get(object, "metadata");
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        if (yyjson_obj_size(yyjson_obj_get(metadata, maps[i])) > 0)
            return cup_sdk_fail(err, "metadata.%s: such a file cannot keep them", maps[i]);
    }
    return CUP_SDK_OK;
}

/* `path` may not be there yet. */
static enum cup_sdk_result change(const char *path, yyjson_val *variables, struct cup_sdk_err *err)
{
    char *text = NULL, *changed = NULL;
    size_t n = 0, changed_n = 0;
    struct env_file file;
    enum cup_sdk_result r = cup_sdk_read_file(path, FILE_MAX, &text, &n, err);
    bool is_new = r == CUP_SDK_NOT_FOUND;
    if (r == CUP_SDK_OK || is_new)
        r = env_file_read(path, is_new ? "" : text, n, &file, err);
    if (r == CUP_SDK_OK) {
        r = env_file_change(&file, variables, &changed, &changed_n, err);
        env_file_free(&file);
    }
    if (r == CUP_SDK_OK && (is_new || changed_n != n || memcmp(changed, text, n) != 0))
        r = cup_sdk_write_file(path, changed, changed_n, err);
    free(changed);
    free(text);
    return r;
}

static enum cup_sdk_result
put(void *data, const char *ns, const char *name, yyjson_val *object, struct cup_sdk_err *err)
{
    (void)data;
    struct search s;
    char path[CUP_SDK_PATH_MAX];
    yyjson_val *variables = yyjson_obj_get(yyjson_obj_get(object, "spec"), "variables");
    enum cup_sdk_result r = check_metadata(object, err);
    if (r == CUP_SDK_OK && !yyjson_is_obj(variables))
        r = cup_sdk_fail(err, "spec.variables is missing");
    if (r != CUP_SDK_OK)
        return r;
    r = find(ns, name, &s, err);
    if (r == CUP_SDK_OK) {
        int n = s.path != NULL
            ? snprintf(path, sizeof(path), "%s", s.path)
            : snprintf(path, sizeof(path), "%s/%s" ENDING, s.folder == NULL ? ns : s.folder, name);
        r = n < (int)sizeof(path) ? change(path, variables, err)
                                  : cup_sdk_fail(err, "the name is too long");
    }
    search_free(&s);
    return r;
}

static enum cup_sdk_result
delete_one(void *data, const char *ns, const char *name, struct cup_sdk_err *err)
{
    (void)data;
    struct search s;
    enum cup_sdk_result r = find(ns, name, &s, err);
    if (r == CUP_SDK_OK && (s.path == NULL || unlink(s.path) != 0))
        r = cup_sdk_not_found(err, "no file '%.200s" ENDING "' in a folder '%.200s'", name, ns);
    search_free(&s);
    return r;
}

int main(int argc, char **argv)
{
    static const struct cup_sdk_kind kinds[] = {{
        .kind = KIND,
        .get = get,
        .list = list,
        .put = put,
        .delete = delete_one,
        .namespaces = namespaces,
    }};
    return cup_sdk_run(kinds, sizeof(kinds) / sizeof(kinds[0]), argc, argv);
}
