#include "core/merge_hand.h"

#include <string.h>

enum { BASE, OURS, THEIRS, MERGED, SIDES };

struct hand {
    struct repo *repo;
    struct vfs *trees[SIDES]; /* BASE: NULL when the parents share no history */
    bool is_octopus;
    core_merge_hand_fn visit;
    void *data;
};

static void hand_deinit(struct hand *h)
{
    for (size_t i = 0; i < SIDES; i++)
        vfs_free(h->trees[i]);
}
#define auto_hand CLEANUP(hand_deinit)

enum err_kind core_merge_look(
    struct vfs *const *trees,
    size_t count,
    struct str path,
    struct core_merge_side *ret,
    struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        ret[i] = (struct core_merge_side){0};
        if (trees[i] == NULL)
            continue;
        enum err_kind r = vfs_stat(trees[i], path, 0, &ret[i].stat, err);
        if (r != ERR_OK && r != ERR_NOT_FOUND && r != ERR_INVALID)
            return r;
        ret[i].is_there = r == ERR_OK;
    }
    return ERR_OK;
}

bool core_merge_side_eq(const struct core_merge_side *a, const struct core_merge_side *b)
{
    if (!a->is_there || !b->is_there)
        return a->is_there == b->is_there;
    return a->stat.type == b->stat.type && a->stat.type != VFS_OTHER &&
        a->stat.is_executable == b->stat.is_executable && a->stat.id.n == b->stat.id.n &&
        memcmp(a->stat.id.bytes, b->stat.id.bytes, a->stat.id.n) == 0;
}

static bool is_file(const struct core_merge_side *s)
{
    return s->is_there && s->stat.type == VFS_FILE;
}

/* Of a file that both sides have: the side that changed the bit wins, and where there was no file, both
 * must have it alike. */
static bool is_merged_mode(const struct core_merge_side s[SIDES])
{
    bool ours = s[OURS].stat.is_executable;
    bool theirs = s[THEIRS].stat.is_executable;
    bool merged = s[MERGED].stat.is_executable;
    if (ours == theirs)
        return merged == ours;
    return is_file(&s[BASE]) && merged != s[BASE].stat.is_executable;
}

static enum err_kind is_merged_text(
    struct hand *h,
    struct str path,
    const struct core_merge_side s[SIDES],
    bool *ret_is,
    struct err *err)
{
    struct vfs_data data[SIDES] = {0};
    struct str bytes[SIDES];
    enum err_kind r = ERR_OK;
    for (size_t i = 0; i < SIDES && r == ERR_OK; i++) {
        if (is_file(&s[i]))
            r = vfs_read(h->trees[i], path, &data[i], err);
        bytes[i] = data[i].bytes;
    }
    if (r == ERR_OK)
        r = repo_merges_to(
            h->repo, bytes[BASE], bytes[OURS], bytes[THEIRS], bytes[MERGED], ret_is, err);
    for (size_t i = 0; i < SIDES; i++)
        vfs_data_release(&data[i]);
    return r;
}

static enum err_kind is_merged(
    struct hand *h,
    struct str path,
    const struct core_merge_side s[SIDES],
    bool *ret_is,
    struct err *err)
{
    *ret_is = false;
    if (core_merge_side_eq(&s[OURS], &s[THEIRS]) || core_merge_side_eq(&s[BASE], &s[THEIRS]))
        *ret_is = core_merge_side_eq(&s[MERGED], &s[OURS]);
    else if (core_merge_side_eq(&s[BASE], &s[OURS]))
        *ret_is = core_merge_side_eq(&s[MERGED], &s[THEIRS]);
    else if (is_file(&s[OURS]) && is_file(&s[THEIRS]) && is_file(&s[MERGED]) && is_merged_mode(s))
        return is_merged_text(h, path, s, ret_is, err);
    return ERR_OK;
}

static enum err_kind
see_path(struct hand *h, struct str path, bool is_second_parent, struct err *err)
{
    struct core_merge_side sides[SIDES];
    bool is_clean = false;
    enum err_kind r = core_merge_look(h->trees, SIDES, path, sides, err);
    /* what differs from the first parent was seen with that one */
    if (r != ERR_OK || (is_second_parent && !core_merge_side_eq(&sides[OURS], &sides[MERGED])))
        return r;
    if (!h->is_octopus)
        r = is_merged(h, path, sides, &is_clean, err);
    return r == ERR_OK && !is_clean ? h->visit(h->data, path, err) : r;
}

static enum err_kind see_paths(
    struct hand *h,
    const struct repo_commit_info *merge,
    const struct repo_id *parent,
    struct err *err)
{
    struct repo_paths paths = {0};
    bool is_second_parent = parent == &merge->second_parent;
    enum err_kind r = repo_changed_paths(h->repo, parent, &merge->id, &paths, err);
    for (size_t i = 0; i < paths.count && r == ERR_OK; i++)
        r = see_path(h, str_from(paths.items[i].path), is_second_parent, err);
    repo_paths_deinit(&paths);
    return r;
}

static enum err_kind
open_trees(struct hand *h, const struct repo_commit_info *merge, struct err *err)
{
    struct repo_id base;
    struct repo_id root;
    const struct repo_id *const commits[SIDES] = {
        &base, &merge->parent, &merge->second_parent, &merge->id};
    enum err_kind r = repo_merge_base(h->repo, &merge->parent, &merge->second_parent, &base, err);
    bool is_related = r != ERR_NOT_FOUND;
    if (!is_related)
        r = ERR_OK;
    for (size_t i = is_related ? BASE : OURS; i < SIDES && r == ERR_OK; i++)
        r = repo_tree(h->repo, commits[i], &h->trees[i], &root, err);
    return r;
}

enum err_kind core_merge_hand(
    struct repo *r,
    const struct repo_commit_info *merge,
    core_merge_hand_fn visit,
    void *data,
    struct err *err)
{
    auto_hand struct hand h = {
        .repo = r, .is_octopus = merge->parent_count > 2, .visit = visit, .data = data};
    enum err_kind kind = open_trees(&h, merge, err);
    if (kind == ERR_OK)
        kind = see_paths(&h, merge, &merge->parent, err);
    if (kind == ERR_OK && !h.is_octopus)
        kind = see_paths(&h, merge, &merge->second_parent, err);
    return kind;
}
