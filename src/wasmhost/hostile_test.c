/* Guests that take what they can get: hardening cases 47, 48, 49 and 52 on the host itself. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/testing.h"
#include "vfs/memtree.h"
#include "wasmhost/handmade.h"
#include "wasmhost/wasmhost.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Instructions. */
#define FOREVER "\x03\x40\x0c\x00\x0b" /* loop br 0 end */
#define CALL(f) "\x10" f
#define DROP "\x1a"
#define AGAIN(body) "\x03\x40" body "\x0c\x00\x0b"  /* loop body br 0 end */
#define EXIT_IF_MINUS_1 "\x41\x7f\x46" CALL("\x03") /* i32.const -1 i32.eq call proc_exit */
/* global 0 += 1; while it is below 1,000: call the second function; then loop */
#define DEEPER                                                                                     \
    "\x23\x00\x41\x01\x6a\x24\x00\x23\x00\x41\xe8\x07\x49\x04\x40" CALL("\x05") "\x0b" FOREVER
/* the memory's first 128 MiB as 2^24 empty buffers */
#define EMPTY_BUFFERS(fd) "\x41" fd "\x41\x00\x41\x80\x80\x80\x08\x41\x00"
#define RANDOM_ALL "\x41\x00\x41\x80\x80\x80\xc0\x00" CALL("\x02") DROP /* 128 MiB */
#define FILL_ALL "\x41\x00\x41\x01\x41\x80\x80\x80\xc0\x00\xfc\x0b\x00"
/* buffer list at 0: {p, n}, by i32.store */
#define STORE(at, value) "\x41" at "\x41" value "\x36\x02\x00"

enum { PAGES_128M = 2048 };

/* cmocka takes the signals of each test for itself; the engine needs those that make a trap. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[ARRAY_LEN(trap_signals)];

static void use_engine_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
}

static struct wasmhost *new_host(unsigned instances)
{
    struct wasmhost_options options = {.instances_max = instances};
    struct wasmhost *h = NULL;
    struct err err;
    assert_int_equal(wasmhost_new(&options, &h, &err), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    return h;
}

static enum err_kind load(
    struct wasmhost *h,
    const struct wasm_guest *g,
    const char *digest,
    struct wasmhost_module **ret,
    struct err *err)
{
    autobuf struct buf wasm = {.max = (size_t)200 << 20};
    wasm_make(&wasm, g);
    return wasmhost_load(h, buf_view(&wasm), digest, ret, err);
}

/* One call of a guest of its own. */
struct run {
    struct wasmhost_limits limits;
    const atomic_bool *cancel;
    struct wasmhost_result result;
    enum err_kind kind;
    struct err err;
};

static void call(struct wasmhost_module *m, struct run *r)
{
    struct vfs *tree = memtree_new();
    struct wasmhost_call c = {
        .args = (const char *const[]){"wasi"},
        .arg_count = 1,
        .tree = tree,
        .limits = r->limits,
        .cancel = r->cancel};
    r->kind = wasmhost_call(m, &c, &r->result, &r->err);
    vfs_free(tree);
}

static void run_guest(struct wasmhost *h, const struct wasm_guest *g, struct run *r)
{
    static int number;
    char digest[32];
    struct wasmhost_module *m = NULL;
    snprintf(digest, sizeof(digest), "guest-%d", number++);
    use_engine_signals();
    r->kind = load(h, g, digest, &m, &r->err);
    if (r->kind == ERR_OK)
        call(m, r);
    wasmhost_module_unref(m);
}

