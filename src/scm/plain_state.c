/*
 * The proposals of a repository, read from what Git has of them: an open one is a branch, a closed one
 * a ref of ours, a merged one a merge commit on the target whose trailer names it. Nothing is kept
 * besides, so several servers over one repository agree.
 */
#include "scm/plain.h"

#include "base/ids.h"
#include "base/mem.h"
#include "scm/text.h"

#include <stdio.h>

#define PROPOSALS_MAX 10000
#define TITLE_BYTES_MAX 200

char *plain_url(const struct plain *p, const char *id)
{
    return mem_printf("%s/apis/cup.flipt.io/v1alpha1/proposals/%s", p->self_url, id);
}

static void copy_commit(char ret[SCM_COMMIT_HEX + 1], const char *commit)
{
    snprintf(ret, SCM_COMMIT_HEX + 1, "%s", commit);
}

/* --- merged ones: the target's log ------------------------------------------------------------------ */

/* The value of our trailer, which stands in the last paragraph; empty without one. */
static struct str proposal_of(const char *message)
{
    struct str found = str_of("", 0);
    bool is_after_blank = false;
    for (struct str rest = str_from(message); rest.p != NULL;) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.n > 0 && is_after_blank)
            found = str_of("", 0);
        if (str_starts(line, STR(PLAIN_TRAILER ":")))
            found = str_trim(str_skip(line, sizeof(PLAIN_TRAILER)));
        is_after_blank = line.n == 0;
    }
    return id_is_valid(found) ? found : str_of("", 0);
}

struct merged {
    char id[SCM_ID_CHARS + 1];
    struct plain_place place;
};
struct merges {
    const char *only; /* the id that is wanted; NULL: all */
    struct merged *items;
    size_t count;
    size_t cap;
    size_t awaiting; /* how many of the last ones wait for their first parent: 0 or 1 */
};

static void merges_cleanup(struct merges *m)
{
    free(m->items);
}
#define auto_merges CLEANUP(merges_cleanup)

static const struct merged *find_merged(const struct merges *m, const char *id)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->items[i].id, id) == 0)
            return &m->items[i];
    return NULL;
}

/* The commit behind a merge in a walk along first parents is its first parent: where the target stood. */
static bool see_commit(
    const char *commit,
    const char *message,
    const char *author,
    int64_t unix_s,
    const char *second_parent,
    void *data)
{
    struct merges *m = data;
    (void)author;
    (void)unix_s;
    if (m->awaiting > 0)
        copy_commit(m->items[m->count - 1].place.onto, commit);
    m->awaiting = 0;
    if (m->only != NULL && m->count > 0)
        return false;
    struct str id = proposal_of(message);
    if (id.n == 0 || second_parent[0] == '\0' || (m->only != NULL && !str_eqz(id, m->only)))
        return true;
    struct merged it = {.place = {.state = SCM_MERGED}};
    memcpy(it.id, id.p, SCM_ID_CHARS);
    copy_commit(it.place.head, second_parent);
    copy_commit(it.place.merged, commit);
    mem_grow(&m->items, m->count, &m->cap);
    m->items[m->count++] = it;
    m->awaiting = 1;
    return true;
}

/* A merge at the very end of the walk lacks its first parent and is left out. */
static enum err_kind
read_merges(struct plain *p, const char *target, struct merges *m, struct err *err)
{
    if (target[0] == '\0')
        return ERR_OK;
    enum err_kind r = p->git->log(p->git->context, target, PLAIN_LOG_MAX + 1, see_commit, m, err);
    m->count -= m->awaiting;
    m->awaiting = 0;
    return r;
}

/* --- one of them ------------------------------------------------------------------------------------- */

static enum err_kind
read_ref(struct plain *p, const char *prefix, const char *id, char *ret, struct err *err)
{
    autofree char *name = mem_printf("%s%s", prefix, id);
    return p->git->read_ref(p->git->context, name, ret, err);
}

