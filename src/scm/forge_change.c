/* What changes a forge's requests: each step is such that the same call, made again after it was cut off
 * anywhere, finds what is there and goes on from it. */
#include "base/mem.h"
#include "scm/forge.h"
#include "scm/text.h"

#include <stdio.h>

enum { OPEN_TRIES = 3, MERGE_TRIES = 4, LOOKS_MAX = 12, BODY_MAX = 60000 };

static enum err_kind not_open(const char *id, enum scm_state state, struct err *err)
{
    return err_set(
        err, ERR_INVALID, "proposal '%s' is not open: it was %s already", id,
        scm_state_name(state));
}

/* --- create ------------------------------------------------------------------------------------------- */

static void text_deinit(struct forge_text *t)
{
    free(t->title);
    free(t->body);
}
#define auto_text CLEANUP(text_deinit)

static struct forge_text text_of(const struct forge *f, const struct scm_new *n, bool is_draft)
{
    size_t room = f->kind->title_max - strlen(f->kind->draft_prefix) - strlen("…");
    autofree char *title = scm_one_line(str_from(n->title), room);
    return (struct forge_text){
        .title = mem_printf("%s%s", is_draft ? f->kind->draft_prefix : "", title),
        .body = scm_body(str_from(n->body == NULL ? "" : n->body), BODY_MAX),
    };
}

static bool has_label(const struct scm_proposal *p, const char *label)
{
    for (size_t i = 0; i < p->label_count; i++)
        if (str_eq_nocase(str_from(p->labels[i]), str_from(label)))
            return true;
    return false;
}

/* Those that are missing: what people took off by hand comes back, what they added stays. */
static enum err_kind add_labels(
    struct forge *f,
    struct scm_call *c,
    const struct scm_new *n,
    const struct scm_proposal *there,
    struct err *err)
{
    size_t wanted = 0;
    size_t count = 0;
    while (n->labels != NULL && n->labels[wanted] != NULL)
        wanted++;
    autofree const char **missing = mem_alloc((wanted + 1) * sizeof(*missing));
    for (size_t i = 0; i < wanted; i++)
        if (!has_label(there, n->labels[i]))
            missing[count++] = n->labels[i];
    if (count == 0)
        return ERR_OK;
    enum err_kind r = f->kind->label(f, c, there->number, missing, err);
    return r == ERR_OK ? r : err_wrap(err, "the labels of proposal '%s'", n->id);
}

static enum err_kind bring_up_to_date(
    struct forge *f,
    struct scm_call *c,
    const struct scm_new *n,
    const struct scm_proposal *there,
    struct err *err)
{
    auto_text struct forge_text text = text_of(f, n, there->is_draft);
    const char *title = text.title + (there->is_draft ? strlen(f->kind->draft_prefix) : 0);
    bool is_same = strcmp(title, there->title) == 0 && strcmp(text.body, there->body) == 0;
    enum err_kind r = is_same ? ERR_OK : f->kind->edit(f, c, there->number, &text, err);
    return r == ERR_OK ? add_labels(f, c, n, there, err) : r;
}

/* EXISTS: look again. */
static enum err_kind open_or_update(
    struct forge *f,
    struct scm_call *c,
    const struct scm_new *n,
    struct forge_view *v,
    struct err *err)
{
    enum err_kind r = f->kind->find(f, c, n->id, v, err);
    if (r != ERR_OK)
        return r;
    if (v->proposal.state == SCM_OPEN)
        return bring_up_to_date(f, c, n, &v->proposal, err);
    if (v->proposal.state != 0)
        return err_set(
            err, ERR_CONFLICT, "proposal '%s' was %s meanwhile", n->id,
            scm_state_name(v->proposal.state));
    auto_text struct forge_text text = text_of(f, n, n->is_draft);
    r = f->kind->open(f, c, n, &text, v, err);
    return r == ERR_OK ? add_labels(f, c, n, &v->proposal, err) : r;
}

enum err_kind forge_create(struct scm *s, const struct scm_new *n, char **ret_url, struct err *err)
{
    struct forge *f = (struct forge *)s;
    struct scm_call call = scm_call_begin(&f->rest);
    enum err_kind r = forge_check_id(n->id, err);
    for (unsigned tries = 1; r == ERR_OK; tries++) {
        auto_forge_view struct forge_view v = {0};
        r = open_or_update(f, &call, n, &v, err);
        if (r == ERR_OK)
            *ret_url = steal(&v.proposal.url);
        if (r != ERR_EXISTS)
            return r;
        struct err late;
        if (tries == OPEN_TRIES || scm_call_pause(&call, tries, &late) != ERR_OK)
            return err_as(err, ERR_FAILED);
        r = ERR_OK;
    }
    return r;
}

/* --- the branch behind it --------------------------------------------------------------------------------- */

