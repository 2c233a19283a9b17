/*
 * A change on its way to the source: one or several puts and deletes that become one commit, or one write
 * of files, all or nothing. change_apply.c runs them over a tree, change_git.c makes commit and proposal
 * of it, change_local.c files; change_message.c says it in words. Not for how a request names objects
 * (objects.c, change_set.c).
 */
#pragma once

#include "core/internal.h"
#include "core/objects_of.h"
#include "core/registry.h"
#include "core/resource.h"

/* One put or delete. */
struct core_edit {
    const struct core_served *served; /* of a snapshot that outlives it */
    struct str ns;
    struct str name;
    bool is_delete;
    struct core_resource resource; /* of a put: what was sent, parsed */
    struct buf body;               /* of a put: what the controller gets */
    struct core_condition condition;
    struct str version; /* metadata.resourceVersion of the body; empty: none was sent */
};
void core_edit_deinit(struct core_edit *e);
/* A put of an object: names filled in or compared, the schema checked. `take` and ret are to be released
 * in any case, and what was parsed must outlive them. */
enum err_kind core_edit_put(
    const struct core_served *served,
    struct str ns,
    struct str name,
    struct core_resource *take,
    struct core_edit *ret,
    struct err *err) MUST_USE;

struct core_change {
    struct core_edit *edits; /* of different objects */
    size_t count;
    bool is_set; /* came as a list: errors say which one it was */
    const char *
        message; /* first line: title of commit and proposal; checked by core_change_message_check */
    struct core_objects objects; /* what the edits touch */
    const struct core_write_options *options;
};
/* Carry it out. change->edits stay the caller's; fills in objects and message. */
enum err_kind core_change_run(
    struct core *c,
    struct core_snapshot *s,
    struct core_change *change,
    struct core_result *ret,
    struct err *err) MUST_USE;

enum err_kind core_change_git(
    struct core *c,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err) MUST_USE;
enum err_kind core_change_local(
    struct core *c,
    struct core_snapshot *s,
    const struct core_change *change,
    struct core_result *ret,
    struct err *err) MUST_USE;

/* A new overlay that takes what the change may write. */
struct overlay *core_change_overlay(const struct core_change *change, struct vfs *tree);
/*
 * Check each edit's conditions against `tree` and run its put or delete on the overlay over it, one after
 * the other. Each sees what those before it wrote, and each controller's own limits hold for its own
 * writes alone.
 * fails   CONFLICT, PRECONDITION: not the version that was expected; NOT_FOUND: nothing to delete;
 *         what controllers fail with. Of a set, text and causes name the edit.
 */
enum err_kind core_change_apply(
    const struct core_change *change,
    struct overlay *overlay,
    struct vfs *tree,
    struct err *err) MUST_USE;
/* Of a set: put "changes[i] (flags 'a' in namespace 'b')" before an error, and before its causes' fields. */
void core_change_blame(const struct core_change *change, size_t index, struct err *err);
/* The paths are refused that no commit takes (repo_check_path). */
enum err_kind core_change_check_paths(const struct vfs_changes *changes, struct err *err) MUST_USE;

/* Upstream's line for one edit; of several how many are put and deleted. Caller frees. */
char *core_change_title(const struct core_change *change);
/* INVALID unless it can stand as the text of a commit: UTF-8, at most 4096 bytes, no control characters
 * but line breaks, and something in its first line. */
enum err_kind core_change_message_check(struct str message, struct err *err) MUST_USE;
/* The whole message of a commit, with trailers. request: hash of the Idempotency-Key; "": none. */
char *core_change_commit_message(const struct core_change *change, const char *request);

/* {"id":…,"empty":false,"proposal":{"source":…,"url":…}} and newline; url NULL: proposal null. */
void core_change_result(
    struct core_result *ret, const char *id, const char *source, const char *url);
#define CORE_NO_PROPOSAL "00000000000000000000000000"
