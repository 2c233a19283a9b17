/*
 * Where objects from a remote stay until it is known that they are good and that none is missing: a
 * repository of its own beside the clone, which sees the clone's objects too. So what is in the clone is
 * always whole, also after a crash, and "it is here" means "with all it names". Under the fetch lock.
 */
#pragma once

#include "repo/internal.h"

struct quarantine {
    struct repo *repo; /* to look through what came, with what the clone has; NULL: not made yet */
    char *path;
};

/* Empty; what a killed process left there is gone. IO, NO_SPACE. */
enum err_kind quarantine_make(struct repo *clone, struct quarantine *ret, struct err *err) MUST_USE;
/* The pack of that name ("pack-<name>.pack" and its index) goes over into the clone. */
enum err_kind quarantine_release(
    struct quarantine *q, struct repo *clone, const char *name, struct err *err) MUST_USE;
/* With all that is still in it. */
void quarantine_deinit(struct quarantine *q);
