#include "repo/trees.h"

#include "base/mem.h"

#include <stdatomic.h>

#define CACHE_BYTES_MAX ((size_t)24 << 20)
#define CACHE_SLOTS 1024u

struct tree {
    atomic_int refs;
    git_oid id;
    git_odb_object *object; /* holds the raw bytes */
    const char *raw;
    size_t raw_n;
    struct tree_entry *entries;
    size_t count;
    /* guarded by the cache's lock: */
    struct tree *slot_next;
    struct tree *newer;
    struct tree *older;
};

struct trees {
    git_odb *odb;
    pthread_mutex_t
        lock; /* guards all below, and the links in struct tree; never held across I/O */
    struct tree *slots[CACHE_SLOTS];
    struct tree *newest;
    struct tree *oldest;
    size_t bytes;
};

struct tree *tree_ref(struct tree *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

struct tree *tree_unref(struct tree *t)
{
    if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
        return NULL;
    git_odb_object_free(t->object);
    free(t->entries);
    free(t);
    return NULL;
}

size_t tree_count(const struct tree *t)
{
    return t == NULL ? 0 : t->count;
}

const git_oid *tree_id(const struct tree *t)
{
    return &t->id;
}

const struct tree_entry *tree_at(const struct tree *t, size_t index)
{
    return &t->entries[index];
}

size_t tree_index(const struct tree *t, const struct tree_entry *e)
{
    return (size_t)(e - t->entries);
}

struct str tree_name(const struct tree *t, const struct tree_entry *e)
{
    return str_of(t->raw + e->name_at, e->name_n);
}

git_oid tree_entry_id(const struct tree *t, const struct tree_entry *e)
{
    git_oid id = {{0}};
    memcpy(id.id, t->raw + e->name_at + e->name_n + 1, sizeof(id.id));
    return id;
}

int tree_cmp(struct str a, bool a_is_dir, struct str b, bool b_is_dir)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (order != 0)
        return order;
    unsigned char a_next = a.n > n ? (unsigned char)a.p[n] : a_is_dir ? '/' : 0;
    unsigned char b_next = b.n > n ? (unsigned char)b.p[n] : b_is_dir ? '/' : 0;
    return a_next - b_next;
}

