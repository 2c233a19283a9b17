/*
 * The history of one object: along the first parents of a branch, newest first, the commits with another
 * version of it than the commit before. A page ends after `limit` of them, or after a second of looking.
 */
#include "base/clock.h"
#include "base/ids.h"
#include "base/mem.h"
#include "core/objects_of.h"
#include "core/version.h"
#include "scm/text.h"
#include "json/json.h"

#include <stdio.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 500
/* How long a page may take to look through commits. */
#define PAGE_MS 1000
#define TITLE_BYTES_MAX 200
/* Commits of a merged branch that are searched for the change. */
#define MERGED_MAX 100

/* A commit on the way whose version is known, and whose parent is looked at next. */
struct step {
    struct repo_id commit;
    bool is_root;
    struct core_version version;
};

struct walk {
    struct core *c;
    struct core_version_of of;
    size_t limit;
    int64_t until_ms;
    struct step at; /* state 0: at the start */
    bool is_paused; /* there is more behind `at` */
    size_t count;
    struct buf *to;
    enum err_kind result;
    struct err *err;
};

/* --- one entry ------------------------------------------------------------------------------------ */

/* Forges name the branch in the text of a merge: "Merge pull request #7 from team/cup/proposal/<id>". */
static struct str id_in_text(const char *message)
{
    struct str rest = str_from(message);
    ptrdiff_t at;
    while ((at = str_search(rest, STR(SCM_BRANCH_PREFIX))) >= 0) {
        rest = str_skip(rest, (size_t)at + strlen(SCM_BRANCH_PREFIX));
        if (id_is_valid(str_take(rest, ID_CHARS)))
            return str_take(rest, ID_CHARS);
    }
    return str_of(NULL, 0);
}

static struct str proposal_of(const struct repo_commit_info *info)
{
    struct str id = repo_trailer(info->message, "Cup-Proposal");
    if (id_is_valid(id))
        return id;
    return repo_id_is_none(&info->second_parent) ? str_of(NULL, 0) : id_in_text(info->message);
}

/* The change within what was merged: the newest commit that says so of the object, else the newest one
 * that is no merge itself (a proposal may have merged its target in). */
struct search {
    const struct walk *walk;
    struct repo_id newest;
    struct repo_id found;
};

static bool is_about(const struct repo_commit_info *info, const struct walk *w)
{
    const struct core_kind *k = &w->of.served->kind;
    struct core_objects objects = {0};
    const struct core_object_id wanted = {
        .group = str_from(k->group),
        .kind = str_from(k->kind),
        .ns = w->of.ns,
        .name = w->of.name,
    };
    core_objects_add_message(&objects, info->message);
    bool is = core_objects_has(&objects, &wanted);
    core_objects_deinit(&objects);
    return is;
}

static bool see_merged(const struct repo_commit_info *info, void *data)
{
    struct search *s = data;
    if (info->parent_count > 1)
        return true;
    if (repo_id_is_none(&s->newest))
        s->newest = info->id;
    if (is_about(info, s->walk))
        s->found = info->id;
    return repo_id_is_none(&s->found);
}

/* A merge is told of by what it merged: its author made the change, not who merged. */
static enum err_kind read_merged(
    struct walk *w,
    const struct repo_commit_info *commit,
    struct repo_commit_info *ret_change,
    struct err *err)
{
    struct search s = {.walk = w};
    struct repo_id fork;
    struct repo *repo = w->c->repo;
    if (repo_id_is_none(&commit->second_parent))
        return ERR_OK;
    enum err_kind r = repo_fork_point(repo, &commit->parent, &commit->second_parent, &fork, err);
    if (r == ERR_OK)
        r = repo_log(repo, &commit->second_parent, &fork, MERGED_MAX, see_merged, &s, err);
    if (r == ERR_NOT_FOUND)
        r = ERR_OK;
    const struct repo_id *id = !repo_id_is_none(&s.found) ? &s.found
        : !repo_id_is_none(&s.newest)                     ? &s.newest
                                                          : &commit->second_parent;
    return r == ERR_OK ? repo_commit_info(repo, id, ret_change, err) : r;
}

static void add_commit(
    struct buf *to, const struct repo_commit_info *commit, const struct repo_commit_info *change)
{
    char hex[REPO_ID_HEX + 1];
    char when[CLOCK_RFC3339_BYTES];
    repo_id_hex(&commit->id, hex);
    clock_rfc3339(commit->author_unix_s, when);
    json_text_add_member(to, "commit", hex);
    json_text_add_member(to, "time", when);
    json_text_add_member(to, "author", change->author_name);
    json_text_add_member(to, "email", change->author_email);
    autofree char *title = scm_one_line(str_from(change->message), TITLE_BYTES_MAX);
    json_text_add_member(to, "message", title);
    struct str id = proposal_of(commit);
    autofree char *proposal = id.n == 0 ? NULL : mem_strdup_str(id);
    json_text_add_member(to, "proposal", proposal);
}

/* A deletion is read where the object was last. */
static void
add_version(struct buf *to, const struct core_version *v, const struct repo_commit_info *commit)
{
    char hex[REPO_ID_HEX + 1];
    repo_id_hex(v->state == CORE_VERSION_ABSENT ? &commit->parent : &commit->id, hex);
    json_text_add_member(to, "etag", v->etag[0] == '\0' ? NULL : v->etag);
    json_text_add_member(to, "revision", hex);
    if (v->why != NULL)
        json_text_add_member(to, "error", v->why);
}

