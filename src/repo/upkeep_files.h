/* What upkeep.c needs to know of the files below `objects`: gitrepository-layout(5). */
#pragma once

#include "repo/internal.h"

struct upkeep_files {
    git_oid *loose; /* old enough */
    size_t loose_count;
    size_t loose_cap;
    uint64_t loose_bytes;
    char **packs; /* small and old enough; names without ".pack" */
    size_t pack_count;
    size_t pack_cap;
    uint64_t pack_bytes;
    size_t all_loose; /* whatever their age */
    size_t all_packs; /* whatever their size and age; those that are kept (.keep) left out */
};

#define UPKEEP_OBJECTS_MAX 100000
#define UPKEEP_BYTES_MAX ((uint64_t)1 << 30)
#define UPKEEP_PACK_BYTES_MAX ((uint64_t)64 << 20)

/* objects_fd  the directory `objects`; before_s: what changed later is too young */
void upkeep_files_list(int objects_fd, int64_t before_s, struct upkeep_files *ret);
void upkeep_files_deinit(struct upkeep_files *f);

/* Number of files removed. */
size_t upkeep_remove_loose(int objects_fd, const git_oid *ids, size_t count);
/* The index goes first: nobody finds an object in a pack that is half gone. */
size_t upkeep_remove_pack(int objects_fd, const char *name);
