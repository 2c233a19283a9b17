/*
 * cup's configuration file: named contexts of an address and a namespace, one of them current. The
 * file and its rules are upstream's; members that we do not know are kept.
 * Not for what flags and environment put over it: cli/target.h.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "cli/env.h"
#include "json/json.h"

#define CLI_CONFIG_ADDRESS "http://localhost:8181"
#define CLI_CONFIG_NAMESPACE "default"

struct cli_config {
    char *path;
    struct buf text;
    struct json_doc doc;
};

/* One context; views into the struct cli_config. */
struct cli_context {
    struct str name;
    struct str address;
    struct str ns; /* "default" where the file says nothing */
    bool is_current;
};

/* Where the file lies without -c: $XDG_CONFIG_HOME/cup/config.json, else below $HOME/.config.
 * IO when neither variable is set or XDG_CONFIG_HOME is relative. */
enum err_kind
cli_config_default_path(const struct cli_env *env, char **ret_path, struct err *err) MUST_USE;
/* Write the default file where there is none yet, as the first run of anything does. */
enum err_kind cli_config_ensure(const struct cli_env *env, struct err *err) MUST_USE;
/* NOT_FOUND, MALFORMED name the file. */
enum err_kind cli_config_load(const char *path, struct cli_config *ret, struct err *err) MUST_USE;
void cli_config_deinit(struct cli_config *config);

/* Contexts in the order of their names; count of them, up to `max` filled. */
size_t cli_config_contexts(const struct cli_config *config, struct cli_context *ret, size_t max);
/* NOT_FOUND when there is no context of the name that is current. */
enum err_kind cli_config_current(
    const struct cli_config *config, struct cli_context *ret, struct err *err) MUST_USE;
/* Set member `key` of the current context and write the file anew: compact, contexts sorted. */
enum err_kind cli_config_set(
    const struct cli_config *config, const char *key, const char *value, struct err *err) MUST_USE;
