/* Proposals through the SCM driver, for api/ and cli/: listed page by page, shown, merged, closed. */
#include "base/clock.h"
#include "base/ids.h"
#include "base/mem.h"
#include "core/internal.h"
#include "core/merge.h"
#include "core/proposal_json.h"
#include "core/sync.h"
#include "repo/remote.h"
#include "json/json.h"

#include <stdio.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 500
/* How long a page may take to look at proposals. */
#define PAGE_MS 2000
#define MERGE_TRIES 5
/* Before it is tried again, the clone of a remote repository has to see what the remote has become. */
#define LOOK_AGAIN_MS 10000

static enum err_kind need_scm(const struct core *c, struct err *err)
{
    if (c->scm != NULL)
        return ERR_OK;
    return err_set(
        err, ERR_MALFORMED,
        "NotVersioned: a local directory has no proposals; serve a Git repository for that");
}

/* --- list ------------------------------------------------------------------------------------------- */

/* What is asked for, once it is understood. */
struct listing {
    struct core *c;
    const struct core_proposal_query *query;
    struct core_objects object; /* none: of any */
    size_t limit;
    int64_t after_unix_s; /* the place of the last one of the page before */
    const char *after_id; /* NULL: from the start */
    int64_t until_ms;
    size_t count;
    struct buf *to;
};

static enum err_kind read_token(struct listing *l, struct str token, struct err *err)
{
    uint64_t unix_s = 0;
    struct str number = token;
    if (token.n == 0)
        return ERR_OK;
    struct str time = str_cut(&number, '.');
    if (number.p == NULL || !id_is_valid(number) || !str_to_u64(time, &unix_s) ||
        unix_s > INT64_MAX)
        return err_set(err, ERR_MALFORMED, "'continue' is not what an earlier page gave");
    l->after_unix_s = (int64_t)unix_s;
    l->after_id = number.p;
    return ERR_OK;
}

/* group/version/plural/namespace/name */
static enum err_kind read_object(struct listing *l, struct str text, struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(l->c);
    const struct core_served *served;
    struct core_target t = {.name = text};
    if (text.n == 0)
        return ERR_OK;
    t.group = str_cut(&t.name, '/');
    t.version = str_cut(&t.name, '/');
    t.plural = str_cut(&t.name, '/');
    t.ns = str_cut(&t.name, '/');
    if (t.name.p == NULL)
        return err_set(
            err, ERR_MALFORMED, "'object' is written group/version/plural/namespace/name");
    enum err_kind r = core_find_served(s, &t, &served, err);
    if (r != ERR_OK)
        return r;
    autofree char *value =
        core_object_text(served->kind.group, served->kind.version, served->kind.kind, t.ns, t.name);
    core_objects_add(&l->object, str_from(value));
    return ERR_OK;
}

/* Newest first; of one second the greater id. */
static bool is_behind(const struct listing *l, const struct scm_proposal *p)
{
    if (l->after_id == NULL)
        return true;
    if (p->created_unix_s != l->after_unix_s)
        return p->created_unix_s < l->after_unix_s;
    return strncmp(p->id, l->after_id, SCM_ID_CHARS) < 0;
}

static bool may_be_wanted(const struct listing *l, const struct scm_proposal *p)
{
    switch (l->query->state) {
    case CORE_PROPOSALS_OPEN:
    case CORE_PROPOSALS_CONFLICTED:
        return p->state == SCM_OPEN;
    case CORE_PROPOSALS_MERGED:
        return p->state == SCM_MERGED;
    case CORE_PROPOSALS_CLOSED:
        return p->state == SCM_CLOSED;
    case CORE_PROPOSALS_ALL:
        return true;
    }
    return true;
}

