/* Which proposal a change goes to. Refs, commits and the SCM alone tell, so any replica finds the same. */
#include "base/mem.h"
#include "core/branches.h"
#include "core/change_git.h"

#include <stdio.h>

/* --- the same request again --------------------------------------------------------------------------- */

static void add_edit(struct buf *text, const struct core_change *change, size_t index)
{
    const struct core_edit *e = &change->edits[index];
    if (change->is_set)
        buf_text(text, e->is_delete ? "DELETE " : "PUT ");
    buf_printf(
        text, "%s/%s/" STR_FMT "/" STR_FMT "\n", e->served->kind.group, e->served->kind.kind,
        STR_ARG(e->ns), STR_ARG(e->name));
}

static const char *method_of(const struct core_change *change)
{
    if (change->is_set)
        return "POST";
    return change->edits[0].is_delete ? "DELETE" : "PUT";
}

/* The first 128 bits of SHA-256 over what makes a request the same. */
void core_attempt_key(struct core_attempt *a)
{
    struct str key = a->change->options->idempotency_key;
    autobuf struct buf text = {0};
    uint8_t digest[SHA256_BYTES];
    buf_printf(&text, "%s\n%s\n", a->c->target_branch, method_of(a->change));
    for (size_t i = 0; i < a->change->count; i++)
        add_edit(&text, a->change, i);
    buf_str(&text, key);
    sha256_of(buf_view(&text), digest);
    id_from_bits(digest, a->key_id);
    sha256_hex_of(key, a->request);
}

