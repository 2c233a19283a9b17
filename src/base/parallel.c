#include "base/parallel.h"
#include "base/mem.h"

#include <pthread.h>

enum { STACK_BYTES = 2 << 20, THREADS_MAX = 64 };

struct work {
    pthread_mutex_t lock; /* guards next, err */
    size_t next;
    struct err err; /* of the first failure */
    size_t count;
    enum err_kind (*one)(void *data, size_t i, struct err *err);
    void *data;
};

static bool take(struct work *w, size_t *ret_i)
{
    pthread_mutex_lock(&w->lock);
    bool is_taken = w->err.kind == ERR_OK && w->next < w->count;
    if (is_taken)
        *ret_i = w->next++;
    pthread_mutex_unlock(&w->lock);
    return is_taken;
}

/* One that was only broken off because of another is not the reason. */
static void keep_first(struct work *w, const struct err *err)
{
    pthread_mutex_lock(&w->lock);
    if (w->err.kind == ERR_OK || (w->err.kind == ERR_CANCELLED && err->kind != ERR_CANCELLED))
        w->err = *err;
    pthread_mutex_unlock(&w->lock);
}

static void *run(void *data)
{
    struct work *w = data;
    size_t i;
    while (take(w, &i)) {
        struct err err = {0};
        enum err_kind k = w->one(w->data, i, &err);
        if (k != ERR_OK) {
            err.kind = k;
            keep_first(w, &err);
        }
    }
    return NULL;
}

/* As many as there can be; with none at all the caller does everything. */
static size_t start(struct work *w, pthread_t *threads, size_t wanted)
{
    pthread_attr_t attr;
    size_t started = 0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    while (started < wanted && pthread_create(&threads[started], &attr, run, w) == 0)
        started++;
    pthread_attr_destroy(&attr);
    return started;
}

enum err_kind parallel_run(
    unsigned threads,
    size_t count,
    enum err_kind (*one)(void *data, size_t i, struct err *err),
    void *data,
    struct err *err)
{
    struct work w = {.count = count, .one = one, .data = data};
    pthread_t started[THREADS_MAX];
    size_t others = threads > THREADS_MAX ? THREADS_MAX : threads;
    others = others > count ? count : others;
    others = others > 0 ? others - 1 : 0; /* the caller is one of them */
    pthread_mutex_init(&w.lock, NULL);
    size_t n = start(&w, started, others);
    run(&w);
    for (size_t i = 0; i < n; i++)
        pthread_join(started[i], NULL);
    pthread_mutex_destroy(&w.lock);
    if (w.err.kind != ERR_OK && err != NULL)
        *err = w.err;
    return w.err.kind;
}