static enum err_kind
is_wanted(struct listing *l, const struct core_proposal *p, bool *ret_is, struct err *err)
{
    const char *state = "";
    *ret_is = l->object.count == 0 || core_objects_has_any(&p->objects, &l->object);
    if (!*ret_is || l->query->state != CORE_PROPOSALS_CONFLICTED)
        return ERR_OK;
    enum err_kind r = core_proposal_state(l->c, p, l->query->cancel, &state, err);
    *ret_is = r == ERR_OK && strcmp(state, "conflicted") == 0;
    return r;
}

static enum err_kind add(struct listing *l, struct scm_proposal *take, struct err *err)
{
    auto_proposal struct core_proposal p = {0};
    const struct core_proposal_parts parts = {.cancel = l->query->cancel};
    bool is = false;
    enum err_kind r = core_proposal_look(l->c, take, &p, err);
    if (r == ERR_OK)
        r = is_wanted(l, &p, &is, err);
    if (r != ERR_OK || !is)
        return r;
    buf_text(l->to, l->count++ > 0 ? "," : "");
    return core_proposal_write(l->c, &p, &parts, l->to, err);
}

static bool is_page_full(const struct listing *l)
{
    return l->count >= l->limit || clock_monotonic_ms() > l->until_ms;
}

static enum err_kind write_page(struct listing *l, struct scm_proposals *list, struct err *err)
{
    enum err_kind r = ERR_OK;
    size_t looked = 0;
    char token[64] = "";
    buf_text(l->to, "{\"items\":[");
    for (size_t i = 0; i < list->count && r == ERR_OK; i++) {
        struct scm_proposal *p = &list->items[i];
        if (!is_behind(l, p) || !may_be_wanted(l, p))
            continue;
        if (looked++ > 0 && is_page_full(l)) {
            buf_printf(l->to, "],\"metadata\":{\"continue\":\"%s\"}}\n", token);
            return buf_check(l->to, "list of proposals", err);
        }
        snprintf(token, sizeof(token), "%lld.%s", (long long)p->created_unix_s, p->id);
        r = add(l, p, err);
    }
    buf_printf(l->to, "],\"metadata\":{%s}}\n", list->is_cut ? "\"cut\":true" : "");
    return r == ERR_OK ? buf_check(l->to, "list of proposals", err) : r;
}

enum err_kind core_proposals(
    struct core *c,
    const struct core_proposal_query *query,
    const struct core_page *page,
    struct buf *ret,
    struct err *err)
{
    bool with_ended =
        query->state != CORE_PROPOSALS_OPEN && query->state != CORE_PROPOSALS_CONFLICTED;
    struct listing l = {
        .c = c,
        .query = query,
        .limit = page->limit == 0 ? LIMIT_DEFAULT : page->limit,
        .until_ms = clock_monotonic_ms() + PAGE_MS,
        .to = ret,
    };
    struct scm_proposals list = {0};
    enum err_kind r = need_scm(c, err);
    if (r == ERR_OK && l.limit > LIMIT_MAX)
        r = err_set(err, ERR_MALFORMED, "'limit' is at most %d", LIMIT_MAX);
    if (r == ERR_OK)
        r = read_token(&l, page->token, err);
    if (r == ERR_OK)
        r = read_object(&l, query->object, err);
    if (r == ERR_OK)
        r = c->scm->driver->list(c->scm, with_ended, &list, err);
    if (r == ERR_OK)
        r = write_page(&l, &list, err);
    scm_proposals_deinit(&list);
    core_objects_deinit(&l.object);
    return r;
}

/* --- one of them ------------------------------------------------------------------------------------ */

/* Another cupd may have made it since the last look. */
static enum err_kind find(struct core *c, const char *id, struct scm_proposal *ret, struct err *err)
{
    enum err_kind r = c->scm->driver->show(c->scm, id, ret, err);
    return r == ERR_NOT_FOUND && core_look_again(c, NULL)
        ? c->scm->driver->show(c->scm, id, ret, err)
        : r;
}

