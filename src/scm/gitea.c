/*
 * Gitea and Forgejo, whose APIs agree in all that is used here.
 * source: Gitea's API description (swagger.v1.json of a server), operations repo*PullRequest*, issue*Label*
 */
#include "base/mem.h"
#include "scm/forge.h"
#include "scm/text.h"

#include <stdio.h>

enum { LABEL_PAGES_MAX = 20 };

/* --- reading ------------------------------------------------------------------------------------------ */

static bool is_ours(const struct forge *f, yyjson_val *head, yyjson_val *base)
{
    uint64_t from = forge_number(json_get(head, "repo_id"));
    return from != 0 && from == forge_number(json_get(base, "repo_id")) &&
        str_eqz(json_str(json_get(base, "ref")), f->target);
}

/* `mergeable` is false for a conflict, for a draft and while it is looked at. A missing approval is not
 * to be seen before a merge is tried. */
static void read_merging(yyjson_val *item, struct forge_view *v)
{
    if (v->proposal.is_draft) {
        v->proposal.blocked = mem_strdup("it is a draft");
        v->merging = FORGE_MERGING_BLOCKED;
    } else if (yyjson_is_false(json_get(item, "mergeable"))) {
        v->merging = FORGE_MERGING_CANNOT;
    }
}

static bool gitea_read(const struct forge *f, yyjson_val *item, struct forge_view *ret)
{
    struct scm_proposal *p = &ret->proposal;
    yyjson_val *head = json_get(item, "head");
    yyjson_val *base = json_get(item, "base");
    struct str title = json_str(json_get(item, "title"));
    /* "ref" is "refs/pull/1/head" once the branch is gone */
    if (!is_ours(f, head, base) || !forge_id_of(json_str(json_get(head, "label")), p->id))
        return false;
    bool is_merged = yyjson_get_bool(json_get(item, "merged"));
    bool is_open = str_eqz(json_str(json_get(item, "state")), "open");
    p->state = is_merged ? SCM_MERGED : is_open ? SCM_OPEN : SCM_CLOSED;
    p->number = forge_number(json_get(item, "number"));
    p->is_draft = yyjson_get_bool(json_get(item, "draft")) ||
        str_starts(title, str_from(f->kind->draft_prefix)); /* versions without the member */
    p->title = forge_read_title(f, title, p->is_draft);
    p->body = mem_strdup_str(json_str(json_get(item, "body")));
    p->author = scm_one_line(json_str(json_get(json_get(item, "user"), "login")), 200);
    p->url = scm_one_line(json_str(json_get(item, "html_url")), 2000);
    p->created_unix_s = scm_time(json_str(json_get(item, "created_at")));
    forge_copy_commit(p->head, json_get(head, "sha"));
    if (is_merged) /* its merge_base then is its own head */
        forge_copy_commit(p->merged, json_get(item, "merge_commit_sha"));
    else
        forge_copy_commit(p->base, json_get(item, "merge_base"));
    forge_read_labels(json_get(item, "labels"), p);
    if (is_open)
        read_merging(item, ret);
    return p->number != 0;
}

/* --- asking ------------------------------------------------------------------------------------------- */

static char *pull(const struct forge *f, uint64_t number, const char *rest)
{
    return mem_printf("/repos/%s/pulls/%llu%s", f->repository, (unsigned long long)number, rest);
}

static enum err_kind gitea_find(
    struct forge *f, struct scm_call *c, const char *id, struct forge_view *ret, struct err *err)
{
    autobuf struct buf path = {0};
    buf_printf(&path, "/repos/%s/pulls/%s/", f->repository, f->target_encoded);
    forge_percent_branch(&path, id);
    return forge_get(f, c, buf_view(&path).p, ret, err);
}

/* The newest come first where no order is asked for. */
static char *gitea_list_path(const struct forge *f, bool with_ended)
{
    return mem_printf(
        "/repos/%s/pulls?state=%s&base_branch=%s&limit=50", f->repository,
        with_ended ? "all" : "open", f->target_encoded);
}

/* --- changing ----------------------------------------------------------------------------------------- */

static enum err_kind gitea_open(
    struct forge *f,
    struct scm_call *c,
    const struct scm_new *n,
    const struct forge_text *text,
    struct forge_view *ret,
    struct err *err)
{
    autobuf struct buf body = {0};
    autofree char *path = mem_printf("/repos/%s/pulls", f->repository);
    autofree char *branch = mem_printf(SCM_BRANCH_PREFIX "%s", n->id);
    buf_text(&body, "{\"title\":");
    json_text_string(&body, str_from(text->title));
    json_text_add_member(&body, "head", branch);
    json_text_add_member(&body, "base", f->target);
    json_text_add_member(&body, "body", text->body);
    buf_char(&body, '}');
    return forge_post(f, c, path, buf_view(&body), NULL, ret, err);
}

