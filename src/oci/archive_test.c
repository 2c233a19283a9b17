#include "oci/archive.h"
#include "oci/testing.h"

static bool keep(void *data, const char *p, size_t n, struct err *err)
{
    buf_add(data, p, n);
    return buf_check(data, "the module", err) == ERR_OK;
}

static enum err_kind
unpack_in(struct str layer, size_t piece, uint64_t wasm_bytes, struct buf *wasm, struct err *err)
{
    autorelease(oci_unpacker_free) struct oci_unpacker *u =
        oci_unpacker_new(OCI_ARCHIVE_ENTRY, false, wasm_bytes, keep, wasm);
    buf_clear(wasm);
    enum err_kind r = ERR_OK;
    for (size_t at = 0; r == ERR_OK && at < layer.n; at += piece)
        r = oci_unpacker_add(u, layer.p + at, layer.n - at < piece ? layer.n - at : piece, err);
    return r == ERR_OK ? oci_unpacker_end(u, err) : r;
}

static void assert_refused(struct str layer, enum err_kind kind, const char *why)
{
    static const size_t PIECES[] = {1, 7, 512, 1 << 20};
    for (size_t i = 0; i < ARRAY_LEN(PIECES); i++) {
        autobuf struct buf wasm = {0};
        struct err err = {0};
        if (PIECES[i] == 1 && layer.n > 100000)
            continue;
        enum err_kind r = unpack_in(layer, PIECES[i], 0, &wasm, &err);
        if (i == 0 || r != kind)
            print_message("%s\n", err.text);
        assert_int_equal(r, kind);
        assert_non_null(strstr(err.text, why));
    }
}

static void assert_tar_refused(const struct buf *tar, enum err_kind kind, const char *why)
{
    autobuf struct buf layer = {0};
    gzip_all(&layer, buf_view(tar));
    assert_refused(buf_view(&layer), kind, why);
}

static void test_archive_pack__comes_back_the_same(void **state)
{
    (void)state;
    autobuf struct buf layer = {0}, wasm = {0};
    struct err err = {0};
    assert_int_equal(oci_archive_pack(TEST_WASM, 0, &layer, &err), ERR_OK);
    for (size_t piece = 1; piece < 200; piece += 33) {
        assert_int_equal(unpack_in(buf_view(&layer), piece, TEST_WASM.n, &wasm, &err), ERR_OK);
        assert_true(str_eq(buf_view(&wasm), TEST_WASM));
    }
    assert_int_equal(unpack_in(buf_view(&layer), 99, 5, &wasm, &err), ERR_UNVERIFIED);
}

/* The digest is a promise: a compressor or header that writes other bytes breaks it. */
static void test_archive_pack__writes_pinned_bytes(void **state)
{
    (void)state;
    autobuf struct buf layer = {0}, big = {0};
    char digest[OCI_DIGEST_MAX];
    uint32_t x = 1;
    for (int i = 0; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        buf_char(&big, (char)(x >> 24 & (i % 1000 < 500 ? 0x0F : 0xFF)));
    }
    assert_int_equal(oci_archive_pack(buf_view(&big), 0, &layer, NULL), ERR_OK);
    oci_digest_of(buf_view(&layer), digest);
    assert_string_equal(
        digest, "sha256:1684f7962e1f80b960d43a12007987cbf3a566ce3b42867687902ee6acc9af2a");
    assert_memory_equal(layer.p, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8);
    assert_int_equal(oci_archive_pack(buf_view(&big), 1700000000, &layer, NULL), ERR_OK);
    char dated[OCI_DIGEST_MAX];
    oci_digest_of(buf_view(&layer), dated);
    assert_string_not_equal(digest, dated);
}

static void test_t_adv_01_tar_entry_leaves_archive__refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "../x",
        "/x",
        "a/../../x",
        "a/./..//../x",
        "..",
        "controller.wasm/..",
        "/controller.wasm",
        "../controller.wasm"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (const char *type = "0512"; *type != '\0'; type++) {
            autobuf struct buf tar = {0};
            char why[128];
            snprintf(why, sizeof(why), "entry \"%s\" leaves the archive", names[i]);
            tar_entry(&tar, names[i], *type, 0, STR(""));
            tar_end(&tar);
            assert_tar_refused(&tar, ERR_INVALID, why);
        }
    }
}

static void test_t_adv_02_links__refused(void **state)
{
    (void)state;
    for (const char *type = "12"; *type != '\0'; type++) {
        autobuf struct buf tar = {0};
        tar_entry(&tar, "controller.wasm", *type, 0, STR(""));
        tar_entry(&tar, "controller.wasm", '0', TEST_WASM.n, TEST_WASM);
        tar_end(&tar);
        assert_tar_refused(&tar, ERR_INVALID, "links are not allowed in a wasm layer");
    }
}