/* The same before something is done to it: while it is open it has a branch. */
static enum err_kind meet(struct core *c, const char *id, struct err *err)
{
    autofree char *ref = mem_printf("refs/heads/" SCM_BRANCH_PREFIX "%s", id);
    struct repo_id head;
    enum err_kind r = core_need_source(c, NULL, err);
    if (r == ERR_OK && repo_ref_read(c->repo, ref, &head, NULL) == ERR_NOT_FOUND)
        (void)core_look_again(c, NULL);
    return r;
}

static enum err_kind
show(struct core *c, const char *id, bool with_diff, struct buf *ret, struct err *err)
{
    const struct core_proposal_parts parts = {.with_commits = true, .with_diff = with_diff};
    struct scm_proposal found = {0};
    auto_proposal struct core_proposal p = {0};
    enum err_kind r = find(c, id, &found, err);
    if (r == ERR_OK)
        r = core_proposal_look(c, &found, &p, err);
    if (r == ERR_OK)
        r = core_proposal_write(c, &p, &parts, ret, err);
    buf_char(ret, '\n');
    return r == ERR_OK ? buf_check(ret, "proposal", err) : r;
}

enum err_kind
core_proposal_show(struct core *c, struct str id, bool with_diff, struct buf *ret, struct err *err)
{
    autofree char *text = mem_strdup_str(id);
    enum err_kind r = need_scm(c, err);
    return r == ERR_OK ? show(c, text, with_diff, ret, err) : r;
}

/* What stands in the way of a look is said by what comes next. */
static void look_again(struct core *c)
{
    if (repo_is_remote(c->repo))
        (void)!core_sync_wait(c->sync, LOOK_AGAIN_MS, NULL, NULL);
}

/* The driver merges; what does not merge as text is made to, where that can be, and goes back to it. */
static enum err_kind merge(
    struct core *c,
    const char *id,
    const struct repo_person *author,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    enum err_kind r = ERR_OK;
    for (int i = 0; i < MERGE_TRIES; i++) {
        bool is_done = false;
        struct err why = {0};
        r = c->scm->driver->merge(c->scm, id, author->name, author->email, ret_commit, err);
        if (r != ERR_CONFLICT)
            return r;
        look_again(c);
        enum err_kind again = core_merge_again(c, id, author, &is_done, &why);
        if (again == ERR_CONFLICT && why.causes[0] == '\0')
            continue; /* something moved: look again */
        if (again != ERR_OK) {
            *err = why;
            return again;
        }
        if (!is_done)
            return r;
    }
    return r;
}

enum err_kind core_proposal_merge(
    struct core *c, struct str id, struct str requester, struct buf *ret, struct err *err)
{
    enum err_kind r = need_scm(c, err);
    if (r != ERR_OK)
        return r;
    autofree char *text = mem_strdup_str(id);
    autofree char *name = requester.n > 0 ? mem_strdup_str(requester) : NULL;
    const struct repo_person author = {name != NULL ? name : c->author_name, c->author_email};
    char commit[SCM_COMMIT_HEX + 1];
    r = meet(c, text, err);
    if (r == ERR_OK)
        r = merge(c, text, &author, commit, err);
    /* Seen by this server's own reads before it answers; it is merged even if that takes too long. */
    if (r == ERR_OK)
        (void)!core_wait_for_text(c, str_from(commit), NULL, NULL);
    return r == ERR_OK ? core_proposal_show(c, id, false, ret, err) : r;
}

enum err_kind core_proposal_close(struct core *c, struct str id, struct buf *ret, struct err *err)
{
    enum err_kind r = need_scm(c, err);
    if (r != ERR_OK)
        return r;
    autofree char *text = mem_strdup_str(id);
    r = meet(c, text, err);
    if (r == ERR_OK)
        r = c->scm->driver->close(c->scm, text, "", err);
    return r == ERR_OK ? core_proposal_show(c, id, false, ret, err) : r;
}
