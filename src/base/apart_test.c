#include "base/apart.h"
#include "base/testing.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct task {
    enum err_kind kind;
    bool crashes;
    bool waits;
    pid_t ours; /* process of the test */
    bool *ret_was_here;
};

static enum err_kind work(const void *data, struct err *err)
{
    const struct task *t = data;
    *t->ret_was_here = true;
    if (t->crashes)
        raise(SIGKILL);
    if (t->waits && getpid() != t->ours)
        pause();
    return t->kind == ERR_OK ? ERR_OK : err_set(err, t->kind, "it is bad");
}

static void test_apart__brings_back_the_verdict_and_nothing_else(void **state)
{
    (void)state;
    static const enum err_kind KINDS[] = {ERR_OK, ERR_INVALID};
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        bool was_here = false;
        struct err err = {0};
        struct apart a = {0};
        struct task t = {.kind = KINDS[i], .ours = getpid(), .ret_was_here = &was_here};
        apart_begin(&a, work, &t);
        assert_int_equal(apart_end(&a, &err), KINDS[i]);
        assert_string_equal(err.text, KINDS[i] == ERR_OK ? "" : "it is bad");
        assert_false(was_here);
        assert_int_equal(apart_end(&a, &err), ERR_OK); /* once */
    }
}

static void test_apart__a_crash_is_a_verdict(void **state)
{
    (void)state;
    bool was_here = false;
    struct err err = {0};
    struct apart a = {0};
    struct task t = {.crashes = true, .ours = getpid(), .ret_was_here = &was_here};
    apart_begin(&a, work, &t);
    assert_int_equal(apart_end(&a, &err), ERR_INTERNAL);
    assert_non_null(strstr(err.text, "signal 9"));
}

static void test_apart__is_ended_where_nobody_wants_to_know(void **state)
{
    (void)state;
    bool was_here = false;
    struct apart a = {0};
    struct task t = {.waits = true, .ours = getpid(), .ret_was_here = &was_here};
    apart_begin(&a, work, &t);
    pid_t pid = a.pid;
    assert_true(pid > 0);
    apart_deinit(&a);
    assert_int_equal(kill(pid, 0), -1);
    apart_deinit(&a);
}

static void *wait_for_end(void *data)
{
    pthread_mutex_lock(data);
    pthread_mutex_unlock(data);
    return NULL;
}

static void test_apart__of_many_threads_is_done_here(void **state)
{
    (void)state;
    bool was_here = false;
    struct apart a = {0};
    struct err err = {0};
    struct task t = {.kind = ERR_INVALID, .ours = getpid(), .ret_was_here = &was_here};
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t other;
    pthread_mutex_lock(&lock);
    assert_int_equal(pthread_create(&other, NULL, wait_for_end, &lock), 0);
    apart_begin(&a, work, &t);
    assert_int_equal(apart_end(&a, &err), ERR_INVALID);
    assert_true(was_here);
    pthread_mutex_unlock(&lock);
    pthread_join(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart__brings_back_the_verdict_and_nothing_else),
        cmocka_unit_test(test_apart__a_crash_is_a_verdict),
        cmocka_unit_test(test_apart__is_ended_where_nobody_wants_to_know),
        cmocka_unit_test(test_apart__of_many_threads_is_done_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
