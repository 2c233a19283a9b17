/*
 * A repository that lives elsewhere: its clone in the data directory, brought up to date by
 * repo_fetch; whatever moves a ref (repo_ref_update) moves it at the remote first. Smart HTTP over
 * http/client, SSH over OpenSSH as a child. Not for forges' APIs (scm/).
 *
 * To everybody else the clone is a repository like others: refs/heads/… are the remote's branches as
 * they stood at the last fetch or push.
 */
#pragma once

#include "repo/repo.h"

#include <stdatomic.h>

struct http_client;

/* Where and as whom; all strings are copied. NULL or 0: not given, the default. */
struct repo_remote_options {
    struct http_client *http;    /* http(s): borrowed, outlives the repository */
    const char *username;        /* where the URL names none */
    const char *password;        /* or token; where the URL has none. Never shown. */
    const char *ssh_command;     /* program, "ssh" */
    const char *ssh_key;         /* identity file; NULL: what ssh finds */
    const char *ssh_known_hosts; /* NULL: the user's; an unknown host is refused in any case */
    int64_t
        timeout_ms; /* of one fetch or push as a whole, ten times it of the first fetch; 0: 60 s */
};

/* Does this URL name a repository elsewhere (http, https, ssh, host:path)? */
bool repo_url_is_remote(struct str url);

/*
 * Bring the clone up to date: the branch, refs/heads/cup/… and refs/cup/…, gone ones removed. One
 * process at a time for a clone, others wait. Objects arrive before refs move, so that a reader sees
 * the old state or the new one. ERR_OK at once for a repository on this disk.
 *
 * cancel  may be NULL; true ends it (CANCELLED)
 * fails   UNAVAILABLE, TIMEOUT, UNAUTHENTICATED, DENIED, NOT_FOUND (no such repository), FAILED (the
 *         remote speaks nonsense), LIMIT, NO_SPACE, IO: the text names the remote without credentials.
 *         The clone stays as it was.
 * source  gitprotocol-v2(5), gitprotocol-http(5), gitprotocol-pack(5)
 */
enum err_kind
repo_fetch(struct repo *r, const char *branch, const atomic_bool *cancel, struct err *err) MUST_USE;

/* Milliseconds of CLOCK_MONOTONIC of this process's last fetch that got through, -1: none yet. */
int64_t repo_fetched_ms(const struct repo *r);
bool repo_is_remote(const struct repo *r);
