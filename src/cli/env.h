/*
 * The environment variables that cup looks at, read once: the only getenv of cli/. Tests fill the
 * struct themselves.
 */
#pragma once

#include "http/proxy.h"

/* An unset or empty variable is NULL. The strings belong to the process environment. */
struct cli_env {
    const char *address;            /* CUP_ADDRESS */
    const char *ns;                 /* CUP_NAMESPACE */
    const char *token;              /* CUP_TOKEN; never printed */
    const char *config;             /* CUP_CONFIG */
    const char *no_color;           /* NO_COLOR (no-color.org): any text switches colours off */
    const char *home;               /* HOME */
    const char *xdg_config_home;    /* XDG_CONFIG_HOME */
    const char *xdg_data_home;      /* XDG_DATA_HOME */
    const char *xdg_cache_home;     /* XDG_CACHE_HOME */
    const char *xdg_runtime_dir;    /* XDG_RUNTIME_DIR */
    const char *editor;             /* EDITOR: a fragment of shell */
    const char *tmpdir;             /* TMPDIR */
    const char *docker_config;      /* DOCKER_CONFIG: directory of config.json */
    const char *registry_auth_file; /* REGISTRY_AUTH_FILE: podman's file of credentials */
    struct http_proxies proxies;    /* http_proxy, https_proxy, all_proxy, no_proxy */
    const char *wasi_sdk_path;      /* WASI_SDK_PATH: a compiler for controllers */
    const char *source_date_epoch;  /* SOURCE_DATE_EPOCH (reproducible-builds.org) */
    const char *cosign_password; /* COSIGN_PASSWORD; set and empty is a password; never printed */
};

void cli_env_read(struct cli_env *ret);