static const char *name_of_change(const struct core_version *before, const struct core_version *v)
{
    if (v->state == CORE_VERSION_UNREADABLE)
        return "broken";
    if (v->state == CORE_VERSION_ABSENT)
        return "deleted";
    return before->state == CORE_VERSION_ABSENT ? "created" : "changed";
}

static enum err_kind add_entry(struct walk *w, const struct core_version *before, struct err *err)
{
    struct repo_commit_info commit = {0};
    struct repo_commit_info merged = {0};
    enum err_kind r = repo_commit_info(w->c->repo, &w->at.commit, &commit, err);
    if (r == ERR_OK)
        r = read_merged(w, &commit, &merged, err);
    if (r == ERR_OK) {
        const char *change = name_of_change(before, &w->at.version);
        buf_printf(w->to, "%s{\"change\":\"%s\"", w->count++ > 0 ? "," : "", change);
        add_commit(w->to, &commit, merged.message != NULL ? &merged : &commit);
        add_version(w->to, &w->at.version, &commit);
        buf_char(w->to, '}');
        r = buf_check(w->to, "history", err);
    }
    repo_commit_info_deinit(&commit);
    repo_commit_info_deinit(&merged);
    return r;
}

/* --- the walk --------------------------------------------------------------------------------------- */

static bool is_page_full(const struct walk *w)
{
    return w->count >= w->limit || clock_monotonic_ms() > w->until_ms;
}

static enum err_kind version_at(
    struct walk *w, const struct repo_commit_info *info, struct core_version *ret, struct err *err)
{
    auto_vfs struct vfs *tree = NULL;
    struct repo_id root;
    enum err_kind r = repo_tree(w->c->repo, &info->id, &tree, &root, err);
    return r == ERR_OK ? core_version_at(&w->of, tree, &root, &w->at.version, ret, err) : r;
}

static enum err_kind step(struct walk *w, const struct repo_commit_info *info, struct err *err)
{
    struct core_version version = {0};
    enum err_kind r = version_at(w, info, &version, err);
    if (r == ERR_OK && w->at.version.state != 0 && !core_version_eq(&version, &w->at.version))
        r = add_entry(w, &version, err);
    core_version_deinit(&w->at.version);
    w->at = (struct step){info->id, info->parent_count == 0, version};
    return r;
}

/* At least one commit is got further, however little time there is. */
static bool see_commit(const struct repo_commit_info *info, void *data)
{
    struct walk *w = data;
    bool is_first = w->at.version.state == 0;
    w->result = step(w, info, w->err);
    w->is_paused = w->result == ERR_OK && !is_first && is_page_full(w);
    return w->result == ERR_OK && !w->is_paused;
}

/* The commit without parents made what it holds; where a shallow clone ends nobody knows who did. */
static enum err_kind finish(struct walk *w, struct err *err)
{
    static const struct core_version nothing = {.state = CORE_VERSION_ABSENT};
    if (!w->at.is_root || (w->is_paused && w->count >= w->limit))
        return ERR_OK;
    w->is_paused = false;
    return core_version_eq(&w->at.version, &nothing) ? ERR_OK : add_entry(w, &nothing, err);
}

static enum err_kind
walk_from(struct walk *w, const struct repo_id *from, struct buf *ret, struct err *err)
{
    w->to = ret;
    w->err = err;
    w->until_ms = clock_monotonic_ms() + PAGE_MS;
    buf_text(ret, "{\"items\":[");
    enum err_kind r = repo_log(w->c->repo, from, NULL, SIZE_MAX, see_commit, w, err);
    if (r == ERR_OK)
        r = w->result;
    if (r == ERR_OK)
        r = finish(w, err);
    buf_text(ret, "],\"metadata\":{");
    if (w->is_paused) {
        char hex[REPO_ID_HEX + 1];
        repo_id_hex(&w->at.commit, hex);
        buf_printf(ret, "\"continue\":\"%s\"", hex);
    }
    buf_text(ret, "}}\n");
    core_version_deinit(&w->at.version);
    return r == ERR_OK ? buf_check(ret, "history", err) : r;
}

/* The token is the commit that is gone on from. */
static enum err_kind start_of(
    struct core *c,
    struct core_snapshot *s,
    const struct core_read_options *o,
    const struct core_page *page,
    struct repo_id *ret,
    struct err *err)
{
    struct core_read_options from = *o;
    if (page->token.n == 0)
        return core_read_commit(c, s, o, ret, err);
    if (repo_id_parse(page->token, ret, NULL) != ERR_OK)
        return err_set(err, ERR_MALFORMED, "'continue' is not what an earlier page gave");
    from.proposal = str_of(NULL, 0);
    from.revision = page->token;
    return core_read_commit(c, s, &from, ret, err);
}

enum err_kind core_history(
    struct core *c,
    const struct core_target *t,
    const struct core_read_options *o,
    const struct core_page *page,
    struct buf *ret,
    struct err *err)
{
    if (core_wait_for_text(c, o->at_least, o->cancel, err) != ERR_OK)
        return err->kind;
    auto_snapshot struct core_snapshot *s = core_current(c);
    struct walk w = {
        .c = c,
        .of = {.cache = c->cache, .ns = t->ns, .name = t->name, .cancel = o->cancel},
        .limit = page->limit == 0 ? LIMIT_DEFAULT : page->limit,
    };
    struct repo_id from;
    enum err_kind r = core_find_served(s, t, &w.of.served, err);
    if (r == ERR_OK && w.limit > LIMIT_MAX)
        r = err_set(err, ERR_MALFORMED, "'limit' is at most %d", LIMIT_MAX);
    if (r == ERR_OK)
        r = start_of(c, s, o, page, &from, err);
    return r == ERR_OK ? walk_from(&w, &from, ret, err) : r;
}
