#include "base/fs.h"
#include "repo/pack_scan.h"
#include "repo/testing.h"

#include <zlib.h>

static const struct pack_limits small = {
    .pack_bytes = 1 << 20, .objects = 1000, .blob_bytes = 100000, .object_bytes = 50000};

/* The bytes in pieces of that many. */
static enum err_kind
scan_with(const struct pack_limits *limits, struct str bytes, size_t piece, struct err *err)
{
    auto_pack_scan struct pack_scan *s = pack_scan_new(limits);
    enum err_kind kind = ERR_OK;
    for (; kind == ERR_OK && bytes.n > 0; bytes = str_skip(bytes, piece))
        kind = pack_scan_add(s, str_take(bytes, piece), err);
    return kind == ERR_OK ? pack_scan_finish(s, err) : kind;
}

static enum err_kind scan(struct str bytes, size_t piece, struct err *err)
{
    return scan_with(&small, bytes, piece, err);
}

/* --- packs of Git's -------------------------------------------------------------------------------- */

static void read_pack(const struct lab *l, const char *script, struct buf *ret)
{
    struct err err = {0};
    lab_sh(l, script);
    autofree char *path = mem_printf("%s/pack", l->dir);
    lab_ok(fs_read_file(path, 1 << 20, ret, &err), &err);
}

#define MAKE_HISTORY                                                                               \
    "seq 3000 >f && git add f && git commit -qm 1 && seq 2 3000 >f && : >empty && git add . && "   \
    "git commit -qm 2 && git tag -am 3 three && "

static void test_scan__takes_the_packs_that_git_makes(void **state)
{
    struct lab *l = *state;
    static const char *const scripts[] = {
        MAKE_HISTORY "git rev-list --objects --all three | "
                     "git pack-objects -q --stdout --delta-base-offset >pack",
        "git rev-list --objects --all three | git pack-objects -q --stdout >pack",
        "printf 'main\\n^main~1\\n' | git pack-objects -q --stdout --revs --thin >pack",
        "git pack-objects -q --stdout </dev/null >pack",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        autobuf struct buf pack = {0};
        struct err err = {0};
        read_pack(l, scripts[i], &pack);
        lab_ok(scan(buf_view(&pack), pack.n, &err), &err);
        lab_ok(scan(buf_view(&pack), 1, &err), &err);
    }
}

static void test_scan__wants_all_of_a_pack_and_no_more(void **state)
{
    struct lab *l = *state;
    autobuf struct buf pack = {0};
    struct err err = {0};
    read_pack(
        l,
        MAKE_HISTORY "git rev-list --objects --all | git pack-objects -q --stdout "
                     "--delta-base-offset >pack",
        &pack);
    for (size_t n = 0; n < pack.n; n++)
        assert_int_equal(scan(str_of(pack.p, n), 7, &err), ERR_FAILED);
    assert_non_null(strstr(err.text, "broke off"));
    buf_char(&pack, 'x');
    assert_int_equal(scan(buf_view(&pack), 7, &err), ERR_FAILED);
    assert_non_null(strstr(err.text, "behind the end"));
}

/* Whatever a flipped bit makes of it, it is judged; what is inflated has a checksum of its own. */
static void test_scan__judges_each_flipped_bit(void **state)
{
    struct lab *l = *state;
    autobuf struct buf pack = {0};
    size_t refused = 0;
    read_pack(
        l, MAKE_HISTORY "git rev-list --objects --all | git pack-objects -q --stdout >pack", &pack);
    for (size_t bit = 0; bit < pack.n * 8; bit += 3) {
        struct err err = {0};
        pack.p[bit / 8] = (char)(pack.p[bit / 8] ^ 1 << bit % 8);
        enum err_kind kind = scan(buf_view(&pack), pack.n, &err);
        assert_true(kind == ERR_OK || kind == ERR_FAILED || kind == ERR_LIMIT);
        assert_true((kind == ERR_OK) == (err.text[0] == '\0'));
        refused += kind != ERR_OK;
        pack.p[bit / 8] = (char)(pack.p[bit / 8] ^ 1 << bit % 8);
    }
    /* all but those in ids and in types that become one another: the indexer's matter */
    assert_true(refused > pack.n * 8 / 3 * 8 / 10);
}

/* --- packs of nobody's ----------------------------------------------------------------------------- */

static void add_header(struct buf *to, uint32_t version, uint32_t objects)
{
    buf_str(to, STR("PACK"));
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_char(to, (char)(version >> shift));
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_char(to, (char)(objects >> shift));
}

static void add_entry(struct buf *to, unsigned type, uint64_t size)
{
    unsigned byte = type << 4 | (size & 15);
    for (size >>= 4; size > 0; size >>= 7) {
        buf_char(to, (char)(byte | 128));
        byte = size & 127;
    }
    buf_char(to, (char)byte);
}

static void add_deflated(struct buf *to, struct str bytes)
{
    uLongf n = compressBound((uLong)bytes.n);
    char *at = buf_reserve(to, n);
    assert_non_null(at);
    assert_int_equal(
        compress2((Bytef *)at, &n, (const Bytef *)bytes.p, (uLong)bytes.n, Z_BEST_COMPRESSION),
        Z_OK);
    to->n += n;
}

