#include "scm/forge.h"
#include "base/ids.h"
#include "base/mem.h"
#include "scm/text.h"

#include <stdio.h>

/* Pages of a hundred; a repository with more requests shows the newest. */
enum { FIND_PAGES_MAX = 3, LIST_PAGES_MAX = 20, TITLE_SHOWN_MAX = 512, BODY_SHOWN_MAX = 1 << 20 };

/* --- life ------------------------------------------------------------------------------------------- */

static char *percent(struct str text, char keep)
{
    autobuf struct buf b = {0};
    scm_percent(&b, text, keep);
    return buf_steal(&b);
}

static struct forge *new_forge(
    const struct forge_kind *kind,
    const struct scm_driver *driver,
    const struct scm_options *options,
    struct scm_place *take_place)
{
    struct forge *f = mem_new(struct forge);
    struct str path = str_from(take_place->path);
    struct str rest = path;
    f->scm.driver = driver;
    f->kind = kind;
    f->git = options->git;
    f->target = mem_strdup(options->target_branch);
    f->target_encoded = percent(str_from(options->target_branch), '\0');
    f->repository = percent(path, kind->place.has_subgroups ? '\0' : '/');
    f->owner = percent(str_cut(&rest, '/'), '\0');
    f->rest = (struct scm_rest){
        .forge = driver->name,
        .http = options->http,
        .api = steal(&take_place->api),
        .token = steal(&take_place->token),
        .token_header = kind->token_header,
        .token_prefix = kind->token_prefix,
        .headers = kind->headers,
        .header_count = kind->header_count,
        .timeout_ms = options->timeout_ms,
    };
    scm_rest_init(&f->rest);
    return f;
}

enum err_kind forge_open(
    const struct forge_kind *kind,
    const struct scm_driver *driver,
    const struct scm_options *options,
    struct scm **ret,
    struct err *err)
{
    struct scm_place place = {0};
    if (options->target_branch == NULL || options->target_branch[0] == '\0')
        return err_set(err, ERR_INVALID, "the target branch of proposals is not set");
    enum err_kind r = scm_place_read(options, &kind->place, &place, err);
    if (r != ERR_OK)
        return r;
    struct forge *f = new_forge(kind, driver, options, &place);
    scm_place_deinit(&place);
    *ret = &f->scm;
    return ERR_OK;
}

void forge_free(struct scm *s)
{
    struct forge *f = (struct forge *)s;
    if (f == NULL)
        return;
    scm_rest_deinit(&f->rest);
    free(f->target);
    free(f->target_encoded);
    free(f->repository);
    free(f->owner);
    free(f);
}

/* --- reading what the forge says ----------------------------------------------------------------------- */

void forge_view_deinit(struct forge_view *v)
{
    scm_proposal_deinit(&v->proposal);
    *v = (struct forge_view){0};
}

enum err_kind forge_check_id(const char *id, struct err *err)
{
    struct str text = str_from(id);
    if (id_is_valid(text))
        return ERR_OK;
    return err_set(
        err, ERR_INVALID, "'" STR_FMT "' is not a proposal id", STR_ARG(str_take(text, 64)));
}

bool forge_id_of(struct str branch, char ret_id[SCM_ID_CHARS + 1])
{
    struct str id = str_skip(branch, strlen(SCM_BRANCH_PREFIX));
    if (!str_starts(branch, STR(SCM_BRANCH_PREFIX)) || !id_is_valid(id))
        return false;
    snprintf(ret_id, SCM_ID_CHARS + 1, STR_FMT, STR_ARG(id));
    return true;
}

uint64_t forge_number(yyjson_val *val)
{
    uint64_t value = 0;
    struct str digits = str_of(yyjson_get_raw(val), yyjson_get_len(val));
    return yyjson_is_raw(val) && str_to_u64(digits, &value) ? value : 0;
}

void forge_copy_commit(char ret[SCM_COMMIT_HEX + 1], yyjson_val *val)
{
    struct str hex = json_str(val);
    bool is_hex = hex.n == SCM_COMMIT_HEX;
    for (size_t i = 0; is_hex && i < hex.n; i++)
        is_hex = strchr("0123456789abcdef", hex.p[i]) != NULL;
    snprintf(ret, SCM_COMMIT_HEX + 1, STR_FMT, STR_ARG(is_hex ? hex : STR("")));
}

void forge_read_labels(yyjson_val *list, struct scm_proposal *ret)
{
    size_t i, max;
    size_t cap = ret->label_count;
    yyjson_val *item;
    yyjson_arr_foreach(list, i, max, item)
    {
        struct str name = json_str(yyjson_is_obj(item) ? json_get(item, "name") : item);
        if (name.n == 0)
            continue;
        mem_grow(&ret->labels, ret->label_count, &cap);
        ret->labels[ret->label_count++] = scm_one_line(name, TITLE_SHOWN_MAX);
    }
}

