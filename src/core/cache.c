#include "core/cache.h"

#include "base/mem.h"
#include "vfs/trace.h"

#include <pthread.h>
#include <time.h>
#include <uthash.h>
#include <utlist.h>

enum {
    ROOTS_MAX = 8,    /* trees that an entry remembers to hold for */
    VARIANTS_MAX = 4, /* results of one key, for trees that differ: branches, proposals */
};
/* How often somebody who waits for another's computation looks whether his own reader is gone. */
static const long LOOK_NS = 50 * 1000000L;
/* What one call may have seen, at most; a call that sees more is computed each time. */
#define SEEN_MAX ((size_t)8 << 20)

struct entry {
    struct entry *prev, *next; /* of all, by use: the head was used longest ago */
    struct entry *sibling;     /* another result of the same key */
    struct slot *slot;
    struct vfs_seen *seen; /* NULL: it is good for its roots only */
    struct core_answer *answer;
    struct repo_id roots[ROOTS_MAX];
    size_t root_count;
    size_t root_next; /* to be overwritten */
    size_t bytes;
};

struct slot {
    UT_hash_handle hh;
    struct entry *entries; /* the newest first */
    size_t key_n;
    char key[];
};

/* A computation under way; whoever asks for the same waits for it. */
struct flight {
    UT_hash_handle hh;
    pthread_cond_t landed;
    unsigned waiting;
    bool is_done;
    bool is_abandoned; /* whoever computed went away: those who wait ask again */
    struct core_answer *answer;
    struct err err;
    size_t key_n;
    char key[]; /* root and key */
};

struct core_cache {
    size_t bytes_max;
    pthread_mutex_t lock; /* guards all below; a leaf, never held across a call or I/O */
    struct slot *slots;
    struct entry *by_use;
    struct flight *flights;
    struct core_cache_stats stats;
};

/* --- entries; the lock is held ---------------------------------------------------------------------- */

static struct slot *find_slot(struct core_cache *c, struct str key)
{
    struct slot *slot = NULL;
    HASH_FIND(hh, c->slots, key.p, key.n, slot);
    return slot;
}

static struct slot *make_slot(struct core_cache *c, struct str key)
{
    struct slot *slot = find_slot(c, key);
    if (slot != NULL)
        return slot;
    slot = mem_alloc(sizeof(*slot) + key.n);
    slot->key_n = key.n;
    memcpy(slot->key, key.p, key.n);
    HASH_ADD(hh, c->slots, key, key.n, slot);
    return slot;
}

static void drop(struct core_cache *c, struct entry *e)
{
    struct slot *slot = e->slot;
    LL_DELETE2(slot->entries, e, sibling);
    DL_DELETE(c->by_use, e);
    if (slot->entries == NULL) {
        HASH_DEL(c->slots, slot);
        free(slot);
    }
    c->stats.bytes -= e->bytes;
    c->stats.entries--;
    vfs_seen_unref(e->seen);
    core_answer_unref(e->answer);
    free(e);
}

static void touch(struct core_cache *c, struct entry *e)
{
    if (e->next == NULL)
        return;
    DL_DELETE(c->by_use, e);
    DL_APPEND(c->by_use, e);
}

static bool is_proven(const struct entry *e, const struct repo_id *root)
{
    for (size_t i = 0; i < e->root_count; i++) {
        if (repo_id_eq(&e->roots[i], root))
            return true;
    }
    return false;
}

static void add_root(struct entry *e, const struct repo_id *root)
{
    if (root == NULL || is_proven(e, root))
        return;
    e->roots[e->root_next] = *root;
    e->root_next = (e->root_next + 1) % ROOTS_MAX;
    if (e->root_count < ROOTS_MAX)
        e->root_count++;
}

static struct entry *oldest_of(const struct slot *slot, size_t *ret_count)
{
    struct entry *last = NULL;
    *ret_count = 0;
    for (struct entry *e = slot->entries; e != NULL; e = e->sibling) {
        last = e;
        (*ret_count)++;
    }
    return last;
}

