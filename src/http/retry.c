#include "http/retry.h"
#include "base/clock.h"
#include "http/date.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum { BACKOFF_MS = 500, BACKOFF_MAX_MS = 10000, SLEEP_PIECE_MS = 100 };

/* --- waiting times ------------------------------------------------------------------------------------ */

bool http_retry_is_status(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
        status == 504;
}

static bool is_all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

int64_t http_retry_after_ms(struct str value, int64_t now_unix_ms, int64_t max_ms)
{
    uint64_t seconds;
    int64_t date_s;
    value = str_trim(value);
    if (is_all_digits(value)) {
        bool is_small = str_to_u64(value, &seconds) && seconds <= (uint64_t)max_ms / 1000;
        return is_small ? (int64_t)seconds * 1000 : max_ms;
    }
    if (!http_date_parse(value, now_unix_ms / 1000, &date_s))
        return 0;
    int64_t ms = date_s * 1000 - now_unix_ms;
    return ms <= 0 ? 0 : ms > max_ms ? max_ms : ms;
}

int64_t http_retry_backoff_ms(unsigned tries, uint32_t random)
{
    int64_t ms = BACKOFF_MS;
    for (unsigned i = 1; i < tries && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms / 2 + (int64_t)random % (ms / 2 + 1);
}

char *http_retry_show_ms(int64_t ms, char ret[HTTP_WAIT_SHOWN_MAX])
{
    int64_t tenths = (ms + 99) / 100;
    if (tenths >= 100 || tenths % 10 == 0)
        snprintf(ret, HTTP_WAIT_SHOWN_MAX, "%lld s", (long long)(tenths + 9) / 10);
    else
        snprintf(
            ret, HTTP_WAIT_SHOWN_MAX, "%lld.%lld s", (long long)tenths / 10,
            (long long)tenths % 10);
    return ret;
}

/* --- the loop ------------------------------------------------------------------------------------------ */

static int64_t real_unix_ms(void *data)
{
    (void)data;
    return clock_unix_ms();
}

static void real_sleep_ms(void *data, int64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)data;
    /* A signal ends it early, on purpose: it may be what sets is_cancelled. */
    (void)nanosleep(&left, NULL);
}

static uint32_t real_random(void *data)
{
    uint32_t bits = 0;
    (void)data;
    (void)!getrandom(&bits, sizeof(bits), GRND_NONBLOCK);
    return bits;
}

const struct http_retry_clock http_retry_real_clock = {
    .unix_ms = real_unix_ms, .sleep_ms = real_sleep_ms, .random = real_random};

enum err_kind http_retry_sleep(const struct http_retry *r, int64_t ms, struct err *err)
{
    while (ms > 0) {
        int64_t piece_ms = ms < SLEEP_PIECE_MS ? ms : SLEEP_PIECE_MS;
        if (r->is_cancelled != NULL && r->is_cancelled(r->cancel_data))
            return err_set(err, ERR_CANCELLED, "interrupted");
        r->clock->sleep_ms(r->clock->data, piece_ms);
        ms -= piece_ms;
    }
    return ERR_OK;
}

static bool
is_worth_it(enum err_kind r, const struct http_client_response *p, unsigned tries, unsigned max)
{
    bool has_failed = r == ERR_OK ? http_retry_is_status(p->status) : p->is_broken;
    return has_failed && !p->has_begun && tries < max;
}

static void tell(
    const struct http_retry *r,
    const char *where,
    const char *what,
    int64_t ms,
    unsigned next,
    unsigned max)
{
    char text[512], shown[HTTP_WAIT_SHOWN_MAX];
    if (r->note == NULL)
        return;
    snprintf(
        text, sizeof(text), "%s: %s, next try in %s (%u of %u)", where, what,
        http_retry_show_ms(ms, shown), next, max);
    r->note(r->note_data, text);
}

enum err_kind http_retry_wait(
    const struct http_retry *r,
    const char *where,
    enum err_kind outcome,
    const struct http_client_response *p,
    unsigned tries,
    unsigned max,
    struct err *err)
{
    char what[32];
    struct str after = http_client_header(p, "Retry-After", 0);
    int64_t ms = 0;
    if (outcome == ERR_OK)
        ms = http_retry_after_ms(after, r->clock->unix_ms(r->clock->data), HTTP_RETRY_AFTER_MAX_MS);
    if (ms == 0)
        ms = http_retry_backoff_ms(tries, r->clock->random(r->clock->data));
    if (outcome == ERR_OK)
        snprintf(what, sizeof(what), "status %d", p->status);
    else
        snprintf(
            what, sizeof(what), "%s",
            outcome == ERR_TIMEOUT ? "no answer in time" : "the connection broke");
    tell(r, where, what, ms, tries + 1, max);
    return http_retry_sleep(r, ms, err);
}

enum err_kind http_retry_send(
    const struct http_retry *r,
    const char *where,
    unsigned tries,
    enum err_kind (*send)(void *data, struct http_client_response *ret, struct err *err),
    void *data,
    struct http_client_response *ret,
    struct err *err)
{
    for (unsigned attempt = 1;; attempt++) {
        enum err_kind k = send(data, ret, err);
        ret->attempts = attempt;
        if (!is_worth_it(k, ret, attempt, tries))
            return k == ERR_OK || attempt == 1 ? k : err_wrap(err, "after %u attempts", attempt);
        k = http_retry_wait(r, where, k, ret, attempt, tries, err);
        http_client_response_deinit(ret);
        if (k != ERR_OK)
            return k;
    }
}
