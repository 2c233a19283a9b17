#include "core/version.h"

#include "base/mem.h"
#include "vfs/trace.h"

/* What one look may have seen; more is computed for each tree. */
#define SEEN_MAX ((size_t)1 << 20)

void core_version_deinit(struct core_version *v)
{
    free(v->why);
    vfs_seen_unref(v->seen);
    *v = (struct core_version){0};
}

bool core_version_eq(const struct core_version *a, const struct core_version *b)
{
    return a->state == b->state && strcmp(a->etag, b->etag) == 0;
}

static void copy(const struct core_version *from, struct core_version *ret)
{
    *ret = *from;
    ret->why = mem_strdup(from->why);
    ret->seen = from->seen == NULL ? NULL : vfs_seen_ref(from->seen);
}

/* One of its own for each tree: a walk through a thousand of them must not drive out what reads of the
 * object keep. A name holds no NUL. */
static void write_key(const struct core_version_of *of, const struct repo_id *root, struct buf *to)
{
    buf_add(to, of->served->identity, sizeof(of->served->identity));
    buf_char(to, 'v');
    buf_str(to, of->ns);
    buf_char(to, '\0');
    buf_str(to, of->name);
    buf_char(to, '\0');
    buf_add(to, root->bytes, sizeof(root->bytes));
}

static bool look(
    const struct core_version_of *of,
    struct str key,
    const struct repo_id *root,
    struct core_version *ret)
{
    struct core_answer *kept;
    if (!core_cache_look(of->cache, key, root, &ret->seen, &kept))
        return false;
    ret->state = kept->kind == ERR_OK ? CORE_VERSION_PRESENT : CORE_VERSION_ABSENT;
    memcpy(ret->etag, kept->etag, sizeof(ret->etag));
    core_answer_unref(kept);
    return true;
}

static void keep(
    const struct core_version_of *of,
    struct str key,
    const struct repo_id *root,
    const struct core_version *v)
{
    if (v->seen == NULL || v->state == CORE_VERSION_UNREADABLE)
        return;
    enum err_kind kind = v->state == CORE_VERSION_PRESENT ? ERR_OK : ERR_NOT_FOUND;
    struct core_answer *answer = core_answer_new(kind, STR(""), v->etag);
    core_cache_keep(of->cache, key, root, v->seen, answer);
    core_answer_unref(answer);
}

/* Failures that tell of the tree, or of the controller over it, are a state of the object. */
static enum err_kind
judge(enum err_kind r, const struct err *why, struct core_version *ret, struct err *err)
{
    bool is_ours = r == ERR_CANCELLED || r == ERR_IO || r == ERR_INTERNAL || r == ERR_NO_SPACE ||
        r == ERR_UNAVAILABLE;
    if (is_ours) {
        if (err != NULL)
            *err = *why;
        return r;
    }
    ret->state = r == ERR_OK ? CORE_VERSION_PRESENT
        : r == ERR_NOT_FOUND ? CORE_VERSION_ABSENT
                             : CORE_VERSION_UNREADABLE;
    if (ret->state == CORE_VERSION_UNREADABLE)
        ret->why = mem_strdup(why->text);
    return ERR_OK;
}

static enum err_kind compute(
    const struct core_version_of *of, struct vfs *tree, struct core_version *ret, struct err *err)
{
    autobuf struct buf text = {0};
    struct err own = {0};
    struct vfs_trace *trace = vfs_trace_new(tree, SEEN_MAX);
    enum err_kind r = core_read_object(
        of->served, vfs_trace_vfs(trace), of->ns, of->name, of->cancel, &text, ret->etag, &own);
    if (r != ERR_OK)
        ret->etag[0] = '\0';
    r = judge(r, &own, ret, err);
    if (r == ERR_OK)
        ret->seen = vfs_trace_seen(trace);
    vfs_trace_free(trace);
    return r;
}

static enum err_kind find_or_compute(
    const struct core_version_of *of,
    struct vfs *tree,
    const struct repo_id *root,
    const struct core_version *before,
    struct core_version *ret,
    struct err *err)
{
    autobuf struct buf key = {0};
    write_key(of, root, &key);
    if (before->seen != NULL && vfs_seen_holds(before->seen, tree)) {
        copy(before, ret);
        return ERR_OK;
    }
    if (look(of, buf_view(&key), root, ret))
        return ERR_OK;
    enum err_kind r = compute(of, tree, ret, err);
    if (r == ERR_OK)
        keep(of, buf_view(&key), root, ret);
    return r;
}

enum err_kind core_version_at(
    const struct core_version_of *of,
    struct vfs *tree,
    const struct repo_id *root,
    const struct core_version *before,
    struct core_version *ret,
    struct err *err)
{
    struct core_version found = {0};
    enum err_kind r = root == NULL ? compute(of, tree, &found, err)
                                   : find_or_compute(of, tree, root, before, &found, err);
    if (r == ERR_OK)
        *ret = found;
    else
        core_version_deinit(&found);
    return r;
}
