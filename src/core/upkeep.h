/*
 * The thread that looks now and then whether a repository on this disk, or a clone, needs upkeep
 * (repo/upkeep.h). It gives way to all others; what fails is noted and tried again.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "repo/repo.h"

struct core_upkeep;

/* repo: borrowed, outlives it. note: as in struct core_options; may be NULL. */
enum err_kind core_upkeep_start(
    struct repo *repo,
    void (*note)(void *data, enum log_level level, const char *what, struct str value),
    void *note_data,
    struct core_upkeep **ret,
    struct err *err) MUST_USE;
/* Breaks off what is under way; NULL is fine; returns NULL. */
struct core_upkeep *core_upkeep_stop(struct core_upkeep *u);