/* Where the branch stands, "" for nowhere. */
static enum err_kind
read_branch(const struct forge *f, const char *id, char ret[SCM_COMMIT_HEX + 1], struct err *err)
{
    autofree char *name = mem_printf("refs/heads/" SCM_BRANCH_PREFIX "%s", id);
    return f->git->read_ref(f->git->context, name, ret, err);
}

/* CONFLICT: it stands elsewhere. */
static enum err_kind
drop_branch_at(const struct forge *f, const char *id, const char *head, struct err *err)
{
    autofree char *name = mem_printf("refs/heads/" SCM_BRANCH_PREFIX "%s", id);
    const char *const updates[][3] = {{name, head, ""}};
    return f->git->update_refs(f->git->context, updates, ARRAY_LEN(updates), err);
}

static enum err_kind
drop_branch(const struct forge *f, const char *id, const char *head, struct err *err)
{
    enum err_kind r = drop_branch_at(f, id, head, err);
    return r == ERR_CONFLICT ? ERR_OK : r; /* somebody else dropped it, or went on with it */
}

/* After the request has ended, which is what counts: what fails here is left to the next call. */
static void tidy_up(const struct forge *f, const char *id, const char *head)
{
    char at[SCM_COMMIT_HEX + 1];
    struct err ignored;
    if (read_branch(f, id, at, &ignored) == ERR_OK && strcmp(at, head) == 0)
        (void)!drop_branch(f, id, head, &ignored);
}

/* Is there a branch left of a request that has ended, as a call that was cut short leaves it? */
static bool is_left(const struct forge *f, const struct scm_proposal *p)
{
    char at[SCM_COMMIT_HEX + 1];
    struct err ignored;
    return read_branch(f, p->id, at, &ignored) == ERR_OK && at[0] != '\0' &&
        strcmp(at, p->head) == 0;
}

/* --- merge ------------------------------------------------------------------------------------------------ */

struct merging {
    struct forge *forge;
    struct scm_call call;
    const char *id;
    const char *requester;
    char head
        [SCM_COMMIT_HEX + 1]; /* what is merged; a commit that comes in between is not slipped in */
    struct forge_view view;   /* as last seen */
    enum err_kind outcome;    /* of the last try */
};

static enum err_kind look(struct merging *m, struct err *err)
{
    const struct forge_kind *kind = m->forge->kind;
    uint64_t number = m->view.proposal.number;
    forge_view_deinit(&m->view);
    enum err_kind r = kind->detail != NULL && number != 0
        ? kind->detail(m->forge, &m->call, number, &m->view, err)
        : kind->find(m->forge, &m->call, m->id, &m->view, err);
    if (r == ERR_OK && m->view.proposal.state == 0)
        return err_set(err, ERR_NOT_FOUND, "no proposal '%s'", m->id);
    return r;
}

static enum err_kind send_merge(struct merging *m, struct err *err)
{
    const struct scm_proposal *p = &m->view.proposal;
    autofree char *title = mem_printf("Merge proposal %s: %s", m->id, p->title);
    autofree char *requester = scm_one_line(str_from(m->requester), 200);
    autofree char *body = requester[0] == '\0'
        ? mem_printf("Cup-Proposal: %s", m->id)
        : mem_printf("Cup-Proposal: %s\nCup-Requester: %s", m->id, requester);
    return m->forge->kind->merge(m->forge, &m->call, p, title, body, err);
}

static enum err_kind refuse(const struct merging *m, enum err_kind as, struct err *err)
{
    const char *blocked = m->view.proposal.blocked;
    err_as(err, as);
    if (blocked != NULL)
        return err_wrap(err, "proposal '%s' cannot be merged yet: %s", m->id, blocked);
    return err_wrap(err, "proposal '%s' cannot be merged", m->id);
}

/* What to make of a try, whose error is in err, now that the request was looked at again: EXISTS means
 * try again, which its head guards. */
static enum err_kind weigh(const struct merging *m, struct err *err)
{
    enum err_kind outcome = m->outcome;
    const struct forge_view *v = &m->view;
    if (v->proposal.state == SCM_MERGED)
        return ERR_OK;
    if (v->proposal.state == SCM_CLOSED)
        return not_open(m->id, v->proposal.state, err);
    if (strcmp(v->proposal.head, m->head) != 0)
        return err_set(
            err, ERR_CONFLICT, "proposal '%s' was changed while it was merged: look at it again",
            m->id);
    if (outcome == ERR_OK) /* carried out, but not to be seen yet */
        return err_set(
            err, ERR_EXISTS, "%s merged proposal '%s', but still shows it as open",
            m->call.rest->forge, m->id);
    if (v->merging == FORGE_MERGING_CONFLICT)
        return refuse(m, ERR_CONFLICT, err);
    if (v->merging == FORGE_MERGING_BLOCKED || outcome == ERR_DENIED)
        return refuse(m, ERR_DENIED, err);
    return ERR_EXISTS; /* a lost answer, a target that moved, a forge that is still looking */
}

