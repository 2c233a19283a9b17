/*
 * What a push has to bring: the commits that the remote does not have yet, and of their trees what differs
 * from their parents'. Equal subtrees are skipped unread, so the cost follows the change. An object that the remote
 * has elsewhere may be sent again, which harms nobody.
 */
#include "base/mem.h"
#include "repo/push.h"
#include "repo/trees.h"

/* A proposal has a few commits; this ends a walk that would bring the whole history. */
#define COMMITS_MAX 10000

struct ids {
    git_oid *items;
    size_t count;
    size_t cap;
};

struct packing {
    struct repo *repo;
    git_packbuilder *builder;
    const struct repo_refs *known; /* refs of the remote, as the clone has them */
    struct ids todo;               /* commits to look at; each once */
};

static bool add_once(struct ids *ids, const git_oid *id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (git_oid_equal(&ids->items[i], id))
            return false;
    mem_grow(&ids->items, ids->count, &ids->cap);
    ids->items[ids->count++] = *id;
    return true;
}

static enum err_kind insert(struct packing *p, const git_oid *id, struct err *err)
{
    int code = git_packbuilder_insert(p->builder, id, NULL);
    return code < 0 ? repo_failed(p->repo, code, err, "packing what is new") : ERR_OK;
}

/* --- trees --------------------------------------------------------------------------------------------- */

static enum err_kind
insert_tree(struct packing *p, const git_oid *id, const struct tree *base, struct err *err);

/* Of a directory the base's directory of that name is what it is compared with. */
static enum err_kind insert_entry(
    struct packing *p,
    const struct tree *t,
    const struct tree_entry *e,
    const struct tree *base,
    struct err *err)
{
    git_oid id = tree_entry_id(t, e);
    const struct tree_entry *old = tree_find(base, tree_name(t, e));
    git_oid old_id = {{0}};
    if (old != NULL)
        old_id = tree_entry_id(base, old);
    if ((old != NULL && git_oid_equal(&old_id, &id)) || (e->mode & 0170000u) == TREE_MODE_MODULE)
        return ERR_OK;
    if (!tree_mode_is_dir(e->mode))
        return insert(p, &id, err);
    auto_tree struct tree *below = NULL;
    if (old != NULL && tree_mode_is_dir(old->mode)) {
        enum err_kind r = trees_get(p->repo, &old_id, &below, err);
        if (r != ERR_OK)
            return r;
    }
    return insert_tree(p, &id, below, err);
}

static enum err_kind
insert_tree(struct packing *p, const git_oid *id, const struct tree *base, struct err *err)
{
    auto_tree struct tree *t = NULL;
    if (base != NULL && git_oid_equal(tree_id(base), id))
        return ERR_OK;
    enum err_kind r = trees_get(p->repo, id, &t, err);
    if (r == ERR_OK)
        r = insert(p, id, err);
    for (size_t i = 0; r == ERR_OK && i < tree_count(t); i++)
        r = insert_entry(p, t, tree_at(t, i), base, err);
    return r;
}

/* --- commits ------------------------------------------------------------------------------------------- */

static enum err_kind
insert_commit(struct packing *p, const git_oid *id, const git_oid *parent, struct err *err)
{
    auto_tree struct tree *base = NULL;
    struct repo_id commit = repo_from_oid(id);
    git_oid tree;
    enum err_kind r = insert(p, id, err);
    if (r == ERR_OK && parent != NULL) {
        struct repo_id before = repo_from_oid(parent);
        r = repo_commit_tree(p->repo, &before, &tree, err);
        if (r == ERR_OK)
            r = trees_get(p->repo, &tree, &base, err);
    }
    if (r == ERR_OK)
        r = repo_commit_tree(p->repo, &commit, &tree, err);
    return r == ERR_OK ? insert_tree(p, &tree, base, err) : r;
}

/* A ref of the remote stands there, or has it behind it. Most often a parent is a tip. */
static enum err_kind
is_known(struct packing *p, git_repository *git, const git_oid *id, bool *ret_is, struct err *err)
{
    *ret_is = true;
    for (size_t i = 0; i < p->known->count; i++)
        if (memcmp(p->known->items[i].commit.bytes, id->id, sizeof(id->id)) == 0)
            return ERR_OK;
    for (size_t i = 0; i < p->known->count; i++) {
        if (str_starts(str_from(p->known->items[i].name), STR("refs/heads/cup/")))
            continue; /* what those alone have is sent again */
        git_oid tip = repo_to_oid(&p->known->items[i].commit);
        int code = git_graph_descendant_of(git, &tip, id);
        if (code < 0)
            return repo_failed(p->repo, code, err, "looking for what the remote has");
        if (code == 1)
            return ERR_OK;
    }
    *ret_is = false;
    return ERR_OK;
}

static enum err_kind
look_at(struct packing *p, git_repository *git, const git_oid *id, struct err *err)
{
    auto_commit git_commit *commit = NULL;
    struct repo_id wanted = repo_from_oid(id);
    bool is_there = false;
    enum err_kind r = is_known(p, git, id, &is_there, err);
    if (r != ERR_OK || is_there)
        return r;
    r = repo_commit_lookup(p->repo, git, &wanted, &commit, err);
    if (r != ERR_OK)
        return r;
    unsigned parents = git_commit_parentcount(commit);
    for (unsigned i = 0; i < parents; i++)
        add_once(&p->todo, git_commit_parent_id(commit, i));
    return insert_commit(p, id, parents == 0 ? NULL : git_commit_parent_id(commit, 0), err);
}

static enum err_kind collect(struct packing *p, git_repository *git, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < p->todo.count; i++) {
        git_oid id = p->todo.items[i];
        if (i == COMMITS_MAX)
            return err_set(
                err, ERR_LIMIT, "more than %d commits are new to the remote", COMMITS_MAX);
        r = look_at(p, git, &id, err);
    }
    return r;
}

static int append(void *bytes, size_t n, void *data)
{
    struct buf *to = data;
    buf_add(to, bytes, n);
    return to->is_failed ? GIT_EUSER : 0;
}

static enum err_kind write_pack(struct packing *p, struct buf *to, struct err *err)
{
    int code = git_packbuilder_foreach(p->builder, append, to);
    enum err_kind r = buf_check(to, "the pack of what is new", err);
    return r == ERR_OK && code < 0 ? repo_failed(p->repo, code, err, "packing what is new") : r;
}

enum err_kind push_pack(
    struct repo *r,
    const struct repo_ref_update *updates,
    size_t count,
    const struct repo_refs *known,
    struct buf *to,
    struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    struct packing p = {.repo = r, .known = known};
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind != ERR_OK)
        return kind;
    int code = git_packbuilder_new(&p.builder, call.git);
    if (code < 0)
        return repo_failed(r, code, err, "packing what is new");
    git_packbuilder_set_threads(
        p.builder, 1); /* there is little to do, and others to do it beside */
    for (size_t i = 0; i < count; i++) {
        git_oid id = repo_to_oid(&updates[i].new_commit);
        if (!repo_id_is_none(&updates[i].new_commit))
            add_once(&p.todo, &id);
    }
    kind = collect(&p, call.git, err);
    if (kind == ERR_OK)
        kind = write_pack(&p, to, err);
    git_packbuilder_free(p.builder);
    free(p.todo.items);
    return kind;
}
