/*
 * Where proposals live: one driver a forge, a row each in scm_drivers[]. Plain git keeps them as
 * branches of the repository itself and reaches Git through struct scm_git, which core/ fills in, so
 * that scm/ and repo/ need not know each other.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct http_client;

/* "cup/proposal/<ID>" is the head branch of proposal <ID>. */
#define SCM_BRANCH_PREFIX "cup/proposal/"
/* Plain git keeps a closed proposal as "refs/cup/closed/<ID>": a commit over its head that tells by this
 * trailer, and its time, that it was closed. Who runs the server removes old ones (core/closed.c). */
#define SCM_CLOSED_PREFIX "refs/cup/closed/"
#define SCM_CLOSED_TRAILER "Cup-Closed"
#define SCM_ID_CHARS 26
#define SCM_COMMIT_HEX 40

enum scm_state { SCM_OPEN = 1, SCM_MERGED, SCM_CLOSED };
const char *scm_state_name(enum scm_state state); /* "open", "merged", "closed" */

struct scm_proposal {
    char id[SCM_ID_CHARS + 1];
    enum scm_state state;
    char head[SCM_COMMIT_HEX + 1]; /* commit at the tip */
    char base[SCM_COMMIT_HEX + 1]; /* commit it started from; empty: the driver does not know it */
    char merged[SCM_COMMIT_HEX + 1]; /* what it became on the target; empty unless merged */
    uint64_t number;                 /* the forge's own; 0: it has none */
    char *title;                     /* one line */
    char *body;                      /* Markdown; what a person may have edited; never NULL */
    char *author;
    char *url; /* where a person looks at it */
    char **labels;
    size_t label_count;
    bool is_draft;
    char *
        blocked; /* why the forge will not merge it now ("a review is missing"); NULL: nothing known */
    int64_t created_unix_s;
};
struct scm_proposals {
    struct scm_proposal *items; /* newest first */
    size_t count;
    bool is_cut; /* there are older ones that were not looked at */
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
    /* the newest commit of the branch's first parents that the target holds; NOT_FOUND: none */
    enum err_kind (*fork_point)(
        void *context,
        const char *target,
        const char *branch,
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
    /* a commit over `commit` that changes nothing and says this; no ref moved */
    enum err_kind (*mark)(
        void *context,
        const char *commit,
        const char *message,
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

/* All but git and http is copied. */
struct scm_options {
    const struct scm_git *git; /* borrowed */
    const char *target_branch; /* "main" */
    const char *self_url;      /* of cupd: "http://127.0.0.1:8181"; for a proposal's url */
    /* The rest is for forges. */
    struct http_client *http; /* borrowed */
    /* As the source has it, credentials and all: host and owner/name are read from it; of a path, its
     * last two parts. */
    const char *repo_url;
    const char *api_url; /* NULL: that of repo_url's host */
    const char *token;   /* NULL: the password in repo_url, if there is one. Never shown. */
    int64_t timeout_ms;  /* of one operation as a whole, waits included; 0: 30 s */
};

/* What a proposal is to be. */
struct scm_new {
    const char *id;
    const char *head; /* commit that the branch SCM_BRANCH_PREFIX<id> stands at */
    const char *title;
    const char *body;
    const char *const *labels; /* NULL-terminated; NULL: none */
    bool is_draft;
};

struct scm;
/*
 * A row of scm_drivers[]; every member is compulsory, any number of threads at once. What any operation of
 * a forge fails with: DENIED (the token may not do that), UNAVAILABLE (not reached, or a rate limit: the text
 * says until when), TIMEOUT, FAILED (it does not take the token, answers nonsense or a 5xx).
 */
struct scm_driver {
    const char *name;   /* "plain" */
    const char *source; /* of a Result's proposal: "git" */
    enum err_kind (*open)(const struct scm_options *options, struct scm **ret, struct err *err);
    void (*free)(struct scm *s);
    /*
     * The branch is there: make it a proposal, or bring the open one of this branch up to date: title and
     * body as given, labels added, a draft stays what it is. Fine to call again, and after a call whose
     * answer was lost: there is one proposal of a branch, never two.
     * fails  CONFLICT: the branch was merged or closed meanwhile, or does not stand at head;
     *        FAILED: the forge refused, in its words; and those below
     */
    enum err_kind (*create)(
        struct scm *s, const struct scm_new *proposal, char **ret_url, struct err *err);
    enum err_kind (*list)(
        struct scm *s, bool with_ended, struct scm_proposals *ret, struct err *err);
    /* Its state by as few questions as may be; *ret 0: there is none of this id, open or ended. */
    enum err_kind (*state)(struct scm *s, const char *id, enum scm_state *ret, struct err *err);
    /* NOT_FOUND: never was there, or too long ago; INVALID: no id. */
    enum err_kind (*show)(struct scm *s, const char *id, struct scm_proposal *ret, struct err *err);
    /* A branch that a call cut short left behind goes with the next merge or close.
     * CONFLICT: text conflict, or something moved meanwhile; NOT_FOUND; INVALID: not open (any more);
     * DENIED: the forge wants something first (review, checks, no draft), in its words. */
    enum err_kind (*merge)(
        struct scm *s,
        const char *id,
        const char *author_name,
        const char *author_email,
        char ret_commit[SCM_COMMIT_HEX + 1],
        struct err *err);
    /* `head`: the commit that it is to stand at, so that nobody's later commit is closed along; "": any.
     * CONFLICT: it stands elsewhere, and stays open; INVALID: not open (any more). */
    enum err_kind (*close)(struct scm *s, const char *id, const char *head, struct err *err);
};
struct scm {
    const struct scm_driver *driver;
};
/* Row of this name; NULL when there is none. */
const struct scm_driver *scm_driver_find(struct str name);
/* All of them, for people: "github, plain"; returns ret. */
#define SCM_NAMES_MAX 128
const char *scm_driver_names(char ret[SCM_NAMES_MAX]);
