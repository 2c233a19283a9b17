#include "api/routes.h"
#include "api/status.h"
#include "api/webhook.h"
#include "api/writes.h"
#include "base/mem.h"
#include "core/core.h"

#include <stdio.h>

#define OBJECTS "/apis/{group}/{version}/namespaces/{ns*}/{plural}"
#define OBJECT OBJECTS "/{name}"
#define BUILT_IN "/apis/cup.flipt.io/v1alpha1"

static struct core_read_options read_options_of(const struct http_request *q)
{
    return (struct core_read_options){
        .revision = http_query(q, "revision"),
        .proposal = http_query(q, "proposal"),
        .at_least = http_query(q, "atLeast"),
        .cancel = q->is_gone};
}

/* --- reading ------------------------------------------------------------------------------------------ */

/* RFC 9110 section 13.1.2: a list of tags, weak or strong, or `*`. */
static bool tag_matches(struct str header, const char *etag)
{
    while (header.p != NULL) {
        struct str tag = str_trim(str_cut(&header, ','));
        if (str_eqz(tag, "*"))
            return true;
        if (str_starts(tag, STR("W/")))
            tag = str_skip(tag, 2);
        if (tag.n >= 2 && tag.p[0] == '"' && str_eqz(str_of(tag.p + 1, tag.n - 2), etag))
            return true;
    }
    return false;
}

static void release_answer(void *owner)
{
    core_answer_unref(owner);
}

/* The answer's bytes go out as they are kept: nothing is copied. */
static void answer_read(
    const struct http_request *q,
    struct http_response *p,
    struct core_answer *take_answer,
    const char *content_type)
{
    p->etag = take_answer->etag;
    p->shared_owner = take_answer;
    p->shared_release = release_answer;
    if (tag_matches(http_header(q, "If-None-Match"), take_answer->etag)) {
        p->status = 304;
        return;
    }
    p->status = 200;
    p->content_type = take_answer->n > 0 ? content_type : NULL;
    p->shared = str_of(take_answer->bytes, take_answer->n);
}

static void get_object(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_target target = api_target(q);
    struct core_read_options options = read_options_of(q);
    struct core_answer *answer = NULL;
    struct err err = {0};
    if (core_get(context, &target, &options, &answer, &err) != ERR_OK)
        status_write(p, q, &err);
    else
        answer_read(q, p, answer, "application/json");
}

static void list_objects(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_target target = api_target(q);
    struct core_read_options options = read_options_of(q);
    struct core_answer *answer = NULL;
    struct err err = {0};
    if (core_list(context, &target, &options, &answer, &err) != ERR_OK)
        status_write(p, q, &err);
    else
        answer_read(q, p, answer, "application/x-ndjson");
}

static void answer_json(
    const struct http_request *q, struct http_response *p, enum err_kind r, const struct err *err)
{
    if (r != ERR_OK) {
        status_write(p, q, err);
        return;
    }
    p->status = 200;
    p->content_type = "application/json";
}

static enum err_kind read_page(const struct http_request *q, struct core_page *ret, struct err *err)
{
    struct str limit = http_query(q, "limit");
    uint64_t number = 0;
    ret->token = http_query(q, "continue");
    if (limit.p != NULL && (!str_to_u64(limit, &number) || number == 0 || number > SIZE_MAX))
        return err_set(err, ERR_MALFORMED, "'limit' is a number from 1 on");
    ret->limit = (size_t)number;
    return ERR_OK;
}

static void get_history(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_target target = api_target(q);
    struct core_read_options options = read_options_of(q);
    struct core_page page = {0};
    struct err err = {0};
    enum err_kind r = read_page(q, &page, &err);
    if (r == ERR_OK)
        r = core_history(context, &target, &options, &page, &p->body, &err);
    answer_json(q, p, r, &err);
}

static void get_status(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_target target = api_target(q);
    struct err err = {0};
    answer_json(q, p, core_object_status(context, &target, q->is_gone, &p->body, &err), &err);
}

/* On the event thread: what is kept for the current tree. A query may ask for another one. */
static bool
peek(void *context, const struct http_request *q, struct http_response *p, const char *content_type)
{
    struct core_target target = api_target(q);
    struct core_answer *answer = q->query_count == 0 ? core_peek(context, &target) : NULL;
    if (answer == NULL)
        return false;
    answer_read(q, p, answer, content_type);
    return true;
}

static bool peek_object(void *context, const struct http_request *q, struct http_response *p)
{
    return peek(context, q, p, "application/json");
}

static bool peek_list(void *context, const struct http_request *q, struct http_response *p)
{
    return peek(context, q, p, "application/x-ndjson");
}

static void get_definitions(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    answer_json(q, p, core_definitions(context, &p->body, &err), &err);
}

/* --- proposals and controllers ------------------------------------------------------------------------ */

static bool is_asked(const struct http_request *q, const char *name)
{
    struct str value = http_query(q, name);
    return str_eqz(value, "1") || str_eqz(value, "true");
}

