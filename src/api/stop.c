#include "api/stop.h"

static void *take_signal(void *data)
{
    struct stop *s = data;
    int got = 0;
    sigwait(&s->signals, &got);
    atomic_store(&s->is_asked, true);
    pthread_mutex_lock(&s->lock);
    s->signal = got;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum err_kind stop_begin(struct stop *s, struct err *err)
{
    *s = (struct stop){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    int rc = pthread_create(&s->thread, NULL, take_signal, s);
    return rc == 0 ? ERR_OK : err_errno(err, rc, "starting the thread that takes signals");
}

int stop_wait(struct stop *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->signal == 0)
        pthread_cond_wait(&s->changed, &s->lock);
    int got = s->signal;
    pthread_mutex_unlock(&s->lock);
    return got;
}

void stop_end(struct stop *s)
{
    /* to that thread alone, should it still wait for one */
    pthread_kill(s->thread, SIGTERM);
    pthread_join(s->thread, NULL);
}
