/*
 * GitLab: merge requests.
 * source: docs.gitlab.com, "Merge requests API" (API v4), "Rate limits", "Merge status"
 */
#include "base/mem.h"
#include "scm/forge.h"
#include "scm/text.h"

#include <stdio.h>

/* --- reading ------------------------------------------------------------------------------------------ */

static const struct {
    const char *status; /* detailed_merge_status */
    enum forge_merging merging;
    const char *why;
} merge_states[] = {
    {"approvals_syncing", FORGE_MERGING_CHECKING, NULL},
    {"broken_status", FORGE_MERGING_CONFLICT, NULL}, /* its old name */
    {"checking", FORGE_MERGING_CHECKING, NULL},
    {"ci_must_pass", FORGE_MERGING_BLOCKED, "its pipeline must succeed first"},
    {"ci_still_running", FORGE_MERGING_BLOCKED, "its pipeline is still running"},
    {"conflict", FORGE_MERGING_CONFLICT, NULL},
    {"discussions_not_resolved", FORGE_MERGING_BLOCKED, "there are open discussions"},
    {"draft_status", FORGE_MERGING_BLOCKED, "it is a draft"},
    {"jira_association_missing", FORGE_MERGING_BLOCKED, "it must name a Jira issue"},
    {"locked_paths", FORGE_MERGING_BLOCKED, "somebody locked a path that it changes"},
    {"merge_request_blocked", FORGE_MERGING_BLOCKED, "another merge request comes first"},
    {"merge_time", FORGE_MERGING_BLOCKED, "it may not be merged before a set time"},
    {"need_rebase", FORGE_MERGING_BLOCKED, "it has to be rebased first"},
    {"not_approved", FORGE_MERGING_BLOCKED, "a required approval is missing"},
    {"preparing", FORGE_MERGING_CHECKING, NULL},
    {"requested_changes", FORGE_MERGING_BLOCKED, "a reviewer asked for changes"},
    {"security_policy_violations", FORGE_MERGING_BLOCKED, "a security policy is not met"},
    {"status_checks_must_pass", FORGE_MERGING_BLOCKED, "a status check must succeed first"},
    {"title_regex", FORGE_MERGING_BLOCKED, "its title is not as the project wants it"},
    {"unchecked", FORGE_MERGING_CHECKING, NULL},
};

static void read_merging(yyjson_val *item, struct forge_view *v)
{
    struct str status = json_str(json_get(item, "detailed_merge_status"));
    if (str_eqz(json_str(json_get(item, "state")), "locked"))
        v->merging = FORGE_MERGING_CHECKING;
    for (size_t i = 0; i < ARRAY_LEN(merge_states); i++) {
        if (!str_eqz(status, merge_states[i].status))
            continue;
        v->merging = merge_states[i].merging;
        v->proposal.blocked = mem_strdup(merge_states[i].why);
    }
    if (v->proposal.is_draft && v->proposal.blocked == NULL)
        v->proposal.blocked = mem_strdup("it is a draft");
}

static bool is_ours(const struct forge *f, yyjson_val *item)
{
    uint64_t from = forge_number(json_get(item, "source_project_id"));
    return from != 0 && from == forge_number(json_get(item, "target_project_id")) &&
        str_eqz(json_str(json_get(item, "target_branch")), f->target);
}

/* "locked" is one that is being merged. */
static enum scm_state state_of(yyjson_val *item)
{
    struct str state = json_str(json_get(item, "state"));
    return str_eqz(state, "merged") ? SCM_MERGED : str_eqz(state, "closed") ? SCM_CLOSED : SCM_OPEN;
}

/* What it became: a merge commit, a squashed one, or its own head (fast-forward). */
static void read_merged(yyjson_val *item, struct scm_proposal *p)
{
    forge_copy_commit(p->merged, json_get(item, "merge_commit_sha"));
    if (p->merged[0] == '\0')
        forge_copy_commit(p->merged, json_get(item, "squash_commit_sha"));
    if (p->merged[0] == '\0')
        memcpy(p->merged, p->head, sizeof(p->merged));
}