/* --- 47: time -------------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct wasm_guest guest;
} endless[] = {
    {"a loop in the body", {.pages = 1, .start = STR(FOREVER)}},
    {"a loop in the start function",
     {.pages = 1, .second = STR(FOREVER), .runs_second_first = true}},
    {"a loop below a thousand calls",
     {.pages = 1, .start = STR(CALL("\x05")), .second = STR(DEEPER)}},
    {"filling memory", {.pages = PAGES_128M, .start = STR(AGAIN(FILL_ALL))}},
    {"random bytes", {.pages = PAGES_128M, .start = STR(AGAIN(RANDOM_ALL))}},
    {"writing empty buffers",
     {.pages = PAGES_128M, .start = STR(AGAIN(EMPTY_BUFFERS("\x01") CALL("\x00") DROP))}},
    {"reading into empty buffers",
     {.pages = PAGES_128M, .start = STR(AGAIN(EMPTY_BUFFERS("\x00") CALL("\x01") DROP))}},
};

static void t_adv_47_endless__guests_end_at_their_time_limit(void **state)
{
    struct wasmhost *h = new_host(4);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        struct run r = {.limits = {.timeout_ms = 100}};
        run_guest(h, &endless[i].guest, &r);
        if (r.kind != ERR_TIMEOUT || strstr(r.err.text, "time limit of 100 ms") == NULL)
            fail_msg("%s: kind %d, '%s'", endless[i].what, r.kind, r.err.text);
        wasmhost_result_deinit(&r.result);
    }
    wasmhost_free(h);
}

static void *set_soon(void *data)
{
    usleep(30000);
    atomic_store((atomic_bool *)data, true);
    return NULL;
}

static void t_adv_47_hang_up__stops_a_guest_wherever_it_is(void **state)
{
    struct wasmhost *h = new_host(4);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        atomic_bool cancel = false;
        pthread_t other;
        struct run r = {.limits = {.timeout_ms = 600000}, .cancel = &cancel};
        assert_int_equal(pthread_create(&other, NULL, set_soon, &cancel), 0);
        run_guest(h, &endless[i].guest, &r);
        pthread_join(other, NULL);
        if (r.kind != ERR_CANCELLED)
            fail_msg("%s: kind %d, '%s'", endless[i].what, r.kind, r.err.text);
        wasmhost_result_deinit(&r.result);
    }
    wasmhost_free(h);
}

struct caller {
    struct wasmhost_module *m;
    struct run r;
};

static void *call_apart(void *data)
{
    struct caller *c = data;
    call(c->m, &c->r);
    wasmhost_result_deinit(&c->r.result);
    return NULL;
}

/* Two of three slots are what one module may have: its third caller is told so, others are served. */
static void t_adv_47_neighbours__are_served_while_a_module_hangs(void **state)
{
    struct wasmhost *h = new_host(3);
    const struct wasm_guest good = {.pages = 1};
    struct wasmhost_module *hanging = NULL;
    struct wasmhost_module *neighbour = NULL;
    struct caller callers[2];
    pthread_t threads[2];
    atomic_bool cancel = false;
    struct err err;
    (void)state;
    assert_int_equal(load(h, &endless[0].guest, "hanging", &hanging, &err), ERR_OK);
    assert_int_equal(load(h, &good, "good", &neighbour, &err), ERR_OK);
    use_engine_signals();
    for (size_t i = 0; i < 2; i++) {
        callers[i] = (struct caller){
            .m = hanging, .r = {.limits = {.timeout_ms = 600000}, .cancel = &cancel}};
        assert_int_equal(pthread_create(&threads[i], NULL, call_apart, &callers[i]), 0);
    }
    struct run third = {.limits = {.timeout_ms = 400}};
    do { /* until both have begun */
        wasmhost_result_deinit(&third.result);
        call(hanging, &third);
    } while (third.kind == ERR_TIMEOUT);
    assert_int_equal(third.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(third.err.text, "2 calls of it have not ended"));
    struct run other = {.limits = {.timeout_ms = 60000}};
    call(neighbour, &other);
    assert_int_equal(other.kind, ERR_OK);
    atomic_store(&cancel, true);
    struct run gone = {.limits = {.timeout_ms = 600000}, .cancel = &cancel};
    call(hanging, &gone);
    assert_int_equal(gone.kind, ERR_CANCELLED);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].r.kind, ERR_CANCELLED);
    }
    wasmhost_result_deinit(&third.result);
    wasmhost_result_deinit(&other.result);
    wasmhost_result_deinit(&gone.result);
    wasmhost_module_unref(hanging);
    wasmhost_module_unref(neighbour);
    wasmhost_free(h);
}

/* However many modules hang with all that they can get, the next one has a slot. */
static void t_adv_47_neighbours__are_served_while_many_modules_hang(void **state)
{
    enum { HANGING = 8, CALLERS = 2 * HANGING };
    struct wasmhost *h = new_host(3);
    const struct wasm_guest good = {.pages = 1};
    struct wasmhost_module *modules[HANGING + 1] = {0};
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    atomic_bool cancel = false;
    struct err err;
    (void)state;
    for (size_t i = 0; i < HANGING; i++) {
        autofree char *name = mem_printf("hanging %zu", i);
        assert_int_equal(load(h, &endless[0].guest, name, &modules[i], &err), ERR_OK);
    }
    assert_int_equal(load(h, &good, "good", &modules[HANGING], &err), ERR_OK);
    use_engine_signals();
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){
            .m = modules[i % HANGING], .r = {.limits = {.timeout_ms = 600000}, .cancel = &cancel}};
        assert_int_equal(pthread_create(&threads[i], NULL, call_apart, &callers[i]), 0);
    }
    for (size_t i = 0; i < HANGING; i++) { /* until each has begun: no more is to be had */
        struct run more = {.limits = {.timeout_ms = 400}};
        do {
            wasmhost_result_deinit(&more.result);
            call(modules[i], &more);
        } while (more.kind == ERR_TIMEOUT && strstr(more.err.text, "no free instance") == NULL);
        assert_true(more.kind == ERR_UNAVAILABLE || more.kind == ERR_TIMEOUT);
        wasmhost_result_deinit(&more.result);
    }
    struct run other = {.limits = {.timeout_ms = 60000}};
    call(modules[HANGING], &other);
    assert_int_equal(other.kind, ERR_OK);
    atomic_store(&cancel, true);
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].r.kind, ERR_CANCELLED);
    }
    wasmhost_result_deinit(&other.result);
    for (size_t i = 0; i <= HANGING; i++)
        wasmhost_module_unref(modules[i]);
    wasmhost_free(h);
}

