#include "core/proposal_json.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/verdicts.h"
#include "scm/text.h"
#include "json/json.h"

#define TITLE_BYTES_MAX 200
#define COMMITS_MAX 100

void core_proposal_deinit(struct core_proposal *p)
{
    scm_proposal_deinit(&p->scm);
    core_objects_deinit(&p->objects);
    *p = (struct core_proposal){0};
}

/* --- what Git tells --------------------------------------------------------------------------------- */

static bool parse_id(const char *hex, struct repo_id *ret)
{
    *ret = (struct repo_id){{0}};
    return hex[0] != '\0' && repo_id_parse(str_from(hex), ret, NULL) == ERR_OK;
}

/* Where the target stood: before the merge, or now. */
static enum err_kind find_onto(struct core *c, struct core_proposal *p, struct err *err)
{
    struct repo_id merged;
    struct repo_commit_info info = {0};
    if (p->scm.state != SCM_MERGED || !parse_id(p->scm.merged, &merged))
        return repo_ref_read(c->repo, c->target_ref, &p->onto, err);
    enum err_kind r = repo_commit_info(c->repo, &merged, &info, err);
    if (r == ERR_OK)
        p->onto = info.parent;
    repo_commit_info_deinit(&info);
    return r;
}

static enum err_kind find_bases(struct core *c, struct core_proposal *p, struct err *err)
{
    enum err_kind r = find_onto(c, p, err);
    if (r == ERR_OK && !parse_id(p->scm.base, &p->base))
        r = repo_merge_base(c->repo, &p->onto, &p->head, &p->base, err);
    if (r == ERR_OK)
        r = repo_fork_point(c->repo, &p->onto, &p->head, &p->fork, err);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

/* Nothing of it is here where the forge had it before this clone came to it, or long after it ended. */
enum err_kind core_proposal_look(
    struct core *c, struct scm_proposal *take, struct core_proposal *ret, struct err *err)
{
    struct core_proposal p = {.scm = *take};
    struct repo_commit_info info = {0};
    *take = (struct scm_proposal){0};
    enum err_kind r = ERR_NOT_FOUND;
    if (parse_id(p.scm.head, &p.head))
        r = repo_commit_info(c->repo, &p.head, &info, err);
    repo_commit_info_deinit(&info);
    p.is_here = r == ERR_OK;
    if (r == ERR_OK)
        r = find_bases(c, &p, err);
    if (r == ERR_OK && !repo_id_is_none(&p.fork))
        r = core_objects_of(c->repo, &p.fork, &p.head, &p.objects, err);
    if (r == ERR_OK || r == ERR_NOT_FOUND) {
        *ret = p;
        return ERR_OK;
    }
    core_proposal_deinit(&p);
    return r;
}

/* way 0: it ended, or is not here. */
static enum err_kind judge(
    struct core *c,
    const struct core_proposal *p,
    const atomic_bool *cancel,
    struct core_merge_verdict *ret,
    struct err *err)
{
    *ret = (struct core_merge_verdict){0};
    if (p->scm.state != SCM_OPEN || !p->is_here || repo_id_is_none(&p->onto))
        return ERR_OK;
    return core_verdicts_get(c, &p->onto, &p->head, cancel, ret, err);
}

static const char *state_of(const struct core_proposal *p, const struct core_merge_verdict *v)
{
    return v->way == CORE_MERGE_CONFLICT ? "conflicted" : scm_state_name(p->scm.state);
}

enum err_kind core_proposal_state(
    struct core *c,
    const struct core_proposal *p,
    const atomic_bool *cancel,
    const char **ret_state,
    struct err *err)
{
    struct core_merge_verdict verdict;
    enum err_kind r = judge(c, p, cancel, &verdict, err);
    if (r == ERR_OK)
        *ret_state = state_of(p, &verdict);
    return r;
}

/* --- JSON ------------------------------------------------------------------------------------------- */

static void member(struct buf *to, const char *key, const char *value)
{
    json_text_add_member(to, key, value != NULL && value[0] != '\0' ? value : NULL);
}

static void member_id(struct buf *to, const char *key, const struct repo_id *id)
{
    char hex[REPO_ID_HEX + 1];
    repo_id_hex(id, hex);
    member(to, key, repo_id_is_none(id) ? NULL : hex);
}

static void member_time(struct buf *to, const char *key, int64_t unix_s)
{
    char text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(unix_s, text);
    member(to, key, text);
}

static void write_object(struct buf *to, const struct core_object_id *o)
{
    const struct {
        const char *key;
        struct str value;
    } members[] = {
        {"group", o->group},
        {"version", o->version},
        {"kind", o->kind},
        {"namespace", o->ns},
        {"name", o->name}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        buf_printf(to, "%s\"%s\":", i == 0 ? "{" : ",", members[i].key);
        json_text_string(to, members[i].value);
    }
    buf_char(to, '}');
}

static void write_objects(const struct core_proposal *p, struct buf *to)
{
    buf_text(to, ",\"objects\":[");
    for (size_t i = 0; i < p->objects.count; i++) {
        buf_text(to, i == 0 ? "" : ",");
        write_object(to, &p->objects.items[i]);
    }
    buf_char(to, ']');
    if (p->objects.is_cut)
        buf_text(to, ",\"objectsCut\":true");
}

static void write_forge_members(const struct scm_proposal *p, struct buf *to)
{
    if (p->number > 0)
        buf_printf(to, ",\"number\":%llu", (unsigned long long)p->number);
    buf_printf(to, ",\"draft\":%s,\"labels\":[", p->is_draft ? "true" : "false");
    for (size_t i = 0; i < p->label_count; i++) {
        buf_text(to, i == 0 ? "" : ",");
        json_text_string(to, str_from(p->labels[i]));
    }
    buf_char(to, ']');
    member(to, "blocked", p->blocked);
}

static void write_verdict(const struct core_merge_verdict *v, struct buf *to)
{
    member(to, "merge", v->way == 0 ? NULL : core_merge_way_name(v->way));
    if (v->way == CORE_MERGE_CONFLICT)
        buf_printf(to, ",\"conflicts\":%s", v->causes[0] == '\0' ? "[]" : v->causes);
}

struct commits {
    struct buf *to;
    size_t count;
};

static bool write_commit(const struct repo_commit_info *info, void *data)
{
    struct commits *all = data;
    struct buf *to = all->to;
    char hex[REPO_ID_HEX + 1];
    autofree char *title = scm_one_line(str_from(info->message), TITLE_BYTES_MAX);
    repo_id_hex(&info->id, hex);
    buf_printf(to, "%s{\"commit\":\"%s\"", all->count++ == 0 ? "" : ",", hex);
    member_time(to, "time", info->author_unix_s);
    member(to, "author", info->author_name);
    member(to, "email", info->author_email);
    member(to, "message", title);
    buf_char(to, '}');
    return true;
}

static enum err_kind
write_commits(struct core *c, const struct core_proposal *p, struct buf *to, struct err *err)
{
    struct commits all = {.to = to};
    enum err_kind r = ERR_OK;
    member(to, "body", p->scm.body);
    buf_text(to, ",\"commits\":[");
    if (p->is_here && !repo_id_is_none(&p->fork))
        r = repo_log(c->repo, &p->head, &p->fork, COMMITS_MAX, write_commit, &all, err);
    buf_char(to, ']');
    return r;
}

static enum err_kind
write_diff(struct core *c, const struct core_proposal *p, struct buf *to, struct err *err)
{
    autobuf struct buf diff = {0};
    if (!p->is_here || repo_id_is_none(&p->base))
        return err_set(
            err, ERR_EXPIRED, "the commits of proposal '%s' are not in the repository", p->scm.id);
    enum err_kind r = repo_diff_text(c->repo, &p->base, &p->head, &diff, err);
    if (r != ERR_OK)
        return r;
    buf_text(to, ",\"diff\":");
    json_text_string(to, buf_view(&diff));
    return ERR_OK;
}

enum err_kind core_proposal_write(
    struct core *c,
    const struct core_proposal *p,
    const struct core_proposal_parts *parts,
    struct buf *to,
    struct err *err)
{
    struct core_merge_verdict verdict;
    enum err_kind r = judge(c, p, parts->cancel, &verdict, err);
    if (r != ERR_OK)
        return r;
    buf_printf(to, "{\"id\":\"%s\",\"state\":\"%s\"", p->scm.id, state_of(p, &verdict));
    member(to, "title", p->scm.title);
    member(to, "source", c->scm->driver->source);
    member(to, "url", p->scm.url);
    buf_printf(to, ",\"branch\":\"" SCM_BRANCH_PREFIX "%s\"", p->scm.id);
    member(to, "target", c->target_branch);
    member(to, "author", p->scm.author);
    member_time(to, "created", p->scm.created_unix_s);
    member(to, "head", p->scm.head);
    member_id(to, "base", &p->base);
    member(to, "merged", p->scm.merged);
    write_forge_members(&p->scm, to);
    write_verdict(&verdict, to);
    write_objects(p, to);
    if (parts->with_commits)
        r = write_commits(c, p, to, err);
    if (r == ERR_OK && parts->with_diff)
        r = write_diff(c, p, to, err);
    buf_char(to, '}');
    return r;
}