/* all=1 is what state=all was called before there were others. */
static enum err_kind
read_state(const struct http_request *q, struct core_proposal_query *ret, struct err *err)
{
    static const char *const names[] = {
        [CORE_PROPOSALS_OPEN] = "open",
        [CORE_PROPOSALS_CONFLICTED] = "conflicted",
        [CORE_PROPOSALS_MERGED] = "merged",
        [CORE_PROPOSALS_CLOSED] = "closed",
        [CORE_PROPOSALS_ALL] = "all"};
    struct str state = http_query(q, "state");
    if (state.n == 0) {
        ret->state = is_asked(q, "all") ? CORE_PROPOSALS_ALL : CORE_PROPOSALS_OPEN;
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_eqz(state, names[i]))
            continue;
        ret->state = i;
        return ERR_OK;
    }
    return err_set(
        err, ERR_MALFORMED,
        "state '" STR_FMT "' is not known: it is one of open, conflicted, merged, closed, all",
        STR_ARG(str_take(state, 64)));
}

static void list_proposals(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_proposal_query query = {.object = http_query(q, "object"), .cancel = q->is_gone};
    struct core_page page = {0};
    struct err err = {0};
    enum err_kind r = read_state(q, &query, &err);
    if (r == ERR_OK)
        r = read_page(q, &page, &err);
    if (r == ERR_OK)
        r = core_proposals(context, &query, &page, &p->body, &err);
    answer_json(q, p, r, &err);
}

static void show_proposal(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    struct str id = http_param(q, "id");
    answer_json(q, p, core_proposal_show(context, id, is_asked(q, "diff"), &p->body, &err), &err);
}

static void merge_proposal(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    struct str id = http_param(q, "id");
    answer_json(q, p, core_proposal_merge(context, id, STR(""), &p->body, &err), &err);
}

static void close_proposal(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    answer_json(q, p, core_proposal_close(context, http_param(q, "id"), &p->body, &err), &err);
}

static void get_controllers(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    answer_json(q, p, core_controllers(context, http_param(q, "name"), &p->body, &err), &err);
}

/* Whoever answers has loaded everything that is not in the source: see core_new. */
static void get_health(void *context, const struct http_request *q, struct http_response *p)
{
    (void)context;
    (void)q;
    p->status = 200;
    p->content_type = "text/plain; charset=utf-8";
    buf_text(&p->body, "ok\n");
}

/* 200 also with an old commit: a remote that is down must not take the reads of all replicas away. */
static void get_readiness(void *context, const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    bool is_ready = false;
    answer_json(q, p, core_readiness(context, &is_ready, &p->body, &err), &err);
    if (!is_ready && p->status == 200)
        p->status = 503;
}

static void get_metrics(void *context, const struct http_request *q, struct http_response *p)
{
    (void)q;
    p->status = 200;
    p->content_type = "text/plain; version=0.0.4; charset=utf-8";
    core_write_metrics(context, &p->body);
}

void api_judge(
    void *context,
    const struct http_route *route,
    const struct http_request *q,
    struct http_response *p)
{
    if (route->handle == webhook_receive)
        webhook_judge(context, q, p);
}

/* What is cup's own comes before what would match it as anybody's kind. */
const struct http_route api_routes[] = {
    {"GET", "/apis", get_definitions, NULL, 0, "definitions of all kinds"},
    {"GET", BUILT_IN "/proposals", list_proposals, NULL, 0,
     "proposals; state=open|conflicted|merged|closed|all, object=…"},
    {"GET", BUILT_IN "/proposals/{id}", show_proposal, NULL, 0, "one proposal; diff=1: its diff"},
    {"DELETE", BUILT_IN "/proposals/{id}", close_proposal, NULL, 0, "close a proposal"},
    {"POST", BUILT_IN "/proposals/{id}/merge", merge_proposal, NULL, 0, "merge a proposal"},
    {"POST", BUILT_IN "/changes", api_change_set, NULL, 0,
     "several puts and deletes as one proposal"},
    {"GET", BUILT_IN "/controllers", get_controllers, NULL, 0, "controllers that run"},
    {"GET", BUILT_IN "/controllers/{name}", get_controllers, NULL, 0, "one controller"},
    {"GET", OBJECTS, list_objects, peek_list, 0, "objects of a namespace"},
    {"GET", OBJECT, get_object, peek_object, 0, "one object"},
    {"GET", OBJECT "/status", get_status, NULL, 0,
     "an object's open proposals, last change, controller"},
    {"GET", OBJECT "/history", get_history, NULL, 0, "commits that changed an object"},
    {"PUT", OBJECT, api_put_object, NULL, 0, "create or replace an object, as a proposal"},
    {"DELETE", OBJECT, api_delete_object, NULL, 0, "delete an object, as a proposal"},
    {"GET", "/apis/{group}/{version}/{plural}", list_objects, peek_list, 0,
     "objects of all namespaces"},
    {"GET", "/healthz", get_health, NULL, 0, "the process answers"},
    {"GET", "/metrics", get_metrics, NULL, 0, "counters in Prometheus' text form"},
    {"GET", "/readyz", get_readiness, NULL, 0, "there is something to read; how old it is"},
    {"POST", "/webhooks/push", webhook_receive, NULL, 0, "a forge's push event"},
};
const size_t api_route_count = ARRAY_LEN(api_routes);
