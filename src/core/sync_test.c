#include "core/sync.h"

#include "base/testing.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* A source of the test's own. */
struct source {
    pthread_mutex_t lock; /* guards all but is_hanging */
    enum err_kind outcome;
    const char *words;
    unsigned looks;
    unsigned notes;
    bool is_noted_bad;
    atomic_bool is_hanging; /* a look ends only when it is cancelled, or this is taken back */
    struct core_sync *sync;
};

#define HOUR_MS 3600000
/* Longer than anything here takes: what is waited for comes, or the test fails. */
#define LONG_MS 60000

static void nap(void)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    nanosleep(&ms, NULL);
}

static enum err_kind look(void *data, const atomic_bool *cancel, struct err *err)
{
    struct source *s = data;
    while (atomic_load(&s->is_hanging)) {
        if (cancel != NULL && atomic_load(cancel))
            return err_set(err, ERR_CANCELLED, "cancelled");
        nap();
    }
    pthread_mutex_lock(&s->lock);
    s->looks++;
    enum err_kind r = s->outcome;
    if (r != ERR_OK)
        err_set(err, r, "%s", s->words);
    pthread_mutex_unlock(&s->lock);
    return r;
}

static void note(void *data, const struct err *err)
{
    struct source *s = data;
    pthread_mutex_lock(&s->lock);
    s->notes++;
    s->is_noted_bad = err != NULL;
    pthread_mutex_unlock(&s->lock);
}

static void be(struct source *s, enum err_kind outcome, const char *words)
{
    pthread_mutex_lock(&s->lock);
    s->outcome = outcome;
    s->words = words;
    pthread_mutex_unlock(&s->lock);
}

static unsigned count_of(struct source *s, const unsigned *what)
{
    pthread_mutex_lock(&s->lock);
    unsigned n = *what;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void open_source(struct source *s, int64_t poll_ms)
{
    *s = (struct source){.lock = PTHREAD_MUTEX_INITIALIZER};
    struct core_sync_options options = {.poll_ms = poll_ms, .look = look, .note = note, .data = s};
    s->sync = core_sync_new(&options);
}

static void start(struct source *s)
{
    struct err err = {0};
    assert_int_equal(core_sync_start(s->sync, &err), ERR_OK);
}

static void test_sync__looks_at_once_without_an_earlier_look(void **state)
{
    (void)state;
    struct source s;
    open_source(&s, HOUR_MS);
    start(&s);
    while (count_of(&s, &s.looks) == 0)
        nap();
    core_sync_free(s.sync);
}

static void test_sync__polls(void **state)
{
    (void)state;
    struct source s;
    open_source(&s, 1);
    start(&s);
    while (count_of(&s, &s.looks) < 5)
        nap();
    core_sync_free(s.sync);
}

static void test_sync__a_look_before_the_thread_counts(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    struct core_sync_state now;
    open_source(&s, HOUR_MS);
    core_sync_state(s.sync, &now);
    assert_int_equal(now.good_ms, -1);
    be(&s, ERR_UNAUTHENTICATED, "who are you");
    assert_int_equal(core_sync_look(s.sync, NULL, &err), ERR_UNAUTHENTICATED);
    assert_string_equal(err.text, "who are you");
    be(&s, ERR_OK, NULL);
    assert_int_equal(core_sync_look(s.sync, NULL, &err), ERR_OK);
    core_sync_state(s.sync, &now);
    assert_int_equal(now.looks, 2);
    assert_int_equal(now.failures, 1);
    assert_true(now.good_ms > 0);
    start(&s);
    assert_int_equal(core_sync_wait(s.sync, LONG_MS, NULL, &err), ERR_OK);
    assert_int_equal(count_of(&s, &s.looks), 3); /* the thread made none of its own */
    core_sync_free(s.sync);
}

static void test_sync_wait__is_ended_by_a_look_that_began_later(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    open_source(&s, HOUR_MS);
    start(&s);
    assert_int_equal(core_sync_wait(s.sync, LONG_MS, NULL, &err), ERR_OK);
    unsigned before = count_of(&s, &s.looks);
    assert_int_equal(core_sync_wait(s.sync, LONG_MS, NULL, &err), ERR_OK);
    assert_int_equal(count_of(&s, &s.looks), before + 1);
    core_sync_free(s.sync);
}

static void test_sync_wait__tells_why_a_look_failed(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    struct core_sync_state now;
    open_source(&s, HOUR_MS);
    start(&s);
    be(&s, ERR_DENIED, "not you");
    assert_int_equal(core_sync_wait(s.sync, LONG_MS, NULL, &err), ERR_UNAVAILABLE);
    assert_string_equal(err.text, "not you");
    core_sync_state(s.sync, &now);
    assert_true(now.is_failing);
    assert_int_equal(now.err.kind, ERR_DENIED);
    core_sync_free(s.sync);
}

static void test_sync_wait__does_not_wait_for_a_look_that_hangs(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    open_source(&s, HOUR_MS);
    atomic_store(&s.is_hanging, true);
    start(&s);
    assert_int_equal(core_sync_wait(s.sync, 20, NULL, &err), ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "in time"));
    const atomic_bool is_gone = true;
    assert_int_equal(core_sync_wait(s.sync, LONG_MS, &is_gone, &err), ERR_CANCELLED);
    core_sync_free(s.sync); /* cancels the look, or this never ends */
}

