#include "core/claims.h"

#include "base/mem.h"

#include <pthread.h>
#include <utlist.h>

struct core_claim {
    char *key; /* the objects */
    char id[ID_CHARS + 1];
    bool is_wanted; /* the id is the first one's own */
    int refs;       /* who works with it; under the lock, as is_used */
    bool is_used;   /* and out of the list */
    struct core_claim *prev;
    struct core_claim *next;
};

struct core_claims {
    pthread_mutex_t lock; /* guards the list, which is as long as changes are under way */
    struct core_claim *list;
};

struct core_claims *core_claims_new(void)
{
    struct core_claims *c = mem_new(struct core_claims);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

struct core_claims *core_claims_free(struct core_claims *c)
{
    if (c != NULL) {
        pthread_mutex_destroy(&c->lock);
        free(c);
    }
    return NULL;
}

static char *key_of(const struct core_objects *objects)
{
    autobuf struct buf key = {0};
    for (size_t i = 0; i < objects->count; i++) {
        const struct core_object_id *it = &objects->items[i];
        buf_printf(
            &key, STR_FMT "/" STR_FMT " " STR_FMT "/" STR_FMT "\n", STR_ARG(it->group),
            STR_ARG(it->kind), STR_ARG(it->ns), STR_ARG(it->name));
    }
    return buf_steal(&key);
}

static struct core_claim *new_claim(char *take_key, const char *wanted)
{
    struct core_claim *it = mem_new(struct core_claim);
    it->key = take_key;
    it->is_wanted = wanted != NULL;
    if (wanted != NULL)
        memcpy(it->id, wanted, sizeof(it->id));
    else
        id_new(it->id);
    return it;
}

struct core_claim *
core_claims_take(struct core_claims *c, const struct core_objects *objects, const char *wanted)
{
    char *key = key_of(objects);
    struct core_claim *it;
    pthread_mutex_lock(&c->lock);
    DL_FOREACH(c->list, it)
    {
        if (strcmp(it->key, key) == 0)
            break;
    }
    if (it == NULL) {
        it = new_claim(steal(&key), wanted);
        DL_APPEND(c->list, it);
    }
    it->refs++;
    pthread_mutex_unlock(&c->lock);
    free(key);
    return it;
}

const char *core_claim_id(const struct core_claim *claim)
{
    return claim->id;
}

bool core_claim_may_open(struct core_claims *c, const struct core_claim *claim, const char *wanted)
{
    bool is_own = !claim->is_wanted || (wanted != NULL && strcmp(wanted, claim->id) == 0);
    pthread_mutex_lock(&c->lock);
    bool is_free = !claim->is_used;
    pthread_mutex_unlock(&c->lock);
    return is_own && is_free;
}

static void unlink_claim(struct core_claims *c, struct core_claim *claim)
{
    if (!claim->is_used)
        DL_DELETE(c->list, claim);
    claim->is_used = true;
}

void core_claim_use(struct core_claims *c, struct core_claim *claim)
{
    pthread_mutex_lock(&c->lock);
    unlink_claim(c, claim);
    pthread_mutex_unlock(&c->lock);
}

struct core_claim *core_claim_drop(struct core_claims *c, struct core_claim *claim)
{
    if (claim == NULL)
        return NULL;
    pthread_mutex_lock(&c->lock);
    bool is_last = --claim->refs == 0;
    if (is_last)
        unlink_claim(c, claim);
    pthread_mutex_unlock(&c->lock);
    if (is_last) {
        free(claim->key);
        free(claim);
    }
    return NULL;
}
