/*
 * Which paths a controller may read and write: the globs that its image declares and those that its
 * Controller narrows them to (docs/image-format.md, "Paths"). Reading is enforced by what the guest is
 * shown, writing by core_paths_check_write on what it changed.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct core_globs {
    struct str *items; /* own their text */
    size_t count;
};

/* Copies the NULL-terminated list; NULL or empty means `**`. INVALID names the pattern. */
enum err_kind
core_globs_init(struct core_globs *g, char *const *patterns, struct err *err) MUST_USE;
void core_globs_deinit(struct core_globs *g);
bool core_globs_is_all(const struct core_globs *g);

/*
 * May a controller write this path? DENIED names it. Beside the globs: names that steer Git, a forge
 * or cup itself (.git*, .github, .gitlab-ci.yml, .gitea, CODEOWNERS, .cup/) are opened only by a
 * pattern that is literally that path.
 */
enum err_kind core_paths_check_write(
    const struct core_globs *lists, size_t list_count, struct str path, struct err *err) MUST_USE;