/* Again while the test itself takes the last place. */
static void *wait_long(void *data)
{
    struct source *s = data;
    while (core_sync_wait(s->sync, LONG_MS, NULL, NULL) != ERR_OK)
        nap();
    return NULL;
}

static void test_sync_wait__lets_only_a_few_wait(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    pthread_t waiters[4];
    open_source(&s, HOUR_MS);
    atomic_store(&s.is_hanging, true);
    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, wait_long, &s), 0);
    do /* until all of them are there */
        assert_int_equal(core_sync_wait(s.sync, 1, NULL, &err), ERR_UNAVAILABLE);
    while (strstr(err.text, "too many") == NULL);
    atomic_store(&s.is_hanging, false);
    for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
        pthread_join(waiters[i], NULL);
    core_sync_free(s.sync);
}

static void test_sync_wake__a_burst_during_a_look_makes_one_more(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    open_source(&s, HOUR_MS);
    assert_int_equal(core_sync_look(s.sync, NULL, &err), ERR_OK);
    atomic_store(&s.is_hanging, true);
    for (int i = 0; i < 50; i++)
        core_sync_wake(s.sync);
    start(&s);
    for (int i = 0; i < 50; i++)
        core_sync_wake(s.sync);
    atomic_store(&s.is_hanging, false);
    assert_int_equal(core_sync_wait(s.sync, LONG_MS, NULL, &err), ERR_OK);
    /* the first; that of the burst, or of its two halves; the one waited for, if it was none of these */
    assert_in_range(count_of(&s, &s.looks), 2, 4);
    core_sync_free(s.sync);
}

static void test_sync_note__is_of_changes_only(void **state)
{
    (void)state;
    struct source s;
    struct err err = {0};
    open_source(&s, HOUR_MS);
    static const struct {
        enum err_kind outcome;
        const char *words;
        unsigned notes; /* so far, once this look is over */
    } rows[] = {
        {ERR_OK, NULL, 0},
        {ERR_UNAVAILABLE, "down after 3 ms", 1},
        {ERR_UNAVAILABLE, "down after 17 ms", 1},
        {ERR_UNAVAILABLE, "down for good", 2},
        {ERR_UNAUTHENTICATED, "down for good", 3},
        {ERR_OK, NULL, 4},
        {ERR_OK, NULL, 4},
    };
    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        be(&s, rows[i].outcome, rows[i].words);
        bool is_good = core_sync_wait(s.sync, LONG_MS, NULL, &err) == ERR_OK;
        assert_int_equal(is_good, rows[i].outcome == ERR_OK);
        while (count_of(&s, &s.notes) < rows[i].notes)
            nap(); /* it is told after the waiters */
    }
    core_sync_free(s.sync);
    assert_int_equal(s.notes, rows[ARRAY_LEN(rows) - 1].notes);
    assert_false(s.is_noted_bad);
}

static void test_sync_pause__grows_up_to_four_times(void **state)
{
    (void)state;
    static const struct {
        int64_t poll_ms;
        uint64_t failures;
        int64_t least;
        int64_t most;
    } rows[] = {
        {1000, 0, 1000, 1000},          {1000, 1, 750, 1000},           {1000, 2, 1500, 2000},
        {1000, 3, 3000, 4000},          {1000, UINT64_MAX, 3000, 4000}, {10000, 3, 30000, 40000},
        {HOUR_MS, 0, HOUR_MS, HOUR_MS}, {HOUR_MS, 9, 30000, 40000},     {1, 1, 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (uint32_t random = 0; random < 2048; random += 31) {
            int64_t ms = core_sync_pause_ms(rows[i].poll_ms, rows[i].failures, random);
            assert_in_range(ms, rows[i].least, rows[i].most);
        }
    }
    assert_int_not_equal(core_sync_pause_ms(1000, 1, 0), core_sync_pause_ms(1000, 1, 1023));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync__looks_at_once_without_an_earlier_look),
        cmocka_unit_test(test_sync__polls),
        cmocka_unit_test(test_sync__a_look_before_the_thread_counts),
        cmocka_unit_test(test_sync_wait__is_ended_by_a_look_that_began_later),
        cmocka_unit_test(test_sync_wait__tells_why_a_look_failed),
        cmocka_unit_test(test_sync_wait__does_not_wait_for_a_look_that_hangs),
        cmocka_unit_test(test_sync_wait__lets_only_a_few_wait),
        cmocka_unit_test(test_sync_wake__a_burst_during_a_look_makes_one_more),
        cmocka_unit_test(test_sync_note__is_of_changes_only),
        cmocka_unit_test(test_sync_pause__grows_up_to_four_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
