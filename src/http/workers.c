#include "http/workers.h"

#include "base/mem.h"

#include <pthread.h>

enum { WAITING_PER_WORKER = 64 };

struct http_workers {
    void (*run)(struct http_job *job);
    void (*drop)(struct http_job *job);
    pthread_t *threads;
    unsigned count;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    struct http_job *head;
    struct http_job **tail;
    unsigned waiting;
    bool is_stopping;
};

static struct http_job *take(struct http_workers *w)
{
    struct http_job *job = w->head;
    if (job == NULL)
        return NULL;
    w->head = job->next;
    if (w->head == NULL)
        w->tail = &w->head;
    w->waiting--;
    return job;
}

static void *work(void *data)
{
    struct http_workers *w = data;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        while (w->head == NULL && !w->is_stopping)
            pthread_cond_wait(&w->wake, &w->lock);
        struct http_job *job = w->is_stopping ? NULL : take(w);
        pthread_mutex_unlock(&w->lock);
        if (job == NULL)
            return NULL;
        w->run(job);
    }
}

enum err_kind http_workers_start(
    unsigned count,
    void (*run)(struct http_job *job),
    void (*drop)(struct http_job *job),
    struct http_workers **ret,
    struct err *err)
{
    struct http_workers *w = mem_new(struct http_workers);
    w->run = run;
    w->drop = drop;
    w->tail = &w->head;
    w->threads = mem_alloc(count * sizeof(*w->threads));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    for (; w->count < count; w->count++) {
        int status = pthread_create(&w->threads[w->count], NULL, work, w);
        if (status != 0) {
            http_workers_stop(w);
            return err_errno(err, status, "cannot start %u worker threads", count);
        }
    }
    *ret = w;
    return ERR_OK;
}

bool http_workers_submit(struct http_workers *w, struct http_job *job)
{
    pthread_mutex_lock(&w->lock);
    bool is_taken = w->waiting < w->count * WAITING_PER_WORKER && !w->is_stopping;
    if (is_taken) {
        job->next = NULL;
        *w->tail = job;
        w->tail = &job->next;
        w->waiting++;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return is_taken;
}

void http_workers_stop(struct http_workers *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    struct http_job *job = w->head;
    w->head = NULL;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    while (job != NULL) {
        struct http_job *next = job->next;
        w->drop(job);
        job = next;
    }
    for (unsigned i = 0; i < w->count; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->threads);
    free(w);
}
