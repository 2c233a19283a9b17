/*
 * The settings of cupd: one table row each gives flag, environment variable (CUPD_…, upper case, `_`
 * for `-`), path in the configuration file (nested keys joined by `-`), default and help. Precedence:
 * flag, environment, file, default.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum flag {
    FLAG_CONFIG,
    FLAG_ADDRESS,
    FLAG_SOURCE,
    FLAG_LOCAL_PATH,
    FLAG_GIT_REPO,
    FLAG_GIT_SCM,
    FLAG_GIT_SCM_URL,
    FLAG_GIT_SCM_TOKEN,
    FLAG_GIT_SCM_TOKEN_FILE,
    FLAG_GIT_BRANCH,
    FLAG_GIT_AUTHOR,
    FLAG_GIT_SIGNING_KEY,
    FLAG_GIT_POLL,
    FLAG_GIT_USERNAME,
    FLAG_GIT_PASSWORD_FILE,
    FLAG_GIT_SSH_KEY,
    FLAG_GIT_SSH_KNOWN_HOSTS,
    FLAG_GIT_CA_FILE,
    FLAG_GIT_TIMEOUT,
    FLAG_GIT_WEBHOOK_SECRET_FILE,
    FLAG_PROPOSAL_TITLE,
    FLAG_PROPOSAL_BODY,
    FLAG_PROPOSAL_LABELS,
    FLAG_PROPOSAL_DRAFT,
    FLAG_RESOURCES,
    FLAG_IMAGE,
    FLAG_STORE,
    FLAG_DATA,
    FLAG_CACHE_SIZE,
    FLAG_TRUST_POLICY,
    FLAG_REQUIRE_SIGNATURES,
    FLAG_REGISTRY_CONFIG,
    FLAG_PLAIN_HTTP,
    FLAG_CORS_ORIGIN,
    FLAG_MAX_BODY,
    FLAG_DRAIN,
    FLAG_INSECURE,
    FLAG_LOG_LEVEL,
    FLAG_LOG_FORMAT,
    FLAG_TAILSCALE_HOSTNAME,
    FLAG_TAILSCALE_AUTH_KEY,
    FLAG_TAILSCALE_EPHEMERAL,
    FLAG_COUNT
};

struct flags {
    char *values[FLAG_COUNT]; /* NULL: not given anywhere */
    char *command;            /* first plain argument, or NULL */
    bool wants_help;
};

/* Read arguments, environment and the file that -config names. USAGE, MALFORMED, NOT_FOUND. */
enum err_kind flags_read(int argc, char **argv, struct flags *ret, struct err *err) MUST_USE;
void flags_deinit(struct flags *f);

/* The value, or the default ("" where there is none). */
const char *flags_get(const struct flags *f, enum flag flag);
bool flags_is_given(const struct flags *f, enum flag flag);
/* "-api-address" as people write it. */
const char *flags_name(enum flag flag);
/* Comma-separated values as a NULL-terminated list of copies; free with flags_list_free. */
char **flags_list(const struct flags *f, enum flag flag, size_t *ret_count);
void flags_list_free(char **list);

struct buf;
void flags_write_help(struct buf *to);

/* Set one flag by its name without the dash, as the configuration file does; a value that is there
 * already stays. USAGE: no such flag. */
enum err_kind
flags_set_default(struct flags *f, struct str name, struct str value, struct err *err) MUST_USE;