struct row {
    const char *name;
    unsigned type;
    uint64_t size;
    const char *before; /* the data: an offset or id */
    size_t before_n;
    struct str data;
    size_t zeros; /* instead of data */
    enum err_kind kind;
    const char *is;
};

static const struct row rows[] = {
    {"good file", 3, 5, "", 0, STR("hello"), 0, ERR_OK, ""},
    {"no type 0", 0, 5, "", 0, STR("hello"), 0, ERR_FAILED, "no type"},
    {"no type 5", 5, 5, "", 0, STR("hello"), 0, ERR_FAILED, "no type"},
    {"longer than it says", 3, 4, "", 0, STR("hello"), 0, ERR_FAILED, "longer"},
    {"shorter than it says", 3, 6, "", 0, STR("hello"), 0, ERR_FAILED, "shorter"},
    {"bomb that says so", 2, 50001, "", 0, STR(""), 50001, ERR_LIMIT, "50001 bytes"},
    {"bomb that lies", 2, 40, "", 0, STR(""), 10000000, ERR_FAILED, "longer"},
    {"file may be larger", 3, 99999, "", 0, STR(""), 99999, ERR_OK, ""},
    {"file too large", 3, 100001, "", 0, STR(""), 100001, ERR_LIMIT, "100001 bytes"},
    {"size of 64 bits", 3, UINT64_MAX, "", 0, STR("hello"), 0, ERR_FAILED, "beyond"},
    {"good delta", 6, 4, "\x7f", 1, STR("\5\5\x90\5"), 0, ERR_OK, ""},
    {"delta that makes much", 6, 6, "\x7f", 1, STR("\5\xff\xff\xff\xff\1"), 0, ERR_LIMIT,
     "536870911 bytes"},
    {"delta that makes too much for a number", 6, 12, "\x7f", 1,
     STR("\5\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), 0, ERR_FAILED, "without sizes"},
    {"delta without sizes", 6, 1, "\x7f", 1, STR("\5"), 0, ERR_FAILED, "without sizes"},
    {"delta of nothing", 7, 0, "01234567890123456789", 20, STR(""), 0, ERR_FAILED, "without sizes"},
    {"endless offset", 6, 4, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, STR("\5\5\x90\5"), 0,
     ERR_FAILED, "offset"},
};

static void make(const struct row *row, struct buf *pack)
{
    autofree char *zeros = mem_alloc(row->zeros + 1);
    add_header(pack, 2, 1);
    add_entry(pack, row->type, row->size);
    buf_add(pack, row->before, row->before_n);
    add_deflated(pack, row->zeros > 0 ? str_of(zeros, row->zeros) : row->data);
    buf_str(pack, STR("....................")); /* its hash is the indexer's matter */
}

static void test_scan__refuses_what_lies_or_is_too_large(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t piece = 1; piece <= 4096; piece *= 64) {
            autobuf struct buf pack = {0};
            struct err err = {0};
            make(&rows[i], &pack);
            enum err_kind kind = scan(buf_view(&pack), piece, &err);
            if (kind != rows[i].kind || strstr(err.text, rows[i].is) == NULL)
                fail_msg("%s: %d '%s'", rows[i].name, kind, err.text);
        }
    }
}

static void test_scan__refuses_counts_before_anything_is_made_of_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t version, objects;
        enum err_kind kind;
    } heads[] = {{2, 1000, ERR_OK},          {3, 1, ERR_OK},     {2, 1001, ERR_LIMIT},
                 {2, UINT32_MAX, ERR_LIMIT}, {4, 1, ERR_FAILED}, {0, 0, ERR_FAILED}};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        auto_pack_scan struct pack_scan *s = pack_scan_new(&small);
        autobuf struct buf pack = {0};
        struct err err = {0};
        add_header(&pack, heads[i].version, heads[i].objects);
        assert_int_equal(pack_scan_add(s, buf_view(&pack), &err), heads[i].kind);
    }
    struct err err = {0};
    assert_int_equal(scan(STR("PUCK........"), 12, &err), ERR_FAILED);
}

static void test_scan__ends_a_pack_that_is_too_long(void **state)
{
    (void)state;
    struct pack_limits limits = small;
    limits.pack_bytes = 40;
    autobuf struct buf pack = {0};
    struct err err = {0};
    make(&rows[0], &pack);
    assert_int_equal(scan_with(&limits, buf_view(&pack), 8, &err), ERR_LIMIT);
    assert_string_equal(err.text, "the pack has 46 bytes, more than 40");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_scan__takes_the_packs_that_git_makes),
        lab_test(test_scan__wants_all_of_a_pack_and_no_more),
        lab_test(test_scan__judges_each_flipped_bit),
        cmocka_unit_test(test_scan__refuses_what_lies_or_is_too_large),
        cmocka_unit_test(test_scan__refuses_counts_before_anything_is_made_of_them),
        cmocka_unit_test(test_scan__ends_a_pack_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