/* Wait until what was carried out is to be seen; the forges merge in the background. */
static enum err_kind await_merged(struct merging *m, struct err *err)
{
    enum err_kind r = ERR_EXISTS;
    for (unsigned looks = 1; r == ERR_EXISTS && looks < LOOKS_MAX; looks++) {
        r = look(m, err);
        if (r == ERR_OK)
            r = weigh(m, err);
        struct err late;
        if (r == ERR_EXISTS && scm_call_pause(&m->call, looks, &late) != ERR_OK)
            break;
    }
    return r == ERR_EXISTS ? err_as(err, ERR_UNAVAILABLE) : r;
}

static enum err_kind merge_once(struct merging *m, struct err *err)
{
    m->outcome = send_merge(m, err);
    if (m->outcome == ERR_OK)
        return await_merged(m, err);
    struct err about_look;
    if (look(m, &about_look) != ERR_OK)
        return err_wrap(err, "merging proposal '%s'", m->id);
    return weigh(m, err);
}

static enum err_kind give_up(const struct merging *m, struct err *err)
{
    if (m->view.merging == FORGE_MERGING_CHECKING)
        return refuse(m, ERR_UNAVAILABLE, err);
    if (m->view.merging == FORGE_MERGING_CANNOT) {
        err_wrap(err, "most likely it conflicts with '%s'", m->forge->target);
        return refuse(m, ERR_CONFLICT, err);
    }
    return refuse(m, m->outcome, err);
}

static enum err_kind merge_open(struct merging *m, struct err *err)
{
    enum err_kind r = ERR_EXISTS;
    memcpy(m->head, m->view.proposal.head, sizeof(m->head));
    for (unsigned tries = 1; r == ERR_EXISTS; tries++) {
        r = merge_once(m, err);
        struct err late;
        if (r == ERR_EXISTS &&
            (tries == MERGE_TRIES || scm_call_pause(&m->call, tries, &late) != ERR_OK))
            return give_up(m, err);
    }
    return r;
}

static enum err_kind merge_found(struct merging *m, struct err *err)
{
    const struct scm_proposal *p = &m->view.proposal;
    if (p->state == SCM_OPEN)
        return merge_open(m, err);
    /* merged by a call that did not get to the end, or to its caller: this one is its repetition */
    return p->state == SCM_MERGED && is_left(m->forge, p) ? ERR_OK : not_open(m->id, p->state, err);
}

enum err_kind forge_merge(
    struct scm *s,
    const char *id,
    const char *author_name,
    const char *author_email,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    struct forge *f = (struct forge *)s;
    struct merging m = {
        .forge = f, .call = scm_call_begin(&f->rest), .id = id, .requester = author_name};
    (void)author_email; /* the forge's commit is by whom the token belongs to */
    enum err_kind r = forge_check_id(id, err);
    if (r == ERR_OK)
        r = look(&m, err);
    if (r == ERR_OK)
        r = merge_found(&m, err);
    if (r == ERR_OK) {
        memcpy(ret_commit, m.view.proposal.merged, SCM_COMMIT_HEX + 1);
        tidy_up(f, id, m.view.proposal.head);
    }
    forge_view_deinit(&m.view);
    return r;
}

/* --- close ------------------------------------------------------------------------------------------------ */

/* A branch whose request could never be opened goes as well. */
static enum err_kind close_unopened(const struct forge *f, const char *id, struct err *err)
{
    char head[SCM_COMMIT_HEX + 1];
    enum err_kind r = read_branch(f, id, head, err);
    if (r == ERR_OK && head[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "no proposal '%s'", id);
    return r == ERR_OK ? drop_branch(f, id, head, err) : r;
}

/* With a head said, the branch goes first: that is the one step that a later commit makes impossible. */
static enum err_kind close_found(
    struct forge *f,
    struct scm_call *c,
    const struct scm_proposal *p,
    const char *head,
    struct err *err)
{
    if (p->state == SCM_OPEN) {
        enum err_kind r = head[0] != '\0' ? drop_branch_at(f, p->id, head, err) : ERR_OK;
        if (r == ERR_OK)
            r = f->kind->close(f, c, p->number, err);
        if (r == ERR_OK)
            tidy_up(f, p->id, p->head);
        return r;
    }
    if (p->state == SCM_CLOSED && is_left(f, p))
        return drop_branch(f, p->id, p->head, err);
    return not_open(p->id, p->state, err);
}

enum err_kind forge_close(struct scm *s, const char *id, const char *head, struct err *err)
{
    struct forge *f = (struct forge *)s;
    struct scm_call call = scm_call_begin(&f->rest);
    auto_forge_view struct forge_view v = {0};
    enum err_kind r = forge_check_id(id, err);
    if (r == ERR_OK)
        r = f->kind->find(f, &call, id, &v, err);
    if (r != ERR_OK)
        return r;
    return v.proposal.state == 0 ? close_unopened(f, id, err)
                                 : close_found(f, &call, &v.proposal, head, err);
}
