#include "core/config.h"
#include "base/fs.h"
#include "base/mem.h"
#include "core/controller_spec.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)
#define DEPTH_MAX 64

/* --- documents ------------------------------------------------------------------------------------ */

static bool same_kind(const struct core_definition *a, const struct core_definition *b)
{
    if (!str_eq(a->group, b->group) || !str_eq(a->plural, b->plural) ||
        a->version_count != b->version_count)
        return false;
    for (size_t i = 0; i < a->version_count; i++) {
        if (!str_eq(a->versions[i].name, b->versions[i].name))
            return false;
    }
    return true;
}

/* A later one of the same kind replaces the earlier one in silence, as upstream's files do. */
static enum err_kind add_definition(struct core_config *c, struct str text, struct err *err)
{
    struct core_definition *d = NULL;
    enum err_kind r = core_definition_parse(text, "the resources", &d, err);
    if (r != ERR_OK)
        return r;
    for (size_t i = 0; i < c->definition_count; i++) {
        if (same_kind(c->definitions[i], d)) {
            core_definition_free(c->definitions[i]);
            c->definitions[i] = d;
            return ERR_OK;
        }
    }
    mem_grow(&c->definitions, c->definition_count, &c->definition_cap);
    c->definitions[c->definition_count++] = d;
    return ERR_OK;
}

static enum err_kind
add_controller(struct core_config *c, const struct core_resource *r, struct err *err)
{
    struct core_controller_spec spec = {0};
    enum err_kind k = core_controller_spec_parse(r, &spec, err);
    if (k != ERR_OK)
        return k;
    for (size_t i = 0; i < c->controller_count; i++) {
        if (strcmp(c->controllers[i].name, spec.name) == 0) {
            core_controller_spec_deinit(&c->controllers[i]);
            c->controllers[i] = spec;
            return ERR_OK;
        }
    }
    mem_grow(&c->controllers, c->controller_count, &c->controller_cap);
    c->controllers[c->controller_count++] = spec;
    return ERR_OK;
}

static void binding_deinit(struct core_binding *b)
{
    for (size_t i = 0; i < b->resource_count; i++)
        free(b->resources[i]);
    free(b->resources);
    free(b->controller);
    free(b->name);
    *b = (struct core_binding){0};
}

static enum err_kind
parse_binding(const struct core_resource *r, struct core_binding *ret, struct err *err)
{
    yyjson_val *spec = json_get_nocase(r->doc.root, "spec");
    yyjson_val *resources = json_get_nocase(spec, "resources");
    size_t i;
    size_t max;
    yyjson_val *item;
    ret->name = mem_strdup_str(r->name);
    struct str controller = json_str(json_get_nocase(spec, "controller"));
    ret->controller = mem_strdup_str(controller.p == NULL ? STR("") : controller);
    if (resources != NULL && !yyjson_is_null(resources) && !yyjson_is_arr(resources))
        return err_set(err, ERR_MALFORMED, "spec.resources must be an array of strings");
    ret->resources = mem_alloc((yyjson_arr_size(resources) + 1) * sizeof(char *));
    yyjson_arr_foreach(resources, i, max, item)
    {
        if (!yyjson_is_str(item))
            return err_set(err, ERR_MALFORMED, "spec.resources must be an array of strings");
        ret->resources[ret->resource_count++] = mem_strdup_str(json_str(item));
    }
    return ERR_OK;
}

static enum err_kind
add_binding(struct core_config *c, const struct core_resource *r, struct err *err)
{
    struct core_binding b = {0};
    enum err_kind k = parse_binding(r, &b, err);
    if (k != ERR_OK) {
        binding_deinit(&b);
        return k;
    }
    for (size_t i = 0; i < c->binding_count; i++) {
        if (strcmp(c->bindings[i].name, b.name) == 0) {
            binding_deinit(&c->bindings[i]);
            c->bindings[i] = b;
            return ERR_OK;
        }
    }
    mem_grow(&c->bindings, c->binding_count, &c->binding_cap);
    c->bindings[c->binding_count++] = b;
    return ERR_OK;
}

