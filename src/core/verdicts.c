#include "core/verdicts.h"

#include "base/mem.h"

#include <stdio.h>
#include <uthash.h>

#define ENTRIES_MAX 2000

/* What a verdict depends on. */
struct key {
    struct repo_id target;
    struct repo_id head;
    uint64_t registry; /* its generation: another one may judge otherwise */
};
struct entry {
    UT_hash_handle hh;
    struct key key;
    enum core_merge_way way;
    size_t conflict_count;
    char *causes;
};

struct core_verdicts {
    pthread_mutex_t lock;  /* guards the table; a leaf, not held while a verdict is made */
    struct entry *entries; /* the oldest first */
};

struct core_verdicts *core_verdicts_new(void)
{
    struct core_verdicts *v = mem_new(struct core_verdicts);
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

static void drop(struct core_verdicts *v, struct entry *e)
{
    HASH_DEL(v->entries, e);
    free(e->causes);
    free(e);
}

struct core_verdicts *core_verdicts_free(struct core_verdicts *v)
{
    if (v == NULL)
        return NULL;
    while (v->entries != NULL)
        drop(v, v->entries);
    pthread_mutex_destroy(&v->lock);
    free(v);
    return NULL;
}

static bool look(struct core_verdicts *v, const struct key *key, struct core_merge_verdict *ret)
{
    struct entry *e = NULL;
    pthread_mutex_lock(&v->lock);
    HASH_FIND(hh, v->entries, key, sizeof(*key), e);
    if (e != NULL) {
        ret->way = e->way;
        ret->conflict_count = e->conflict_count;
        snprintf(ret->causes, sizeof(ret->causes), "%s", e->causes);
    }
    pthread_mutex_unlock(&v->lock);
    return e != NULL;
}

static void
keep(struct core_verdicts *v, const struct key *key, const struct core_merge_verdict *verdict)
{
    struct entry *known = NULL;
    pthread_mutex_lock(&v->lock);
    HASH_FIND(hh, v->entries, key, sizeof(*key), known);
    if (known == NULL) {
        struct entry *e = mem_new(struct entry);
        memcpy(&e->key, key, sizeof(*key));
        e->way = verdict->way;
        e->conflict_count = verdict->conflict_count;
        e->causes = mem_strdup(verdict->causes);
        if (HASH_COUNT(v->entries) >= ENTRIES_MAX)
            drop(v, v->entries);
        HASH_ADD(hh, v->entries, key, sizeof(e->key), e);
    }
    pthread_mutex_unlock(&v->lock);
}

enum err_kind core_verdicts_get(
    struct core *c,
    const struct repo_id *target,
    const struct repo_id *head,
    const atomic_bool *cancel,
    struct core_merge_verdict *ret,
    struct err *err)
{
    struct key key;
    memset(&key, 0, sizeof(key)); /* padding is hashed as well */
    auto_snapshot struct core_snapshot *s = core_current(c);
    key.target = *target;
    key.head = *head;
    key.registry = s->registry->generation;
    if (look(c->verdicts, &key, ret))
        return ERR_OK;
    enum err_kind r = core_merge_judge(c, target, head, cancel, ret, err);
    if (r == ERR_OK)
        keep(c->verdicts, &key, ret);
    return r;
}