static bool gitlab_read(const struct forge *f, yyjson_val *item, struct forge_view *ret)
{
    struct scm_proposal *p = &ret->proposal;
    if (!is_ours(f, item) || !forge_id_of(json_str(json_get(item, "source_branch")), p->id))
        return false;
    p->state = state_of(item);
    p->number = forge_number(json_get(item, "iid"));
    p->is_draft = yyjson_get_bool(json_get(item, "draft"));
    p->title = forge_read_title(f, json_str(json_get(item, "title")), p->is_draft);
    p->body = mem_strdup_str(json_str(json_get(item, "description")));
    p->author = scm_one_line(json_str(json_get(json_get(item, "author"), "username")), 200);
    p->url = scm_one_line(json_str(json_get(item, "web_url")), 2000);
    p->created_unix_s = scm_time(json_str(json_get(item, "created_at")));
    forge_copy_commit(p->head, json_get(item, "sha"));
    forge_copy_commit(p->base, json_get(json_get(item, "diff_refs"), "base_sha"));
    forge_read_labels(json_get(item, "labels"), p);
    if (p->state == SCM_MERGED)
        read_merged(item, p);
    if (p->state == SCM_OPEN)
        read_merging(item, ret);
    return p->number != 0;
}

/* --- asking ------------------------------------------------------------------------------------------- */

static char *requests(const struct forge *f)
{
    return mem_printf("/projects/%s/merge_requests", f->repository);
}

static char *request(const struct forge *f, uint64_t number, const char *rest)
{
    return mem_printf(
        "/projects/%s/merge_requests/%llu%s", f->repository, (unsigned long long)number, rest);
}

static enum err_kind gitlab_find(
    struct forge *f, struct scm_call *c, const char *id, struct forge_view *ret, struct err *err)
{
    autobuf struct buf path = {0};
    buf_printf(
        &path,
        "/projects/%s/merge_requests?state=all&target_branch=%s&source_branch=", f->repository,
        f->target_encoded);
    forge_percent_branch(&path, id);
    buf_text(&path, "&order_by=created_at&sort=desc&per_page=100");
    return forge_find_in_list(f, c, buf_view(&path).p, id, ret, err);
}

static enum err_kind gitlab_detail(
    struct forge *f, struct scm_call *c, uint64_t number, struct forge_view *ret, struct err *err)
{
    autofree char *path = request(f, number, "");
    return forge_get(f, c, path, ret, err);
}

static char *gitlab_list_path(const struct forge *f, bool with_ended)
{
    return mem_printf(
        "/projects/%s/merge_requests?state=%s&target_branch=%s&order_by=created_at&sort=desc"
        "&per_page=100",
        f->repository, with_ended ? "all" : "opened", f->target_encoded);
}

/* --- changing ----------------------------------------------------------------------------------------- */

static enum err_kind gitlab_open(
    struct forge *f,
    struct scm_call *c,
    const struct scm_new *n,
    const struct forge_text *text,
    struct forge_view *ret,
    struct err *err)
{
    autobuf struct buf body = {0};
    autofree char *path = requests(f);
    autofree char *branch = mem_printf(SCM_BRANCH_PREFIX "%s", n->id);
    buf_text(&body, "{\"title\":");
    json_text_string(&body, str_from(text->title));
    json_text_add_member(&body, "source_branch", branch);
    json_text_add_member(&body, "target_branch", f->target);
    json_text_add_member(&body, "description", text->body);
    buf_char(&body, '}');
    return forge_post(f, c, path, buf_view(&body), NULL, ret, err);
}

static enum err_kind gitlab_edit(
    struct forge *f,
    struct scm_call *c,
    uint64_t number,
    const struct forge_text *text,
    struct err *err)
{
    autobuf struct buf body = {0};
    autofree char *path = request(f, number, "");
    buf_text(&body, "{\"title\":");
    json_text_string(&body, str_from(text->title));
    json_text_add_member(&body, "description", text->body);
    buf_char(&body, '}');
    return forge_do(c, "PUT", path, buf_view(&body), "bringing the merge request up to date", err);
}

