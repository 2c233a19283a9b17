/*
 * What the files of repo/ share: the repository with its pool of libgit2 handles, errors of libgit2
 * turned into ours, parsed trees, and trees being written. Not for other folders.
 */
#pragma once

#include "repo/repo.h"

#include <git2.h>
#include <pthread.h>

#define REPO_IDLE_MAX 8
/* A tree of 64 MiB has more than a million entries in one directory. */
#define REPO_TREE_BYTES_MAX ((size_t)64 << 20)
/* Largest file that is read or merged; a vfs gives files whole. */
#define REPO_BLOB_BYTES_MAX ((size_t)128 << 20)
/* Larger files are neither compared nor merged line by line, but treated as binary ones (git does so
 * from core.bigFileThreshold on). */
#define REPO_TEXT_BYTES_MAX ((size_t)32 << 20)

struct ref_memo;
struct trees;
struct wire_place;

struct repo {
    char *shown;       /* what repo_display_url gives */
    char *path;        /* absolute, of what was opened */
    char *signing_key; /* file; NULL: commits are not signed */
    git_odb *odb;      /* git_odb locks inside: shared by all threads (libgit2 docs/threading.md) */
    struct trees *trees;       /* parsed trees; locks inside */
    struct ref_memo *ref_memo; /* what was read of refs; locks inside */
    pthread_mutex_t lock;      /* guards idle, idle_count */
    git_repository *idle[REPO_IDLE_MAX];
    size_t idle_count;
    struct wire_place *place; /* of a clone: where its refs move first; NULL: it is on this disk */
    char *branch;             /* of the last fetch; guarded by `lock`; NULL: none yet */
    char *fetch_lock;         /* path; who holds it moves refs to what the remote has */
    _Atomic int64_t fetched_ms;
};

/* A handle for this call alone: one git_repository must not be used by two threads at once. */
enum err_kind repo_borrow(struct repo *r, git_repository **ret, struct err *err) MUST_USE;
void repo_give_back(struct repo *r, git_repository *handle); /* NULL is fine */

/*
 * The error that libgit2 reported last on this thread, as ours: "<fmt>: <its words>". Paths of the
 * repository on the host are taken out of its words; r may be NULL while there is none.
 */
enum err_kind repo_failed(const struct repo *r, int code, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same for an object that another object or a ref names: its absence is damage, not NOT_FOUND. */
enum err_kind repo_object_failed(
    const struct repo *r, int code, struct err *err, const git_oid *id, const char *what);

static inline git_oid repo_to_oid(const struct repo_id *id)
{
    git_oid oid = {{0}};
    memcpy(oid.id, id->bytes, sizeof(id->bytes));
    return oid;
}
static inline struct repo_id repo_from_oid(const git_oid *oid)
{
    struct repo_id id;
    memcpy(id.bytes, oid->id, sizeof(id.bytes));
    return id;
}

/*
 * The clone of a remote below `data_dir`: found, or made empty. *ret_path on the heap. No network.
 * fails   INVALID (no data_dir, bad URL), IO, NO_SPACE, DENIED
 */
enum err_kind repo_clone_place(
    const struct repo_options *options, struct repo *r, char **ret_path, struct err *err) MUST_USE;
/* Move refs of this repository on disk; what repo_ref_update does where there is no remote. */
enum err_kind repo_ref_update_here(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err) MUST_USE;
/* Could these moves be made here, as far as names and commits go? INVALID, EXISTS, NOT_FOUND. */
enum err_kind repo_ref_check_here(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err) MUST_USE;
/* Move them at the remote. As repo_ref_update. */
enum err_kind repo_push(
    struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err) MUST_USE;
/* One call's handle and libgit2 objects, released at the end of the scope. */
struct repo_call {
    struct repo *repo;
    git_repository *git;
};
static inline void repo_call_cleanup(struct repo_call *c)
{
    if (c->git != NULL)
        repo_give_back(c->repo, c->git);
}
#define auto_call CLEANUP(repo_call_cleanup)
static inline void repo_commit_cleanup(git_commit **c)
{
    git_commit_free(*c);
}
#define auto_commit CLEANUP(repo_commit_cleanup)

/* Look a commit up; NOT_FOUND "no commit <id>". */
enum err_kind repo_commit_lookup(
    struct repo *r,
    git_repository *git,
    const struct repo_id *id,
    git_commit **ret,
    struct err *err) MUST_USE;
/* Id of its tree. */
enum err_kind repo_commit_tree(
    struct repo *r, const struct repo_id *commit, git_oid *ret_tree, struct err *err) MUST_USE;
/*
 * The bytes of a blob, at most `max` of them; nothing is read when it has more: ret_is_large.
 * Release with repo_blob_cleanup. IO for what is missing, damaged or no blob.
 */
struct repo_blob {
    git_odb_object *object; /* NULL: nothing to release */
    struct str bytes;
};
enum err_kind repo_blob_read(
    struct repo *r,
    const git_oid *id,
    size_t max,
    struct repo_blob *ret,
    bool *ret_is_large,
    struct err *err) MUST_USE;
static inline void repo_blob_cleanup(struct repo_blob *b)
{
    git_odb_object_free(b->object);
}
#define auto_blob CLEANUP(repo_blob_cleanup)
/* As git decides it: a NUL among the first 8,000 bytes (buffer_is_binary). */
bool repo_is_binary(struct str bytes);

/* The path as an error may show it: without what a terminal or log would act upon, cut to fit. */
void repo_path_shown(struct str path, char *ret, size_t ret_bytes);
/* For links, which Git follows when it reads these files: not as .gitmodules and the like (git-fsck(1),
 * gitmodulesSymlink), under any of their names. INVALID. */
enum err_kind repo_check_link(struct str path, struct err *err) MUST_USE;
/* Write a commit object over this tree. */
enum err_kind repo_write_signed_commit(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const git_signature *author,
    const git_signature *committer,
    const git_oid *tree,
    struct repo_id *ret,
    struct err *err) MUST_USE;
enum err_kind repo_write_commit(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const git_oid *tree,
    struct repo_id *ret,
    struct err *err) MUST_USE;
