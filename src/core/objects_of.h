/*
 * Which objects a commit or a proposal touches, read from the trailers `Cup-Object: group/version/kind
 * ns/name` of its commits: Git alone tells it, to any replica. Not for what a change did to them
 * (reads at two commits tell that) and not for writing trailers (core/change_message.c).
 */
#pragma once

#include "repo/repo.h"

#define CORE_OBJECT_TRAILER "Cup-Object"
/* Objects of one change, and of the list of a proposal; commits of a proposal that are looked at. */
#define CORE_OBJECTS_MAX 1000

struct core_object_id {
    char *text; /* "group/version/kind ns/name"; what follows is borrowed from it */
    struct str group;
    struct str version; /* through which it was changed; no part of the identity */
    struct str kind;
    struct str ns;
    struct str name;
};
/* A zeroed one is empty. */
struct core_objects {
    struct core_object_id *items; /* sorted by group, kind, namespace, name; each object once */
    size_t count;
    size_t cap;
    bool is_cut; /* there are more than CORE_OBJECTS_MAX, or more commits than that */
};
void core_objects_deinit(struct core_objects *o);
#define auto_objects CLEANUP(core_objects_deinit)

/* The trailer's value; a kind's parts and names that passed their grammars. Caller frees. */
char *core_object_text(
    const char *group, const char *version, const char *kind, struct str ns, struct str name);

/* Add the object that a trailer's value names. false: it names none (anybody can write a commit), and is
 * left out. An object that is there stays as it is. */
bool core_objects_add(struct core_objects *o, struct str value);
/* Add those of a commit's message. */
void core_objects_add_message(struct core_objects *o, const char *message);
/* Group, kind, namespace and name are compared, the version is not. */
bool core_objects_has(const struct core_objects *o, const struct core_object_id *object);
bool core_objects_has_all(const struct core_objects *o, const struct core_objects *others);
bool core_objects_has_any(const struct core_objects *o, const struct core_objects *others);

/*
 * Those of all commits from `head` back to (not including) `base`, along first parents; of two
 * versions of an object the newest commit's counts.
 *
 * base   where the proposal left its target (repo_merge_base, scm_proposal.base); none: to the root
 * ret    filled on success only; release with core_objects_deinit
 * fails  as repo_log
 */
enum err_kind core_objects_of(
    struct repo *r,
    const struct repo_id *base,
    const struct repo_id *head,
    struct core_objects *ret,
    struct err *err) MUST_USE;
