/*
 * Where a repository is on its forge: read from its URL as git has it, and from the address of the
 * forge's API where that is given. Nothing is asked.
 */
#pragma once

#include "scm/scm.h"

struct scm_place {
    char *api;   /* "https://api.github.com"; no slash at the end, no credentials */
    char *path;  /* "owner/name", "group/subgroup/name" */
    char *token; /* NULL: none. Never shown. */
};
void scm_place_deinit(struct scm_place *p);

/* How the addresses of one kind of forge are made. */
struct scm_place_rules {
    const char *forge;  /* "gitea", for errors */
    const char *suffix; /* of the API: "/api/v1" */
    bool
        has_subgroups; /* else a repository is the last two parts, and what is before them the site's */
    /* host -> the API's address where it does not follow the rule, or NULL; may be NULL */
    char *(*own_api)(const char *host);
};

/*
 * repo_url, api_url, token as of struct scm_options. A token given counts; else the password in repo_url.
 * fails  INVALID: no owner/name in it, a path or file:// without api_url, an API that is no http(s) URL or
 *        holds credentials: the text says which flag is to be set
 */
enum err_kind scm_place_read(
    const struct scm_options *options,
    const struct scm_place_rules *rules,
    struct scm_place *ret,
    struct err *err) MUST_USE;

/* The driver that a repository has where none is named: that of a host everybody knows, else "plain". */
const char *scm_name_for(const char *repo_url);
