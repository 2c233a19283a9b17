#include "cli/signing.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/password.h"
#include "cli/run.h"

/* --- keys --------------------------------------------------------------------------------------------- */

enum err_kind cli_key_password(struct cli *c, bool is_new, struct buf *ret, struct err *err)
{
    auto_secret struct buf again = {0};
    if (c->env->cosign_password != NULL) {
        buf_text(ret, c->env->cosign_password);
        return ERR_OK;
    }
    cli_hint(c, "the password is taken from COSIGN_PASSWORD where there is no terminal");
    enum err_kind r = cli_password_ask(
        c, is_new ? "Password for the new key: " : "Password of the key: ", ret, err);
    if (r == ERR_OK && is_new)
        r = cli_password_ask(c, "The same again: ", &again, err);
    if (r != ERR_OK)
        return r;
    cli_hint_clear(c);
    if (is_new && !str_eq(buf_view(ret), buf_view(&again)))
        return err_set(err, ERR_USAGE, "the two passwords are not the same");
    return ERR_OK;
}

static enum err_kind ask(void *data, struct buf *ret, struct err *err)
{
    return cli_key_password(data, false, ret, err);
}

enum err_kind cli_key_read(struct cli *c, const char *path, struct oci_key **ret, struct err *err)
{
    auto_secret struct buf pem = {0};
    enum err_kind r = fs_read_file(path, OCI_KEY_FILE_MAX, &pem, err);
    if (r != ERR_OK)
        return err_wrap(err, "the key");
    return oci_key_parse_private(buf_view(&pem), path, ask, c, ret, err);
}

/* --- trust -------------------------------------------------------------------------------------------- */

/* XDG Base Directory Specification; NULL where no home is known. */
static char *default_policy(const struct cli_env *env)
{
    if (env->xdg_config_home != NULL && env->xdg_config_home[0] == '/')
        return fs_join(env->xdg_config_home, "cup/trust.json");
    return env->home == NULL ? NULL : fs_join(env->home, ".config/cup/trust.json");
}

enum err_kind
cli_trust_open(struct cli *c, const char *named, struct oci_trust **ret, struct err *err)
{
    autofree char *path = named != NULL ? mem_strdup(named) : default_policy(c->env);
    *ret = NULL;
    if (path == NULL)
        return ERR_OK;
    enum err_kind r = oci_trust_read(path, ret, err);
    if (r == ERR_NOT_FOUND && named == NULL && !fs_exists(path)) {
        err_clear(err);
        return ERR_OK;
    }
    return r;
}
