#include "base/parallel.h"
#include "base/testing.h"

#include <pthread.h>
#include <stdatomic.h>

struct seen {
    atomic_uint times[100];
    atomic_uint calls;
    size_t fails_at; /* SIZE_MAX: none */
};

static enum err_kind see(void *data, size_t i, struct err *err)
{
    struct seen *s = data;
    atomic_fetch_add(&s->times[i], 1);
    atomic_fetch_add(&s->calls, 1);
    return i == s->fails_at ? err_set(err, ERR_DENIED, "item %zu", i) : ERR_OK;
}

static void test_parallel__every_item_once_whatever_the_threads(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 30; threads += 7) {
        for (size_t count = 0; count <= 100; count += 20) {
            struct seen s = {.fails_at = SIZE_MAX};
            assert_int_equal(parallel_run(threads, count, see, &s, NULL), ERR_OK);
            assert_int_equal(s.calls, count);
            for (size_t i = 0; i < 100; i++)
                assert_int_equal(s.times[i], i < count);
        }
    }
}

static void test_parallel__first_failure_ends_it(void **state)
{
    (void)state;
    struct err err = {0};
    struct seen s = {.fails_at = 3};
    assert_int_equal(parallel_run(1, 100, see, &s, &err), ERR_DENIED);
    assert_string_equal(err.text, "item 3");
    assert_int_equal(s.calls, 4);
    struct seen many = {.fails_at = 0};
    assert_int_equal(parallel_run(8, 100, see, &many, &err), ERR_DENIED);
    assert_string_equal(err.text, "item 0");
}

struct meeting {
    pthread_barrier_t all;
};

static enum err_kind meet(void *data, size_t i, struct err *err)
{
    struct meeting *m = data;
    (void)i;
    (void)err;
    pthread_barrier_wait(&m->all);
    return ERR_OK;
}

static void test_parallel__twenty_at_once_do_meet(void **state)
{
    (void)state;
    struct meeting m;
    pthread_barrier_init(&m.all, NULL, 20);
    /* Ends only if all of the twenty are under way at the same time. */
    assert_int_equal(parallel_run(20, 20, meet, &m, NULL), ERR_OK);
    pthread_barrier_destroy(&m.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parallel__every_item_once_whatever_the_threads),
        cmocka_unit_test(test_parallel__first_failure_ends_it),
        cmocka_unit_test(test_parallel__twenty_at_once_do_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
