#include "oci/ring.h"

#include "base/mem.h"

#include <string.h>

void oci_ring_init(struct oci_ring *r, size_t room, size_t batch)
{
    *r = (struct oci_ring){.room = room, .batch = batch};
    r->bytes = mem_alloc(room);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
}

void oci_ring_deinit(struct oci_ring *r)
{
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->bytes);
}

void oci_ring_reset(struct oci_ring *r)
{
    r->start = r->used = 0;
    r->is_closed = r->is_abandoned = false;
}

/* Where the next bytes go, and how many fit there; waits for room. The lock is held. */
static size_t room_for(struct oci_ring *r, char **ret)
{
    while (r->used == r->room && !r->is_abandoned)
        pthread_cond_wait(&r->changed, &r->lock);
    size_t end = (r->start + r->used) % r->room;
    size_t free_bytes = r->room - r->used;
    *ret = r->bytes + end;
    return free_bytes < r->room - end ? free_bytes : r->room - end;
}

bool oci_ring_put(struct oci_ring *r, const char *p, size_t n)
{
    pthread_mutex_lock(&r->lock);
    while (n > 0 && !r->is_abandoned) {
        char *to;
        size_t piece = room_for(r, &to);
        piece = piece < n ? piece : n;
        /* Only this thread writes there: what is put is copied without the lock. */
        pthread_mutex_unlock(&r->lock);
        memcpy(to, p, piece);
        pthread_mutex_lock(&r->lock);
        r->used += piece;
        p += piece;
        n -= piece;
        if (r->used >= r->batch)
            pthread_cond_signal(&r->changed);
    }
    bool is_taken = !r->is_abandoned;
    pthread_mutex_unlock(&r->lock);
    return is_taken;
}

static void mark(struct oci_ring *r, bool *flag)
{
    pthread_mutex_lock(&r->lock);
    *flag = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void oci_ring_close(struct oci_ring *r)
{
    mark(r, &r->is_closed);
}

void oci_ring_abandon(struct oci_ring *r)
{
    mark(r, &r->is_abandoned);
}

size_t oci_ring_look(struct oci_ring *r, const char **ret)
{
    pthread_mutex_lock(&r->lock);
    while (r->used < r->batch && !r->is_closed)
        pthread_cond_wait(&r->changed, &r->lock);
    *ret = r->bytes + r->start;
    size_t n = r->used < r->room - r->start ? r->used : r->room - r->start;
    pthread_mutex_unlock(&r->lock);
    return n;
}

void oci_ring_taken(struct oci_ring *r, size_t n)
{
    pthread_mutex_lock(&r->lock);
    r->start = (r->start + n) % r->room;
    r->used -= n;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}
