/*
 * Plain git: proposals as branches of the repository itself. Whatever moves is one compare-and-swap of
 * refs, ordered so that a crash between two of them leaves something the next call finishes.
 */
#include "scm/plain.h"

#include "base/mem.h"

#include <stdio.h>

#define TRIES 5

static struct plain *plain_of(struct scm *s)
{
    return (struct plain *)s;
}

static enum err_kind
plain_open(const struct scm_options *options, struct scm **ret, struct err *err)
{
    struct str url = str_from(options->self_url);
    while (str_ends(url, STR("/")))
        url.n--;
    if (options->target_branch == NULL || options->target_branch[0] == '\0')
        return err_set(err, ERR_INVALID, "the target branch of proposals is not set");
    struct plain *p = mem_new(struct plain);
    p->scm.driver = &scm_plain;
    p->git = options->git;
    p->target_ref = mem_printf("refs/heads/%s", options->target_branch);
    p->self_url = mem_strdup_str(url);
    *ret = &p->scm;
    return ERR_OK;
}

static void plain_free(struct scm *s)
{
    struct plain *p = plain_of(s);
    if (p == NULL)
        return;
    free(p->target_ref);
    free(p->self_url);
    free(p);
}

/* The branch is the proposal: there is only to see that it is there. */
static enum err_kind
plain_create(struct scm *s, const struct scm_new *proposal, char **ret_url, struct err *err)
{
    struct plain *p = plain_of(s);
    struct plain_place place;
    enum err_kind r = plain_find(p, proposal->id, &place, err);
    if (r == ERR_OK && place.state != SCM_OPEN)
        return err_set(
            err, ERR_CONFLICT, "proposal '%s' was %s meanwhile", proposal->id,
            scm_state_name(place.state));
    if (r == ERR_OK)
        *ret_url = plain_url(p, proposal->id);
    return r;
}

