/*
 * A Git repository without a checkout: its trees as a vfs, commits made from a list of changes, refs
 * moved by compare-and-swap, merges in memory. The only user of libgit2. Not for pull requests
 * (scm/) and not for what a change means (core/).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "vfs/overlay.h"
#include "vfs/vfs.h"

struct repo;
struct repo_remote_options;

#define REPO_ID_HEX 40
struct repo_id { /* of a commit, tree or blob; all zero = none */
    uint8_t bytes[20];
};
void repo_id_hex(const struct repo_id *id, char ret_hex[REPO_ID_HEX + 1]);
enum err_kind repo_id_parse(struct str hex, struct repo_id *ret, struct err *err) MUST_USE;
bool repo_id_eq(const struct repo_id *a, const struct repo_id *b);
bool repo_id_is_none(const struct repo_id *id);

struct repo_options {
    const char *url; /* a path or file:// of a repository on disk (bare or not), or a remote's */
    const char *data_dir; /* where clones of remote repositories are kept; may be NULL */
    const struct repo_remote_options *remote; /* repo/remote.h; NULL: nothing is given */
};

/*
 * Open the repository. Of a remote one its clone is opened, or made empty; nothing is asked of the remote
 * before repo_fetch. NOT_FOUND, UNSUPPORTED (git://), INVALID (not a repository, sha256 objects, hostile URL), DENIED
 * (owned by somebody else).
 *
 * threads   any: each call takes a libgit2 handle of its own from a pool inside
 */
enum err_kind
repo_open(const struct repo_options *options, struct repo **ret, struct err *err) MUST_USE;
struct repo *repo_free(struct repo *r);
/*
 * From now on all commits that are made here, merges as well, are signed by this SSH key (repo/sign.h), which
 * is tried at once. Before other threads use the repository. Fails as repo_sign.
 */
enum err_kind repo_sign_with(struct repo *r, const char *key_file, struct err *err) MUST_USE;
const char *repo_display_url(const struct repo *r); /* credentials taken out */

/* Commit that ref `name` ("refs/heads/main") points to; NOT_FOUND. */
enum err_kind repo_ref_read(
    struct repo *r, const char *name, struct repo_id *ret_commit, struct err *err) MUST_USE;

struct repo_ref {
    char *name; /* full */
    struct repo_id commit;
};
struct repo_refs {
    struct repo_ref *items; /* sorted by name */
    size_t count;
};
/* Refs that start with `prefix` ("refs/heads/cup/proposal/"). */
enum err_kind
repo_ref_list(struct repo *r, const char *prefix, struct repo_refs *ret, struct err *err) MUST_USE;
void repo_refs_deinit(struct repo_refs *refs);

/* One of several ref updates that happen together. */
struct repo_ref_update {
    const char *name;
    struct repo_id old_commit; /* none: must not exist */
    struct repo_id new_commit; /* none: delete it */
};
/*
 * Move refs, each only if it still stands at its old commit: all or none (a crash in between leaves
 * at worst the first ones moved: order them so that this is harmless). CONFLICT names the ref that
 * was elsewhere; EXISTS/INVALID where a name clashes with a directory of refs.
 *
 * In a clone they move at the remote, in one push, and then here: see repo/remote.h for what more can fail.
 * What the remote refuses (a hook, a protected branch, no right to push) is FAILED, in its words.
 */
enum err_kind repo_ref_update(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err) MUST_USE;

/* "main", a tag, a full ref, or a commit id → commit. NOT_FOUND; INVALID for anything else (no @{…}, ^, :). */
enum err_kind repo_resolve(
    struct repo *r, struct str revision, struct repo_id *ret_commit, struct err *err) MUST_USE;

/*
 * The tree of a commit as a vfs; ret_tree gives the id of its root tree.
 *
 * threads   the vfs may be used by many threads at once; it keeps the repo's object database open
 *           and must be freed before the repo. Cheap to make (no walk).
 */
enum err_kind repo_tree(
    struct repo *r,
    const struct repo_id *commit,
    struct vfs **ret,
    struct repo_id *ret_tree,
    struct err *err) MUST_USE;

struct repo_person {
    const char *name;
    const char *email;
};
struct repo_commit_spec {
    const struct repo_id *parents;
    size_t parent_count;
    size_t base; /* which of the parents the changes are made over; 0: the first one */
    struct repo_person author;
    struct repo_person committer;
    int64_t when_unix_s; /* UTC */
    const char *message;
};

/*
 * Blobs for the changed files, the few trees above them and one commit; no ref is moved. An empty
 * directory disappears. Objects are on disk when it returns (fsync). Refuses (INVALID) paths that Git
 * or a checkout on any system would treat as special: see repo_check_path. CONFLICT: a file stands
 * where a directory is needed, or the other way round.
 *
 * ret_is_same   the tree equals the base's: nothing was committed, ret_commit is the base. Never of a
 *               merge (several parents): that it was merged is worth a commit by itself.
 */
enum err_kind repo_commit(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const struct vfs_changes *changes,
    struct repo_id *ret_commit,
    bool *ret_is_same,
    struct err *err) MUST_USE;