static const struct tree_entry *find_as(const struct tree *t, struct str name, bool is_dir)
{
    size_t low = 0;
    size_t high = tree_count(t);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct tree_entry *e = &t->entries[middle];
        int order = tree_cmp(name, is_dir, tree_name(t, e), tree_mode_is_dir(e->mode));
        if (order == 0)
            return e;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct tree_entry *tree_find(const struct tree *t, struct str name)
{
    const struct tree_entry *e = find_as(t, name, false);
    return e != NULL ? e : find_as(t, name, true);
}

/* One entry is "<octal mode> <name>\0<20 bytes id>" (git-mktree(1), Documentation of tree objects). */
static bool parse_entry(struct str rest, size_t at, struct tree_entry *ret, size_t *ret_n)
{
    uint32_t mode = 0;
    size_t i = 0;
    for (; i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '7' && i < 7; i++)
        mode = mode * 8 + (uint32_t)(rest.p[i] - '0');
    if (i == 0 || i == rest.n || rest.p[i] != ' ')
        return false;
    struct str tail = str_skip(rest, i + 1);
    ptrdiff_t name_n = str_find(tail, '\0');
    if (name_n <= 0 || tail.n - (size_t)name_n - 1 < GIT_OID_RAWSZ)
        return false;
    struct str name = str_take(tail, (size_t)name_n);
    if (str_find(name, '/') >= 0 || str_eqz(name, ".") || str_eqz(name, ".."))
        return false;
    *ret = (struct tree_entry){
        .name_at = (uint32_t)(at + i + 1), .name_n = (uint32_t)name_n, .mode = mode};
    *ret_n = i + 1 + (size_t)name_n + 1 + GIT_OID_RAWSZ;
    return true;
}

/* Order is what binary search rests on, and an unsorted or doubled entry is how a hostile tree shows
 * one file to us and another one to a checkout. */
static bool is_behind_last(const struct tree *t, const struct tree_entry *e)
{
    if (t->count == 0)
        return true;
    const struct tree_entry *last = &t->entries[t->count - 1];
    return tree_cmp(
               tree_name(t, last), tree_mode_is_dir(last->mode), tree_name(t, e),
               tree_mode_is_dir(e->mode)) < 0;
}

static bool parse(struct tree *t)
{
    size_t cap = 0;
    for (size_t at = 0; at < t->raw_n;) {
        struct tree_entry e;
        size_t n = 0;
        if (!parse_entry(str_of(t->raw + at, t->raw_n - at), at, &e, &n))
            return false;
        if (!is_behind_last(t, &e))
            return false;
        mem_grow(&t->entries, t->count, &cap);
        t->entries[t->count++] = e;
        at += n;
    }
    return true;
}

/*
 * A file and a directory of one name need not be neighbours in Git's order: between "a" and "a/" stand "a-"
 * and "a.b". All of these begin with the directory's name, so the look back ends soon; in a tree made to
 * have many of them the search is the shorter way.
 */
static bool has_twin(const struct tree *t, size_t at)
{
    static const size_t LOOK_BACK_MAX = 16;
    struct str name = tree_name(t, &t->entries[at]);
    for (size_t i = at; i-- > 0;) {
        struct str before = tree_name(t, &t->entries[i]);
        if (!str_starts(before, name))
            return false;
        if (before.n == name.n)
            return true;
        if (at - i > LOOK_BACK_MAX)
            return find_as(t, name, false) != NULL;
    }
    return false;
}

static bool has_twins(const struct tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (tree_mode_is_dir(t->entries[i].mode) && has_twin(t, i))
            return true;
    return false;
}

static enum err_kind load(struct repo *r, const git_oid *id, struct tree **ret, struct err *err)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof(hex), id);
    git_odb_object *object = NULL;
    int code = git_odb_read(&object, r->odb, id);
    if (code < 0)
        return repo_object_failed(r, code, err, id, "tree");
    auto_tree struct tree *t = mem_new(struct tree);
    atomic_init(&t->refs, 1);
    t->id = *id;
    t->object = object;
    t->raw = git_odb_object_data(object);
    t->raw_n = git_odb_object_size(object);
    if (git_odb_object_type(object) != GIT_OBJECT_TREE)
        return err_set(err, ERR_IO, "object %s is no tree", hex);
    if (t->raw_n > REPO_TREE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "tree %s is larger than 64 MiB", hex);
    if (!parse(t) || has_twins(t))
        return err_set(
            err, ERR_CONFLICT,
            "tree %s is malformed: its entries are not in order, doubled or torn", hex);
    *ret = steal(&t);
    return ERR_OK;
}

