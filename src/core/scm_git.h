/*
 * The repository as scm/ sees it: struct scm_git over repo/, which do not know each other. No logic of
 * its own.
 */
#pragma once

#include "scm/scm.h"

struct repo;

/*
 * Fill `git` with functions over `repo`, which is borrowed and must outlive it. Any thread.
 *
 * read_ref      a ref that is not there: ERR_OK and ""
 * merge         committer is cup, the time is now
 */
void core_scm_git_init(struct scm_git *git, struct repo *repo);
