/*
 * Further tries of a request: which outcomes are worth one, how long to wait before it, and the loop
 * that waits and says so. What a try is, is the caller's. Time comes in from outside, so that tests
 * need not wait.
 */
#pragma once

#include "http/client.h"

#define HTTP_TRIES_MAX 6
#define HTTP_RETRY_AFTER_MAX_MS 60000

/* --- waiting times: pure functions ---------------------------------------------------------------- */

/* 408, 429, 500, 502, 503, 504 */
bool http_retry_is_status(int status);
/* Milliseconds that a Retry-After asks for (RFC 9110, section 10.2.3: seconds, or a date), at most
 * max_ms; 0: nothing usable, or a time that is over. */
int64_t http_retry_after_ms(struct str value, int64_t now_unix_ms, int64_t max_ms);
/* Before the next try when `tries` failed so far (from 1): half a second, doubled each time, at most
 * 10 s; a half of it by chance (`random`), so that many clients do not come back at once. */
int64_t http_retry_backoff_ms(unsigned tries, uint32_t random);
/* "2 s", "0.7 s" */
#define HTTP_WAIT_SHOWN_MAX 24
char *http_retry_show_ms(int64_t ms, char ret[HTTP_WAIT_SHOWN_MAX]);

/* --- the loop ------------------------------------------------------------------------------------- */

struct http_retry_clock {
    int64_t (*unix_ms)(void *data);
    void (*sleep_ms)(void *data, int64_t ms);
    uint32_t (*random)(void *data);
    void *data;
};
extern const struct http_retry_clock http_retry_real_clock;

/* Immutable, any number of threads at once. */
struct http_retry {
    const struct http_retry_clock *clock;
    void (*note)(void *data, const char *text);
    void *note_data;
    bool (*is_cancelled)(void *data);
    void *cancel_data;
};
/* Sleep, in pieces short enough to notice that it is CANCELLED. */
enum err_kind http_retry_sleep(const struct http_retry *r, int64_t ms, struct err *err) MUST_USE;
/*
 * Between a try that failed, the tries-th, and the next one: as long as Retry-After of the answer `p` or
 * the backoff says; `outcome` is the kind of its failure, ERR_OK when there is a status. `note` is told.
 */
enum err_kind http_retry_wait(
    const struct http_retry *r,
    const char *where,
    enum err_kind outcome,
    const struct http_client_response *p,
    unsigned tries,
    unsigned max,
    struct err *err) MUST_USE;
/*
 * Call `send` until it gives something else than a status of above or a broken connection, or has
 * begun to hand out a body, at most `tries` times; each wait is told to `note` with `where` (host:port).
 * The outcome is the last one's: ret->attempts is set, and an error of several tries says how many.
 */
enum err_kind http_retry_send(
    const struct http_retry *r,
    const char *where,
    unsigned tries,
    enum err_kind (*send)(void *data, struct http_client_response *ret, struct err *err),
    void *data,
    struct http_client_response *ret,
    struct err *err) MUST_USE;
