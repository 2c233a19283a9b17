/*
 * The API without HTTP: definitions, objects, proposals, over one source. Both cupd's routes and
 * `cup --repo` stand on this. Readers take a snapshot (commit, tree, definitions, controllers) and
 * never wait for a writer or a fetch.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

#include <stdatomic.h>

struct core;

struct http_proxies;
struct core_options {
    enum { CORE_SOURCE_LOCAL, CORE_SOURCE_GIT } source;
    const char *local_path;      /* local: the directory */
    const char *git_repo;        /* git: path or URL */
    const char *git_branch;      /* "main" */
    const char *git_scm;         /* "plain" */
    const char *git_signing_key; /* SSH key that signs commits; NULL: none does */
    const char *git_author;      /* "Name <mail>" of commits; NULL: "cup <cup@flipt.io>" */
    const char *git_scm_url;     /* of the forge's API; NULL: that of the repository's host */
    const char *git_scm_token;   /* for the forge; NULL: the password in git_repo. Never shown. */
    /* How proposals are worded, core/proposal_text.h; NULL: by default. */
    const char *proposal_title;
    const char *proposal_body;
    const char *const *proposal_labels; /* NULL-terminated; NULL: none */
    bool proposes_drafts;
    int64_t git_poll_ms;    /* how often the branch is looked at; 0: 1 s on disk, 10 s elsewhere */
    int64_t git_timeout_ms; /* of one fetch or push as a whole; 0: 60 s */
    const char *git_username; /* where git_repo names none; NULL: none */
    const char *git_password; /* or token, where git_repo has none; NULL: none. Never shown. */
    const char *git_ssh_key;  /* file; NULL: what ssh finds */
    const char *git_ssh_known_hosts; /* file; NULL: the user's */
    const char *git_ca_file; /* PEM, of the repository's host and its forge; NULL: the system's */
    /* What a push event must be signed with; NULL: there are none (api/webhook.c). Never shown. */
    const char *webhook_secret;
    bool must_reach; /* core_new fails unless the source itself answers: a clone is not enough */
    const atomic_bool *cancel; /* of core_new: true ends it (CANCELLED); may be NULL */
    const char *resources_dir; /* NULL: none is read */
    const char *const *images; /* references; each becomes a controller */
    size_t image_count;
    const char *store_dir;               /* OCI layout */
    const char *data_dir;                /* compiled modules */
    const struct http_proxies *proxies;  /* of image pulls and Git; borrowed; NULL: none */
    const char *registry_config;         /* docker config.json; NULL: none */
    const char *const *auth_files;       /* as struct oci_session_options has them */
    const char *const *plain_http_hosts; /* NULL-terminated, or NULL */
    const char *trust_policy;            /* file; NULL: none. Read at each load */
    bool requires_signatures;            /* an image that no policy or key covers is refused */
    const char *self_url;
    const char *compiler; /* see wasmhost_options; NULL: this process compiles */
    size_t cache_bytes;   /* results of controllers kept in memory; 0: none */
    /* Told of each step of the start (loaded file, pulled image …); may be NULL. Any thread. */
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
};

/* Loads and checks everything: fails rather than serving less than what was configured. */
enum err_kind
core_new(const struct core_options *options, struct core **ret, struct err *err) MUST_USE;
struct core *core_free(struct core *c);
/* The address is known only once the server listens: set it before the first request. */
enum err_kind core_set_self_url(struct core *c, const char *url, struct err *err) MUST_USE;

/* What is served: one row a kind and version, for log lines and for the CLI. */
struct core_kind {
    const char *group;
    const char *version;
    const char *kind;
    const char *singular;
    const char *plural;
    const char *controller;
};
/* visit each; the strings live for the call */
void core_kinds(struct core *c, void (*visit)(const struct core_kind *k, void *data), void *data);

/* Body of GET /apis: one object, key group/version/plural (sorted) → the whole definition. */
enum err_kind core_definitions(struct core *c, struct buf *ret, struct err *err) MUST_USE;

struct core_target {
    struct str group;
    struct str version;
    struct str plural;
    struct str ns;   /* of list: {NULL, 0} = across all namespaces */
    struct str name; /* of list: empty */
};
struct core_read_options {
    struct str revision;       /* branch, tag, commit id; empty: the target branch */
    struct str proposal;       /* id, of an open one or one that ended; empty: none */
    struct str at_least;       /* commit id that the target branch must have; empty: any will do */
    const atomic_bool *cancel; /* set once nobody waits for the answer: CANCELLED; NULL: never */
};

#define CORE_ETAG_MAX 72
/* What a read gave: immutable, shared by whoever answers with it. */
struct core_answer {
    int refs;                 /* atomic */
    enum err_kind kind;       /* OK, or NOT_FOUND: `bytes` then is the message */
    char etag[CORE_ETAG_MAX]; /* without quotes; empty when there was nothing */
    size_t n;
    char bytes[]; /* and a NUL behind them */
};
struct core_answer *core_answer_ref(struct core_answer *a);
struct core_answer *core_answer_unref(struct core_answer *a); /* NULL is fine; returns NULL */

/*
 * One object, compact with a final newline, as upstream writes it; the etag is the hash of that.
 * ret    with a reference for the caller; its kind is OK
 * fails  NOT_FOUND (kind, object, branch, proposal), INVALID (name grammar), MALFORMED (no revision at
 *        all; NotVersioned), EXPIRED (a commit that is not kept), FAILED (controller), TIMEOUT,
 *        UNAVAILABLE
 */
enum err_kind core_get(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct core_answer **ret,
    struct err *err) MUST_USE;