static enum err_kind
plain_state(struct scm *s, const char *id, enum scm_state *ret, struct err *err)
{
    struct plain_place place = {0};
    enum err_kind r = plain_find(plain_of(s), id, &place, err);
    *ret = place.state;
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static enum err_kind
plain_show(struct scm *s, const char *id, struct scm_proposal *ret, struct err *err)
{
    struct plain *p = plain_of(s);
    struct plain_place place;
    enum err_kind r = plain_find(p, id, &place, err);
    return r == ERR_OK ? plain_describe(p, id, &place, ret, err) : r;
}

static enum err_kind
plain_list_op(struct scm *s, bool with_ended, struct scm_proposals *ret, struct err *err)
{
    return plain_list(plain_of(s), with_ended, ret, err);
}

static enum err_kind not_open(const char *id, enum scm_state state, struct err *err)
{
    return err_set(
        err, ERR_INVALID, "proposal '%s' is not open: it was %s already", id,
        scm_state_name(state));
}

/* --- merge ------------------------------------------------------------------------------------------ */

struct merging {
    struct plain *plain;
    const char *id;
    const char *author_name;
    const char *author_email;
    char
        head[SCM_COMMIT_HEX + 1]; /* what the caller decided to merge; empty before the first try */
    char merged[SCM_COMMIT_HEX + 1];
};

/* The title is one line, so nobody's text can stand where the trailer does. */
static enum err_kind
merge_message(struct merging *m, const struct plain_place *place, char **ret, struct err *err)
{
    struct scm_proposal shown;
    enum err_kind r = plain_describe(m->plain, m->id, place, &shown, err);
    if (r != ERR_OK)
        return r;
    *ret =
        mem_printf("Merge proposal %s: %s\n\n" PLAIN_TRAILER ": %s\n", m->id, shown.title, m->id);
    scm_proposal_deinit(&shown);
    return ERR_OK;
}

/* Target first: were the branch gone and the target not moved, the proposal would be lost. */
static enum err_kind swap_refs(struct merging *m, const struct plain_place *place, struct err *err)
{
    const struct scm_git *git = m->plain->git;
    autofree char *branch = mem_printf(PLAIN_HEADS "%s", m->id);
    const char *const updates[][3] = {
        {m->plain->target_ref, place->onto, m->merged},
        {branch, place->head, ""},
    };
    enum err_kind r = git->update_refs(git->context, updates, ARRAY_LEN(updates), err);
    if (r == ERR_OK)
        return r;
    /* it failed behind the first one: the merge stands, and the branch goes with the next call */
    char now[SCM_COMMIT_HEX + 1];
    struct err ignored;
    bool is_done = git->read_ref(git->context, m->plain->target_ref, now, &ignored) == ERR_OK &&
        strcmp(now, m->merged) == 0;
    return is_done ? ERR_OK : r;
}

static enum err_kind drop_branch(struct plain *p, const char *id, const char *head, struct err *err)
{
    autofree char *branch = mem_printf(PLAIN_HEADS "%s", id);
    const char *const updates[][3] = {{branch, head, ""}};
    return p->git->update_refs(p->git->context, updates, ARRAY_LEN(updates), err);
}

/* What is merged is what was looked at: a commit that came in between is not slipped in. */
static enum err_kind check_head(struct merging *m, const struct plain_place *place, struct err *err)
{
    if (m->head[0] == '\0')
        memcpy(m->head, place->head, sizeof(m->head));
    if (strcmp(m->head, place->head) == 0)
        return ERR_OK;
    return err_set(
        err, ERR_CONFLICT, "proposal '%s' was changed while it was merged: look at it again",
        m->id);
}

static enum err_kind
merge_once(struct merging *m, const struct plain_place *place, bool *ret_is_race, struct err *err)
{
    const struct scm_git *git = m->plain->git;
    autofree char *message = NULL;
    if (place->onto[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "the target branch '%s' is gone", m->plain->target_ref);
    enum err_kind r = check_head(m, place, err);
    if (r == ERR_OK)
        r = merge_message(m, place, &message, err);
    if (r == ERR_OK)
        r = git->merge(
            git->context, place->onto, place->head, message, m->author_name, m->author_email,
            m->merged, err);
    if (r != ERR_OK)
        return r == ERR_CONFLICT ? err_wrap(err, "proposal '%s' cannot be merged", m->id) : r;
    r = swap_refs(m, place, err);
    *ret_is_race = r == ERR_CONFLICT;
    return r;
}

/* Merged by a call that did not get to the end, or to its caller: then this one is its repetition. */
static enum err_kind
finish_merge(struct merging *m, const struct plain_place *place, struct err *err)
{
    memcpy(m->merged, place->merged, sizeof(m->merged));
    enum err_kind r = drop_branch(m->plain, m->id, place->head, err);
    return r == ERR_CONFLICT ? ERR_OK : r; /* somebody else dropped it */
}

static enum err_kind plain_merge(
    struct scm *s,
    const char *id,
    const char *author_name,
    const char *author_email,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    struct merging m = {
        .plain = plain_of(s), .id = id, .author_name = author_name, .author_email = author_email};
    bool is_race = true;
    enum err_kind r = ERR_OK;
    for (int i = 0; i < TRIES && is_race; i++) {
        struct plain_place place;
        is_race = false;
        r = plain_find(m.plain, id, &place, err);
        if (r != ERR_OK)
            return r;
        if (place.state == SCM_OPEN)
            r = merge_once(&m, &place, &is_race, err);
        else if (place.has_branch)
            r = finish_merge(&m, &place, err);
        else if (place.state == SCM_MERGED && strcmp(place.merged, m.merged) == 0)
            break; /* by this very call, whose answer was lost */
        else
            return not_open(id, place.state, err);
    }
    if (r == ERR_OK)
        memcpy(ret_commit, m.merged, sizeof(m.merged));
    return r;
}

/* --- close ------------------------------------------------------------------------------------------ */

/* The closed ref may be there from an earlier time, or from a call that did not get to the end. */
static enum err_kind
move_to_closed(struct plain *p, const char *id, const struct plain_place *place, struct err *err)
{
    autofree char *branch = mem_printf(PLAIN_HEADS "%s", id);
    autofree char *closed = mem_printf(PLAIN_CLOSED "%s", id);
    char before[SCM_COMMIT_HEX + 1];
    enum err_kind r = p->git->read_ref(p->git->context, closed, before, err);
    if (r != ERR_OK)
        return r;
    autofree char *message =
        mem_printf("Close proposal %s\n\n" SCM_CLOSED_TRAILER ": %s\n", id, id);
    char marked[SCM_COMMIT_HEX + 1];
    r = p->git->mark(p->git->context, place->head, message, marked, err);
    if (r != ERR_OK)
        return r;
    const char *const updates[][3] = {
        {closed, before, marked},
        {branch, place->head, ""},
    };
    return p->git->update_refs(p->git->context, updates, ARRAY_LEN(updates), err);
}

static enum err_kind plain_close(struct scm *s, const char *id, const char *head, struct err *err)
{
    struct plain *p = plain_of(s);
    struct plain_place place;
    enum err_kind r = plain_find(p, id, &place, err);
    if (r != ERR_OK)
        return r;
    if (place.state != SCM_OPEN)
        return not_open(id, place.state, err);
    if (head[0] != '\0' && strcmp(head, place.head) != 0)
        return err_set(err, ERR_CONFLICT, "proposal '%s' was changed meanwhile", id);
    return move_to_closed(p, id, &place, err);
}

const struct scm_driver scm_plain = {
    .name = "plain",
    .source = "git",
    .open = plain_open,
    .free = plain_free,
    .create = plain_create,
    .list = plain_list_op,
    .state = plain_state,
    .show = plain_show,
    .merge = plain_merge,
    .close = plain_close,
};
