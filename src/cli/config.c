#include "cli/config.h"
#include "base/fs.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CONFIG_MAX ((size_t)4 << 20)
#define FILE_MODE 0644
#define DIR_MODE 0755

enum err_kind cli_config_default_path(const struct cli_env *env, char **ret_path, struct err *err)
{
    if (env->xdg_config_home != NULL) {
        if (env->xdg_config_home[0] != '/')
            return err_set(
                err, ERR_IO, "the path in XDG_CONFIG_HOME is relative: '%s'", env->xdg_config_home);
        *ret_path = fs_join(env->xdg_config_home, "cup/config.json");
        return ERR_OK;
    }
    if (env->home == NULL)
        return err_set(err, ERR_IO, "neither XDG_CONFIG_HOME nor HOME is set");
    *ret_path = fs_join(env->home, ".config/cup/config.json");
    return ERR_OK;
}

enum err_kind cli_config_ensure(const struct cli_env *env, struct err *err)
{
    autofree char *path = NULL;
    enum err_kind r = cli_config_default_path(env, &path, err);
    if (r != ERR_OK || fs_exists(path))
        return r;
    autofree char *dir =
        mem_strdup_str(str_take(str_from(path), (size_t)str_rfind(str_from(path), '/')));
    r = fs_make_dirs(dir, DIR_MODE, err);
    if (r != ERR_OK)
        return r;
    return fs_write_atomic(
        path,
        STR("{\"current_context\":\"default\",\"contexts\":{\"default\":{\"address\":"
            "\"" CLI_CONFIG_ADDRESS "\",\"namespace\":\"" CLI_CONFIG_NAMESPACE "\"}}}\n"),
        FILE_MODE, err);
}

enum err_kind cli_config_load(const char *path, struct cli_config *ret, struct err *err)
{
    struct cli_config config = {.path = mem_strdup(path)};
    enum err_kind r = fs_read_file(path, CONFIG_MAX, &config.text, err);
    if (r == ERR_OK) {
        r = json_parse(buf_view(&config.text), JSON_STORED, &config.doc, err);
        if (r != ERR_OK)
            r = err_wrap(err, "configuration file '%s'", path);
    }
    if (r != ERR_OK) {
        cli_config_deinit(&config);
        return r;
    }
    *ret = config;
    return ERR_OK;
}

void cli_config_deinit(struct cli_config *config)
{
    json_doc_deinit(&config->doc);
    buf_deinit(&config->text);
    free(config->path);
    *config = (struct cli_config){0};
}

static void
fill(const struct cli_config *config, struct str name, yyjson_val *val, struct cli_context *ret)
{
    struct str ns = json_str(json_get(val, "namespace"));
    *ret = (struct cli_context){
        .name = name,
        .address = json_str(json_get(val, "address")),
        .ns = ns.n == 0 ? STR(CLI_CONFIG_NAMESPACE) : ns,
        .is_current = str_eq(json_str(json_get(config->doc.root, "current_context")), name),
    };
}

static int by_name(const void *a, const void *b)
{
    const struct cli_context *left = a;
    const struct cli_context *right = b;
    return str_cmp(left->name, right->name);
}

size_t cli_config_contexts(const struct cli_config *config, struct cli_context *ret, size_t max)
{
    yyjson_val *contexts = json_get(config->doc.root, "contexts");
    yyjson_obj_iter at;
    yyjson_obj_iter_init(contexts, &at);
    yyjson_val *key;
    size_t count = 0;
    while ((key = yyjson_obj_iter_next(&at)) != NULL) {
        if (count < max)
            fill(config, json_str(key), yyjson_obj_iter_get_val(key), &ret[count]);
        count++;
    }
    if (max > 0)
        qsort(ret, count < max ? count : max, sizeof(*ret), by_name);
    return count;
}

enum err_kind
cli_config_current(const struct cli_config *config, struct cli_context *ret, struct err *err)
{
    autofree char *name = mem_strdup_str(json_str(json_get(config->doc.root, "current_context")));
    yyjson_val *val = json_get(json_get(config->doc.root, "contexts"), name == NULL ? "" : name);
    if (!yyjson_is_obj(val))
        return err_set(
            err, ERR_NOT_FOUND, "configuration file '%s' has no context '%s', its current one",
            config->path, name == NULL ? "" : name);
    fill(config, json_str(json_get(config->doc.root, "current_context")), val, ret);
    return ERR_OK;
}

static int by_key(const void *a, const void *b)
{
    yyjson_mut_val *const *left = a;
    yyjson_mut_val *const *right = b;
    return strcmp(yyjson_mut_get_str(*left), yyjson_mut_get_str(*right));
}

/* The same object with its keys sorted: upstream wrote a Go map. */
static yyjson_mut_val *sorted(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    size_t count = yyjson_mut_obj_size(object);
    autofree yyjson_mut_val **keys = mem_alloc((count + 1) * sizeof(*keys));
    yyjson_mut_obj_iter at;
    yyjson_mut_obj_iter_init(object, &at);
    for (size_t i = 0; i < count; i++)
        keys[i] = yyjson_mut_obj_iter_next(&at);
    qsort(keys, count, sizeof(*keys), by_key);
    yyjson_mut_val *copy = yyjson_mut_obj(doc);
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *key = yyjson_mut_val_mut_copy(doc, keys[i]);
        yyjson_mut_val *val = yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_iter_get_val(keys[i]));
        yyjson_mut_obj_add(copy, key, val);
    }
    return copy;
}

static bool change(yyjson_mut_doc *doc, struct str context, const char *key, const char *value)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    yyjson_mut_val *contexts = yyjson_mut_obj_get(root, "contexts");
    yyjson_mut_val *val = yyjson_mut_obj_getn(contexts, context.p, context.n);
    return val != NULL &&
        yyjson_mut_obj_put(val, yyjson_mut_strcpy(doc, key), yyjson_mut_strcpy(doc, value)) &&
        yyjson_mut_obj_put(root, yyjson_mut_str(doc, "contexts"), sorted(doc, contexts));
}

/* A link stays a link (files kept elsewhere by a tool for dot files): what it names is replaced. */
static enum err_kind replace(const char *path, struct str bytes, struct err *err)
{
    char real[PATH_MAX];
    struct stat st;
    const char *to = realpath(path, real) != NULL ? real : path;
    unsigned mode = stat(to, &st) == 0 ? st.st_mode & 0777U : FILE_MODE;
    return fs_write_atomic(to, bytes, mode, err);
}

enum err_kind
cli_config_set(const struct cli_config *config, const char *key, const char *value, struct err *err)
{
    struct cli_context current;
    enum err_kind r = cli_config_current(config, &current, err);
    if (r != ERR_OK)
        return r;
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(config->doc.doc, NULL);
    size_t n = 0;
    autofree char *text = doc != NULL && change(doc, current.name, key, value)
        ? yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, &n)
        : NULL;
    yyjson_mut_doc_free(doc);
    if (text == NULL)
        return err_set(err, ERR_INVALID, "value of '%s' cannot be written as JSON", key);
    return replace(config->path, str_of(text, n), err);
}
