#include "oci/credentials.h"
#include "base/base64.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/credential_helper.h"
#include "json/json.h"

void oci_secret_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void oci_credential_deinit(struct oci_credential *c)
{
    if (c == NULL)
        return;
    oci_secret_free(c->username);
    oci_secret_free(c->password);
    oci_secret_free(c->identity_token);
    oci_secret_free(c->registry_token);
    *c = (struct oci_credential){0};
}

bool oci_credential_is_empty(const struct oci_credential *c)
{
    return c->username == NULL && c->identity_token == NULL && c->registry_token == NULL;
}

void oci_credential_source_deinit(struct oci_credential_source *s)
{
    free(s->helper);
    oci_credential_deinit(&s->entry);
    *s = (struct oci_credential_source){0};
}

bool oci_credential_is_clean(struct str text)
{
    return str_find(text, '\r') < 0 && str_find(text, '\n') < 0 && str_find(text, '\0') < 0;
}

const char *oci_credential_server(const char *host)
{
    return strcmp(host, OCI_DOCKER_HUB) == 0 ? OCI_DOCKER_HUB_KEY : host;
}

/* --- keys ------------------------------------------------------------------------------------------ */

static struct str without_scheme(struct str key, bool *ret_had_one)
{
    static const struct str SCHEMES[] = {{"https://", 8}, {"http://", 7}};
    *ret_had_one = true;
    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++) {
        if (str_starts(key, SCHEMES[i]))
            return str_skip(key, SCHEMES[i].n);
    }
    *ret_had_one = false;
    return key;
}

static bool is_api_path(struct str path)
{
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path.n == 0 || str_eqz(path, "v1") || str_eqz(path, "v2");
}

static bool is_same_host(struct str named, const char *host)
{
    bool is_hub = str_eq_nocase(named, STR("index.docker.io")) ||
        str_eq_nocase(named, STR("registry-1.docker.io"));
    return str_eq_nocase(is_hub ? STR(OCI_DOCKER_HUB) : named, str_from(host));
}

/* Is `path` the repository or one of the folders that it lies in? */
static bool is_above(struct str path, struct str repository)
{
    return str_starts(repository, path) && (path.n == repository.n || repository.p[path.n] == '/');
}

/*
 * How well a key fits, 0 for not at all: more for a longer path. A path behind a host is a repository
 * or its folder (podman), but behind a scheme, or as "v1" or "v2", the API's address of old (docker):
 * that means the whole host.
 */
static size_t key_rank(struct str key, const char *host, const char *repository)
{
    bool has_scheme;
    if (str_eqz(key, oci_credential_server(host)))
        return 2;
    struct str path = without_scheme(key, &has_scheme);
    struct str named = str_cut(&path, '/');
    if (!is_same_host(named, host))
        return 0;
    if (path.p == NULL || has_scheme || is_api_path(path))
        return 1;
    if (repository == NULL || !is_above(path, str_from(repository)))
        return 0;
    return 2 + path.n;
}

bool oci_credential_is_host_key(struct str key, const char *host)
{
    return key_rank(key, host, NULL) > 0;
}

/* The member whose key fits best; of equals the last one, as of duplicates. */
static yyjson_val *find_best(yyjson_val *map, const char *host, const char *repository)
{
    size_t i, n, best = 1;
    yyjson_val *key, *val, *found = NULL;
    if (!yyjson_is_obj(map))
        return NULL;
    yyjson_obj_foreach(map, i, n, key, val)
    {
        size_t rank = key_rank(json_str(key), host, repository);
        if (rank >= best) {
            best = rank;
            found = val;
        }
    }
    return found;
}

/* --- values ---------------------------------------------------------------------------------------- */

static enum err_kind take_text(struct str text, const char *what, char **ret, struct err *err)
{
    if (text.n == 0)
        return ERR_OK;
    if (!oci_credential_is_clean(text))
        return err_set(err, ERR_INVALID, "the %s holds a line break or NUL", what);
    *ret = mem_strdup_str(text);
    return ERR_OK;
}

/* auth: base64 of user:password, cut at the first colon. */
static enum err_kind take_auth(struct str auth, struct oci_credential *ret, struct err *err)
{
    struct buf plain = {.max = OCI_CREDENTIALS_FILE_MAX};
    enum err_kind r = ERR_OK;
    if (auth.n == 0)
        return ERR_OK;
    bool is_good = base64_decode(&plain, auth) && !plain.is_failed;
    struct str rest = buf_view(&plain);
    /* docker wrote NULs behind some passwords */
    while (rest.n > 0 && rest.p[rest.n - 1] == '\0')
        rest.n--;
    struct str user = str_cut(&rest, ':');
    if (!is_good || rest.p == NULL)
        r = err_set(err, ERR_INVALID, "'auth' is not base64 of user:password");
    if (r == ERR_OK)
        r = take_text(user, "user name", &ret->username, err);
    if (r == ERR_OK)
        r = take_text(rest, "password", &ret->password, err);
    if (plain.p != NULL)
        explicit_bzero(plain.p, plain.n);
    buf_deinit(&plain);
    return r;
}

