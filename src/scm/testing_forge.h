/*
 * A forge of a test's own: answers from a list, in order, and keeps what it was asked; time passes only
 * when the code under test waits. Tests only.
 */
#pragma once

#include "base/clock.h"
#include "http/testing_server.h"
#include "scm/rest.h"

struct scripted_answer {
    int status;          /* 0: break the connection */
    const char *headers; /* lines with CR LF, or NULL */
    const char *body;    /* JSON, or NULL */
};
struct scripted_forge {
    struct test_server server;
    const struct scripted_answer *answers;
    size_t count;
    size_t asked;
    struct buf requests; /* all that it was asked, one after another */
    pthread_mutex_t lock;
    char url[64];
    struct http_client *http;
    struct http_retry_clock clock;
    int64_t now_ms;
    int64_t waited_ms;
};

static void answer_from_list(void *data, struct str request, struct buf *ret)
{
    struct scripted_forge *f = data;
    pthread_mutex_lock(&f->lock);
    buf_str(&f->requests, request);
    buf_char(&f->requests, '\n');
    size_t i = f->asked++;
    pthread_mutex_unlock(&f->lock);
    if (i >= f->count)
        test_answer(ret, 599, "", "{\"message\":\"not in the list\"}");
    else if (f->answers[i].status != 0)
        test_answer(
            ret, f->answers[i].status, f->answers[i].headers == NULL ? "" : f->answers[i].headers,
            f->answers[i].body == NULL ? "" : f->answers[i].body);
}

static int64_t scripted_unix_ms(void *data)
{
    return ((struct scripted_forge *)data)->now_ms;
}

static void scripted_sleep_ms(void *data, int64_t ms)
{
    struct scripted_forge *f = data;
    f->now_ms += ms;
    f->waited_ms += ms;
}

static uint32_t scripted_random(void *data)
{
    (void)data;
    return 0;
}

#define SCRIPTED_NOW_S 1700000000

static void
scripted_forge_start(struct scripted_forge *f, const struct scripted_answer *answers, size_t count)
{
    struct http_client_options options = {0};
    struct err err;
    *f = (struct scripted_forge){
        .answers = answers, .count = count, .now_ms = (int64_t)SCRIPTED_NOW_S * 1000};
    f->clock = (struct http_retry_clock){scripted_unix_ms, scripted_sleep_ms, scripted_random, f};
    pthread_mutex_init(&f->lock, NULL);
    test_server_start(&f->server, answer_from_list, f);
    snprintf(f->url, sizeof(f->url), "http://%s", f->server.host);
    assert_int_equal(http_client_new(&options, &f->http, &err), ERR_OK);
}

static void scripted_forge_stop(struct scripted_forge *f)
{
    http_client_free(f->http);
    test_server_stop(&f->server);
    buf_deinit(&f->requests);
    pthread_mutex_destroy(&f->lock);
}

/* How often `text` stands in what it was asked. */
static size_t times_asked(const struct scripted_forge *f, const char *text)
{
    size_t n = 0;
    struct str rest = buf_view(&f->requests);
    for (ptrdiff_t at; (at = str_search(rest, str_from(text))) >= 0; n++)
        rest = str_skip(rest, (size_t)at + strlen(text));
    return n;
}
