/*
 * A forge's REST API: requests with the token, JSON answers, further tries, rate limits, pages. Knows
 * nothing of proposals; what a status means beyond "carried out", "refused", "unknown" is the caller's.
 */
#pragma once

#include "http/client.h"
#include "http/retry.h"
#include "json/json.h"

#include <pthread.h>

/* Set by the driver that opens it; any number of threads at once. */
struct scm_rest {
    const char *forge;                 /* "github": static */
    struct http_client *http;          /* borrowed */
    char *api;                         /* "https://api.github.com" */
    char *token;                       /* NULL: none */
    const char *token_header;          /* "Authorization": static */
    const char *token_prefix;          /* "Bearer ": static */
    const struct http_header *headers; /* of every request; static */
    size_t header_count;
    int64_t timeout_ms; /* of an operation; 0: 30 s */
    const struct http_retry_clock *clock;
    pthread_mutex_t lock;
    int64_t limited_until_ms; /* Unix; guarded by lock: before that the forge is not asked again */
};
void scm_rest_init(struct scm_rest *r);
void scm_rest_deinit(struct scm_rest *r);

/* One operation of a driver: its requests share a deadline. */
struct scm_call {
    struct scm_rest *rest;
    int64_t end_ms; /* monotonic */
};
struct scm_call scm_call_begin(struct scm_rest *r);
/* Before looking once more, the tries-th time (from 1); TIMEOUT when that would be too late. */
enum err_kind scm_call_pause(const struct scm_call *c, unsigned tries, struct err *err) MUST_USE;

struct scm_request {
    const char *method;
    const char *path; /* below the API, with query; or an absolute URL below it (a next page) */
    struct str body;  /* JSON; empty: none */
    bool is_single;   /* may have been carried out when the answer is lost: not simply sent again */
    bool
        is_judged_401; /* a 401 says something else than that the token is bad: it is the caller's */
};
struct scm_answer {
    int status;
    yyjson_val *json;  /* NULL: no body, or one that is no JSON */
    bool is_uncertain; /* of a failure: the forge may have carried it out all the same */
    struct http_client_response http;
    struct json_doc doc;
};
void scm_answer_deinit(struct scm_answer *a);
#define auto_answer CLEANUP(scm_answer_deinit)

/*
 * Send it. What was not carried out for sure (no connection, a rate limit that ends soon) is tried again,
 * and unless is_single also what broke off and 5xx; redirects are followed within the API's origin only.
 *
 * ret    filled in any case; always deinit it
 * ERR_OK for 2xx and for any 4xx but those below: look at ret->status
 * fails  UNAVAILABLE not reached, or limited: the text says until when · TIMEOUT · FAILED 401, 5xx, a 2xx
 *        without JSON, moved elsewhere · LIMIT a huge answer
 */
enum err_kind scm_send(
    struct scm_call *c,
    const struct scm_request *request,
    struct scm_answer *ret,
    struct err *err) MUST_USE;

/* 2xx? */
bool scm_answer_is_good(const struct scm_answer *a);
/* What the forge says of an error, with what it says of its parts: one line, bounded, fit to be shown. */
#define SCM_WORDS_MAX 400
const char *scm_answer_words(const struct scm_answer *a, char ret[SCM_WORDS_MAX]);
/* Is it this status, with these words somewhere in it? */
bool scm_answer_says(const struct scm_answer *a, int status, const char *words);
/* A 4xx as an error: DENIED 403, NOT_FOUND 404 and 410, CONFLICT 409, FAILED all else. `what` was
 * to be done: "opening a pull request"; NULL: the caller says it. */
enum err_kind scm_refused(
    const struct scm_call *c, const struct scm_answer *a, const char *what, struct err *err);

/* GET a list page by page, at most pages_max of them; false from `visit` ends it.
 * ret_is_cut  (may be NULL) there were more pages */
enum err_kind scm_each(
    struct scm_call *c,
    const char *path,
    size_t pages_max,
    const char *what,
    bool (*visit)(yyjson_val *item, void *data),
    void *data,
    bool *ret_is_cut,
    struct err *err) MUST_USE;