static size_t seen_bytes(const struct vfs_seen *seen)
{
    return seen == NULL ? 0 : vfs_seen_bytes(seen);
}

/* Not where it alone would take a good part of the cache. */
static void insert(
    struct core_cache *c,
    struct str key,
    const struct repo_id *root,
    struct vfs_seen *seen,
    struct core_answer *a)
{
    if (seen_bytes(seen) + a->n >= c->bytes_max / 4)
        return;
    struct slot *slot = make_slot(c, key);
    struct entry *e = mem_new(struct entry);
    size_t count;
    e->slot = slot;
    e->seen = seen == NULL ? NULL : vfs_seen_ref(seen);
    e->answer = core_answer_ref(a);
    e->bytes = sizeof(*e) + sizeof(*slot) + key.n + seen_bytes(seen) + sizeof(*a) + a->n;
    add_root(e, root);
    struct entry *oldest = oldest_of(slot, &count);
    LL_PREPEND2(slot->entries, e, sibling);
    DL_APPEND(c->by_use, e);
    c->stats.bytes += e->bytes;
    c->stats.entries++;
    if (count >= VARIANTS_MAX)
        drop(c, oldest);
    while (c->stats.bytes > c->bytes_max)
        drop(c, c->by_use);
}

static struct entry *find_entry(struct core_cache *c, struct str key, const struct repo_id *root)
{
    struct slot *slot = find_slot(c, key);
    for (struct entry *e = slot == NULL ? NULL : slot->entries; e != NULL; e = e->sibling) {
        if (!is_proven(e, root))
            continue;
        touch(c, e);
        c->stats.hits++;
        return e;
    }
    return NULL;
}

static struct core_answer *
find_proven(struct core_cache *c, struct str key, const struct repo_id *root)
{
    struct entry *e = find_entry(c, key, root);
    return e == NULL ? NULL : core_answer_ref(e->answer);
}

/* --- proving ------------------------------------------------------------------------------------------ */

struct candidates {
    struct vfs_seen *seen[VARIANTS_MAX];
    struct core_answer *answers[VARIANTS_MAX];
    size_t count;
};

static void collect(struct core_cache *c, struct str key, struct candidates *ret)
{
    pthread_mutex_lock(&c->lock);
    struct slot *slot = find_slot(c, key);
    struct entry *e = slot == NULL ? NULL : slot->entries;
    for (ret->count = 0; e != NULL && ret->count < VARIANTS_MAX; e = e->sibling) {
        if (e->seen == NULL)
            continue;
        ret->seen[ret->count] = vfs_seen_ref(e->seen);
        ret->answers[ret->count++] = core_answer_ref(e->answer);
    }
    pthread_mutex_unlock(&c->lock);
}

/* The root of which it is proven that what was read belongs to it, or NULL. */
static const struct repo_id *settled_root(const struct core_cache_work *w)
{
    bool holds = w->root != NULL && (w->still_holds == NULL || w->still_holds(w->data, w->root));
    return holds ? w->root : NULL;
}

/* The entry may be gone by now; its answer holds all the same. */
static void
note_proof(struct core_cache *c, const struct core_cache_work *w, const struct vfs_seen *seen)
{
    const struct repo_id *root = settled_root(w);
    pthread_mutex_lock(&c->lock);
    struct slot *slot = find_slot(c, w->key);
    for (struct entry *e = slot == NULL ? NULL : slot->entries; e != NULL; e = e->sibling) {
        if (e->seen != seen)
            continue;
        add_root(e, root);
        touch(c, e);
        break;
    }
    c->stats.hits++;
    pthread_mutex_unlock(&c->lock);
}

/* The reader's own tree is looked at without the lock. */
static struct core_answer *prove(struct core_cache *c, const struct core_cache_work *w)
{
    struct candidates all;
    struct core_answer *found = NULL;
    collect(c, w->key, &all);
    for (size_t i = 0; i < all.count; i++) {
        if (found == NULL && vfs_seen_holds(all.seen[i], w->tree)) {
            found = core_answer_ref(all.answers[i]);
            note_proof(c, w, all.seen[i]);
        }
        vfs_seen_unref(all.seen[i]);
        core_answer_unref(all.answers[i]);
    }
    return found;
}

