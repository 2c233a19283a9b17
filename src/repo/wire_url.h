/*
 * Where a remote repository is: http, https and ssh URLs, and ssh's short form user@host:path, taken apart
 * and checked. Not for repositories on this disk: url.h.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum wire_scheme { WIRE_HTTP = 1, WIRE_SSH };

struct wire_url {
    enum wire_scheme scheme;
    char *base; /* http(s): the URL without credentials and without a slash at the end */
    char *user; /* percent-decoded; NULL: none */
    char *password;
    char *host; /* ssh */
    char *port; /* ssh; NULL: its own */
    char *path; /* ssh: as the other side is to understand it ("/srv/x.git", "~/x.git", "x.git") */
};

/* Is it one of these forms at all? Says nothing about whether it is a good one. */
bool wire_url_is_remote(struct str url);
/*
 * INVALID: no host or path, control characters, a user or host that ssh would take for an option;
 * UNSUPPORTED: git://, whose answers nobody vouches for. The text never holds credentials.
 */
enum err_kind wire_url_parse(struct str url, struct wire_url *ret, struct err *err) MUST_USE;
void wire_url_deinit(struct wire_url *u);