static enum err_kind
read_key_branch(struct core_attempt *a, bool *ret_is_there, struct repo_id *ret, struct err *err)
{
    autofree char *ref = mem_printf(CORE_BRANCH_REF_PREFIX "%s", a->key_id);
    enum err_kind r = repo_ref_read(a->c->repo, ref, ret, err);
    *ret_is_there = r == ERR_OK;
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

/* Anybody may push a branch of this name: what stands there must say that it is of this request. */
static enum err_kind is_of_request(
    struct core_attempt *a, const struct repo_id *head, enum scm_state state, struct err *err)
{
    struct core_branch_match match = {0};
    struct repo_id target;
    enum err_kind r = repo_ref_read(a->c->repo, a->c->target_ref, &target, err);
    if (r == ERR_OK)
        r = core_branches_match(
            a->c->branches, a->c->repo, &target, head, &a->change->objects, a->request, &match,
            err);
    bool has_ended = state == SCM_MERGED || state == SCM_CLOSED;
    if (r != ERR_OK || match.has_request || has_ended)
        return r;
    return err_set(
        err, ERR_CONFLICT,
        "branch '" SCM_BRANCH_PREFIX "%s' is there already, and not of this request: remove it, or "
        "use another Idempotency-Key",
        a->key_id);
}

static enum err_kind
open_again(struct core_attempt *a, bool *ret_done, struct core_result *ret, struct err *err)
{
    autofree char *url = NULL;
    enum err_kind r = core_propose(a->c, a->key_id, &url, err);
    *ret_done = r == ERR_OK;
    if (r == ERR_OK)
        core_change_result(ret, a->key_id, a->c->scm->driver->source, url);
    return r;
}

enum err_kind core_attempt_find_retry(
    struct core_attempt *a, bool *ret_done, struct core_result *ret, struct err *err)
{
    struct scm *scm = a->c->scm;
    struct scm_proposal p = {0};
    struct repo_id head;
    bool has_branch = false;
    enum err_kind r = scm->driver->show(scm, a->key_id, &p, err);
    enum scm_state state = r == ERR_OK ? p.state : 0;
    if (r == ERR_OK || r == ERR_NOT_FOUND)
        r = read_key_branch(a, &has_branch, &head, err);
    if (r == ERR_OK && has_branch)
        r = is_of_request(a, &head, state, err);
    *ret_done = r == ERR_OK && state != 0;
    if (*ret_done)
        core_change_result(ret, a->key_id, scm->driver->source, p.url);
    else if (r == ERR_OK && has_branch)
        r = open_again(a, ret_done, ret, err);
    scm_proposal_deinit(&p);
    return r;
}

/* --- an open proposal of the objects -------------------------------------------------------------------- */

/* Not one that the target has already, or that was ended at the forge with its branch left. */
static enum err_kind is_usable(
    struct core_attempt *a, const char *id, const struct repo_id *head, bool *ret, struct err *err)
{
    struct repo_id common;
    enum scm_state state = 0;
    *ret = false;
    enum err_kind r = repo_merge_base(a->c->repo, &a->target, head, &common, err);
    if (r == ERR_OK && repo_id_eq(&common, head))
        return ERR_OK;
    if (r != ERR_OK && r != ERR_NOT_FOUND)
        return r;
    r = a->c->scm->driver->state(a->c->scm, id, &state, err);
    *ret = r == ERR_OK && (state == 0 || state == SCM_OPEN);
    return r;
}

static void go_on_with(struct core_attempt *a, const char *id, const struct repo_id *head)
{
    snprintf(a->id, sizeof(a->id), "%s", id);
    a->base = *head;
    a->is_open = true;
}

static enum err_kind match_branch(
    struct core_attempt *a,
    const struct repo_id *head,
    struct core_branch_match *ret,
    struct err *err)
{
    return core_branches_match(
        a->c->branches, a->c->repo, &a->target, head, &a->change->objects, a->request, ret, err);
}

static enum err_kind consider(struct core_attempt *a, const struct repo_ref *ref, struct err *err)
{
    const char *id = ref->name + strlen(CORE_BRANCH_REF_PREFIX);
    struct core_branch_match match = {0};
    bool is_fine = false;
    if (!id_is_valid(str_from(id)))
        return ERR_OK;
    enum err_kind r = match_branch(a, &ref->commit, &match, err);
    if (r == ERR_OK && match.has_all)
        r = is_usable(a, id, &ref->commit, &is_fine, err);
    if (r == ERR_OK && is_fine) {
        go_on_with(a, id, &ref->commit);
        a->is_done = match.has_request;
    }
    return r;
}

/* The newest: ids sort by time. */
static enum err_kind find_open(struct core_attempt *a, struct err *err)
{
    struct repo_refs refs = {0};
    enum err_kind r = repo_ref_list(a->c->repo, CORE_BRANCH_REF_PREFIX, &refs, err);
    for (size_t i = refs.count; r == ERR_OK && !a->is_open && i-- > 0;)
        r = consider(a, &refs.items[i], err);
    repo_refs_deinit(&refs);
    return r;
}

/* --- the one that was asked for ------------------------------------------------------------------------- */

static enum err_kind use_named(struct core_attempt *a, struct str id, struct err *err)
{
    bool is_fine = false;
    struct repo_id head;
    if (!id_is_valid(id))
        return err_set(
            err, ERR_MALFORMED, "proposal '" STR_FMT "' is neither an id nor 'new'",
            STR_ARG(str_take(id, 64)));
    autofree char *text = mem_strdup_str(id);
    autofree char *ref = mem_printf(CORE_BRANCH_REF_PREFIX "%s", text);
    enum err_kind r = repo_ref_read(a->c->repo, ref, &head, err);
    if (r == ERR_NOT_FOUND)
        return err_set(err, r, "no open proposal '%s'", text);
    if (r == ERR_OK)
        r = is_usable(a, text, &head, &is_fine, err);
    if (r == ERR_OK && !is_fine)
        return err_set(err, ERR_CONFLICT, "proposal '%s' is not open (any more)", text);
    struct core_branch_match match = {0};
    if (r == ERR_OK)
        r = match_branch(a, &head, &match, err);
    if (r == ERR_OK)
        go_on_with(a, text, &head);
    a->is_done = match.has_request && match.has_all;
    return r;
}

/* A new proposal has the key's id, or one that writers of the same objects share at this moment. Before the look at
 * what is open: who opened one until now is seen by that, who does it later is met at the claim. */
static void choose_id(struct core_attempt *a)
{
    const char *wanted = core_attempt_wanted_id(a);
    a->claim = core_claim_drop(a->c->claims, a->claim);
    if (a->change->options->proposal.n == 0) {
        a->claim = core_claims_take(a->c->claims, &a->change->objects, wanted);
        snprintf(a->id, sizeof(a->id), "%s", core_claim_id(a->claim));
    } else if (wanted != NULL) {
        snprintf(a->id, sizeof(a->id), "%s", wanted);
    } else {
        id_new(a->id);
    }
}

enum err_kind core_attempt_prepare(struct core_attempt *a, struct err *err)
{
    struct str asked = a->change->options->proposal;
    enum err_kind r = repo_ref_read(a->c->repo, a->c->target_ref, &a->target, err);
    if (r == ERR_NOT_FOUND) /* gone since the last look; not what the client asked for */
        r = err_as(err, ERR_UNAVAILABLE);
    if (r != ERR_OK)
        return err_wrap(err, "target branch '%s'", a->c->target_branch);
    a->base = a->target;
    a->is_open = false;
    a->is_done = false;
    choose_id(a);
    if (asked.n == 0)
        r = find_open(a, err);
    else if (!str_eqz(asked, "new"))
        r = use_named(a, asked, err);
    return r;
}
