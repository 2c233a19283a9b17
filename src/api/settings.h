/*
 * What the flags mean: paths, sizes, times and secrets as core/ and http/ take them. The one reader of
 * the files and variables that hold secrets.
 */
#pragma once

#include "api/flags.h"
#include "core/core.h"
#include "http/proxy.h"

struct settings {
    struct core_options core; /* borrows from the flags, and from what follows */
    char **images;
    char **plain_http;
    char **cors;
    char **labels;
    char *store;
    char *data;
    char *registry_config;
    char *git_password;
    char *scm_token; /* of the file */
    char *webhook_secret;
    char **auth_files;
    struct http_proxies proxies; /* of the environment */
    uint64_t body_max;
    int64_t drain_ms;
};

/* Borrows from the flags. deinit in any case. USAGE, INVALID, MALFORMED, UNSUPPORTED and what reading a
 * file of a secret fails with: the text names the flag. */
enum err_kind settings_read(const struct flags *f, struct settings *ret, struct err *err) MUST_USE;
void settings_deinit(struct settings *s);