struct trees *trees_new(git_odb *odb)
{
    struct trees *c = mem_new(struct trees);
    c->odb = odb;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

struct trees *trees_free(struct trees *c)
{
    if (c == NULL)
        return NULL;
    for (struct tree *t = c->newest, *older; t != NULL; t = older) {
        older = t->older;
        tree_unref(t);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

static struct tree **slot_of(struct trees *c, const git_oid *id)
{
    return &c->slots[(id->id[0] | (unsigned)id->id[1] << 8) % CACHE_SLOTS];
}

static size_t bytes_of(const struct tree *t)
{
    return sizeof(*t) + t->raw_n + t->count * sizeof(struct tree_entry);
}

static void unlink_age(struct trees *c, struct tree *t)
{
    if (t->newer == NULL)
        c->newest = t->older;
    else
        t->newer->older = t->older;
    if (t->older == NULL)
        c->oldest = t->newer;
    else
        t->older->newer = t->newer;
    t->newer = t->older = NULL;
}

static void link_newest(struct trees *c, struct tree *t)
{
    t->older = c->newest;
    t->newer = NULL;
    if (c->newest == NULL)
        c->oldest = t;
    else
        c->newest->newer = t;
    c->newest = t;
}

static struct tree *find_cached(struct trees *c, const git_oid *id)
{
    for (struct tree *t = *slot_of(c, id); t != NULL; t = t->slot_next) {
        if (!git_oid_equal(&t->id, id))
            continue;
        if (c->newest != t) {
            unlink_age(c, t);
            link_newest(c, t);
        }
        return tree_ref(t);
    }
    return NULL;
}

static void evict_oldest(struct trees *c)
{
    struct tree *t = c->oldest;
    struct tree **at = slot_of(c, &t->id);
    while (*at != t)
        at = &(*at)->slot_next;
    *at = t->slot_next;
    unlink_age(c, t);
    c->bytes -= bytes_of(t);
    tree_unref(t);
}

/* Takes part in the race of two loaders: whoever is second gets the first one's tree. */
static struct tree *insert(struct trees *c, struct tree *take_tree)
{
    struct tree *there = find_cached(c, &take_tree->id);
    if (there != NULL) {
        tree_unref(take_tree);
        return there;
    }
    struct tree **slot = slot_of(c, &take_tree->id);
    take_tree->slot_next = *slot;
    *slot = take_tree;
    link_newest(c, take_tree);
    c->bytes += bytes_of(take_tree);
    while (c->bytes > CACHE_BYTES_MAX && c->oldest != take_tree)
        evict_oldest(c);
    return tree_ref(take_tree);
}

enum err_kind trees_get(struct repo *r, const git_oid *id, struct tree **ret, struct err *err)
{
    struct trees *c = r->trees;
    pthread_mutex_lock(&c->lock);
    struct tree *t = find_cached(c, id);
    pthread_mutex_unlock(&c->lock);
    if (t == NULL) {
        enum err_kind kind = load(r, id, &t, err);
        if (kind != ERR_OK || t == NULL)
            return kind;
        pthread_mutex_lock(&c->lock);
        t = insert(c, t);
        pthread_mutex_unlock(&c->lock);
    }
    *ret = t;
    return ERR_OK;
}

void tree_writer_init(struct tree_writer *w)
{
    *w = (struct tree_writer){0};
    buf_init(&w->raw, REPO_TREE_BYTES_MAX);
}

void tree_writer_deinit(struct tree_writer *w)
{
    buf_deinit(&w->raw);
}

void tree_writer_add(struct tree_writer *w, uint32_t mode, struct str name, const git_oid *id)
{
    buf_printf(&w->raw, "%o ", mode);
    buf_str(&w->raw, name);
    buf_char(&w->raw, '\0');
    buf_add(&w->raw, id->id, GIT_OID_RAWSZ);
    w->count++;
}

static size_t end_of(const struct tree *t, size_t index)
{
    return t->entries[index].name_at + t->entries[index].name_n + 1 + GIT_OID_RAWSZ;
}

void tree_writer_copy(struct tree_writer *w, const struct tree *t, size_t from, size_t to)
{
    if (from >= to)
        return;
    size_t start = from == 0 ? 0 : end_of(t, from - 1);
    buf_add(&w->raw, t->raw + start, end_of(t, to - 1) - start);
    w->count += to - from;
}

enum err_kind
tree_writer_finish(struct repo *r, struct tree_writer *w, git_oid *ret, struct err *err)
{
    enum err_kind kind = buf_check(&w->raw, "the tree of a directory", err);
    if (kind != ERR_OK)
        return kind;
    struct str raw = buf_view(&w->raw);
    int code = git_odb_write(ret, r->odb, raw.p, raw.n, GIT_OBJECT_TREE);
    return code < 0 ? repo_failed(r, code, err, "writing a tree") : ERR_OK;
}
