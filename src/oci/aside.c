#include "oci/aside.h"

#include "base/mem.h"
#include "oci/ring.h"

enum { ROOM = 512 << 10, BATCH = 128 << 10, STACK_BYTES = 256 << 10 };

struct oci_aside {
    struct oci_ring ring;
    pthread_t thread;
    bool is_running; /* the thread is to be joined */
    bool (*write)(void *data, const char *p, size_t n, struct err *err);
    void *data;
    struct err err; /* the thread's until it is joined */
};

static void *run(void *data)
{
    struct oci_aside *a = data;
    const char *p;
    for (size_t n; (n = oci_ring_look(&a->ring, &p)) > 0; oci_ring_taken(&a->ring, n)) {
        if (a->write(a->data, p, n, &a->err))
            continue;
        if (a->err.kind == ERR_OK)
            err_set(&a->err, ERR_FAILED, "the bytes were not taken");
        oci_ring_abandon(&a->ring);
        break;
    }
    return NULL;
}

struct oci_aside *
oci_aside_new(bool (*write)(void *data, const char *p, size_t n, struct err *err), void *data)
{
    pthread_attr_t attr;
    struct oci_aside *a = mem_new(struct oci_aside);
    a->write = write;
    a->data = data;
    oci_ring_init(&a->ring, ROOM, BATCH);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    a->is_running = pthread_create(&a->thread, &attr, run, a) == 0;
    pthread_attr_destroy(&attr);
    return a->is_running ? a : oci_aside_free(a);
}

static void join(struct oci_aside *a)
{
    if (!a->is_running)
        return;
    oci_ring_close(&a->ring);
    pthread_join(a->thread, NULL);
    a->is_running = false;
}

enum err_kind oci_aside_end(struct oci_aside *a, struct err *err)
{
    join(a);
    if (a->err.kind != ERR_OK && err != NULL)
        *err = a->err;
    return a->err.kind;
}

bool oci_aside_write(void *data, const char *p, size_t n, struct err *err)
{
    struct oci_aside *a = data;
    return oci_ring_put(&a->ring, p, n) || oci_aside_end(a, err) == ERR_OK;
}

struct oci_aside *oci_aside_free(struct oci_aside *a)
{
    if (a == NULL)
        return NULL;
    join(a); /* what is left is at most the ring's room */
    oci_ring_deinit(&a->ring);
    free(a);
    return NULL;
}
