#include "vfs/trace.h"

#include "base/mem.h"
#include "base/sha256.h"

#include <uthash.h>

/* What was asked about a path, beside its type. */
#define SAW_SIZE 1u /* of a file or link */
#define SAW_ID 2u   /* its content, and so its size as well */
#define SAW_NAMES 4u

struct look {
    UT_hash_handle hh;
    unsigned saw;
    enum vfs_type type; /* 0: there was nothing */
    uint64_t size;
    struct vfs_id id;
    uint8_t names[SHA256_BYTES]; /* of a listing's names and types */
    size_t path_n;
    char path[];
};

struct vfs_seen {
    int refs;           /* atomic */
    struct look *looks; /* in the order in which they were taken */
    size_t bytes;
};

struct vfs_trace {
    struct vfs vfs; /* first: vfs/vfs.h */
    struct vfs *base;
    struct vfs_seen *seen;
    size_t bytes_max;
    bool is_broken; /* what was seen is not all written down */
    bool has_failed;
};

/* --- the record --------------------------------------------------------------------------------- */

static struct look *look_at(struct vfs_trace *t, struct str path)
{
    struct look *look = NULL;
    HASH_FIND(hh, t->seen->looks, path.p, path.n, look);
    if (look != NULL || t->is_broken)
        return look;
    size_t bytes = sizeof(*look) + path.n;
    if (bytes > t->bytes_max - t->seen->bytes) {
        t->is_broken = true;
        return NULL;
    }
    look = mem_alloc(bytes);
    look->path_n = path.n;
    if (path.n > 0)
        memcpy(look->path, path.p, path.n);
    HASH_ADD(hh, t->seen->looks, path, path.n, look);
    t->seen->bytes += bytes;
    return look;
}

/* A look that failed: nothing there is an answer like others, all else is none. */
static enum err_kind saw_failure(struct vfs_trace *t, struct str path, enum err_kind kind)
{
    if (kind == ERR_NOT_FOUND)
        (void)look_at(t, path); /* type 0 */
    else
        t->is_broken = t->has_failed = true;
    return kind;
}

static void digest_names(const struct vfs_listing *l, uint8_t ret[SHA256_BYTES])
{
    struct sha256 sha;
    sha256_init(&sha);
    for (size_t i = 0; i < l->count; i++) {
        char type = (char)l->entries[i].type;
        sha256_add(&sha, &type, 1);
        sha256_add(&sha, l->entries[i].name, strlen(l->entries[i].name) + 1);
    }
    sha256_end(&sha, ret);
}

/* --- the view ------------------------------------------------------------------------------------- */

static struct vfs_trace *self(struct vfs *v)
{
    return (struct vfs_trace *)v;
}

static enum err_kind
trace_stat(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    struct vfs_trace *t = self(v);
    enum err_kind r = vfs_stat(t->base, path, flags, ret, err);
    if (r != ERR_OK)
        return saw_failure(t, path, r);
    struct look *look = look_at(t, path);
    if (look == NULL)
        return ERR_OK;
    look->type = ret->type;
    if ((flags & VFS_STAT_SIZE) != 0 && ret->type != VFS_DIR) {
        look->saw |= SAW_SIZE;
        look->size = ret->size;
    }
    return ERR_OK;
}

static enum err_kind
trace_list(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    struct vfs_trace *t = self(v);
    struct vfs_stat st;
    enum err_kind r = vfs_list(t->base, path, ret, err);
    if (r == ERR_INVALID && trace_stat(v, path, 0, &st, NULL) == ERR_OK)
        return r; /* it is no directory, which is now written down */
    if (r != ERR_OK)
        return saw_failure(t, path, r);
    struct look *look = look_at(t, path);
    if (look == NULL)
        return ERR_OK;
    look->type = VFS_DIR;
    if ((look->saw & SAW_NAMES) == 0)
        digest_names(ret, look->names);
    look->saw |= SAW_NAMES;
    return ERR_OK;
}