/* --- 48: memory ------------------------------------------------------------------------------------- */

#define GROW_4G "\x41\xff\xff\x03\x40\x00"        /* memory.grow by 65,535 pages */
#define GROW_TABLE "\xd0\x70\x41\x7f\xfc\x0f\x00" /* table.grow by 2^32 - 1 */

static void *grow(void *data)
{
    struct caller *c = data;
    for (int i = 0; i < 20; i++) {
        call(c->m, &c->r);
        wasmhost_result_deinit(&c->r.result);
        if (c->r.kind != ERR_OK || c->r.result.exit_code != 1)
            break;
    }
    return NULL;
}

static void t_adv_48_growth__is_refused_to_sixteen_guests_at_once(void **state)
{
    static const struct wasm_guest guests[] = {
        {.pages = 1, .start = STR(GROW_4G EXIT_IF_MINUS_1)},
        {.pages = 1, .tables = 1, .start = STR(GROW_TABLE EXIT_IF_MINUS_1)},
    };
    struct wasmhost *h = new_host(16);
    (void)state;
    for (size_t g = 0; g < ARRAY_LEN(guests); g++) {
        struct wasmhost_module *m = NULL;
        struct caller callers[16];
        pthread_t threads[16];
        struct err err;
        assert_int_equal(load(h, &guests[g], g == 0 ? "memory" : "table", &m, &err), ERR_OK);
        use_engine_signals();
        for (size_t i = 0; i < 16; i++) {
            callers[i] = (struct caller){.m = m, .r = {.limits = {.timeout_ms = 60000}}};
            assert_int_equal(pthread_create(&threads[i], NULL, grow, &callers[i]), 0);
        }
        for (size_t i = 0; i < 16; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(callers[i].r.kind, ERR_OK);
            assert_int_equal(callers[i].r.result.exit_code, 1);
        }
        wasmhost_module_unref(m);
    }
    wasmhost_free(h);
}

static void t_adv_48_size__of_memory_and_tables_is_refused(void **state)
{
    static const struct {
        const char *what;
        struct wasm_guest guest;
        const char *names;
    } rows[] = {
        {"4 GiB at first", {.pages = 65536}, "memory"},
        {"more than the limit at first", {.pages = 4097}, "memory"},
        {"10,000 tables", {.pages = 1, .tables = 10000}, "table"},
        {"five tables", {.pages = 1, .tables = 5}, "table"},
        {"a table of 2^32 - 1", {.pages = 1, .tables = 1, .table_min = UINT32_MAX}, "table"},
        {"a table of a million", {.pages = 1, .tables = 1, .table_min = 1000000}, "table"},
    };
    struct wasmhost *h = new_host(4);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run r = {.limits = {.timeout_ms = 60000}};
        run_guest(h, &rows[i].guest, &r);
        if ((r.kind != ERR_LIMIT && r.kind != ERR_INVALID) ||
            strstr(r.err.text, rows[i].names) == NULL)
            fail_msg("%s: kind %d, '%s'", rows[i].what, r.kind, r.err.text);
        wasmhost_result_deinit(&r.result);
    }
    wasmhost_free(h);
}

/* --- 49: output -------------------------------------------------------------------------------------- */

/* One buffer {p, n} at 0 that is written to fd; what comes back is the exit code. */
#define WRITE_ONE(fd, p, n)                                                                        \
    STORE("\x00", p) STORE("\x04", n) "\x41" fd "\x41\x00\x41\x01\x41\x08" CALL("\x00")
#define EXIT_WITH_IT CALL("\x03")
#define N_16M "\x80\x80\x80\x08"
#define N_MAX "\x7f"

