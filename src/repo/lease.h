/*
 * Processes that write to one repository know of each other, so that the first one can tell the locks of
 * killed ones from those of running ones. Not what keeps writers apart: the locks of refs do.
 *
 * A ref's lock is a file `<ref>.lock` (gitglossary(7), lockfile). Who is killed while he holds it leaves it
 * there, and the ref cannot be moved any more. Each cupd holds a shared flock on `cup-writers` in the Git
 * directory; who gets it exclusively first is alone.
 */
#pragma once

#include "repo/repo.h"

struct repo_lease;

/*
 * Be known as one that writes, until the lease ends. Removes locks of cup's own refs (refs/heads/cup/,
 * refs/cup/): all of them where nobody else is there, else those that are older than a minute, which is
 * a thousand times as long as anybody holds one. In the clone of a remote repository, where nobody else
 * writes, the locks of all refs and of packed-refs.
 * NULL where the Git directory cannot be written to: then there is nothing to clear, either.
 */
struct repo_lease *repo_lease_new(struct repo *r);
struct repo_lease *repo_lease_free(struct repo_lease *l);
