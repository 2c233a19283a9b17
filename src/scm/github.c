/*
 * GitHub and GitHub Enterprise.
 * source: docs.github.com, "REST API endpoints for pull requests" and "… for labels", version 2022-11-28
 */
#include "base/mem.h"
#include "scm/forge.h"
#include "scm/text.h"

#include <stdio.h>

/* --- reading ------------------------------------------------------------------------------------------ */

static const struct {
    const char *state; /* mergeable_state */
    enum forge_merging merging;
    const char *why;
} merge_states[] = {
    {"blocked", FORGE_MERGING_BLOCKED, "a required review or check is missing"},
    {"behind", FORGE_MERGING_BLOCKED, "it has to be brought up to the target branch first"},
    {"dirty", FORGE_MERGING_CONFLICT, NULL},
    {"draft", FORGE_MERGING_BLOCKED, "it is a draft"},
};

static void read_merging(yyjson_val *item, struct forge_view *v)
{
    struct str state = json_str(json_get(item, "mergeable_state"));
    yyjson_val *mergeable = json_get(item, "mergeable");
    if (mergeable != NULL && yyjson_is_null(mergeable))
        v->merging = FORGE_MERGING_CHECKING;
    for (size_t i = 0; i < ARRAY_LEN(merge_states); i++) {
        if (!str_eqz(state, merge_states[i].state))
            continue;
        v->merging = merge_states[i].merging;
        v->proposal.blocked = mem_strdup(merge_states[i].why);
    }
    if (v->proposal.is_draft && v->proposal.blocked == NULL)
        v->proposal.blocked = mem_strdup("it is a draft");
}

/* A request from a fork may have a branch of any name. */
static bool is_ours(const struct forge *f, yyjson_val *head, yyjson_val *base)
{
    uint64_t from = forge_number(json_get(json_get(head, "repo"), "id"));
    return from != 0 && from == forge_number(json_get(json_get(base, "repo"), "id")) &&
        str_eqz(json_str(json_get(base, "ref")), f->target);
}

static bool github_read(const struct forge *f, yyjson_val *item, struct forge_view *ret)
{
    struct scm_proposal *p = &ret->proposal;
    yyjson_val *head = json_get(item, "head");
    yyjson_val *base = json_get(item, "base");
    if (!is_ours(f, head, base) || !forge_id_of(json_str(json_get(head, "ref")), p->id))
        return false;
    bool is_merged = yyjson_is_str(json_get(item, "merged_at"));
    bool is_open = str_eqz(json_str(json_get(item, "state")), "open");
    p->state = is_merged ? SCM_MERGED : is_open ? SCM_OPEN : SCM_CLOSED;
    p->number = forge_number(json_get(item, "number"));
    p->is_draft = yyjson_get_bool(json_get(item, "draft"));
    p->title = forge_read_title(f, json_str(json_get(item, "title")), p->is_draft);
    p->body = mem_strdup_str(json_str(json_get(item, "body")));
    p->author = scm_one_line(json_str(json_get(json_get(item, "user"), "login")), 200);
    p->url = scm_one_line(json_str(json_get(item, "html_url")), 2000);
    p->created_unix_s = scm_time(json_str(json_get(item, "created_at")));
    forge_copy_commit(p->head, json_get(head, "sha"));
    if (is_merged) /* of an open one it is a merge for trial */
        forge_copy_commit(p->merged, json_get(item, "merge_commit_sha"));
    forge_read_labels(json_get(item, "labels"), p);
    if (is_open)
        read_merging(item, ret);
    return p->number != 0;
}

/* --- asking ------------------------------------------------------------------------------------------- */

static char *pulls(const struct forge *f)
{
    return mem_printf("/repos/%s/pulls", f->repository);
}

static char *pull(const struct forge *f, uint64_t number, const char *rest)
{
    return mem_printf("/repos/%s/pulls/%llu%s", f->repository, (unsigned long long)number, rest);
}

static enum err_kind github_find(
    struct forge *f, struct scm_call *c, const char *id, struct forge_view *ret, struct err *err)
{
    autobuf struct buf path = {0};
    buf_printf(&path, "/repos/%s/pulls?state=all&base=%s&head=", f->repository, f->target_encoded);
    buf_printf(&path, "%s:", f->owner);
    forge_percent_branch(&path, id);
    buf_text(&path, "&sort=created&direction=desc&per_page=100");
    return forge_find_in_list(f, c, buf_view(&path).p, id, ret, err);
}

static enum err_kind github_detail(
    struct forge *f, struct scm_call *c, uint64_t number, struct forge_view *ret, struct err *err)
{
    autofree char *path = pull(f, number, "");
    return forge_get(f, c, path, ret, err);
}

static char *github_list_path(const struct forge *f, bool with_ended)
{
    return mem_printf(
        "/repos/%s/pulls?state=%s&base=%s&sort=created&direction=desc&per_page=100", f->repository,
        with_ended ? "all" : "open", f->target_encoded);
}

/* --- changing ----------------------------------------------------------------------------------------- */

/* 422 for everything: "A pull request already exists for OWNER:BRANCH." And right behind a push its
 * head may not be known yet, which passes. */
static bool says_exists(const struct scm_answer *a)
{
    size_t i, max;
    yyjson_val *item;
    if (a->status != 422)
        return false;
    if (scm_answer_says(a, 422, "already exists"))
        return true;
    yyjson_arr_foreach(json_get(a->json, "errors"), i, max, item)
    {
        if (str_eqz(json_str(json_get(item, "field")), "head") &&
            str_eqz(json_str(json_get(item, "code")), "invalid"))
            return true;
    }
    return false;
}

