/*
 * Where proposals live: one driver a forge, a row each in scm_drivers[]. Plain git keeps them as
 * branches of the repository itself and reaches Git through struct scm_git, which core/ fills in, so
 * that scm/ and repo/ need not know each other.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* "cup/proposal/<ID>" is the head branch of proposal <ID>. */
#define SCM_BRANCH_PREFIX "cup/proposal/"
#define SCM_ID_CHARS 26
#define SCM_COMMIT_HEX 40

enum scm_state { SCM_OPEN = 1, SCM_MERGED, SCM_CLOSED };
const char *scm_state_name(enum scm_state state); /* "open", "merged", "closed" */

struct scm_proposal {
    char id[SCM_ID_CHARS + 1];
    enum scm_state state;
    char head[SCM_COMMIT_HEX + 1];   /* commit at the tip */
    char base[SCM_COMMIT_HEX + 1];   /* commit it started from */
    char merged[SCM_COMMIT_HEX + 1]; /* the merge commit; empty unless merged */
    char *title;
    char *author;
    char *url; /* where a person looks at it */
    int64_t created_unix_s;
};
struct scm_proposals {
    struct scm_proposal *items; /* newest first */
    size_t count;
};
void scm_proposal_deinit(struct scm_proposal *p);
void scm_proposals_deinit(struct scm_proposals *p);

/* What plain git needs of a repository. Commits are hexadecimal; "" means: does not exist. */
struct scm_git {
    void *context;
    enum err_kind (*read_ref)(
        void *context, const char *name, char ret_commit[SCM_COMMIT_HEX + 1], struct err *err);
    /* each ref starting with prefix, sorted */
    enum err_kind (*list_refs)(
        void *context,
        const char *prefix,
        bool (*visit)(const char *name, const char *commit, void *data),
        void *data,
        struct err *err);
    /* compare-and-swap of several refs, all or none; old or new "" = must not exist / delete */
    enum err_kind (*update_refs)(
        void *context, const char *const (*updates)[3], size_t count, struct err *err);
    /* message, author and time of a commit; strings are the caller's to free */
    enum err_kind (*describe)(
        void *context,
        const char *commit,
        char **ret_message,
        char **ret_author,
        int64_t *ret_unix_s,
        struct err *err);
    enum err_kind (*merge_base)(
        void *context,
        const char *a,
        const char *b,
        char ret_commit[SCM_COMMIT_HEX + 1],
        struct err *err);
    /* three-way merge commit with this message, no ref moved */
    enum err_kind (*merge)(
        void *context,
        const char *ours,
        const char *theirs,
        const char *message,
        const char *author_name,
        const char *author_email,
        char ret_commit[SCM_COMMIT_HEX + 1],
        struct err *err);
    /* walk first parents newest first from `from`, at most max commits */
    enum err_kind (*log)(
        void *context,
        const char *from,
        size_t max,
        bool (*visit)(
            const char *commit,
            const char *message,
            const char *author,
            int64_t unix_s,
            const char *second_parent,
            void *data),
        void *data,
        struct err *err);
};

struct scm_options {
    const struct scm_git *git; /* borrowed */
    const char *target_branch; /* "main" */
    const char *self_url;      /* of cupd: "http://127.0.0.1:8181"; for a proposal's url */
};

struct scm;
struct scm_driver {
    const char *name;   /* "plain" */
    const char *source; /* of a Result's proposal: "git" */
    enum err_kind (*open)(const struct scm_options *options, struct scm **ret, struct err *err);
    void (*free)(struct scm *s);
    /* The branch SCM_BRANCH_PREFIX<id> stands at `head`: make it a proposal. Fine to call again. */
    enum err_kind (*create)(
        struct scm *s,
        const char *id,
        const char *head,
        const char *title,
        const char *body,
        char **ret_url,
        struct err *err);
    enum err_kind (*list)(
        struct scm *s, bool with_ended, struct scm_proposals *ret, struct err *err);
    enum err_kind (*show)(struct scm *s, const char *id, struct scm_proposal *ret, struct err *err);
    /* CONFLICT: text conflict or moved target; NOT_FOUND; INVALID: not open. */
    enum err_kind (*merge)(
        struct scm *s,
        const char *id,
        const char *author_name,
        const char *author_email,
        char ret_commit[SCM_COMMIT_HEX + 1],
        struct err *err);
    enum err_kind (*close)(struct scm *s, const char *id, struct err *err);
};
struct scm {
    const struct scm_driver *driver;
};
/* Row of this name; NULL when there is none. */
const struct scm_driver *scm_driver_find(struct str name);