char *forge_read_title(const struct forge *f, struct str title, bool is_draft)
{
    struct str prefix = str_from(f->kind->draft_prefix);
    if (is_draft && str_starts(title, prefix))
        title = str_skip(title, prefix.n);
    return scm_one_line(title, TITLE_SHOWN_MAX);
}

void forge_percent_branch(struct buf *to, const char *id)
{
    scm_percent(to, STR(SCM_BRANCH_PREFIX), '\0');
    scm_percent(to, str_from(id), '\0');
}

/* What a kind's read has left out becomes what it is to be. */
static bool read_view(const struct forge *f, yyjson_val *item, struct forge_view *ret)
{
    struct forge_view v = {0};
    if (!yyjson_is_obj(item) || !f->kind->read(f, item, &v)) {
        forge_view_deinit(&v);
        return false;
    }
    char *body = v.proposal.body;
    v.proposal.body = scm_body(str_from(body == NULL ? "" : body), BODY_SHOWN_MAX);
    free(body);
    *ret = v;
    return true;
}

/* --- finding ------------------------------------------------------------------------------------------ */

struct picking {
    const struct forge *forge;
    const char *id;
    struct forge_view best;
};

/* The newest come first. */
static bool pick(yyjson_val *item, void *data)
{
    struct picking *p = data;
    auto_forge_view struct forge_view v = {0};
    if (!read_view(p->forge, item, &v) || strcmp(v.proposal.id, p->id) != 0)
        return true;
    bool is_open = v.proposal.state == SCM_OPEN;
    if (p->best.proposal.state == 0 || is_open) {
        forge_view_deinit(&p->best);
        p->best = v;
        v = (struct forge_view){0};
    }
    return !is_open;
}

enum err_kind forge_find_in_list(
    struct forge *f,
    struct scm_call *c,
    const char *path,
    const char *id,
    struct forge_view *ret,
    struct err *err)
{
    struct picking p = {.forge = f, .id = id};
    enum err_kind r =
        scm_each(c, path, FIND_PAGES_MAX, "looking for the proposal", pick, &p, NULL, err);
    if (r == ERR_OK)
        *ret = p.best;
    else
        forge_view_deinit(&p.best);
    return r;
}

enum err_kind forge_get(
    struct forge *f, struct scm_call *c, const char *path, struct forge_view *ret, struct err *err)
{
    auto_answer struct scm_answer answer = {0};
    struct scm_request q = {.method = "GET", .path = path};
    enum err_kind r = scm_send(c, &q, &answer, err);
    *ret = (struct forge_view){0};
    if (r != ERR_OK || answer.status == 404)
        return r;
    if (!scm_answer_is_good(&answer))
        return scm_refused(c, &answer, "looking at the proposal", err);
    (void)!read_view(f, answer.json, ret); /* not ours: as if it were not there */
    return ERR_OK;
}

enum err_kind forge_do(
    struct scm_call *c,
    const char *method,
    const char *path,
    struct str body,
    const char *what,
    struct err *err)
{
    auto_answer struct scm_answer answer = {0};
    struct scm_request q = {.method = method, .path = path, .body = body};
    enum err_kind r = scm_send(c, &q, &answer, err);
    if (r != ERR_OK)
        return err_wrap(err, "%s", what);
    return scm_answer_is_good(&answer) ? ERR_OK : scm_refused(c, &answer, what, err);
}

enum err_kind forge_post(
    struct forge *f,
    struct scm_call *c,
    const char *path,
    struct str body,
    bool (*is_there)(const struct scm_answer *a),
    struct forge_view *ret,
    struct err *err)
{
    auto_answer struct scm_answer answer = {0};
    struct scm_request q = {.method = "POST", .path = path, .body = body, .is_single = true};
    autofree char *what = mem_printf("opening the %s", f->kind->request);
    enum err_kind r = scm_send(c, &q, &answer, err);
    if (r != ERR_OK) {
        err_wrap(err, "%s", what);
        return answer.is_uncertain ? err_as(err, ERR_EXISTS) : r;
    }
    if (!scm_answer_is_good(&answer)) {
        r = scm_refused(c, &answer, what, err);
        bool is_known = is_there == NULL ? r == ERR_CONFLICT : is_there(&answer);
        return is_known ? err_as(err, ERR_EXISTS) : r;
    }
    if (!read_view(f, answer.json, ret))
        return err_set(err, ERR_EXISTS, "%s: %s answers with another one", what, c->rest->forge);
    return ERR_OK;
}

