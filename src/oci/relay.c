#include "oci/relay.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/download.h"

#include <pthread.h>

enum { ROOM = 256 << 10, STACK_BYTES = 512 << 10 };

struct oci_relay {
    struct oci_registry *from;
    const char *digest;
    uint64_t size;
    bool is_running; /* the thread is to be joined */
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    char *ring;
    size_t start;
    size_t used;
    bool is_over;                 /* the thread adds nothing any more */
    bool is_abandoned;            /* nobody reads any more */
    struct err err;               /* why it is over */
    struct oci_verifier verifier; /* the thread's */
};

struct oci_relay *oci_relay_new(struct oci_registry *from, const char *digest, uint64_t size)
{
    struct oci_relay *r = mem_new(struct oci_relay);
    r->from = from;
    r->digest = digest;
    r->size = size;
    r->ring = mem_alloc(ROOM);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    return r;
}

/* --- the thread that reads from the source --------------------------------------------------------------- */

/* Put bytes into the ring, waiting for room. */
static bool add(struct oci_relay *r, const char *p, size_t n)
{
    pthread_mutex_lock(&r->lock);
    while (n > 0 && !r->is_abandoned) {
        size_t end = (r->start + r->used) % ROOM;
        size_t free_bytes = ROOM - r->used;
        size_t piece = free_bytes < ROOM - end ? free_bytes : ROOM - end;
        if (piece == 0) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        piece = piece < n ? piece : n;
        memcpy(r->ring + end, p, piece);
        r->used += piece;
        p += piece;
        n -= piece;
        pthread_cond_broadcast(&r->changed);
    }
    bool is_read = !r->is_abandoned;
    pthread_mutex_unlock(&r->lock);
    return is_read;
}

static bool take(void *data, const char *p, size_t n, struct err *err)
{
    struct oci_relay *r = data;
    enum err_kind k = oci_verifier_add(&r->verifier, p, n, err);
    if (k == ERR_OK && r->verifier.got == r->size)
        k = oci_verifier_end(&r->verifier, err);
    if (k == ERR_OK && !add(r, p, n))
        k = err_set(err, ERR_CANCELLED, "blob %s is not sent on", r->digest);
    return k == ERR_OK;
}

static void *run(void *data)
{
    struct oci_relay *r = data;
    struct err err = {0};
    struct oci_sink sink = {.write = take, .data = r};
    oci_verifier_init(&r->verifier, r->digest, r->size);
    enum err_kind k = oci_download(r->from, r->digest, r->size, &sink, &err);
    if (k == ERR_OK && r->verifier.got < r->size)
        k = oci_verifier_end(&r->verifier, &err); /* too few: it says so */
    oci_verifier_deinit(&r->verifier);
    pthread_mutex_lock(&r->lock);
    r->is_over = true;
    r->err = err;
    r->err.kind = k;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* --- the reader ------------------------------------------------------------------------------------------- */

static void stop(struct oci_relay *r)
{
    if (!r->is_running)
        return;
    pthread_mutex_lock(&r->lock);
    r->is_abandoned = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    r->is_running = false;
}

struct oci_relay *oci_relay_free(struct oci_relay *r)
{
    if (r == NULL)
        return NULL;
    stop(r);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->ring);
    free(r);
    return NULL;
}

enum err_kind oci_relay_rewind(void *data, struct err *err)
{
    struct oci_relay *r = data;
    pthread_attr_t attr;
    stop(r);
    r->start = r->used = 0;
    r->is_over = r->is_abandoned = false;
    r->err = (struct err){0};
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    r->is_running = pthread_create(&r->thread, &attr, run, r) == 0;
    pthread_attr_destroy(&attr);
    return r->is_running ? ERR_OK : err_set(err, ERR_LIMIT, "no thread for blob %s", r->digest);
}

ptrdiff_t oci_relay_read(void *data, char *to, size_t n)
{
    struct oci_relay *r = data;
    pthread_mutex_lock(&r->lock);
    while (r->used == 0 && !r->is_over)
        pthread_cond_wait(&r->changed, &r->lock);
    size_t piece = r->used < ROOM - r->start ? r->used : ROOM - r->start;
    piece = piece < n ? piece : n;
    memcpy(to, r->ring + r->start, piece);
    r->start = (r->start + piece) % ROOM;
    r->used -= piece;
    bool has_failed = piece == 0 && r->err.kind != ERR_OK;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return has_failed ? -1 : (ptrdiff_t)piece;
}

const struct err *oci_relay_error(struct oci_relay *r)
{
    stop(r);
    return &r->err;
}
