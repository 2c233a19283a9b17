#include "oci/aside.h"

#include "base/mem.h"
#include "base/testing.h"
#include "oci/ring.h"

/* Sums up what it sees, and fails at a byte where it is told to. */
struct onlooker {
    uint64_t bytes;
    uint64_t sum;
    uint64_t fails_at; /* 0: never */
};

static bool see(void *data, const char *p, size_t n, struct err *err)
{
    struct onlooker *o = data;
    for (size_t i = 0; i < n; i++)
        o->sum = o->sum * 31 + (unsigned char)p[i];
    o->bytes += n;
    if (o->fails_at == 0 || o->bytes < o->fails_at)
        return true;
    err_set(err, ERR_INVALID, "byte %d is bad", (int)o->fails_at);
    return false;
}

/* Pieces of changing sizes, a few times what fits between the threads. */
static bool write_all(struct oci_aside *a, struct onlooker *here, uint64_t total, struct err *err)
{
    static char piece[70001];
    uint64_t at = 0;
    for (size_t n = 1; at < total; n = n * 7 % sizeof(piece) + 1) {
        for (size_t i = 0; i < n; i++)
            piece[i] = (char)(at + i * 3);
        if (!oci_aside_write(a, piece, n, err))
            return false;
        (void)see(here, piece, n, NULL);
        at += n;
    }
    return true;
}

static void test_aside__sees_each_byte_in_order(void **state)
{
    (void)state;
    struct onlooker there = {0};
    struct onlooker here = {0};
    struct err err = {0};
    struct oci_aside *a = oci_aside_new(see, &there);
    assert_non_null(a);
    assert_true(write_all(a, &here, 9 << 20, &err));
    assert_int_equal(oci_aside_end(a, &err), ERR_OK);
    assert_int_equal(there.bytes, here.bytes);
    assert_int_equal(there.sum, here.sum);
    oci_aside_free(a);
}

static void test_aside__tells_of_a_failure_and_takes_no_more(void **state)
{
    (void)state;
    struct onlooker there = {.fails_at = 3 << 20};
    struct onlooker here = {0};
    struct err err = {0};
    struct oci_aside *a = oci_aside_new(see, &there);
    assert_false(write_all(a, &here, 64 << 20, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "is bad"));
    assert_false(oci_aside_write(a, "x", 1, &err));
    assert_int_equal(oci_aside_end(a, &err), ERR_INVALID);
    assert_in_range(there.bytes, 3 << 20, 5 << 20);
    oci_aside_free(a);
}

static void test_aside__of_nothing_ends(void **state)
{
    (void)state;
    struct onlooker there = {0};
    struct oci_aside *a = oci_aside_new(see, &there);
    assert_int_equal(oci_aside_end(a, NULL), ERR_OK);
    oci_aside_free(a);
    a = oci_aside_new(see, &there);
    oci_aside_free(a); /* without an end */
    assert_int_equal(there.bytes, 0);
    assert_null(oci_aside_free(NULL));
}

static void check_ring(size_t batch)
{
    struct oci_ring r;
    const char *p;
    oci_ring_init(&r, 8, batch);
    assert_true(oci_ring_put(&r, "abcde", 5));
    assert_int_equal(oci_ring_look(&r, &p), 5);
    oci_ring_taken(&r, 3);
    assert_true(oci_ring_put(&r, "fghij", 5)); /* around its end */
    oci_ring_close(&r);
    char all[8] = "";
    for (size_t n, at = 0; (n = oci_ring_look(&r, &p)) > 0; at += n) {
        memcpy(all + at, p, n);
        oci_ring_taken(&r, n);
    }
    assert_memory_equal(all, "defghij", 7);
    oci_ring_abandon(&r);
    assert_false(oci_ring_put(&r, "k", 1));
    oci_ring_deinit(&r);
}

static void test_ring__gives_what_was_put_after_it_was_closed(void **state)
{
    (void)state;
    check_ring(1);
    check_ring(5); /* less than a batch at the end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aside__sees_each_byte_in_order),
        cmocka_unit_test(test_aside__tells_of_a_failure_and_takes_no_more),
        cmocka_unit_test(test_aside__of_nothing_ends),
        cmocka_unit_test(test_ring__gives_what_was_put_after_it_was_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
