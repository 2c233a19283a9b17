#include "base/child.h"

#include "base/testing.h"

static const char *const args[] = {"sh", "-c", NULL, NULL};

static enum err_kind run_shell(
    const char *script, struct str input, struct buf *out, struct child_end *end, struct err *err)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct child c = {
        .program = "sh", .args = argv, .input = input, .output_max = 1 << 20, .timeout_ms = 20000};
    return child_run(&c, out, end, err);
}

static void test_child__carries_bytes_both_ways_at_once(void **state)
{
    (void)state;
    autobuf struct buf in = {0};
    autobuf struct buf out = {0};
    struct child_end end;
    struct err err;
    for (int i = 0; i < 60000; i++) /* more than any pipe holds */
        buf_printf(&in, "line %d\n", i);
    assert_int_equal(run_shell("cat", buf_view(&in), &out, &end, &err), ERR_OK);
    assert_int_equal(end.exit_code, 0);
    assert_int_equal(out.n, in.n);
    assert_memory_equal(out.p, in.p, in.n);
}

static void test_child__tells_how_it_ended(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int exit_code, signal;
    } rows[] = {{"exit 0", 0, 0}, {"exit 7", 7, 0}, {"kill -KILL $$", -1, 9}, {"exec true", 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf out = {0};
        struct child_end end;
        assert_int_equal(run_shell(rows[i].script, STR(""), &out, &end, NULL), ERR_OK);
        assert_int_equal(end.exit_code, rows[i].exit_code);
        assert_int_equal(end.signal, rows[i].signal);
    }
}

static enum err_kind count(void *data, struct str piece, struct err *err)
{
    size_t *n = data;
    *n += piece.n;
    return *n > 100000 ? err_set(err, ERR_FAILED, "enough") : ERR_OK;
}

static void test_child__output_may_be_taken_as_it_comes(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c", "head -c 50000 /dev/zero", NULL};
    size_t n = 0;
    struct child_end end;
    struct err err = {0};
    struct child c = {
        .program = "sh",
        .args = argv,
        .output_max = 1 << 20,
        .timeout_ms = 20000,
        .take = count,
        .take_data = &n};
    assert_int_equal(child_run(&c, NULL, &end, &err), ERR_OK);
    assert_int_equal(n, 50000);
    argv[2] = "yes";
    assert_int_equal(child_run(&c, NULL, &end, &err), ERR_FAILED);
    assert_string_equal(err.text, "enough");
    assert_int_equal(end.signal, 9);
}

static void test_child__end_of_its_errors_is_kept(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c", "seq 100000 >&2; echo $WORD >&2; exit 3", NULL};
    const char *env[] = {"WORD=last", NULL};
    autobuf struct buf out = {0};
    autobuf struct buf errors = {0};
    struct child_end end;
    struct err err = {0};
    struct child c = {
        .program = "sh",
        .args = argv,
        .env = env,
        .output_max = 10,
        .timeout_ms = 20000,
        .errors = &errors};
    assert_int_equal(child_run(&c, &out, &end, &err), ERR_OK);
    assert_int_equal(end.exit_code, 3);
    assert_true(errors.n <= CHILD_ERRORS_MAX);
    assert_true(str_ends(buf_view(&errors), STR("100000\nlast\n")));
}

static void test_child__ends_when_it_is_called_off(void **state)
{
    (void)state;
    const char *argv[] = {"sleep", "60", NULL};
    atomic_bool cancel = true;
    autobuf struct buf out = {0};
    struct child_end end;
    struct err err = {0};
    struct child c = {
        .program = "sleep", .args = argv, .output_max = 10, .timeout_ms = 20000, .cancel = &cancel};
    assert_int_equal(child_run(&c, &out, &end, &err), ERR_CANCELLED);
    assert_int_equal(end.signal, 9);
}

static void test_child__that_does_not_read_still_answers(void **state)
{
    (void)state;
    autobuf struct buf in = {0};
    autobuf struct buf out = {0};
    struct child_end end;
    buf_reserve(&in, 1 << 20);
    memset(in.p, 'x', 1 << 20);
    in.n = 1 << 20;
    assert_int_equal(run_shell("exec <&-; echo answer", buf_view(&in), &out, &end, NULL), ERR_OK);
    assert_string_equal(out.p, "answer\n");
}

static void test_child__is_ended_at_its_limits(void **state)
{
    (void)state;
    autobuf struct buf out = {0};
    struct child_end end;
    struct err err;
    assert_int_equal(
        run_shell("while :; do echo 0123456789; done", STR(""), &out, &end, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "1048576"));
    assert_true(out.n < (2 << 20));
    const char *argv[] = {"sh", "-c", "sleep 60", NULL};
    struct child c = {.program = "sh", .args = argv, .output_max = 100, .timeout_ms = 50};
    assert_int_equal(child_run(&c, &out, &end, &err), ERR_TIMEOUT);
    const char *quiet[] = {"sh", "-c", "exec <&- >&-; sleep 60", NULL};
    c.args = quiet;
    assert_int_equal(child_run(&c, &out, &end, &err), ERR_TIMEOUT);
}

static void test_child__that_is_not_there_is_told(void **state)
{
    (void)state;
    autobuf struct buf out = {0};
    struct child_end end;
    struct err err;
    struct child c = {.program = "no-such-program-of-cup", .args = args, .timeout_ms = 1000};
    assert_int_equal(child_run(&c, &out, &end, &err), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child__carries_bytes_both_ways_at_once),
        cmocka_unit_test(test_child__tells_how_it_ended),
        cmocka_unit_test(test_child__output_may_be_taken_as_it_comes),
        cmocka_unit_test(test_child__end_of_its_errors_is_kept),
        cmocka_unit_test(test_child__ends_when_it_is_called_off),
        cmocka_unit_test(test_child__that_does_not_read_still_answers),
        cmocka_unit_test(test_child__is_ended_at_its_limits),
        cmocka_unit_test(test_child__that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
