#include "core/closed.h"

#include "base/mem.h"

/* Only what says when it was closed: a ref of another making stays. */
static bool is_old(const struct repo_commit_info *info, int64_t now_unix_s)
{
    return repo_trailer(info->message, SCM_CLOSED_TRAILER).p != NULL &&
        info->author_unix_s < now_unix_s - CORE_CLOSED_KEPT_S;
}

static enum err_kind expire_one(
    struct core *c,
    const struct repo_ref *ref,
    int64_t now_unix_s,
    size_t *removed,
    struct err *err)
{
    struct repo_commit_info info = {0};
    const struct repo_ref_update removal = {.name = ref->name, .old_commit = ref->commit};
    enum err_kind r = repo_commit_info(c->repo, &ref->commit, &info, err);
    if (r == ERR_OK && is_old(&info, now_unix_s)) {
        ++*removed;
        r = repo_ref_update(c->repo, &removal, 1, err);
        r = r == ERR_CONFLICT ? ERR_OK : r; /* another server was first */
    }
    repo_commit_info_deinit(&info);
    return r;
}

enum err_kind
core_closed_expire(struct core *c, int64_t now_unix_s, const atomic_bool *cancel, struct err *err)
{
    struct repo_refs refs = {0};
    size_t removed = 0;
    enum err_kind r = repo_ref_list(c->repo, SCM_CLOSED_PREFIX, &refs, err);
    for (size_t i = 0; i < refs.count && r == ERR_OK && removed < CORE_CLOSED_ROUND_MAX; i++) {
        if (cancel != NULL && atomic_load(cancel))
            break;
        r = expire_one(c, &refs.items[i], now_unix_s, &removed, err);
    }
    repo_refs_deinit(&refs);
    return r;
}
