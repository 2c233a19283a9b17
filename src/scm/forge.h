/*
 * What all forges share: a proposal is the pull request (merge request) of the branch cup/proposal/<id>,
 * found by that branch, so that nothing is kept here and a call whose answer was lost is simply made again.
 * A forge is a struct forge_kind: how its API says these things. A new one is a file like gitea.c and a row
 * in scm_drivers[].
 */
#pragma once

#include "scm/drivers.h"
#include "scm/place.h"
#include "scm/rest.h"

/* Whether the forge would merge it now. */
enum forge_merging {
    FORGE_MERGING_UNKNOWN,
    FORGE_MERGING_CHECKING, /* it is still looking: ask again soon */
    FORGE_MERGING_CANNOT,   /* a conflict, or still looking: it does not say which */
    FORGE_MERGING_CONFLICT,
    FORGE_MERGING_BLOCKED, /* reviews, checks, draft: proposal.blocked says which */
};

/* A request as the forge has it. */
struct forge_view {
    struct scm_proposal proposal;
    enum forge_merging merging;
};
void forge_view_deinit(struct forge_view *v);
#define auto_forge_view CLEANUP(forge_view_deinit)

struct forge {
    struct scm scm; /* first: scm.h */
    const struct forge_kind *kind;
    const struct scm_git *git;
    struct scm_rest rest;
    char *target; /* "main" */
    /* Percent-encoded, as parts of URLs: */
    char *repository; /* "owner/name"; with subgroups one part: "group%2Fsubgroup%2Fname" */
    char *owner;
    char *target_encoded;
};

/* Title and text as they are to stand at the forge. */
struct forge_text {
    char *title;
    char *body;
};

/*
 * All members but `detail` are compulsory. `path`s are below the API and on the heap. The functions send
 * one request or two; what they fail with is scm_send's and scm_refused's, unless it says otherwise.
 */
struct forge_kind {
    struct scm_place_rules place;
    const char *request;      /* "pull request": what people call it there */
    const char *token_header; /* "Authorization" */
    const char *token_prefix; /* "Bearer " */
    const struct http_header *headers;
    size_t header_count;
    size_t title_max;         /* bytes */
    const char *draft_prefix; /* that makes a title a draft's; "": a member of its own does */

    /* An item of a list, or one by itself. false: not one of ours (another branch or target, a fork's). */
    bool (*read)(const struct forge *f, yyjson_val *item, struct forge_view *ret);
    /* The open request of this branch, else the newest; ret->proposal.state 0: there is none. */
    enum err_kind (*find)(
        struct forge *f,
        struct scm_call *c,
        const char *id,
        struct forge_view *ret,
        struct err *err);
    /* It anew, with all that find leaves out; NULL: it leaves out nothing. */
    enum err_kind (*detail)(
        struct forge *f,
        struct scm_call *c,
        uint64_t number,
        struct forge_view *ret,
        struct err *err);
    char *(*list_path)(const struct forge *f, bool with_ended);
    /* EXISTS: there is an open one, or it may be there though the answer was lost: look again. */
    enum err_kind (*open)(
        struct forge *f,
        struct scm_call *c,
        const struct scm_new *proposal,
        const struct forge_text *text,
        struct forge_view *ret,
        struct err *err);
    enum err_kind (*edit)(
        struct forge *f,
        struct scm_call *c,
        uint64_t number,
        const struct forge_text *text,
        struct err *err);
    enum err_kind (*label)(
        struct forge *f,
        struct scm_call *c,
        uint64_t number,
        const char *const *labels,
        struct err *err);
    /* One try, guarded by the proposal's head. ERR_OK, or the refusal: CONFLICT for what another try may
     * change, DENIED for what the forge wants first. What came of it is looked up in any case. */
    enum err_kind (*merge)(
        struct forge *f,
        struct scm_call *c,
        const struct scm_proposal *p,
        const char *title,
        const char *body,
        struct err *err);
    enum err_kind (*close)(struct forge *f, struct scm_call *c, uint64_t number, struct err *err);
};

/* The operations of struct scm_driver over a kind. */
enum err_kind forge_open(
    const struct forge_kind *kind,
    const struct scm_driver *driver,
    const struct scm_options *options,
    struct scm **ret,
    struct err *err) MUST_USE;
void forge_free(struct scm *s);
enum err_kind forge_create(
    struct scm *s, const struct scm_new *proposal, char **ret_url, struct err *err) MUST_USE;
enum err_kind
forge_list(struct scm *s, bool with_ended, struct scm_proposals *ret, struct err *err) MUST_USE;
enum err_kind
forge_state(struct scm *s, const char *id, enum scm_state *ret, struct err *err) MUST_USE;
enum err_kind
forge_show(struct scm *s, const char *id, struct scm_proposal *ret, struct err *err) MUST_USE;
enum err_kind forge_merge(
    struct scm *s,
    const char *id,
    const char *author_name,
    const char *author_email,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err) MUST_USE;
enum err_kind
forge_close(struct scm *s, const char *id, const char *head, struct err *err) MUST_USE;

/* --- for the kinds ------------------------------------------------------------------------------------ */

/* INVALID: no proposal's id. */
enum err_kind forge_check_id(const char *id, struct err *err) MUST_USE;
/* The id of a head branch "cup/proposal/<id>"; false: another branch. */
bool forge_id_of(struct str branch, char ret_id[SCM_ID_CHARS + 1]);
/* A whole number (our parser leaves numbers as they are written); 0 where it is none. */
uint64_t forge_number(yyjson_val *val);
/* A commit's hexadecimal form, or "" where the forge gave none (or nonsense). */
void forge_copy_commit(char ret[SCM_COMMIT_HEX + 1], yyjson_val *val);
/* Append the names of a list of labels: texts, or objects with a name. */
void forge_read_labels(yyjson_val *list, struct scm_proposal *ret);
/* A title without the prefix that makes it a draft's. The caller's to free. */
char *forge_read_title(const struct forge *f, struct str title, bool is_draft);
/* "cup%2Fproposal%2F<id>" */
void forge_percent_branch(struct buf *to, const char *id);
/* Pick out of the answer to a GET of a list: as find. */
enum err_kind forge_find_in_list(
    struct forge *f,
    struct scm_call *c,
    const char *path,
    const char *id,
    struct forge_view *ret,
    struct err *err) MUST_USE;
/* GET one by itself; status 404 leaves ret's state 0. */
enum err_kind forge_get(
    struct forge *f,
    struct scm_call *c,
    const char *path,
    struct forge_view *ret,
    struct err *err) MUST_USE;
/* Send what changes something and may be sent again; the answer does not matter but for being 2xx. `what`
 * as of scm_refused. */
enum err_kind forge_do(
    struct scm_call *c,
    const char *method,
    const char *path,
    struct str body,
    const char *what,
    struct err *err) MUST_USE;
/*
 * POST a new request and read the answer.
 * is_there  of a refusal: does it say that there is one? May be NULL: CONFLICT does
 * fails     as `open` of struct forge_kind
 */
enum err_kind forge_post(
    struct forge *f,
    struct scm_call *c,
    const char *path,
    struct str body,
    bool (*is_there)(const struct scm_answer *a),
    struct forge_view *ret,
    struct err *err) MUST_USE;
