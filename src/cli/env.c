#include "cli/env.h"

#include <stdlib.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

void cli_env_read(struct cli_env *ret)
{
    *ret = (struct cli_env){
        .address = variable("CUP_ADDRESS"),
        .ns = variable("CUP_NAMESPACE"),
        .token = variable("CUP_TOKEN"),
        .config = variable("CUP_CONFIG"),
        .no_color = variable("NO_COLOR"),
        .home = variable("HOME"),
        .xdg_config_home = variable("XDG_CONFIG_HOME"),
        .xdg_data_home = variable("XDG_DATA_HOME"),
        .xdg_cache_home = variable("XDG_CACHE_HOME"),
        .xdg_runtime_dir = variable("XDG_RUNTIME_DIR"),
        .editor = variable("EDITOR"),
        .tmpdir = variable("TMPDIR"),
        .docker_config = variable("DOCKER_CONFIG"),
        .registry_auth_file = variable("REGISTRY_AUTH_FILE"),
        .wasi_sdk_path = variable("WASI_SDK_PATH"),
        .source_date_epoch = variable("SOURCE_DATE_EPOCH"),
        .cosign_password = getenv("COSIGN_PASSWORD"),
    };
    http_proxies_read(&ret->proxies, variable);
}
