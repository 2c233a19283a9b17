#include "cli/guest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/units.h"
#include "cli/run.h"

enum err_kind
cli_guest_size(const char *flag, const char *text, uint64_t *ret_bytes, struct err *err)
{
    if (text == NULL)
        return ERR_OK;
    enum err_kind r = units_parse_size(str_from(text), ret_bytes, err);
    if (r == ERR_OK && *ret_bytes == 0)
        r = err_set(err, ERR_USAGE, "a limit of nothing");
    if (r == ERR_OK)
        return ERR_OK;
    err_wrap(err, "'--%s %s'", flag, text);
    return err_as(err, ERR_USAGE);
}

/* NULL where the environment names no place. */
static char *cache_dir(const struct cli_env *env)
{
    if (env->xdg_cache_home != NULL && env->xdg_cache_home[0] == '/')
        return fs_join(env->xdg_cache_home, "cup/cupd/modules");
    return env->home == NULL ? NULL : fs_join(env->home, ".cache/cup/cupd/modules");
}

enum err_kind cli_wasmhost_new(struct cli *c, struct wasmhost **ret, struct err *err)
{
    autofree char *cache = cache_dir(c->env);
    struct wasmhost_options options = {
        .cache_dir = cache,
        .instances_max = 1,
        .compiler = c->io.owns_process ? "/proc/self/exe" : NULL};
    return wasmhost_new(&options, ret, err);
}

enum err_kind cli_module_load(
    struct wasmhost *host,
    const char *path,
    struct str wasm,
    struct wasmhost_module **ret,
    struct err *err)
{
    char digest[sizeof("sha256:") + SHA256_HEX] = "sha256:";
    sha256_hex_of(wasm, digest + strlen(digest));
    enum err_kind r = wasmhost_load(host, wasm, digest, ret, err);
    return r == ERR_OK ? r : err_wrap(err, "module '%s'", path);
}