/* --- where a merged one began --------------------------------------------------------------------------- */

struct parent {
    char of[SCM_COMMIT_HEX + 1];
    char commit[SCM_COMMIT_HEX + 1];
};

static bool see_parent(
    const char *commit,
    const char *message,
    const char *author,
    int64_t unix_s,
    const char *second_parent,
    void *data)
{
    struct parent *p = data;
    (void)message;
    (void)author;
    (void)unix_s;
    (void)second_parent;
    if (strcmp(commit, p->of) != 0)
        snprintf(p->commit, sizeof(p->commit), "%s", commit);
    return p->commit[0] == '\0';
}

/* Against the target as it is now, all of it is there already: what it was merged onto tells. A forge that
 * squashes may leave us without its head, and then it is not known. */
static void fill_base(const struct forge *f, struct scm_proposal *p)
{
    const struct scm_git *git = f->git;
    struct parent parent = {0};
    struct err ignored;
    if (p->state != SCM_MERGED || p->base[0] != '\0' || p->merged[0] == '\0')
        return;
    memcpy(parent.of, p->merged, sizeof(parent.of));
    enum err_kind r = git->log(git->context, p->merged, 2, see_parent, &parent, &ignored);
    if (r == ERR_OK && parent.commit[0] != '\0')
        r = git->merge_base(git->context, parent.commit, p->head, p->base, &ignored);
    if (r != ERR_OK)
        p->base[0] = '\0';
}

/* --- show and list -------------------------------------------------------------------------------------- */

enum err_kind forge_state(struct scm *s, const char *id, enum scm_state *ret, struct err *err)
{
    struct forge *f = (struct forge *)s;
    struct scm_call call = scm_call_begin(&f->rest);
    auto_forge_view struct forge_view v = {0};
    enum err_kind r = forge_check_id(id, err);
    if (r == ERR_OK)
        r = f->kind->find(f, &call, id, &v, err);
    *ret = v.proposal.state;
    return r;
}

enum err_kind forge_show(struct scm *s, const char *id, struct scm_proposal *ret, struct err *err)
{
    struct forge *f = (struct forge *)s;
    struct scm_call call = scm_call_begin(&f->rest);
    auto_forge_view struct forge_view v = {0};
    enum err_kind r = forge_check_id(id, err);
    if (r == ERR_OK)
        r = f->kind->find(f, &call, id, &v, err);
    if (r == ERR_OK && v.proposal.state == 0)
        return err_set(err, ERR_NOT_FOUND, "no proposal '%s'", id);
    if (r == ERR_OK && f->kind->detail != NULL) {
        uint64_t number = v.proposal.number;
        forge_view_deinit(&v);
        r = f->kind->detail(f, &call, number, &v, err);
        if (r == ERR_OK && v.proposal.state == 0)
            return err_set(err, ERR_NOT_FOUND, "no proposal '%s'", id);
    }
    if (r != ERR_OK)
        return r;
    fill_base(f, &v.proposal);
    *ret = v.proposal;
    v = (struct forge_view){0};
    return ERR_OK;
}

struct listing {
    const struct forge *forge;
    bool with_ended;
    struct scm_proposals list;
    size_t cap;
};

static bool is_listed(const struct listing *l, const char *id)
{
    for (size_t i = 0; i < l->list.count; i++)
        if (strcmp(l->list.items[i].id, id) == 0)
            return true;
    return false;
}

/* While pages are read new requests push older ones onto the next page: seen twice. */
static bool add(yyjson_val *item, void *data)
{
    struct listing *l = data;
    struct forge_view v = {0};
    if (!read_view(l->forge, item, &v))
        return true;
    bool is_wanted = l->with_ended || v.proposal.state == SCM_OPEN;
    if (!is_wanted || is_listed(l, v.proposal.id)) {
        forge_view_deinit(&v);
        return true;
    }
    fill_base(l->forge, &v.proposal);
    mem_grow(&l->list.items, l->list.count, &l->cap);
    l->list.items[l->list.count++] = v.proposal;
    return true;
}

enum err_kind forge_list(struct scm *s, bool with_ended, struct scm_proposals *ret, struct err *err)
{
    struct forge *f = (struct forge *)s;
    struct scm_call call = scm_call_begin(&f->rest);
    struct listing l = {.forge = f, .with_ended = with_ended};
    autofree char *path = f->kind->list_path(f, with_ended);
    enum err_kind r =
        scm_each(&call, path, LIST_PAGES_MAX, "listing proposals", add, &l, &l.list.is_cut, err);
    if (r == ERR_OK)
        *ret = l.list;
    else
        scm_proposals_deinit(&l.list);
    return r;
}
