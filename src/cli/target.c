#include "cli/target.h"
#include "base/mem.h"
#include "cli/config.h"
#include "cli/run.h"

enum err_kind cli_target_config(struct cli *c, char **ret_path, struct err *err)
{
    const char *named = c->globals.config != NULL ? c->globals.config : c->env->config;
    if (named == NULL)
        return cli_config_default_path(c->env, ret_path, err);
    *ret_path = mem_strdup(named);
    return ERR_OK;
}

const char *cli_target_address(const struct cli *c)
{
    return c->globals.address != NULL ? c->globals.address : c->env->address;
}

const char *cli_target_namespace(const struct cli *c)
{
    const char *ns = c->globals.ns != NULL ? c->globals.ns : c->env->ns;
    return ns == NULL || ns[0] == '\0' ? NULL : ns;
}

static size_t scheme_bytes(struct str address)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct str scheme = str_from(schemes[i]);
        if (address.n > scheme.n && str_eq_nocase(str_take(address, scheme.n), scheme))
            return scheme.n;
    }
    return 0;
}

char *cli_address_shown(const char *address)
{
    struct str text = str_from(address);
    size_t scheme = scheme_bytes(text);
    struct str rest = str_skip(text, scheme);
    ptrdiff_t slash = str_find(rest, '/');
    struct str authority = slash < 0 ? rest : str_take(rest, (size_t)slash);
    ptrdiff_t at = str_rfind(authority, '@');
    struct str shown = str_skip(rest, (size_t)(at + 1));
    return mem_printf(STR_FMT STR_FMT, (int)scheme, address, STR_ARG(shown));
}

enum err_kind cli_address_check(struct str address, struct err *err)
{
    size_t scheme = scheme_bytes(address);
    struct str rest = str_skip(address, scheme);
    autofree char *text = mem_strdup_str(address);
    autofree char *shown = cli_address_shown(text);
    if (scheme == 0 && str_search(address, STR("://")) < 0 && address.n > 0)
        return err_set(err, ERR_USAGE, "address '%s' has no scheme: write http://%s", shown, shown);
    bool has_bad = str_find(rest, '?') >= 0 || str_find(rest, '#') >= 0 ||
        str_find(rest, ' ') >= 0 || str_find(rest, '\\') >= 0;
    if (scheme == 0 || rest.n == 0 || rest.p[0] == '/' || has_bad)
        return err_set(err, ERR_USAGE, "address '%s' is not of the form http://HOST[:PORT]", shown);
    return ERR_OK;
}

static enum err_kind take(struct cli *c, struct str address, struct str ns, struct err *err)
{
    while (str_ends(address, STR("/")))
        address.n--;
    enum err_kind r = cli_address_check(address, err);
    if (r != ERR_OK)
        return r;
    c->address = mem_strdup_str(address);
    c->ns = mem_strdup_str(ns);
    return ERR_OK;
}

enum err_kind cli_target_resolve(struct cli *c, struct err *err)
{
    if (c->address != NULL)
        return ERR_OK;
    const char *address = cli_target_address(c);
    const char *ns = cli_target_namespace(c);
    autofree char *path = NULL;
    struct cli_config config = {0};
    struct cli_context current = {0};
    bool is_named = c->globals.config != NULL || c->env->config != NULL;
    enum err_kind r = cli_target_config(c, &path, err);
    if (r == ERR_OK)
        r = cli_config_load(path, &config, err);
    if (r == ERR_OK)
        r = cli_config_current(&config, &current, err);
    /* with an address given, a home without a configuration file (a container's) is no obstacle */
    if (r != ERR_OK && (address == NULL || is_named)) {
        if (!is_named)
            cli_hint(c, "name the server with -a URL or CUP_ADDRESS");
        cli_config_deinit(&config);
        return r;
    }
    struct str default_ns = current.ns.n == 0 ? STR(CLI_CONFIG_NAMESPACE) : current.ns;
    r = take(
        c, address == NULL ? current.address : str_from(address),
        ns == NULL ? default_ns : str_from(ns), err);
    cli_config_deinit(&config);
    return r;
}