static void t_adv_49_output__is_bounded_and_bad_buffers_are_errnos(void **state)
{
    enum { FAULT = 21 };
    static const struct {
        const char *what;
        struct wasm_guest guest;
        enum err_kind kind;
        int exit_code;
    } rows[] = {
        {"endless output",
         {.pages = PAGES_128M, .start = STR(AGAIN(WRITE_ONE("\x01", "\x00", N_16M) DROP))},
         ERR_LIMIT,
         0},
        {"one buffer of 4 GiB",
         {.pages = 1, .start = STR(WRITE_ONE("\x01", "\x00", N_MAX) EXIT_WITH_IT)},
         ERR_OK,
         FAULT},
        {"a buffer that ends behind 4 GiB",
         {.pages = 1, .start = STR(WRITE_ONE("\x01", N_MAX, "\x02") EXIT_WITH_IT)},
         ERR_OK,
         FAULT},
        {"2^24 empty buffers",
         {.pages = PAGES_128M, .start = STR(EMPTY_BUFFERS("\x01") CALL("\x00") EXIT_WITH_IT)},
         ERR_OK,
         0},
        {"a list of 2^32 - 1 buffers",
         {.pages = 1, .start = STR("\x41\x01\x41\x00\x41\x7f\x41\x00" CALL("\x00") EXIT_WITH_IT)},
         ERR_OK,
         FAULT},
        {"random bytes of 4 GiB",
         {.pages = 1, .start = STR("\x41\x00\x41\x7f" CALL("\x02") EXIT_WITH_IT)},
         ERR_OK,
         FAULT},
    };
    struct wasmhost *h = new_host(4);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run r = {.limits = {.timeout_ms = 60000, .output_bytes = 1 << 20}};
        run_guest(h, &rows[i].guest, &r);
        if (r.kind != rows[i].kind || r.result.exit_code != rows[i].exit_code)
            fail_msg(
                "%s: kind %d, exit code %d, '%s'", rows[i].what, r.kind, r.result.exit_code,
                r.err.text);
        if (r.kind == ERR_LIMIT)
            assert_string_equal(r.err.text, "output: more than the limit of 1048576");
        assert_true(r.result.out.n <= 1 << 20);
        wasmhost_result_deinit(&r.result);
    }
    wasmhost_free(h);
}

/* A guest may print diagnostics for as long as it has time: what is kept is bounded. */
static void t_adv_49_diagnostics__without_end_stay_bounded(void **state)
{
    static const struct wasm_guest guest = {
        .pages = PAGES_128M, .start = STR(AGAIN(WRITE_ONE("\x02", "\x00", N_16M) DROP))};
    struct wasmhost *h = new_host(4);
    struct run r = {.limits = {.timeout_ms = 300}};
    (void)state;
    run_guest(h, &guest, &r);
    assert_int_equal(r.kind, ERR_TIMEOUT);
    assert_true(r.result.diagnostics.n > 0);
    assert_true(r.result.diagnostics.n <= 128 << 10);
    wasmhost_result_deinit(&r.result);
    wasmhost_free(h);
}

/* --- 52: size of a module ------------------------------------------------------------------------------ */

static void t_adv_52_hundred_megabytes__of_padding_are_a_module_like_others(void **state)
{
    const struct wasm_guest good = {.pages = 1};
    autobuf struct buf wasm = {.max = (size_t)200 << 20};
    struct wasmhost *h = new_host(4);
    struct wasmhost_module *m = NULL;
    struct err err;
    size_t padding = 100 << 20;
    (void)state;
    wasm_make(&wasm, &good);
    buf_char(&wasm, 0); /* a custom section, named "" */
    wasm_add_leb(&wasm, (uint32_t)padding);
    memset(buf_reserve(&wasm, padding), 0, padding);
    wasm.n += padding;
    assert_int_equal(wasmhost_load(h, buf_view(&wasm), "padded", &m, &err), ERR_OK);
    struct run r = {0};
    call(m, &r);
    assert_int_equal(r.kind, ERR_OK);
    wasmhost_result_deinit(&r.result);
    wasmhost_module_unref(m);
    wasmhost_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_adv_47_endless__guests_end_at_their_time_limit),
        cmocka_unit_test(t_adv_47_hang_up__stops_a_guest_wherever_it_is),
        cmocka_unit_test(t_adv_47_neighbours__are_served_while_a_module_hangs),
        cmocka_unit_test(t_adv_47_neighbours__are_served_while_many_modules_hang),
        cmocka_unit_test(t_adv_48_growth__is_refused_to_sixteen_guests_at_once),
        cmocka_unit_test(t_adv_48_size__of_memory_and_tables_is_refused),
        cmocka_unit_test(t_adv_49_output__is_bounded_and_bad_buffers_are_errnos),
        cmocka_unit_test(t_adv_49_diagnostics__without_end_stay_bounded),
        cmocka_unit_test(t_adv_52_hundred_megabytes__of_padding_are_a_module_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
