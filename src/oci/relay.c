#include "oci/relay.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/download.h"
#include "oci/ring.h"

enum { ROOM = 256 << 10, STACK_BYTES = 512 << 10 };

struct oci_relay {
    struct oci_registry *from;
    const char *digest;
    uint64_t size;
    bool is_running; /* the thread is to be joined */
    pthread_t thread;
    struct oci_ring ring;
    struct err err;               /* why it is over; the thread's until the ring is closed */
    struct oci_verifier verifier; /* the thread's */
};

struct oci_relay *oci_relay_new(struct oci_registry *from, const char *digest, uint64_t size)
{
    struct oci_relay *r = mem_new(struct oci_relay);
    r->from = from;
    r->digest = digest;
    r->size = size;
    oci_ring_init(&r->ring, ROOM, 1);
    return r;
}

/* --- the thread that reads from the source --------------------------------------------------------------- */

static bool take(void *data, const char *p, size_t n, struct err *err)
{
    struct oci_relay *r = data;
    enum err_kind k = oci_verifier_add(&r->verifier, p, n, err);
    if (k == ERR_OK && r->verifier.got == r->size)
        k = oci_verifier_end(&r->verifier, err);
    if (k == ERR_OK && !oci_ring_put(&r->ring, p, n))
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
    r->err = err;
    r->err.kind = k;
    oci_ring_close(&r->ring);
    return NULL;
}

/* --- the reader ------------------------------------------------------------------------------------------- */

static void stop(struct oci_relay *r)
{
    if (!r->is_running)
        return;
    oci_ring_abandon(&r->ring);
    pthread_join(r->thread, NULL);
    r->is_running = false;
}

struct oci_relay *oci_relay_free(struct oci_relay *r)
{
    if (r == NULL)
        return NULL;
    stop(r);
    oci_ring_deinit(&r->ring);
    free(r);
    return NULL;
}

enum err_kind oci_relay_rewind(void *data, struct err *err)
{
    struct oci_relay *r = data;
    pthread_attr_t attr;
    stop(r);
    oci_ring_reset(&r->ring);
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
    const char *p;
    size_t piece = oci_ring_look(&r->ring, &p);
    if (piece == 0)
        return r->err.kind != ERR_OK ? -1 : 0;
    piece = piece < n ? piece : n;
    memcpy(to, p, piece);
    oci_ring_taken(&r->ring, piece);
    return (ptrdiff_t)piece;
}

const struct err *oci_relay_error(struct oci_relay *r)
{
    stop(r);
    return &r->err;
}