static void test_archive_unpack__refuses_other_entries(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        char type;
        const char *why;
    } rows[] = {
        {"dir", '5', "not a regular file"},         {"dev", '3', "not a regular file"},
        {"fifo", '6', "not a regular file"},        {"x", 'x', "not a regular file"},
        {"x", 'L', "not a regular file"},           {"other.wasm", '0', "is not expected"},
        {"./controller.wasm", '0', "not expected"}, {"a/controller.wasm", '0', "not expected"},
        {"con\x1b[31m", '0', "con\\x1b[31m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf tar = {0};
        tar_entry(&tar, rows[i].name, rows[i].type, 0, STR(""));
        tar_end(&tar);
        assert_tar_refused(&tar, ERR_INVALID, rows[i].why);
    }
    autobuf struct buf twice = {0}, none = {0};
    tar_entry(&twice, "controller.wasm", '0', TEST_WASM.n, TEST_WASM);
    tar_entry(&twice, "controller.wasm", '0', TEST_WASM.n, TEST_WASM);
    tar_end(&twice);
    assert_tar_refused(&twice, ERR_INVALID, "the layer holds one file");
    tar_end(&none);
    assert_tar_refused(&none, ERR_INVALID, "holds no controller.wasm");
}

static void test_archive_unpack__refuses_torn_archives(void **state)
{
    (void)state;
    autobuf struct buf tar = {0}, layer = {0};
    tar_entry(&tar, "controller.wasm", '0', TEST_WASM.n, TEST_WASM);
    assert_tar_refused(&tar, ERR_INVALID, "its end is missing");
    tar_entry(&layer, "controller.wasm", '0', 5000, TEST_WASM);
    assert_tar_refused(&layer, ERR_INVALID, "ends in the middle");
    buf_clear(&layer);
    tar_entry(&layer, "controller.wasm", '0', (uint64_t)OCI_WASM_MAX + 1, TEST_WASM);
    assert_tar_refused(&layer, ERR_LIMIT, "expands past 256 MiB");
    tar_end(&tar);
    buf_text(&tar, "x");
    assert_tar_refused(&tar, ERR_INVALID, "goes on after its end");
    tar.p[0] = 'X';
    assert_tar_refused(&tar, ERR_INVALID, "checksum");
    buf_clear(&tar);
    buf_add(&tar, test_wasm, sizeof(test_wasm));
    assert_tar_refused(&tar, ERR_INVALID, "middle of an entry");
}

static void test_t_adv_03_gzip_lies__refused(void **state)
{
    (void)state;
    autobuf struct buf tar = {0}, layer = {0}, work = {0};
    tar_entry(&tar, "controller.wasm", '0', TEST_WASM.n, TEST_WASM);
    tar_end(&tar);
    gzip_all(&layer, buf_view(&tar));
    for (size_t n = 0; n < layer.n; n += 11)
        assert_refused(str_take(buf_view(&layer), n), ERR_INVALID, "cut");
    buf_str(&work, buf_view(&layer));
    buf_text(&work, "garbage");
    assert_refused(buf_view(&work), ERR_INVALID, "after the end of the gzip stream");
    buf_clear(&work);
    buf_str(&work, buf_view(&layer));
    buf_str(&work, buf_view(&layer));
    assert_refused(buf_view(&work), ERR_INVALID, "after the end of the gzip stream");
    buf_clear(&work);
    buf_str(&work, buf_view(&layer));
    work.p[work.n - 6] ^= 1; /* CRC */
    assert_refused(buf_view(&work), ERR_INVALID, "not good gzip");
    assert_refused(STR("plain text, and long enough"), ERR_INVALID, "not good gzip");
}

static void test_t_adv_03_gzip_bomb__ends_at_the_limit(void **state)
{
    (void)state;
    /* Zero blocks behind the end, 1000:1; the reader keeps none of them. */
    autobuf struct buf layer = {0}, wasm = {0};
    autofree char *zeros = mem_alloc(1 << 20);
    z_stream z = {0};
    unsigned char out[1 << 16];
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    autobuf struct buf tar = {0};
    tar_entry(&tar, "controller.wasm", '0', TEST_WASM.n, TEST_WASM);
    for (int i = 0; i <= 260; i++) {
        z.next_in = i == 0 ? (Bytef *)tar.p : (Bytef *)zeros;
        z.avail_in = i == 0 ? (uInt)tar.n : 1 << 20;
        do {
            z.next_out = out;
            z.avail_out = sizeof(out);
            deflate(&z, i == 260 ? Z_FINISH : Z_NO_FLUSH);
            buf_add(&layer, out, sizeof(out) - z.avail_out);
        } while (z.avail_out == 0);
    }
    deflateEnd(&z);
    struct err err = {0};
    assert_true(layer.n < 1 << 20);
    assert_int_equal(unpack_in(buf_view(&layer), 65536, 0, &wasm, &err), ERR_LIMIT);
    assert_string_equal(err.text, "layer expands past 256 MiB");
    assert_true(wasm.cap < 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive_pack__comes_back_the_same),
        cmocka_unit_test(test_archive_pack__writes_pinned_bytes),
        cmocka_unit_test(test_t_adv_01_tar_entry_leaves_archive__refused),
        cmocka_unit_test(test_t_adv_02_links__refused),
        cmocka_unit_test(test_archive_unpack__refuses_other_entries),
        cmocka_unit_test(test_archive_unpack__refuses_torn_archives),
        cmocka_unit_test(test_t_adv_03_gzip_lies__refused),
        cmocka_unit_test(test_t_adv_03_gzip_bomb__ends_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