static enum err_kind compute(
    struct core_cache *c,
    const struct core_cache_work *w,
    struct core_answer **ret,
    struct err *err)
{
    struct vfs_trace *trace = vfs_trace_new(w->tree, SEEN_MAX);
    enum err_kind r = w->compute(w->data, vfs_trace_vfs(trace), ret, err);
    struct vfs_seen *seen = r == ERR_OK ? vfs_trace_seen(trace) : NULL;
    const struct repo_id *root = settled_root(w);
    bool is_good = seen != NULL || (root != NULL && !vfs_trace_has_failed(trace));
    pthread_mutex_lock(&c->lock);
    c->stats.misses++;
    if (r == ERR_OK && is_good)
        insert(c, w->key, root, seen, *ret);
    pthread_mutex_unlock(&c->lock);
    vfs_seen_unref(seen);
    vfs_trace_free(trace);
    return r;
}

static enum err_kind prove_or_compute(
    struct core_cache *c,
    const struct core_cache_work *w,
    struct core_answer **ret,
    struct err *err)
{
    *ret = prove(c, w);
    return *ret != NULL ? ERR_OK : compute(c, w, ret, err);
}

/* --- one computation for many equal requests ----------------------------------------------------------- */

static void flight_free(struct flight *f)
{
    core_answer_unref(f->answer);
    pthread_cond_destroy(&f->landed);
    free(f);
}

static void init_condition(pthread_cond_t *to)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(to, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The flight of this work. The lock is held; true: it is ours to fly. */
static bool board(struct core_cache *c, const struct core_cache_work *w, struct flight **ret)
{
    size_t n = sizeof(*w->root) + w->key.n;
    autofree char *key = mem_alloc(n);
    memcpy(key, w->root, sizeof(*w->root));
    memcpy(key + sizeof(*w->root), w->key.p, w->key.n);
    HASH_FIND(hh, c->flights, key, n, *ret);
    if (*ret != NULL)
        return false;
    struct flight *f = mem_alloc(sizeof(*f) + n);
    init_condition(&f->landed);
    f->key_n = n;
    memcpy(f->key, key, n);
    HASH_ADD(hh, c->flights, key, n, f);
    *ret = f;
    return true;
}

static bool is_cancelled(const struct core_cache_work *w)
{
    return w->cancel != NULL && atomic_load_explicit(w->cancel, memory_order_relaxed);
}

/* Until it landed, or the reader is gone, which is looked at now and then. The lock is held. */
static void
wait_until_landed(struct core_cache *c, const struct core_cache_work *w, struct flight *f)
{
    struct timespec until;
    while (!f->is_done && !is_cancelled(w)) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&f->landed, &c->lock, &until);
    }
}

/* Gives the lock back. *ret_again: nothing came of it. */
static enum err_kind wait_for(
    struct core_cache *c,
    const struct core_cache_work *w,
    struct flight *f,
    bool *ret_again,
    struct core_answer **ret,
    struct err *err)
{
    f->waiting++;
    wait_until_landed(c, w, f);
    bool is_done = f->is_done;
    enum err_kind r = is_done ? f->err.kind : ERR_CANCELLED;
    *ret_again = is_done && f->is_abandoned;
    if (!is_done) {
        err_set(err, r, "nobody waits for it any more");
    } else if (r == ERR_OK) {
        *ret = core_answer_ref(f->answer);
        c->stats.hits++;
    } else if (err != NULL) {
        *err = f->err;
    }
    bool is_last = --f->waiting == 0 && is_done;
    pthread_mutex_unlock(&c->lock);
    if (is_last)
        flight_free(f);
    return r;
}

