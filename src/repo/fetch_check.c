/*
 * Whether what came is complete. Without it a ref could lead to what is not there, and the next fetch
 * would not ask for it: the tip is here already.
 */
#include "base/mem.h"
#include "repo/fetch.h"
#include "repo/new_objects.h"

#define COMMITS_MAX 20000000u

struct check {
    struct repo *in;
    const struct wire *wire;
};

/* Commits and trees are read by whoever walks over them. */
static enum err_kind
visit(void *data, git_object_t type, const git_oid *id, const char *path, struct err *err)
{
    const struct check *c = data;
    char shown[120];
    enum err_kind kind = fetch_is_over(c->wire, err);
    if (kind != ERR_OK || type != GIT_OBJECT_BLOB || git_odb_exists(c->in->odb, id) == 1)
        return kind;
    repo_path_shown(str_from(path), shown, sizeof(shown));
    return err_set(err, ERR_FAILED, "the pack that came lacks the file '%s'", shown);
}

/* Both lists are mostly the same, in runs of one order: *at is where the last one was found. */
static bool is_among(const struct repo_refs *refs, const struct repo_id *id, size_t *at)
{
    for (size_t i = 0; i < refs->count; i++) {
        size_t k = (*at + i) % refs->count;
        if (repo_id_eq(&refs->items[k].commit, id)) {
            *at = k + 1;
            return true;
        }
    }
    return false;
}

/* Of what is no commit (a ref may stand at anything) nothing is ever read. */
static bool is_commit(struct repo *in, const struct repo_id *id)
{
    git_oid oid = repo_to_oid(id);
    git_object_t type = GIT_OBJECT_INVALID;
    size_t n = 0;
    return git_odb_read_header(&n, &type, in->odb, &oid) == 0 && type == GIT_OBJECT_COMMIT;
}

static enum err_kind check_present(struct repo *in, const struct repo_ref *ref, struct err *err)
{
    git_oid oid = repo_to_oid(&ref->commit);
    return git_odb_exists(in->odb, &oid) == 1
        ? ERR_OK
        : err_set(err, ERR_FAILED, "the pack that came lacks what '%s' points to", ref->name);
}

/* Which of the remote's refs stand where none of the clone's did. */
static enum err_kind new_tips(
    struct repo *in,
    const struct repo_refs *there,
    const struct repo_refs *here,
    struct repo_id *tips,
    size_t *ret_count,
    struct err *err)
{
    size_t at = 0;
    *ret_count = 0;
    for (size_t i = 0; i < there->count; i++) {
        const struct repo_ref *ref = &there->items[i];
        if (is_among(here, &ref->commit, &at))
            continue;
        enum err_kind kind = check_present(in, ref, err);
        if (kind != ERR_OK)
            return kind;
        if (is_commit(in, &ref->commit))
            tips[(*ret_count)++] = ref->commit;
    }
    return ERR_OK;
}

enum err_kind fetch_check(
    struct repo *in,
    const struct wire *w,
    const struct repo_refs *there,
    const struct repo_refs *here,
    struct err *err)
{
    autofree struct repo_id *tips = mem_alloc((there->count + 1) * sizeof(*tips));
    autofree struct repo_id *known = mem_alloc((here->count + 1) * sizeof(*known));
    struct check check = {in, w};
    struct repo_new_objects what = {
        .tips = tips, .commits_max = COMMITS_MAX, .visit = visit, .data = &check};
    /* the branch stands last: it mostly bounds the walk alone */
    for (size_t i = 0; i < here->count; i++)
        known[i] = here->items[here->count - 1 - i].commit;
    what.known = known;
    what.known_count = here->count > 0 ? 1 : 0;
    what.more = known;
    what.more_count = here->count;
    enum err_kind kind = new_tips(in, there, here, tips, &what.tip_count, err);
    if (kind == ERR_OK && what.tip_count > 0)
        kind = repo_new_objects(in, &what, err);
    if (kind != ERR_IO && kind != ERR_NOT_FOUND)
        return kind;
    err_wrap(err, "what came is not complete");
    return err_as(err, ERR_FAILED);
}