/* A commit that changes nothing, over `commit`: to say something about it. spec's parents are ignored. */
enum err_kind repo_commit_mark(
    struct repo *r,
    const struct repo_id *commit,
    const struct repo_commit_spec *spec,
    struct repo_id *ret,
    struct err *err) MUST_USE;

/* hardening 34: .git and its disguises (case, HFS-ignored characters, NTFS short names and streams,
 * trailing dots and blanks), control characters, empty/./.. segments: INVALID names the path. */
enum err_kind repo_check_path(struct str path, struct err *err) MUST_USE;

/* What one needs to know of a commit; texts are UTF-8, with U+FFFD for what was not. Release with
 * repo_commit_info_deinit. */
struct repo_commit_info {
    struct repo_id id;
    struct repo_id tree;
    struct repo_id parent;        /* first; none for a root commit */
    struct repo_id second_parent; /* what a merge brought in; none for other commits */
    size_t parent_count;
    char *message;
    char *author_name;
    char *author_email;
    int64_t author_unix_s;
};
enum err_kind repo_commit_info(
    struct repo *r,
    const struct repo_id *commit,
    struct repo_commit_info *ret,
    struct err *err) MUST_USE;
void repo_commit_info_deinit(struct repo_commit_info *info);
/* Value of the last trailer `key` ("Cup-Object", any case) in the message's last paragraph, or
 * {NULL, 0}; borrowed from the message. */
struct str repo_trailer(const char *message, const char *key);
/* Each such value, in the order of the message; return false from visit to stop. */
void repo_trailers(
    const char *message, const char *key, bool (*visit)(struct str value, void *data), void *data);
/* Walk first parents from `from` back to (not including) `until` (none: to the root, or to where a
 * shallow clone was cut off), newest first; at most `max` commits. Return false from visit to stop. */
enum err_kind repo_log(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *until,
    size_t max,
    bool (*visit)(const struct repo_commit_info *info, void *data),
    void *data,
    struct err *err) MUST_USE;

/* A nearest common ancestor (any, should there be several); NOT_FOUND when they share none. */
enum err_kind repo_merge_base(
    struct repo *r,
    const struct repo_id *a,
    const struct repo_id *b,
    struct repo_id *ret,
    struct err *err) MUST_USE;

/*
 * Where `branch` left `target`: the newest commit among its first parents, itself included, that target
 * holds. What lies before it is what the branch is made of, even where target was merged into the branch
 * since, which moves the common ancestor. NOT_FOUND: none of them.
 */
enum err_kind repo_fork_point(
    struct repo *r,
    const struct repo_id *target,
    const struct repo_id *branch,
    struct repo_id *ret,
    struct err *err) MUST_USE;

/* Changed paths between the trees of two commits, sorted; no content is read. Release with
 * repo_paths_deinit. Subtrees that are equal are not walked. LIMIT above a million. */
struct repo_path {
    char *path;
    char status; /* 'A', 'M' or 'D' */
};
struct repo_paths {
    struct repo_path *items;
    size_t count;
};
enum err_kind repo_changed_paths(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *to,
    struct repo_paths *ret,
    struct err *err) MUST_USE;
void repo_paths_deinit(struct repo_paths *paths);

/* Unified diff (git's patch format: `git diff --no-renames --full-index`) between the trees of two
 * commits, into ret; LIMIT when it does not fit under ret's max. It holds what the files hold: bytes
 * that need not be UTF-8. */
enum err_kind repo_diff_text(
    struct repo *r,
    const struct repo_id *from,
    const struct repo_id *to,
    struct buf *ret,
    struct err *err) MUST_USE;

/*
 * Three-way merge of `theirs` into `ours` in memory: an own walk that skips subtrees equal on two
 * sides; text merge for blobs changed on both. Makes a commit with parents {ours, theirs}; no ref is
 * moved. CONFLICT names the paths that conflict, or tells that the two share no history.
 */
enum err_kind repo_merge(
    struct repo *r,
    const struct repo_id *ours,
    const struct repo_id *theirs,
    const struct repo_commit_spec *spec, /* parents ignored */
    struct repo_id *ret_commit,
    struct err *err) MUST_USE;

/* A path that both sides changed in ways that do not fit together. */
struct repo_conflict {
    char *path;
    const char *why; /* "both sides changed the same lines"; static */
};
#define REPO_CONFLICTS_MAX 1000
struct repo_conflicts {
    struct repo_conflict *items; /* in the order of trees */
    size_t count;
    bool is_cut; /* there are more */
};
void repo_conflicts_deinit(struct repo_conflicts *c);
#define auto_conflicts CLEANUP(repo_conflicts_deinit)
/*
 * Would the same merge succeed? Nothing is written. ERR_OK with the conflicts in ret (none: it would);
 * CONFLICT: the two share no history.
 */
enum err_kind repo_merge_trial(
    struct repo *r,
    const struct repo_id *ours,
    const struct repo_id *theirs,
    struct repo_conflicts *ret,
    struct err *err) MUST_USE;
/* Does the merge of one file's text, from `base` (nothing: both made it anew), give exactly `merged`?
 * false as well where it conflicts, and for what is no text or very large. */
enum err_kind repo_merges_to(
    struct repo *r,
    struct str base,
    struct str ours,
    struct str theirs,
    struct str merged,
    bool *ret_is,
    struct err *err) MUST_USE;