static void land(
    struct core_cache *c,
    const struct core_cache_work *w,
    struct flight *f,
    struct core_answer *answer,
    const struct err *err)
{
    pthread_mutex_lock(&c->lock);
    HASH_DEL(c->flights, f);
    f->is_done = true;
    f->is_abandoned = answer == NULL && is_cancelled(w);
    f->err = *err;
    f->answer = answer == NULL ? NULL : core_answer_ref(answer);
    bool is_alone = f->waiting == 0;
    pthread_cond_broadcast(&f->landed);
    pthread_mutex_unlock(&c->lock);
    if (is_alone)
        flight_free(f);
}

static enum err_kind try_to_fly(
    struct core_cache *c,
    const struct core_cache_work *w,
    bool *ret_again,
    struct core_answer **ret,
    struct err *err)
{
    struct flight *f;
    struct err own = {0};
    pthread_mutex_lock(&c->lock);
    *ret = find_proven(c, w->key, w->root);
    bool is_ours = *ret == NULL && board(c, w, &f);
    if (*ret == NULL && !is_ours)
        return wait_for(c, w, f, ret_again, ret, err);
    pthread_mutex_unlock(&c->lock);
    if (!is_ours)
        return ERR_OK;
    enum err_kind r = prove_or_compute(c, w, ret, &own);
    land(c, w, f, r == ERR_OK ? *ret : NULL, &own);
    if (r != ERR_OK && err != NULL)
        *err = own;
    return r;
}

static enum err_kind
fly(struct core_cache *c,
    const struct core_cache_work *w,
    struct core_answer **ret,
    struct err *err)
{
    enum err_kind r;
    bool again;
    do {
        again = false;
        r = try_to_fly(c, w, &again, ret, err);
    } while (again);
    return r;
}

/* --- the way in ------------------------------------------------------------------------------------------ */

struct core_answer *
core_cache_peek(struct core_cache *c, struct str key, const struct repo_id *root)
{
    pthread_mutex_lock(&c->lock);
    struct core_answer *a = find_proven(c, key, root);
    pthread_mutex_unlock(&c->lock);
    return a;
}

enum err_kind core_cache_get(
    struct core_cache *c,
    const struct core_cache_work *work,
    struct core_answer **ret,
    struct err *err)
{
    if (work->key.n == 0 || c->bytes_max == 0)
        return work->compute(work->data, work->tree, ret, err);
    /* Without a root nobody knows whether a computation that is under way began before a change that
     * this reader has seen: each computes, or proves, for itself. */
    return work->root != NULL ? fly(c, work, ret, err) : prove_or_compute(c, work, ret, err);
}

bool core_cache_look(
    struct core_cache *c,
    struct str key,
    const struct repo_id *root,
    struct vfs_seen **ret_seen,
    struct core_answer **ret_answer)
{
    pthread_mutex_lock(&c->lock);
    struct entry *e = find_entry(c, key, root);
    if (e != NULL && e->seen == NULL)
        e = NULL;
    if (e != NULL) {
        *ret_seen = vfs_seen_ref(e->seen);
        *ret_answer = core_answer_ref(e->answer);
    }
    pthread_mutex_unlock(&c->lock);
    return e != NULL;
}

void core_cache_keep(
    struct core_cache *c,
    struct str key,
    const struct repo_id *root,
    struct vfs_seen *seen,
    struct core_answer *answer)
{
    pthread_mutex_lock(&c->lock);
    c->stats.misses++;
    struct entry *e = find_entry(c, key, root);
    if (e == NULL || e->seen == NULL)
        insert(c, key, root, seen, answer);
    pthread_mutex_unlock(&c->lock);
}

void core_cache_stats(struct core_cache *c, struct core_cache_stats *ret)
{
    pthread_mutex_lock(&c->lock);
    *ret = c->stats;
    pthread_mutex_unlock(&c->lock);
}

struct core_cache *core_cache_new(size_t bytes_max)
{
    struct core_cache *c = mem_new(struct core_cache);
    pthread_mutex_init(&c->lock, NULL);
    c->bytes_max = bytes_max;
    return c;
}

struct core_cache *core_cache_free(struct core_cache *c)
{
    if (c == NULL)
        return NULL;
    while (c->by_use != NULL)
        drop(c, c->by_use);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}
