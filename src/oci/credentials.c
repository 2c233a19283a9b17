#include "oci/credentials.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/base64.h"
#include "json/json.h"

#define CONFIG_MAX ((size_t)1 << 20)
#define DOCKER_HUB "docker.io"
#define DOCKER_HUB_KEY "https://index.docker.io/v1/"

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void oci_credential_deinit(struct oci_credential *c)
{
    if (c == NULL)
        return;
    free_secret(c->username);
    free_secret(c->password);
    free_secret(c->identity_token);
    free_secret(c->registry_token);
    *c = (struct oci_credential){0};
}

bool oci_credential_is_clean(struct str text)
{
    return str_find(text, '\r') < 0 && str_find(text, '\n') < 0 && str_find(text, '\0') < 0;
}

/* Keys are hosts, or URLs of old ("https://host/v1/"): scheme and path are taken off. */
static struct str key_host(struct str key)
{
    static const struct str HTTPS = {"https://", 8}, HTTP = {"http://", 7};
    if (str_starts(key, HTTPS))
        key = str_skip(key, HTTPS.n);
    else if (str_starts(key, HTTP))
        key = str_skip(key, HTTP.n);
    struct str host = str_cut(&key, '/');
    if (str_eqz(host, "index.docker.io") || str_eqz(host, "registry-1.docker.io"))
        return STR(DOCKER_HUB);
    return host;
}

static yyjson_val *find_host(yyjson_val *map, const char *host)
{
    size_t i, n;
    yyjson_val *key, *val, *found = NULL;
    if (!yyjson_is_obj(map))
        return NULL;
    yyjson_obj_foreach(map, i, n, key, val)
    {
        if (str_eqz(json_str(key), host))
            return val;
        if (str_eq_nocase(key_host(json_str(key)), str_from(host)))
            found = val;
    }
    return found;
}

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
    struct buf plain = {.max = CONFIG_MAX};
    enum err_kind r = ERR_OK;
    if (auth.n == 0)
        return ERR_OK;
    bool is_good = oci_base64_decode(&plain, auth) && !plain.is_failed;
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
    enum err_kind r = take_auth(json_str(json_get(entry, "auth")), ret, err);
    if (r == ERR_OK && ret->username == NULL)
        r = take_text(json_str(json_get(entry, "username")), "user name", &ret->username, err);
    if (r == ERR_OK && ret->password == NULL)
        r = take_text(json_str(json_get(entry, "password")), "password", &ret->password, err);
    if (r == ERR_OK)
        r = take_text(
            json_str(json_get(entry, "identitytoken")), "identity token", &ret->identity_token,
            err);
    if (r == ERR_OK)
        r = take_text(
            json_str(json_get(entry, "registrytoken")), "registry token", &ret->registry_token,
            err);
    return r;
}

static bool is_empty(const struct oci_credential *c)
{
    return c->username == NULL && c->identity_token == NULL && c->registry_token == NULL;
}

static enum err_kind
find_in(yyjson_val *root, const char *host, struct oci_credential *ret, struct err *err)
{
    bool is_hub = strcmp(host, DOCKER_HUB) == 0;
    const char *server = is_hub ? DOCKER_HUB_KEY : host;
    struct str helper = json_str(find_host(json_get(root, "credHelpers"), host));
    if (helper.n == 0)
        helper = json_str(json_get(root, "credsStore"));
    if (helper.n > 0) {
        autofree char *name = mem_strdup_str(helper);
        enum err_kind r = oci_credential_helper_get(name, server, ret, err);
        if (r != ERR_OK || !is_empty(ret))
            return r;
    }
    yyjson_val *entry = find_host(json_get(root, "auths"), host);
    return entry == NULL ? ERR_OK : take_entry(entry, ret, err);
}

enum err_kind oci_credentials_find(
    const char *config_path, const char *host, struct oci_credential *ret, struct err *err)
{
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    struct oci_credential found = {0};
    *ret = found;
    if (config_path == NULL)
        return ERR_OK;
    enum err_kind r = fs_read_file(config_path, CONFIG_MAX, &text, err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    if (r == ERR_OK && str_trim(buf_view(&text)).n == 0)
        return ERR_OK;
    if (r == ERR_OK) {
        r = json_parse(buf_view(&text), JSON_STORED, &doc, NULL);
        if (r != ERR_OK) /* the parser's text could quote a secret */
            r = err_set(err, ERR_INVALID, "it is not JSON");
    }
    if (r == ERR_OK)
        r = find_in(doc.root, host, &found, err);
    if (text.p != NULL)
        explicit_bzero(text.p, text.n);
    if (r != ERR_OK) {
        oci_credential_deinit(&found);
        return err_wrap(err, "credentials of '%s' in '%s'", host, config_path);
    }
    *ret = found;
    return ERR_OK;
}
