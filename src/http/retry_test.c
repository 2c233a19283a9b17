#include "base/testing.h"
#include "http/retry.h"

#include <stdio.h>

/* A clock that a test moves: sleeping takes no time but its own. */
struct fake {
    int64_t now_ms;
    int64_t slept_ms;
    uint32_t random;
    char notes[2048];
    bool is_cancelled;
};

static int64_t fake_unix_ms(void *data)
{
    return ((struct fake *)data)->now_ms;
}

static void fake_sleep_ms(void *data, int64_t ms)
{
    struct fake *f = data;
    f->now_ms += ms;
    f->slept_ms += ms;
    if (f->slept_ms >= 1000 && f->random == UINT32_MAX)
        f->is_cancelled = true;
}

static uint32_t fake_random(void *data)
{
    return ((struct fake *)data)->random;
}

static void fake_note(void *data, const char *text)
{
    struct fake *f = data;
    size_t n = strlen(f->notes);
    snprintf(f->notes + n, sizeof(f->notes) - n, "%s\n", text);
}

static bool fake_is_cancelled(void *data)
{
    return ((struct fake *)data)->is_cancelled;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW_MS ((int64_t)784111777000)

static void test_retry_after__is_seconds_or_a_date_and_capped(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t wanted_ms;
    } ROWS[] = {
        {"2", 2000},
        {" 7 ", 7000},
        {"0", 0},
        {"60", 60000},
        {"61", 60000},
        {"1000000000000", 60000},
        {"99999999999999999999999999", 60000},
        {"-1", 0},
        {"1.5", 0},
        {"+3", 0},
        {"soon", 0},
        {"", 0},
        {"2 s", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"Sunday, 06-Nov-94 08:49:47 GMT", 10000},
        {"Sun Nov  6 08:49:47 1994", 10000},
        {"Sun, 06 Nov 1994 08:49:30 GMT", 0},
        {"Sun, 06 Nov 2094 08:49:30 GMT", 60000},
        {"Sun, 06 Nov 1994 08:49:47", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT+1", 0},
        {"Sun, 32 Nov 1994 08:49:47 GMT", 0},
        {"Sun, 06 Nix 1994 08:49:47 GMT", 0},
        {"Sun, 06 Nov 1994 08:4", 0},
        {",", 0},
        {"x", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t got = http_retry_after_ms(str_from(ROWS[i].value), NOW_MS, 60000);
        if (got != ROWS[i].wanted_ms)
            fail_msg("'%s' gives %lld", ROWS[i].value, (long long)got);
    }
}

static void test_retry_backoff__doubles_up_to_ten_seconds_with_jitter(void **state)
{
    (void)state;
    static const struct {
        unsigned tries;
        int64_t low_ms, high_ms;
    } ROWS[] = {{1, 250, 500},   {2, 500, 1000},   {3, 1000, 2000},   {4, 2000, 4000},
                {5, 4000, 8000}, {6, 5000, 10000}, {200, 5000, 10000}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(http_retry_backoff_ms(ROWS[i].tries, 0), ROWS[i].low_ms);
        assert_int_equal(
            http_retry_backoff_ms(ROWS[i].tries, (uint32_t)ROWS[i].low_ms), ROWS[i].high_ms);
        int64_t any = http_retry_backoff_ms(ROWS[i].tries, UINT32_MAX);
        assert_true(any >= ROWS[i].low_ms && any <= ROWS[i].high_ms);
    }
}

static void test_retry_show__is_short(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } ROWS[] = {{2000, "2 s"},   {700, "0.7 s"},  {1, "0.1 s"},    {0, "0 s"},     {1950, "2 s"},
                {1900, "1.9 s"}, {9900, "9.9 s"}, {10001, "11 s"}, {60000, "60 s"}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char shown[HTTP_WAIT_SHOWN_MAX];
        assert_string_equal(http_retry_show_ms(ROWS[i].ms, shown), ROWS[i].text);
    }
}

/* --- the loop ------------------------------------------------------------------------------------- */

struct script {
    const struct outcome {
        enum err_kind kind;
        int status;
        const char *headers;
        bool is_broken;
        bool has_begun;
    } * outcomes; /* the last one stays */
    size_t count;
    size_t sent;
};

static enum err_kind play(void *data, struct http_client_response *ret, struct err *err)
{
    struct script *s = data;
    const struct outcome *o = &s->outcomes[s->sent < s->count ? s->sent : s->count - 1];
    s->sent++;
    *ret = (struct http_client_response){
        .status = o->status, .is_broken = o->is_broken, .has_begun = o->has_begun};
    buf_text(&ret->headers, o->headers != NULL ? o->headers : "");
    return o->kind == ERR_OK ? ERR_OK : err_set(err, o->kind, "it broke");
}

static enum err_kind run(struct fake *f, struct script *s, struct err *err)
{
    struct http_retry_clock clock = {fake_unix_ms, fake_sleep_ms, fake_random, f};
    struct http_retry retry = {&clock, fake_note, f, fake_is_cancelled, f};
    struct http_client_response p = {0};
    enum err_kind r = http_retry_send(&retry, "r:5000", HTTP_TRIES_MAX, play, s, &p, err);
    if (r != ERR_CANCELLED)
        assert_int_equal(p.attempts, s->sent);
    http_client_response_deinit(&p);
    return r;
}

#define PLAY(name, ...)                                                                            \
    static const struct outcome name##_rows[] = {__VA_ARGS__};                                     \
    struct script name = {name##_rows, ARRAY_LEN(name##_rows), 0}

static void t_adv_14_a_429_then_503_then_200_waits_what_it_was_told(void **state)
{
    (void)state;
    struct fake f = {.now_ms = NOW_MS};
    PLAY(s, {.status = 429, .headers = "Retry-After: 2\r\n"}, {.status = 503}, {.status = 200});
    assert_int_equal(run(&f, &s, NULL), ERR_OK);
    assert_int_equal(s.sent, 3);
    assert_int_equal(f.slept_ms, 2000 + 500);
    assert_string_equal(
        f.notes,
        "r:5000: status 429, next try in 2 s (2 of 6)\n"
        "r:5000: status 503, next try in 0.5 s (3 of 6)\n");
}

static void t_adv_14_tries_and_waits_are_bounded_whatever_retry_after_says(void **state)
{
    (void)state;
    static const char *const VALUES[] = {
        "Retry-After: -1\r\n", "Retry-After: 1000000000000\r\n", "Retry-After: soon\r\n",
        "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        struct fake f = {.now_ms = NOW_MS};
        struct outcome row = {.status = 429, .headers = VALUES[i]};
        struct script s = {&row, 1, 0};
        assert_int_equal(run(&f, &s, NULL), ERR_OK);
        assert_int_equal(s.sent, HTTP_TRIES_MAX);
        assert_true(f.slept_ms > 0);
        assert_true(f.slept_ms <= (HTTP_TRIES_MAX - 1) * (int64_t)HTTP_RETRY_AFTER_MAX_MS);
    }
}

static void test_retry__a_broken_connection_is_tried_again_and_the_error_counts(void **state)
{
    (void)state;
    struct fake f = {.now_ms = NOW_MS};
    struct err err = {0};
    PLAY(s, {.kind = ERR_UNAVAILABLE, .is_broken = true});
    assert_int_equal(run(&f, &s, &err), ERR_UNAVAILABLE);
    assert_int_equal(s.sent, HTTP_TRIES_MAX);
    assert_string_equal(err.text, "after 6 attempts: it broke");
}

static void test_retry__what_stays_as_it_is_is_not_tried_again(void **state)
{
    (void)state;
    static const struct outcome ROWS[] = {
        {.status = 200},
        {.status = 404},
        {.status = 401},
        {.status = 501},
        {.kind = ERR_UNAVAILABLE}, /* nobody listens there */
        {.kind = ERR_UNAVAILABLE, .is_broken = true, .has_begun = true},
        {.kind = ERR_CANCELLED},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct fake f = {.now_ms = NOW_MS};
        struct script s = {&ROWS[i], 1, 0};
        assert_int_equal(run(&f, &s, NULL), ROWS[i].kind);
        assert_int_equal(s.sent, 1);
        assert_int_equal(f.slept_ms, 0);
    }
}

static void test_retry__waiting_is_broken_off_when_it_is_cancelled(void **state)
{
    (void)state;
    struct fake f = {.now_ms = NOW_MS, .random = UINT32_MAX}; /* cancelled after a second */
    PLAY(s, {.status = 503, .headers = "Retry-After: 60\r\n"});
    assert_int_equal(run(&f, &s, NULL), ERR_CANCELLED);
    assert_int_equal(s.sent, 1);
    assert_true(f.slept_ms < 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after__is_seconds_or_a_date_and_capped),
        cmocka_unit_test(test_retry_backoff__doubles_up_to_ten_seconds_with_jitter),
        cmocka_unit_test(test_retry_show__is_short),
        cmocka_unit_test(t_adv_14_a_429_then_503_then_200_waits_what_it_was_told),
        cmocka_unit_test(t_adv_14_tries_and_waits_are_bounded_whatever_retry_after_says),
        cmocka_unit_test(test_retry__a_broken_connection_is_tried_again_and_the_error_counts),
        cmocka_unit_test(test_retry__what_stays_as_it_is_is_not_tried_again),
        cmocka_unit_test(test_retry__waiting_is_broken_off_when_it_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