/* An empty base is what two histories without a common commit have. */
static enum err_kind
common_base(struct plain *p, const char *onto, const char *head, char *ret, struct err *err)
{
    ret[0] = '\0';
    if (onto[0] == '\0')
        return ERR_OK;
    enum err_kind r = p->git->merge_base(p->git->context, onto, head, ret, err);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

/* A branch whose head the target has already, by a merge of ours: what is left of a merge that was cut
 * short between the two refs. Only then the log is looked through. */
static enum err_kind check_leftover(
    struct plain *p,
    const char *id,
    const struct merges *known,
    struct plain_place *place,
    struct err *err)
{
    char base[SCM_COMMIT_HEX + 1];
    auto_merges struct merges own = {.only = id};
    enum err_kind r = common_base(p, place->onto, place->head, base, err);
    if (r != ERR_OK || strcmp(base, place->head) != 0)
        return r;
    if (known == NULL) {
        r = read_merges(p, place->onto, &own, err);
        known = &own;
    }
    const struct merged *it = r == ERR_OK ? find_merged(known, id) : NULL;
    if (it != NULL && strcmp(it->place.head, place->head) == 0) {
        *place = it->place;
        place->has_branch = true;
    }
    return r;
}

/* What a closed ref stands at says that it was closed; the proposal's head lies behind it. One without
 * that is the head itself. */
struct closed {
    char head[SCM_COMMIT_HEX + 1];
    size_t count;
};

static bool see_mark(
    const char *commit,
    const char *message,
    const char *author,
    int64_t unix_s,
    const char *second_parent,
    void *data)
{
    struct closed *c = data;
    (void)author;
    (void)unix_s;
    (void)second_parent;
    copy_commit(c->head, commit);
    return c->count++ == 0 && strstr(message, "\n" SCM_CLOSED_TRAILER ": ") != NULL;
}

static enum err_kind
closed_head(struct plain *p, const char *at, char ret[SCM_COMMIT_HEX + 1], struct err *err)
{
    struct closed c = {.count = 0};
    enum err_kind r = p->git->log(p->git->context, at, 2, see_mark, &c, err);
    if (r == ERR_OK)
        copy_commit(ret, c.head);
    return r;
}

static enum err_kind
find_ended(struct plain *p, const char *id, struct plain_place *place, struct err *err)
{
    auto_merges struct merges merges = {.only = id};
    enum err_kind r = read_merges(p, place->onto, &merges, err);
    if (r == ERR_OK && merges.count > 0) {
        *place = merges.items[0].place;
        return r;
    }
    if (r == ERR_OK)
        r = read_ref(p, PLAIN_CLOSED, id, place->head, err);
    if (r == ERR_OK && place->head[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "no proposal '%s'", id);
    place->state = SCM_CLOSED;
    char at[SCM_COMMIT_HEX + 1];
    copy_commit(at, place->head);
    return r == ERR_OK ? closed_head(p, at, place->head, err) : r;
}

enum err_kind plain_find(struct plain *p, const char *id, struct plain_place *ret, struct err *err)
{
    struct str text = str_from(id);
    if (!id_is_valid(text))
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' is not a proposal id", STR_ARG(str_take(text, 64)));
    struct plain_place place = {.state = SCM_OPEN};
    enum err_kind r = read_ref(p, PLAIN_HEADS, id, place.head, err);
    if (r == ERR_OK)
        r = p->git->read_ref(p->git->context, p->target_ref, place.onto, err);
    if (r != ERR_OK)
        return r;
    place.has_branch = place.head[0] != '\0';
    r = place.has_branch ? check_leftover(p, id, NULL, &place, err)
                         : find_ended(p, id, &place, err);
    if (r == ERR_OK)
        *ret = place;
    return r;
}

/* --- what is shown of it ----------------------------------------------------------------------------- */

/* What stands below the title, trailers included. */
static char *message_body(const char *message)
{
    struct str rest = str_trim(str_from(message));
    str_cut(&rest, '\n');
    return mem_strdup_str(rest.p == NULL ? STR("") : str_trim(rest));
}

/* What the commits of a branch tell of its proposal. */
struct first {
    const char *fork; /* where the branch starts */
    char *title;      /* of the last change; what only merged the target in is none */
    char *body;
    char *author;
    int64_t unix_s;
};

static bool see_own_commit(
    const char *commit,
    const char *message,
    const char *author,
    int64_t unix_s,
    const char *second_parent,
    void *data)
{
    struct first *first = data;
    if (strcmp(commit, first->fork) == 0)
        return false;
    if (first->title == NULL && second_parent[0] == '\0') {
        first->title = scm_one_line(str_from(message), TITLE_BYTES_MAX);
        first->body = message_body(message);
    }
    free(first->author);
    first->author = scm_one_line(str_from(author), TITLE_BYTES_MAX);
    first->unix_s = unix_s;
    return true;
}

static enum err_kind
fork_of(struct plain *p, const char *onto, const char *head, char *ret, struct err *err)
{
    ret[0] = '\0';
    if (onto[0] == '\0')
        return ERR_OK;
    enum err_kind r = p->git->fork_point(p->git->context, onto, head, ret, err);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

/* Title, author and time from the branch's commits; one without commits of its own has its head's. */
static enum err_kind
describe_commits(struct plain *p, const char *onto, struct scm_proposal *ret, struct err *err)
{
    char fork[SCM_COMMIT_HEX + 1];
    struct first first = {.fork = fork};
    autofree char *message = NULL;
    autofree char *author = NULL;
    enum err_kind r =
        p->git->describe(p->git->context, ret->head, &message, &author, &ret->created_unix_s, err);
    if (r == ERR_OK)
        r = fork_of(p, onto, ret->head, fork, err);
    if (r == ERR_OK)
        r = p->git->log(p->git->context, ret->head, PLAIN_LOG_MAX, see_own_commit, &first, err);
    if (r == ERR_OK && first.author != NULL)
        ret->created_unix_s = first.unix_s;
    ret->title =
        first.title != NULL ? first.title : scm_one_line(str_from(message), TITLE_BYTES_MAX);
    ret->body = first.title != NULL ? first.body : message_body(message);
    ret->author =
        first.author != NULL ? first.author : scm_one_line(str_from(author), TITLE_BYTES_MAX);
    return r;
}

enum err_kind plain_describe(
    struct plain *p,
    const char *id,
    const struct plain_place *place,
    struct scm_proposal *ret,
    struct err *err)
{
    struct scm_proposal it = {.state = place->state};
    copy_commit(it.head, place->head);
    copy_commit(it.merged, place->merged);
    snprintf(it.id, sizeof(it.id), "%s", id);
    enum err_kind r = common_base(p, place->onto, place->head, it.base, err);
    if (r == ERR_OK)
        r = describe_commits(p, place->onto, &it, err);
    if (r != ERR_OK) {
        scm_proposal_deinit(&it);
        return r;
    }
    it.url = plain_url(p, id);
    *ret = it;
    return ERR_OK;
}

/* --- all of them ------------------------------------------------------------------------------------- */

struct listing {
    struct plain *plain;
    struct scm_proposals list;
    size_t cap;
    const char *target;
    const struct merges *merges; /* NULL: only open ones are wanted */
    struct err *err;
    enum err_kind result;
};

static bool is_listed(const struct listing *l, const char *id)
{
    for (size_t i = 0; i < l->list.count; i++)
        if (strcmp(l->list.items[i].id, id) == 0)
            return true;
    return false;
}

static enum err_kind add(struct listing *l, const char *id, const struct plain_place *place)
{
    if (l->list.count == PROPOSALS_MAX)
        return err_set(l->err, ERR_LIMIT, "there are more than %d proposals", PROPOSALS_MAX);
    struct scm_proposal it;
    enum err_kind r = plain_describe(l->plain, id, place, &it, l->err);
    if (r != ERR_OK)
        return r;
    mem_grow(&l->list.items, l->list.count, &l->cap);
    l->list.items[l->list.count++] = it;
    return ERR_OK;
}

static bool see_branch(const char *name, const char *commit, void *data)
{
    struct listing *l = data;
    const char *id = name + strlen(PLAIN_HEADS);
    struct plain_place place = {.state = SCM_OPEN, .has_branch = true};
    if (!id_is_valid(str_from(id)))
        return true;
    copy_commit(place.head, commit);
    copy_commit(place.onto, l->target);
    l->result = check_leftover(l->plain, id, l->merges, &place, l->err);
    if (l->result == ERR_OK && place.state == SCM_OPEN)
        l->result = add(l, id, &place);
    return l->result == ERR_OK;
}

static bool see_closed(const char *name, const char *commit, void *data)
{
    struct listing *l = data;
    const char *id = name + strlen(PLAIN_CLOSED);
    struct plain_place place = {.state = SCM_CLOSED};
    if (!id_is_valid(str_from(id)) || is_listed(l, id))
        return true;
    copy_commit(place.onto, l->target);
    l->result = closed_head(l->plain, commit, place.head, l->err);
    if (l->result == ERR_OK)
        l->result = add(l, id, &place);
    return l->result == ERR_OK;
}

static enum err_kind add_refs(
    struct listing *l,
    const char *prefix,
    bool (*see)(const char *name, const char *commit, void *data))
{
    const struct scm_git *git = l->plain->git;
    enum err_kind r = git->list_refs(git->context, prefix, see, l, l->err);
    return r == ERR_OK ? l->result : r;
}

static enum err_kind add_merged(struct listing *l)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; i < l->merges->count && r == ERR_OK; i++) {
        const struct merged *it = &l->merges->items[i];
        if (!is_listed(l, it->id))
            r = add(l, it->id, &it->place);
    }
    return r;
}

static int cmp_newest(const void *pa, const void *pb)
{
    const struct scm_proposal *a = pa;
    const struct scm_proposal *b = pb;
    if (a->created_unix_s != b->created_unix_s)
        return a->created_unix_s < b->created_unix_s ? 1 : -1;
    return strcmp(b->id, a->id); /* ids sort by time as well, to the millisecond */
}

static enum err_kind collect(struct listing *l, bool with_ended)
{
    auto_merges struct merges merges = {0};
    enum err_kind r = ERR_OK;
    if (with_ended) {
        r = read_merges(l->plain, l->target, &merges, l->err);
        l->merges = &merges;
    }
    if (r == ERR_OK)
        r = add_refs(l, PLAIN_HEADS, see_branch);
    if (r == ERR_OK && with_ended)
        r = add_merged(l);
    if (r == ERR_OK && with_ended)
        r = add_refs(l, PLAIN_CLOSED, see_closed);
    return r;
}

enum err_kind
plain_list(struct plain *p, bool with_ended, struct scm_proposals *ret, struct err *err)
{
    char target[SCM_COMMIT_HEX + 1];
    struct listing l = {.plain = p, .target = target, .err = err};
    enum err_kind r = p->git->read_ref(p->git->context, p->target_ref, target, err);
    if (r == ERR_OK)
        r = collect(&l, with_ended);
    if (r != ERR_OK) {
        scm_proposals_deinit(&l.list);
        return r;
    }
    if (l.list.count > 1)
        qsort(l.list.items, l.list.count, sizeof(*l.list.items), cmp_newest);
    *ret = l.list;
    return ERR_OK;
}
