/* What refs.c, ref_list.c and ref_update.c share. */
#pragma once

#include "repo/internal.h"

#define REPO_REFS_MAX 100000

/* INVALID unless it is HEAD or "refs/…" in the form of git-check-ref-format(1). */
enum err_kind repo_check_ref_name(struct str name, struct err *err) MUST_USE;

/* repo_ref_read with a handle that is borrowed already, the name checked. */
enum err_kind repo_ref_read_with(
    struct repo *r,
    git_repository *git,
    const char *name,
    struct repo_id *ret,
    struct err *err) MUST_USE;