static enum err_kind gitea_edit(
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

/* A label is an id; one that the repository lacks is made. */
struct label {
    const char *name;
    uint64_t id; /* 0: not found */
};

static bool see_label(yyjson_val *item, void *data)
{
    struct label *l = data;
    if (str_eq_nocase(json_str(json_get(item, "name")), str_from(l->name)))
        l->id = forge_number(json_get(item, "id"));
    return l->id == 0;
}

static enum err_kind
make_label(struct forge *f, struct scm_call *c, struct label *l, struct err *err)
{
    auto_answer struct scm_answer answer = {0};
    autobuf struct buf body = {0};
    autofree char *path = mem_printf("/repos/%s/labels", f->repository);
    buf_text(&body, "{\"color\":\"#ededed\"");
    json_text_add_member(&body, "name", l->name);
    buf_char(&body, '}');
    struct scm_request q = {
        .method = "POST", .path = path, .body = buf_view(&body), .is_single = true};
    enum err_kind r = scm_send(c, &q, &answer, err);
    if (r == ERR_OK && !scm_answer_is_good(&answer))
        r = scm_refused(c, &answer, "making a label", err);
    l->id = r == ERR_OK ? forge_number(json_get(answer.json, "id")) : 0;
    return r;
}

static enum err_kind
find_label(struct forge *f, struct scm_call *c, struct label *l, struct err *err)
{
    autofree char *path = mem_printf("/repos/%s/labels?limit=50", f->repository);
    enum err_kind r =
        scm_each(c, path, LABEL_PAGES_MAX, "looking for a label", see_label, l, NULL, err);
    return r == ERR_OK && l->id == 0 ? make_label(f, c, l, err) : r;
}

static enum err_kind gitea_label(
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
        struct label l = {.name = labels[i]};
        enum err_kind r = find_label(f, c, &l, err);
        if (r != ERR_OK)
            return r;
        buf_printf(&body, "%s%llu", i > 0 ? "," : "", (unsigned long long)l.id);
    }
    buf_text(&body, "]}");
    return forge_do(c, "POST", path, buf_view(&body), "labelling the pull request", err);
}

static const char *const merge_styles[] = {
    "merge", "squash", "rebase-merge", "rebase", "fast-forward-only"};

/* Up to Gitea 1.25 and in Forgejo three members have other names; nobody minds those it does not know. */
static enum err_kind send_merge(
    struct scm_call *c,
    const char *path,
    const struct scm_proposal *p,
    const char *style,
    const char *title,
    const char *message,
    struct scm_answer *ret,
    struct err *err)
{
    autobuf struct buf body = {0};
    buf_printf(&body, "{\"do\":\"%s\",\"Do\":\"%s\"", style, style);
    json_text_add_member(&body, "head_commit_id", p->head);
    json_text_add_member(&body, "merge_title_field", title);
    json_text_add_member(&body, "merge_message_field", message);
    json_text_add_member(&body, "MergeTitleField", title);
    json_text_add_member(&body, "MergeMessageField", message);
    buf_char(&body, '}');
    struct scm_request q = {
        .method = "POST", .path = path, .body = buf_view(&body), .is_single = true};
    return scm_send(c, &q, ret, err);
}

static enum err_kind gitea_merge(
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
        enum err_kind r = send_merge(c, path, p, merge_styles[i], title, message, &answer, err);
        if (r != ERR_OK || scm_answer_is_good(&answer))
            return r;
        if (scm_answer_says(&answer, 405, "merge style") && i + 1 < ARRAY_LEN(merge_styles))
            continue;
        r = scm_refused(c, &answer, NULL, err);
        if (scm_answer_says(&answer, 405, "try again later")) /* a conflict says so, too */
            return err_as(err, ERR_CONFLICT);
        return answer.status == 405 || answer.status == 422 || answer.status == 423
            ? err_as(err, ERR_DENIED)
            : r;
    }
}

static enum err_kind
gitea_close(struct forge *f, struct scm_call *c, uint64_t number, struct err *err)
{
    autofree char *path = pull(f, number, "");
    return forge_do(
        c, "PATCH", path, STR("{\"state\":\"closed\"}"), "closing the pull request", err);
}

/* --- the row ------------------------------------------------------------------------------------------ */

static const struct http_header headers[] = {{"Accept", "application/json"}};

static const struct forge_kind gitea = {
    .place = {.forge = "gitea", .suffix = "/api/v1"},
    .request = "pull request",
    .token_header = "Authorization",
    .token_prefix = "token ",
    .headers = headers,
    .header_count = ARRAY_LEN(headers),
    .title_max = 255,
    .draft_prefix = "WIP: ",
    .read = gitea_read,
    .find = gitea_find,
    .list_path = gitea_list_path,
    .open = gitea_open,
    .edit = gitea_edit,
    .label = gitea_label,
    .merge = gitea_merge,
    .close = gitea_close,
};

static enum err_kind
gitea_open_driver(const struct scm_options *options, struct scm **ret, struct err *err)
{
    return forge_open(&gitea, &scm_gitea, options, ret, err);
}

const struct scm_driver scm_gitea = {
    .name = "gitea",
    .source = "gitea",
    .open = gitea_open_driver,
    .free = forge_free,
    .create = forge_create,
    .list = forge_list,
    .state = forge_state,
    .show = forge_show,
    .merge = forge_merge,
    .close = forge_close,
};
