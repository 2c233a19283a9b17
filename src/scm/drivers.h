/* The drivers, one a file; scm.c lists them. */
#pragma once

#include "scm/scm.h"

/* Branches of the repository itself: plain.c. */
extern const struct scm_driver scm_plain;
/* Pull and merge requests of a forge, over forge.c. */
extern const struct scm_driver scm_gitea;
extern const struct scm_driver scm_github;
extern const struct scm_driver scm_gitlab;