/* Newline-separated objects; empty when there is none. */
enum err_kind core_list(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    struct core_answer **ret,
    struct err *err) MUST_USE;
/*
 * The same where the answer is kept and proven for the current tree: name given or not makes it a get or
 * a list. NULL: ask the others, which say what is wrong as well. Never blocks: for the event thread.
 */
struct core_answer *core_peek(struct core *c, const struct core_target *t);

/* Which part of a long list. */
struct core_page {
    size_t limit;     /* 0: the default of what is listed */
    struct str token; /* "continue" of the page before; empty: from the start */
};
/*
 * The commits that made, changed or deleted an object, newest first, along the first parents of what `o`
 * names: {"items":[{change, commit, time, author, email, message, proposal, etag, revision}…],
 * "metadata":{"continue":…}}. A page may be shorter than its limit, even empty, and go on.
 * fails  as core_get; EXPIRED, MALFORMED (NotVersioned, limit, token)
 */
enum err_kind core_history(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    const struct core_page *page,
    struct buf *ret,
    struct err *err) MUST_USE;

/* What is expected of an object as it is now, as If-Match and If-None-Match say it: PRECONDITION if not. */
struct core_condition {
    struct str version; /* this version, "*": any, but there; empty: nothing is expected */
    bool is_absent;     /* it is not there */
};
/*
 * One object's open proposals and what each makes of it, its last change, its controller, as JSON
 * (docs/proposals.md). Of a directory the first two are empty.
 * fails  as core_get; NOT_FOUND: neither is it there, nor does a proposal make it
 */
enum err_kind core_object_status(
    struct core *c,
    const struct core_target *t,
    const atomic_bool *cancel,
    struct buf *ret,
    struct err *err) MUST_USE;

struct core_write_options {
    struct str idempotency_key; /* empty: none */
    struct str requester;       /* name for the commit; empty: the configured author */
    struct str message; /* of commit and proposal, its first line the title; empty: our own */
    /* empty: an open proposal of the objects is gone on with, "new": another one is made, an id: that
     * one is gone on with */
    struct str proposal;
    struct core_condition condition; /* of put and delete */
    bool is_dry_run;
    const atomic_bool *cancel; /* as of reads: stops the controller, never what comes after it */
};
struct core_result {
    bool is_unchanged; /* 204: nothing to answer */
    struct buf body;   /* {"id":…,"empty":false,"proposal":…} and newline */
};
void core_result_deinit(struct core_result *r);

/*
 * One object, or several with one commit and proposal. Nothing is done unless all is.
 * fails   MALFORMED, INVALID; NOT_FOUND (kind; of delete: object); CONFLICT: not at the body's
 *         resourceVersion, or others were faster five times; PRECONDITION: the condition;
 *         FAILED: controller or SCM; UNAVAILABLE, TIMEOUT, DENIED, NO_SPACE
 */
enum err_kind core_put(
    struct core *c,
    const struct core_target *t,
    struct str body,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err) MUST_USE;
enum err_kind core_delete(
    struct core *c,
    const struct core_target *t,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err) MUST_USE;
/* body: {"message":…,"changes":[…]}, docs/writing.md; causes name the index. */
enum err_kind core_change_set(
    struct core *c,
    struct str body,
    const struct core_write_options *o,
    struct core_result *ret,
    struct err *err) MUST_USE;

/* Which proposals. */
struct core_proposal_query {
    enum {
        CORE_PROPOSALS_OPEN = 0, /* those in conflict among them */
        CORE_PROPOSALS_CONFLICTED,
        CORE_PROPOSALS_MERGED,
        CORE_PROPOSALS_CLOSED,
        CORE_PROPOSALS_ALL,
    } state;
    struct str object;         /* group/version/plural/namespace/name that they touch; empty: any */
    const atomic_bool *cancel; /* may be NULL */
};
/*
 * Proposals as JSON: {"items":[…],"metadata":{"continue":…}}, newest first / one object / one object after
 * merge or close. docs/proposals.md tells the members.
 * fails  MALFORMED (NotVersioned, token, limit), NOT_FOUND, as scm_driver; merge: CONFLICT with causes
 */
enum err_kind core_proposals(
    struct core *c,
    const struct core_proposal_query *query,
    const struct core_page *page,
    struct buf *ret,
    struct err *err) MUST_USE;
enum err_kind core_proposal_show(
    struct core *c, struct str id, bool with_diff, struct buf *ret, struct err *err) MUST_USE;
enum err_kind core_proposal_merge(
    struct core *c, struct str id, struct str requester, struct buf *ret, struct err *err) MUST_USE;
enum err_kind
core_proposal_close(struct core *c, struct str id, struct buf *ret, struct err *err) MUST_USE;

/* {"items":[…]} or one: image reference, digest, kinds, conditions, last error. */
enum err_kind
core_controllers(struct core *c, struct str name, struct buf *ret, struct err *err) MUST_USE;

/*
 * How the source is: {"ready":…,"source":…,"branch":…,"commit":…,"age":SECONDS,"error":…} and newline.
 * Ready: there is something to read, however old. age is that of the last look that got through.
 */
enum err_kind
core_readiness(struct core *c, bool *ret_is_ready, struct buf *ret, struct err *err) MUST_USE;

/* What push events must be signed with; NULL: none are taken. Here because a route's context is the core. */
const char *core_webhook_secret(const struct core *c);
/* Somebody pushed to `ref`, "refs/heads/main": is it what is served, and so looked at soon? */
bool core_note_push(struct core *c, struct str ref);

/* Counters for /metrics, in Prometheus' text form. */
void core_write_metrics(struct core *c, struct buf *to);