static enum err_kind github_open(
    struct forge *f,
    struct scm_call *c,
    const struct scm_new *n,
    const struct forge_text *text,
    struct forge_view *ret,
    struct err *err)
{
    autobuf struct buf body = {0};
    autofree char *path = pulls(f);
    autofree char *branch = mem_printf(SCM_BRANCH_PREFIX "%s", n->id);
    buf_text(&body, "{\"title\":");
    json_text_string(&body, str_from(text->title));
    json_text_add_member(&body, "head", branch);
    json_text_add_member(&body, "base", f->target);
    json_text_add_member(&body, "body", text->body);
    buf_printf(&body, ",\"draft\":%s}", n->is_draft ? "true" : "false");
    return forge_post(f, c, path, buf_view(&body), says_exists, ret, err);
}

static enum err_kind github_edit(
    struct forge *f,
    struct scm_call *c,
    uint64_t number,
    const struct forge_text *text,
    struct err *err)
{
    autobuf struct buf body = {0};
    autofree char *path = pull(f, number, "");
    buf_text(&body, "{\"title\":");
    json_text_string(&body, str_from(text->title));
    json_text_add_member(&body, "body", text->body);
    buf_char(&body, '}');
    return forge_do(c, "PATCH", path, buf_view(&body), "bringing the pull request up to date", err);
}

/* GitHub makes labels that it does not know. */
static enum err_kind github_label(
    struct forge *f,
    struct scm_call *c,
    uint64_t number,
    const char *const *labels,
    struct err *err)
{
    autobuf struct buf body = {0};
    autofree char *path =
        mem_printf("/repos/%s/issues/%llu/labels", f->repository, (unsigned long long)number);
    buf_text(&body, "{\"labels\":[");
    for (size_t i = 0; labels[i] != NULL; i++) {
        if (i > 0)
            buf_char(&body, ',');
        json_text_string(&body, str_from(labels[i]));
    }
    buf_text(&body, "]}");
    return forge_do(c, "POST", path, buf_view(&body), "labelling the pull request", err);
}

static const char *const merge_methods[] = {"merge", "squash", "rebase"};

static enum err_kind send_merge(
    struct scm_call *c,
    const char *path,
    const struct scm_proposal *p,
    const char *method,
    const char *title,
    const char *message,
    struct scm_answer *ret,
    struct err *err)
{
    autobuf struct buf body = {0};
    buf_printf(&body, "{\"merge_method\":\"%s\"", method);
    json_text_add_member(&body, "sha", p->head);
    json_text_add_member(&body, "commit_title", title);
    json_text_add_member(&body, "commit_message", message);
    buf_char(&body, '}');
    struct scm_request q = {
        .method = "PUT", .path = path, .body = buf_view(&body), .is_single = true};
    return scm_send(c, &q, ret, err);
}

static enum err_kind github_merge(
    struct forge *f,
    struct scm_call *c,
    const struct scm_proposal *p,
    const char *title,
    const char *message,
    struct err *err)
{
    autofree char *path = pull(f, p->number, "/merge");
    for (size_t i = 0;; i++) {
        auto_answer struct scm_answer answer = {0};
        enum err_kind r = send_merge(c, path, p, merge_methods[i], title, message, &answer, err);
        if (r != ERR_OK || scm_answer_is_good(&answer))
            return r;
        if (scm_answer_says(&answer, 405, "not allowed on this repository") &&
            i + 1 < ARRAY_LEN(merge_methods))
            continue;
        r = scm_refused(c, &answer, NULL, err);
        if (scm_answer_says(&answer, 405, "is not mergeable"))
            return err_as(err, ERR_CONFLICT);
        return answer.status == 405 || answer.status == 422 ? err_as(err, ERR_DENIED) : r;
    }
}

static enum err_kind
github_close(struct forge *f, struct scm_call *c, uint64_t number, struct err *err)
{
    autofree char *path = pull(f, number, "");
    return forge_do(
        c, "PATCH", path, STR("{\"state\":\"closed\"}"), "closing the pull request", err);
}

/* --- the row ------------------------------------------------------------------------------------------ */

/* github.com, and what GitHub hosts for one customer: SUBDOMAIN.ghe.com. */
static char *own_api(const char *host)
{
    if (strcmp(host, "github.com") == 0 || strcmp(host, "www.github.com") == 0 ||
        strcmp(host, "ssh.github.com") == 0)
        return mem_strdup("https://api.github.com");
    return str_ends(str_from(host), STR(".ghe.com")) ? mem_printf("https://api.%s", host) : NULL;
}

static const struct http_header headers[] = {
    {"Accept", "application/vnd.github+json"},
    {"X-GitHub-Api-Version", "2022-11-28"},
};

static const struct forge_kind github = {
    .place = {.forge = "github", .suffix = "/api/v3", .own_api = own_api},
    .request = "pull request",
    .token_header = "Authorization",
    .token_prefix = "Bearer ",
    .headers = headers,
    .header_count = ARRAY_LEN(headers),
    .title_max = 256,
    .draft_prefix = "",
    .read = github_read,
    .find = github_find,
    .detail = github_detail,
    .list_path = github_list_path,
    .open = github_open,
    .edit = github_edit,
    .label = github_label,
    .merge = github_merge,
    .close = github_close,
};

static enum err_kind
github_open_driver(const struct scm_options *options, struct scm **ret, struct err *err)
{
    return forge_open(&github, &scm_github, options, ret, err);
}

const struct scm_driver scm_github = {
    .name = "github",
    .source = "github",
    .open = github_open_driver,
    .free = forge_free,
    .create = forge_create,
    .list = forge_list,
    .state = forge_state,
    .show = forge_show,
    .merge = forge_merge,
    .close = forge_close,
};
