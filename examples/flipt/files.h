/* Which files of the tree hold features: Flipt's default patterns, or those of ".flipt.yml". */
#pragma once

#include "mem.h"
#include "yaml_tree.h"

#define FLIPT_INDEX_FILE ".flipt.yml"
#define FLIPT_FILES_MAX 100000

struct flipt_patterns {
    const char **list;
    size_t count;
    size_t room;
};

struct flipt_files {
    struct flipt_arena *arena;
    struct flipt_patterns include;
    struct flipt_patterns exclude;
    const char **paths; /* in path order */
    size_t count;
    size_t room;
};

/* fails: ERROR  ".flipt.yml" is not as it should be, or the tree cannot be walked. */
enum cup_sdk_result
flipt_files_find(struct flipt_arena *arena, struct flipt_files *ret_files, struct cup_sdk_err *err);

/* Would a file of that path be among them? */
bool flipt_files_admits(const struct flipt_files *files, const char *path);

/*
 * Does `path` match `pattern`? "*" and "**" are any run of characters, slashes too; "?" is one; [ab],
 * [a-z], [!ab] one of a set; {a,b} either; "\" takes the next as it is. "**" and a slash at the start is
 * any folder or none. Flipt's own matching, which takes no character for a separator.
 */
bool flipt_glob_match(const char *pattern, const char *path);