static enum err_kind take_entry(yyjson_val *entry, struct oci_credential *ret, struct err *err)
{
    const struct {
        const char *key;
        const char *what;
        char **to;
    } rows[] = {
        {"username", "user name", &ret->username},
        {"password", "password", &ret->password},
        {"identitytoken", "identity token", &ret->identity_token},
        {"registrytoken", "registry token", &ret->registry_token},
    };
    enum err_kind r = take_auth(json_str(json_get(entry, "auth")), ret, err);
    for (size_t i = 0; r == ERR_OK && i < ARRAY_LEN(rows); i++) {
        if (*rows[i].to == NULL)
            r = take_text(json_str(json_get(entry, rows[i].key)), rows[i].what, rows[i].to, err);
    }
    return r;
}

/* A member of credHelpers stands for its host even where it is empty: no helper, then. */
static char *helper_of(yyjson_val *root, const char *host)
{
    yyjson_val *own = find_best(json_get(root, "credHelpers"), host, NULL);
    struct str name = json_str(own != NULL ? own : json_get(root, "credsStore"));
    return name.n == 0 ? NULL : mem_strdup_str(name);
}

enum err_kind oci_credentials_read(
    struct str config,
    const char *host,
    const char *repository,
    struct oci_credential_source *ret,
    struct err *err)
{
    auto_json struct json_doc doc = {0};
    struct oci_credential_source found = {0};
    *ret = found;
    if (str_trim(config).n == 0)
        return ERR_OK;
    if (json_parse(config, JSON_STORED, &doc, NULL) != ERR_OK || !yyjson_is_obj(doc.root))
        return err_set(err, ERR_INVALID, "it is not a JSON object"); /* a parser's text quotes */
    enum err_kind r = ERR_OK;
    yyjson_val *entry = find_best(json_get(doc.root, "auths"), host, repository);
    if (entry != NULL)
        r = take_entry(entry, &found.entry, err);
    if (r != ERR_OK) {
        oci_credential_source_deinit(&found);
        return r;
    }
    found.helper = helper_of(doc.root, host);
    *ret = found;
    return ERR_OK;
}

/* --- places ------------------------------------------------------------------------------------------ */

char **oci_auth_files(const struct oci_auth_places *places)
{
    char **files = mem_alloc(3 * sizeof(*files));
    size_t n = 0;
    if (places->registry_auth_file != NULL) {
        files[n++] = mem_strdup(places->registry_auth_file);
        return files;
    }
    if (places->xdg_runtime_dir != NULL)
        files[n++] = fs_join(places->xdg_runtime_dir, "containers/auth.json");
    if (places->xdg_config_home != NULL)
        files[n++] = fs_join(places->xdg_config_home, "containers/auth.json");
    else if (places->home != NULL)
        files[n++] = fs_join(places->home, ".config/containers/auth.json");
    return files;
}

char **oci_auth_files_free(char **files)
{
    for (size_t i = 0; files != NULL && files[i] != NULL; i++)
        free(files[i]);
    free(files);
    return NULL;
}

/* --- files and helpers ------------------------------------------------------------------------------ */

static enum err_kind find_in(
    const char *path,
    int64_t timeout_ms,
    const char *host,
    const char *repository,
    struct oci_credential *ret,
    struct err *err)
{
    autobuf struct buf text = {0};
    auto_oci_credential_source struct oci_credential_source source = {0};
    enum err_kind r = fs_read_file(path, OCI_CREDENTIALS_FILE_MAX, &text, err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    if (r == ERR_OK)
        r = oci_credentials_read(buf_view(&text), host, repository, &source, err);
    if (text.p != NULL)
        explicit_bzero(text.p, text.n);
    if (r == ERR_OK && source.helper != NULL)
        r = oci_credential_helper_get(
            source.helper, oci_credential_server(host), timeout_ms, ret, err);
    if (r != ERR_OK)
        return err_wrap(err, "credentials of '%s' in '%s'", host, path);
    if (oci_credential_is_empty(ret)) {
        *ret = source.entry;
        source.entry = (struct oci_credential){0};
    }
    return ERR_OK;
}

enum err_kind oci_credentials_find(
    const struct oci_credential_files *files,
    const char *host,
    const char *repository,
    struct oci_credential *ret,
    struct err *err)
{
    struct oci_credential found = {0};
    enum err_kind r = ERR_OK;
    *ret = found;
    if (files->config != NULL)
        r = find_in(files->config, files->helper_timeout_ms, host, repository, &found, err);
    for (size_t i = 0; files->auth_files != NULL && files->auth_files[i] != NULL; i++) {
        if (r != ERR_OK || !oci_credential_is_empty(&found))
            break;
        r = find_in(files->auth_files[i], files->helper_timeout_ms, host, repository, &found, err);
    }
    if (r == ERR_OK)
        *ret = found;
    else
        oci_credential_deinit(&found);
    return r;
}