static enum err_kind
add_document(struct core_config *c, const struct core_resource *r, struct str text, struct err *err)
{
    if (!str_eqz(r->api_version, "cup.flipt.io/v1alpha1"))
        return err_set(
            err, ERR_INVALID,
            "unexpected APIVersion: \"" STR_FMT "\" (only resources of cup.flipt.io/v1alpha1 may "
            "lie in the resource directory; -api-resources names it)",
            STR_ARG(str_take(r->api_version, 128)));
    if (r->name.n == 0)
        return err_set(err, ERR_INVALID, "name cannot be empty");
    if (str_eqz(r->kind, "ResourceDefinition"))
        return add_definition(c, text, err);
    if (str_eqz(r->kind, "Controller"))
        return add_controller(c, r, err);
    return str_eqz(r->kind, "Binding") ? add_binding(c, r, err) : ERR_OK;
}

enum err_kind core_config_add(struct core_config *c, struct str text, struct err *err)
{
    struct core_resource r;
    enum err_kind k = core_resource_parse(text, JSON_STORED, &r, err);
    if (k != ERR_OK)
        return err_wrap(err, "parsing resource");
    k = add_document(c, &r, r.doc.text, err);
    core_resource_deinit(&r);
    return k;
}

/* --- files ---------------------------------------------------------------------------------------- */

struct walk {
    const char *root;
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
    struct core_config *config;
};

static enum err_kind read_file(struct walk *w, const char *path, struct err *err)
{
    autofree char *full = fs_join(w->root, path);
    autobuf struct buf text = {0};
    enum err_kind r = fs_read_file(full, FILE_BYTES_MAX, &text, err);
    if (r == ERR_OK)
        r = core_config_add(w->config, buf_view(&text), err);
    if (r != ERR_OK)
        return err_wrap(err, "parsing api resource \"%s\"", path);
    if (w->note != NULL)
        w->note(w->note_data, LOG_DEBUG, "parsing resource", str_from(path));
    return ERR_OK;
}

static enum err_kind
walk_directory(struct walk *w, const char *path, unsigned depth, struct err *err);

/* A link to a file is read, one to a directory is not entered (as upstream). */
static enum err_kind visit(struct walk *w, const char *path, unsigned depth, struct err *err)
{
    autofree char *full = fs_join(w->root, path);
    struct stat st;
    bool is_json = str_ends(str_from(path), STR(".json"));
    if (lstat(full, &st) == 0 && S_ISDIR(st.st_mode))
        return walk_directory(w, path, depth + 1, err);
    if (S_ISLNK(st.st_mode) && stat(full, &st) == 0 && S_ISDIR(st.st_mode))
        return ERR_OK;
    return is_json ? read_file(w, path, err) : ERR_OK;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err_kind
walk_directory(struct walk *w, const char *path, unsigned depth, struct err *err)
{
    autofree char *full = path[0] == '\0' ? mem_strdup(w->root) : fs_join(w->root, path);
    struct dirent **entries = NULL;
    if (depth > DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "'%s' is deeper than %d directories", path, DEPTH_MAX);
    int count = scandir(full, &entries, NULL, by_bytes);
    if (count < 0)
        return err_errno(err, errno, "resource directory '%s'", full);
    enum err_kind r = ERR_OK;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (r == ERR_OK && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            autofree char *below =
                path[0] == '\0' ? mem_strdup(name) : mem_printf("%s/%s", path, name);
            r = visit(w, below, depth, err);
        }
        free(entries[i]);
    }
    free(entries);
    return r;
}

enum err_kind core_config_read(
    const char *dir,
    void (*note)(void *data, enum log_level level, const char *what, struct str value),
    void *note_data,
    struct core_config *ret,
    struct err *err)
{
    struct walk w = {.root = dir, .note = note, .note_data = note_data, .config = ret};
    *ret = (struct core_config){0};
    enum err_kind r = walk_directory(&w, "", 0, err);
    if (r != ERR_OK)
        core_config_deinit(ret);
    return r;
}

void core_config_deinit(struct core_config *c)
{
    for (size_t i = 0; i < c->definition_count; i++)
        core_definition_free(c->definitions[i]);
    for (size_t i = 0; i < c->controller_count; i++)
        core_controller_spec_deinit(&c->controllers[i]);
    for (size_t i = 0; i < c->binding_count; i++)
        binding_deinit(&c->bindings[i]);
    free(c->definitions);
    free(c->controllers);
    free(c->bindings);
    *c = (struct core_config){0};
}