/* The identity is taken before the content: where a file changes in between, what is written down no
 * longer holds, and nobody takes the old content for the new. */
static enum err_kind
trace_read(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    struct vfs_trace *t = self(v);
    struct vfs_stat st;
    enum err_kind r = trace_stat(v, path, 0, &st, err);
    if (r == ERR_OK)
        r = vfs_read(t->base, path, ret, err);
    if (r == ERR_INVALID)
        return r; /* of another type, which is written down */
    if (r != ERR_OK)
        return saw_failure(t, path, r);
    struct look *look = look_at(t, path);
    if (st.id.n == 0)
        t->is_broken = true;
    if (look == NULL)
        return ERR_OK;
    look->id = st.id;
    look->saw |= SAW_ID;
    return ERR_OK;
}

static void trace_free(struct vfs *v)
{
    vfs_seen_unref(self(v)->seen);
    free(v);
}

static const struct vfs_ops trace_ops = {
    .stat = trace_stat,
    .list = trace_list,
    .read = trace_read,
    .free = trace_free,
};

struct vfs_trace *vfs_trace_new(struct vfs *base, size_t bytes_max)
{
    struct vfs_trace *t = mem_new(struct vfs_trace);
    t->vfs.ops = &trace_ops;
    t->base = base;
    t->bytes_max = bytes_max;
    t->seen = mem_new(struct vfs_seen);
    t->seen->refs = 1;
    return t;
}

struct vfs_trace *vfs_trace_free(struct vfs_trace *t)
{
    if (t != NULL)
        trace_free(&t->vfs);
    return NULL;
}

struct vfs *vfs_trace_vfs(struct vfs_trace *t)
{
    return &t->vfs;
}

struct vfs_seen *vfs_trace_seen(struct vfs_trace *t)
{
    return t->is_broken ? NULL : vfs_seen_ref(t->seen);
}

bool vfs_trace_has_failed(const struct vfs_trace *t)
{
    return t->has_failed;
}

/* --- holding it against a tree -------------------------------------------------------------------- */

struct vfs_seen *vfs_seen_ref(struct vfs_seen *s)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

struct vfs_seen *vfs_seen_unref(struct vfs_seen *s)
{
    if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return NULL;
    struct look *look, *next;
    HASH_ITER(hh, s->looks, look, next)
    {
        HASH_DEL(s->looks, look);
        free(look);
    }
    free(s);
    return NULL;
}

size_t vfs_seen_bytes(const struct vfs_seen *s)
{
    return s->bytes;
}

static bool same_id(const struct vfs_id *a, const struct vfs_id *b)
{
    return a->n == b->n && a->n > 0 && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static bool same_names(const struct look *look, struct vfs *tree)
{
    auto_vfs_listing struct vfs_listing listing = {0};
    uint8_t names[SHA256_BYTES];
    if (vfs_list(tree, str_of(look->path, look->path_n), &listing, NULL) != ERR_OK)
        return false;
    digest_names(&listing, names);
    return memcmp(names, look->names, sizeof(names)) == 0;
}

static bool look_holds(const struct look *look, struct vfs *tree)
{
    struct vfs_stat st;
    bool needs_size = (look->saw & (SAW_SIZE | SAW_ID)) == SAW_SIZE;
    enum err_kind r =
        vfs_stat(tree, str_of(look->path, look->path_n), needs_size ? VFS_STAT_SIZE : 0, &st, NULL);
    if (r != ERR_OK)
        return r == ERR_NOT_FOUND && look->type == 0;
    if (st.type != look->type || (needs_size && st.size != look->size))
        return false;
    if ((look->saw & SAW_ID) != 0 && !same_id(&st.id, &look->id))
        return false;
    return (look->saw & SAW_NAMES) == 0 || same_names(look, tree);
}

bool vfs_seen_holds(const struct vfs_seen *s, struct vfs *tree)
{
    for (const struct look *look = s->looks; look != NULL; look = look->hh.next) {
        if (!look_holds(look, tree))
            return false;
    }
    return true;
}
