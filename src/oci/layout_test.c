#include "oci/layout.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>
#include <unistd.h>

struct desk {
    char dir[64];
    struct oci_layout *layout;
};

static int desk_up(void **state)
{
    struct desk *d = mem_new(struct desk);
    struct err err;
    snprintf(d->dir, sizeof(d->dir), "/tmp/cup-layout-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    assert_int_equal(oci_layout_open(d->dir, true, true, &d->layout, &err), ERR_OK);
    *state = d;
    return 0;
}

static int desk_down(void **state)
{
    struct desk *d = *state;
    oci_layout_close(d->layout);
    autofree char *line = mem_printf("rm -rf '%s'", d->dir);
    assert_int_equal(system(line), 0);
    free(d);
    return 0;
}

#define desk_test(f) cmocka_unit_test_setup_teardown(f, desk_up, desk_down)

static const struct str WHOLE = {"0123456789abcdef", 16};

static bool gather(void *data, const char *p, size_t n, struct err *err)
{
    (void)err;
    buf_add(data, p, n);
    return true;
}

static size_t ingest_count(struct desk *d)
{
    autofree char *line = mem_printf("test -z \"$(ls -A '%s/.ingest')\"", d->dir);
    return system(line) == 0 ? 0 : 1;
}

/* A try that ends after `n` bytes. */
static void leave(struct desk *d, const char *digest, struct str bytes, size_t n)
{
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    struct err err;
    assert_int_equal(
        oci_blob_begin_partial(d->layout, digest, WHOLE.n, NULL, NULL, &w, &err), ERR_OK);
    assert_int_equal(oci_blob_add(&w, bytes.p, n, &err), ERR_OK);
}

static void test_partial__is_gone_on_with(void **state)
{
    struct desk *d = *state;
    char digest[OCI_DIGEST_MAX];
    autobuf struct buf seen = {0};
    struct err err;
    oci_digest_of(WHOLE, digest);
    leave(d, digest, WHOLE, 10);
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    assert_int_equal(
        oci_blob_begin_partial(d->layout, digest, WHOLE.n, gather, &seen, &w, &err), ERR_OK);
    assert_int_equal(w.verifier.got, 10);
    assert_true(str_eq(buf_view(&seen), str_take(WHOLE, 10)));
    assert_int_equal(oci_blob_add(&w, WHOLE.p + 10, 6, &err), ERR_OK);
    assert_int_equal(oci_blob_commit(&w, &err), ERR_OK);
    assert_true(oci_layout_has(d->layout, digest, WHOLE.n));
    assert_int_equal(ingest_count(d), 0);
}

/* Small pieces are gathered before they are written, and large ones are not. */
static void test_blob__is_what_was_added_whatever_the_pieces(void **state)
{
    struct desk *d = *state;
    enum { ALL = 3 << 20 };
    static const size_t PIECES[] = {1000, 16 << 10, 255 << 10, 256 << 10, 1 << 20};
    char digest[OCI_DIGEST_MAX];
    autofree char *bytes = mem_alloc(ALL);
    for (size_t i = 0; i < ALL; i++)
        bytes[i] = (char)(i * 31 >> 7);
    oci_digest_of(str_of(bytes, ALL), digest);
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    for (size_t at = 0, i = 0; at < ALL; i++) {
        size_t n = PIECES[i % ARRAY_LEN(PIECES)];
        n = n < ALL - at ? n : ALL - at;
        if (i % 7 == 0) { /* broken off now and then, and gone on with */
            oci_blob_deinit(&w);
            assert_int_equal(
                oci_blob_begin_partial(d->layout, digest, ALL, NULL, NULL, &w, NULL), ERR_OK);
            assert_int_equal(w.verifier.got, at);
        }
        assert_int_equal(oci_blob_add(&w, bytes + at, n, NULL), ERR_OK);
        at += n;
    }
    assert_int_equal(oci_blob_commit(&w, NULL), ERR_OK);
    assert_int_equal(oci_layout_read(d->layout, digest, ALL, NULL, NULL, NULL), ERR_OK);
}

static void test_partial__with_wrong_bytes_is_not_kept(void **state)
{
    struct desk *d = *state;
    char digest[OCI_DIGEST_MAX];
    struct err err;
    oci_digest_of(WHOLE, digest);
    leave(d, digest, STR("XXXXXXXXXX"), 10);
    {
        auto_oci_blob struct oci_blob_writer w = {.fd = -1};
        assert_int_equal(
            oci_blob_begin_partial(d->layout, digest, WHOLE.n, NULL, NULL, &w, &err), ERR_OK);
        assert_int_equal(oci_blob_add(&w, WHOLE.p + 10, 6, &err), ERR_OK);
        assert_int_equal(oci_blob_commit(&w, &err), ERR_UNVERIFIED);
    }
    assert_int_equal(ingest_count(d), 0);
    assert_false(oci_layout_has(d->layout, digest, WHOLE.n));
}

static void test_partial__longer_than_the_blob_begins_anew(void **state)
{
    struct desk *d = *state;
    char digest[OCI_DIGEST_MAX];
    struct err err;
    oci_digest_of(WHOLE, digest);
    autofree char *path = mem_printf("%s/.ingest/%s.part", d->dir, digest + strlen("sha256:"));
    assert_int_equal(fs_write_atomic(path, STR("0123456789abcdef-and-more"), 0600, &err), ERR_OK);
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    assert_int_equal(
        oci_blob_begin_partial(d->layout, digest, WHOLE.n, NULL, NULL, &w, &err), ERR_OK);
    assert_int_equal(w.verifier.got, 0);
    assert_int_equal(oci_blob_add(&w, WHOLE.p, WHOLE.n, &err), ERR_OK);
    assert_int_equal(oci_blob_commit(&w, &err), ERR_OK);
    assert_int_equal(oci_layout_read(d->layout, digest, WHOLE.n, NULL, NULL, &err), ERR_OK);
}

static void test_partial__two_at_once_do_not_share_a_file(void **state)
{
    struct desk *d = *state;
    char digest[OCI_DIGEST_MAX];
    struct err err;
    oci_digest_of(WHOLE, digest);
    auto_oci_blob struct oci_blob_writer first = {.fd = -1};
    auto_oci_blob struct oci_blob_writer second = {.fd = -1};
    assert_int_equal(
        oci_blob_begin_partial(d->layout, digest, WHOLE.n, NULL, NULL, &first, &err), ERR_OK);
    assert_int_equal(
        oci_blob_begin_partial(d->layout, digest, WHOLE.n, NULL, NULL, &second, &err), ERR_OK);
    assert_string_not_equal(first.temp, second.temp);
    assert_int_equal(oci_blob_add(&first, WHOLE.p, WHOLE.n, &err), ERR_OK);
    assert_int_equal(oci_blob_add(&second, WHOLE.p, WHOLE.n, &err), ERR_OK);
    assert_int_equal(oci_blob_commit(&first, &err), ERR_OK);
    assert_int_equal(oci_blob_commit(&second, &err), ERR_OK);
    assert_int_equal(ingest_count(d), 0);
}

static void test_blob__without_commit_leaves_nothing(void **state)
{
    struct desk *d = *state;
    char digest[OCI_DIGEST_MAX];
    struct err err;
    oci_digest_of(WHOLE, digest);
    {
        auto_oci_blob struct oci_blob_writer w = {.fd = -1};
        assert_int_equal(oci_blob_begin(d->layout, digest, WHOLE.n, &w, &err), ERR_OK);
        assert_int_equal(oci_blob_add(&w, WHOLE.p, 3, &err), ERR_OK);
    }
    assert_int_equal(ingest_count(d), 0);
    assert_false(oci_layout_has(d->layout, digest, WHOLE.n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        desk_test(test_partial__is_gone_on_with),
        desk_test(test_blob__is_what_was_added_whatever_the_pieces),
        desk_test(test_partial__with_wrong_bytes_is_not_kept),
        desk_test(test_partial__longer_than_the_blob_begins_anew),
        desk_test(test_partial__two_at_once_do_not_share_a_file),
        desk_test(test_blob__without_commit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