/* GitLab makes labels that it does not know; none holds a comma. */
static enum err_kind gitlab_label(
    struct forge *f,
    struct scm_call *c,
    uint64_t number,
    const char *const *labels,
    struct err *err)
{
    autobuf struct buf names = {0};
    autobuf struct buf body = {0};
    autofree char *path = request(f, number, "");
    for (size_t i = 0; labels[i] != NULL; i++)
        buf_printf(&names, "%s%s", i > 0 ? "," : "", labels[i]);
    buf_text(&body, "{\"add_labels\":");
    json_text_string(&body, buf_view(&names));
    buf_char(&body, '}');
    return forge_do(c, "PUT", path, buf_view(&body), "labelling the merge request", err);
}

static enum err_kind gitlab_merge(
    struct forge *f,
    struct scm_call *c,
    const struct scm_proposal *p,
    const char *title,
    const char *message,
    struct err *err)
{
    auto_answer struct scm_answer answer = {0};
    autobuf struct buf body = {0};
    autofree char *path = request(f, p->number, "/merge");
    autofree char *whole = mem_printf("%s\n\n%s", title, message);
    buf_text(&body, "{\"should_remove_source_branch\":false");
    json_text_add_member(&body, "sha", p->head);
    json_text_add_member(&body, "merge_commit_message", whole);
    buf_char(&body, '}');
    struct scm_request q = {
        .method = "PUT",
        .path = path,
        .body = buf_view(&body),
        .is_single = true,
        .is_judged_401 = true};
    enum err_kind r = scm_send(c, &q, &answer, err);
    if (r != ERR_OK || scm_answer_is_good(&answer))
        return r;
    r = scm_refused(c, &answer, NULL, err);
    if (answer.status == 401) /* whose token this is may not merge here */
        return err_as(err, ERR_DENIED);
    /* Why not is in detailed_merge_status, if anywhere. 406 is 422 of older versions. */
    bool is_not_now = answer.status == 405 || answer.status == 406 || answer.status == 422;
    return is_not_now ? err_as(err, ERR_CONFLICT) : r;
}

static enum err_kind
gitlab_close(struct forge *f, struct scm_call *c, uint64_t number, struct err *err)
{
    autofree char *path = request(f, number, "");
    return forge_do(
        c, "PUT", path, STR("{\"state_event\":\"close\"}"), "closing the merge request", err);
}

/* --- the row ------------------------------------------------------------------------------------------ */

static const struct http_header headers[] = {{"Accept", "application/json"}};

static const struct forge_kind gitlab = {
    .place = {.forge = "gitlab", .suffix = "/api/v4", .has_subgroups = true},
    .request = "merge request",
    .token_header = "PRIVATE-TOKEN",
    .token_prefix = "",
    .headers = headers,
    .header_count = ARRAY_LEN(headers),
    .title_max = 255,
    .draft_prefix = "Draft: ",
    .read = gitlab_read,
    .find = gitlab_find,
    .detail = gitlab_detail,
    .list_path = gitlab_list_path,
    .open = gitlab_open,
    .edit = gitlab_edit,
    .label = gitlab_label,
    .merge = gitlab_merge,
    .close = gitlab_close,
};

static enum err_kind
gitlab_open_driver(const struct scm_options *options, struct scm **ret, struct err *err)
{
    return forge_open(&gitlab, &scm_gitlab, options, ret, err);
}

const struct scm_driver scm_gitlab = {
    .name = "gitlab",
    .source = "gitlab",
    .open = gitlab_open_driver,
    .free = forge_free,
    .create = forge_create,
    .list = forge_list,
    .state = forge_state,
    .show = forge_show,
    .merge = forge_merge,
    .close = forge_close,
};
