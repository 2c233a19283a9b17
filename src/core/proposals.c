/* Proposals through the SCM driver, as JSON for api/ and cli/. */
#include "base/clock.h"
#include "base/mem.h"
#include "core/internal.h"
#include "core/merge.h"
#include "json/json.h"

static enum err_kind need_scm(const struct core *c, struct err *err)
{
    if (c->scm != NULL)
        return ERR_OK;
    return err_set(
        err, ERR_MALFORMED,
        "NotVersioned: a local directory has no proposals; serve a Git repository for that");
}

static void member(struct buf *to, const char *key, const char *value)
{
    buf_printf(to, ",\"%s\":", key);
    if (value == NULL || value[0] == '\0')
        buf_text(to, "null");
    else
        json_text_string(to, str_from(value));
}

/* "group/version/kind ns/name" of the head commit's trailer, as members of an object. */
static void write_object(struct buf *to, struct str trailer)
{
    struct str gvk = str_cut(&trailer, ' ');
    struct str group = str_cut(&gvk, '/');
    struct str version = str_cut(&gvk, '/');
    struct str ns = str_cut(&trailer, '/');
    const struct {
        const char *key;
        struct str value;
    } members[] = {
        {"group", group},
        {"version", version},
        {"kind", gvk},
        {"namespace", ns},
        {"name", trailer}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        buf_printf(to, "%s\"%s\":", i == 0 ? "{" : ",", members[i].key);
        json_text_string(to, members[i].value);
    }
    buf_char(to, '}');
}

static enum err_kind
write_objects(struct core *c, const struct scm_proposal *p, struct buf *to, struct err *err)
{
    struct repo_id head;
    struct repo_commit_info info = {0};
    enum err_kind r = repo_id_parse(str_from(p->head), &head, err);
    if (r == ERR_OK)
        r = repo_commit_info(c->repo, &head, &info, err);
    buf_text(to, ",\"objects\":[");
    if (r == ERR_OK) {
        struct str trailer = repo_trailer(info.message, "Cup-Object");
        if (trailer.p != NULL)
            write_object(to, trailer);
    }
    buf_char(to, ']');
    repo_commit_info_deinit(&info);
    return r;
}

static enum err_kind write_proposal(
    struct core *c, const struct scm_proposal *p, const char *diff, struct buf *to, struct err *err)
{
    char created[CLOCK_RFC3339_BYTES];
    clock_rfc3339(p->created_unix_s, created);
    buf_printf(to, "{\"id\":\"%s\",\"state\":\"%s\"", p->id, scm_state_name(p->state));
    member(to, "title", p->title);
    member(to, "source", c->scm->driver->source);
    member(to, "url", p->url);
    buf_printf(to, ",\"branch\":\"" SCM_BRANCH_PREFIX "%s\"", p->id);
    member(to, "target", c->target_branch);
    member(to, "author", p->author);
    member(to, "created", created);
    member(to, "head", p->head);
    member(to, "base", p->base);
    member(to, "merged", p->merged);
    enum err_kind r = write_objects(c, p, to, err);
    if (r == ERR_OK && diff != NULL) {
        buf_text(to, ",\"diff\":");
        json_text_string(to, str_from(diff));
    }
    buf_char(to, '}');
    return r;
}

enum err_kind core_proposals(struct core *c, bool with_ended, struct buf *ret, struct err *err)
{
    enum err_kind r = need_scm(c, err);
    if (r != ERR_OK)
        return r;
    struct scm_proposals list = {0};
    r = c->scm->driver->list(c->scm, with_ended, &list, err);
    buf_text(ret, "{\"items\":[");
    for (size_t i = 0; r == ERR_OK && i < list.count; i++) {
        if (i > 0)
            buf_char(ret, ',');
        r = write_proposal(c, &list.items[i], NULL, ret, err);
    }
    buf_text(ret, "]}\n");
    scm_proposals_deinit(&list);
    return r == ERR_OK ? buf_check(ret, "list of proposals", err) : r;
}

static enum err_kind
diff_of(struct core *c, const struct scm_proposal *p, struct buf *ret, struct err *err)
{
    struct repo_id base;
    struct repo_id head;
    enum err_kind r = repo_id_parse(str_from(p->base), &base, err);
    if (r == ERR_OK)
        r = repo_id_parse(str_from(p->head), &head, err);
    if (r == ERR_OK)
        r = repo_diff_text(c->repo, &base, &head, ret, err);
    return r;
}

enum err_kind
core_proposal_show(struct core *c, struct str id, bool with_diff, struct buf *ret, struct err *err)
{
    enum err_kind r = need_scm(c, err);
    if (r != ERR_OK)
        return r;
    struct scm_proposal p = {0};
    autofree char *text = mem_strdup_str(id);
    autobuf struct buf diff = {0};
    r = c->scm->driver->show(c->scm, text, &p, err);
    if (r == ERR_OK && with_diff)
        r = diff_of(c, &p, &diff, err);
    if (r == ERR_OK)
        r = write_proposal(c, &p, with_diff ? buf_view(&diff).p : NULL, ret, err);
    buf_char(ret, '\n');
    scm_proposal_deinit(&p);
    return r == ERR_OK ? buf_check(ret, "proposal", err) : r;
}

#define MERGE_TRIES 5

/* The driver merges; what does not merge as text is made to, where that can be, and goes back to it. */
static enum err_kind merge(
    struct core *c,
    const char *id,
    const char *author,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    enum err_kind r = ERR_OK;
    for (int i = 0; i < MERGE_TRIES; i++) {
        bool is_done = false;
        struct err why = {0};
        r = c->scm->driver->merge(c->scm, id, author, "cup@flipt.io", ret_commit, err);
        if (r != ERR_CONFLICT)
            return r;
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
    autofree char *author = requester.n > 0 ? mem_strdup_str(requester) : mem_strdup("cup");
    char commit[SCM_COMMIT_HEX + 1];
    r = core_need_source(c, NULL, err);
    if (r == ERR_OK)
        r = merge(c, text, author, commit, err);
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
    r = core_need_source(c, NULL, err);
    if (r == ERR_OK)
        r = c->scm->driver->close(c->scm, text, err);
    return r == ERR_OK ? core_proposal_show(c, id, false, ret, err) : r;
}
