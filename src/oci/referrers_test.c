#include "oci/referrers.h"
#include "oci/testing.h"

#include <pthread.h>

#define SUBJECT "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUBJECT_TAG "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct test_place {
    char *dir;
    struct oci_place place;
};

static void test_place_init(struct test_place *t)
{
    *t = (struct test_place){.dir = test_dir()};
    assert_int_equal(oci_layout_open(t->dir, true, true, &t->place.layout, NULL), ERR_OK);
}

static void test_place_deinit(struct test_place *t)
{
    oci_layout_close(t->place.layout);
    test_dir_remove(&t->dir);
}
#define auto_place CLEANUP(test_place_deinit)

/* A manifest that points at SUBJECT; `note` makes it one of its own. */
static void manifest_of(const char *type, const char *note, struct buf *ret)
{
    buf_clear(ret);
    buf_printf(
        ret,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"artifactType\":\"%s\","
        "\"config\":{\"mediaType\":\"" OCI_MEDIA_EMPTY "\",\"digest\":\"" OCI_EMPTY_DIGEST
        "\",\"size\":2},\"layers\":[],\"subject\":{\"mediaType\":\"" OCI_MEDIA_MANIFEST
        "\",\"digest\":\"" SUBJECT "\",\"size\":7},\"annotations\":{\"note\":\"%s\"}}",
        type, note);
}

static enum err_kind put(struct oci_place *p, const char *note, char ret[OCI_DIGEST_MAX])
{
    autobuf struct buf manifest = {0};
    struct err err;
    manifest_of("application/x.test", note, &manifest);
    return oci_referrers_put(p, SUBJECT, buf_view(&manifest), OCI_MEDIA_MANIFEST, ret, &err);
}

static void name_blob(struct oci_place *p, const char *name, const char *type, struct str bytes)
{
    char digest[OCI_DIGEST_MAX];
    assert_int_equal(oci_layout_put(p->layout, bytes, digest, NULL), ERR_OK);
    assert_int_equal(oci_layout_name(p->layout, name, type, NULL, digest, bytes.n, NULL), ERR_OK);
}

static void test_referrers__none_is_an_empty_list(void **state)
{
    (void)state;
    auto_place struct test_place t;
    test_place_init(&t);
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, NULL), ERR_OK);
    assert_int_equal(found.count, 0);
}

static void test_referrers__neighbours_are_kept_and_nothing_is_listed_twice(void **state)
{
    (void)state;
    char first[OCI_DIGEST_MAX], second[OCI_DIGEST_MAX], again[OCI_DIGEST_MAX];
    auto_place struct test_place t;
    test_place_init(&t);
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(put(&t.place, "one", first), ERR_OK);
    assert_int_equal(put(&t.place, "two", second), ERR_OK);
    assert_int_equal(put(&t.place, "one", again), ERR_OK);
    assert_string_equal(first, again);
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, NULL), ERR_OK);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.items[0].digest, first);
    assert_string_equal(found.items[1].digest, second);
    assert_string_equal(found.items[1].artifact_type, "application/x.test");
    assert_string_equal(found.items[1].annotations, "{\"note\":\"two\"}");
    assert_null(found.items[1].tag);
}

static void test_referrers__foreign_entries_keep_their_own_text(void **state)
{
    (void)state;
    static const char FOREIGN[] = "{ \"x-odd\" : 1.50, \"mediaType\":\"" OCI_MEDIA_MANIFEST
                                  "\",\"digest\":\"" SUBJECT "\",\"size\":7 }";
    char digest[OCI_DIGEST_MAX];
    auto_place struct test_place t;
    test_place_init(&t);
    autofree char *index = mem_printf(
        "{\"schemaVersion\":2,\"annotations\":{\"a\":\"b\"},\"manifests\":[ %s ]}", FOREIGN);
    name_blob(&t.place, SUBJECT_TAG, OCI_MEDIA_INDEX, str_from(index));
    assert_int_equal(put(&t.place, "one", digest), ERR_OK);
    auto_oci_raw struct oci_raw raw = {0};
    assert_int_equal(oci_place_manifest(&t.place, SUBJECT_TAG, &raw, NULL), ERR_OK);
    assert_non_null(strstr(raw.bytes.p, FOREIGN));
    assert_non_null(strstr(raw.bytes.p, "\"annotations\":{\"a\":\"b\"}"));
    assert_non_null(strstr(raw.bytes.p, digest));
}

static void test_referrers__sig_tag_is_listed(void **state)
{
    (void)state;
    auto_place struct test_place t;
    test_place_init(&t);
    autobuf struct buf manifest = {0};
    manifest_of("application/x.sig", "sig", &manifest);
    name_blob(&t.place, SUBJECT_TAG ".sig", OCI_MEDIA_MANIFEST, buf_view(&manifest));
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, NULL), ERR_OK);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].tag, SUBJECT_TAG ".sig");
}

/* As oras lays them out; what has rotted or points elsewhere is passed over. */
static void test_referrers__unnamed_entries_of_a_layout_are_listed(void **state)
{
    (void)state;
    char digest[OCI_DIGEST_MAX];
    auto_place struct test_place t;
    test_place_init(&t);
    autobuf struct buf manifest = {0};
    manifest_of("application/x.test", "one", &manifest);
    oci_digest_of(buf_view(&manifest), digest);
    name_blob(&t.place, digest, OCI_MEDIA_MANIFEST, buf_view(&manifest));
    oci_digest_of(STR("{}"), digest);
    name_blob(&t.place, digest, OCI_MEDIA_MANIFEST, STR("{}"));
    autofree char *other = mem_printf("%s", manifest.p);
    memcpy(strstr(other, SUBJECT) + 7, "bbbb", 4);
    oci_digest_of(str_from(other), digest);
    name_blob(&t.place, digest, OCI_MEDIA_MANIFEST, str_from(other));
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, NULL), ERR_OK);
    assert_int_equal(found.count, 1);
    oci_digest_of(buf_view(&manifest), digest);
    assert_string_equal(found.items[0].digest, digest);
}

static void test_referrers__fallback_tag_that_is_no_index_is_not_overwritten(void **state)
{
    (void)state;
    char digest[OCI_DIGEST_MAX];
    auto_place struct test_place t;
    test_place_init(&t);
    autobuf struct buf manifest = {0};
    manifest_of("application/x.other", "other", &manifest);
    name_blob(&t.place, SUBJECT_TAG, OCI_MEDIA_MANIFEST, buf_view(&manifest));
    struct err err;
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, &err), ERR_INVALID);
    assert_int_equal(put(&t.place, "one", digest), ERR_INVALID);
    auto_oci_raw struct oci_raw raw = {0};
    assert_int_equal(oci_place_manifest(&t.place, SUBJECT_TAG, &raw, NULL), ERR_OK);
    assert_true(str_eq(buf_view(&raw.bytes), buf_view(&manifest)));
}

/* Hardening 10: ten thousand referrers are refused, not read. */
static void t_adv_10_ten_thousand_referrers_are_refused(void **state)
{
    (void)state;
    auto_place struct test_place t;
    test_place_init(&t);
    autobuf struct buf index = {0};
    buf_text(&index, "{\"schemaVersion\":2,\"manifests\":[");
    for (int i = 0; i < 10000; i++)
        buf_printf(
            &index,
            "%s{\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"digest\":\"sha256:%064x\",\"size\":7}",
            i > 0 ? "," : "", i);
    buf_text(&index, "]}");
    name_blob(&t.place, SUBJECT_TAG, OCI_MEDIA_INDEX, buf_view(&index));
    struct err err;
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "more than 1000"));
}

/* --- many writers ----------------------------------------------------------------------------------- */

enum { WRITERS = 6, EACH = 5 };
struct writer {
    const char *dir;
    int number;
    enum err_kind result;
};

static void *write_some(void *data)
{
    struct writer *w = data;
    struct oci_place place = {0};
    w->result = oci_layout_open(w->dir, true, true, &place.layout, NULL);
    for (int i = 0; w->result == ERR_OK && i < EACH; i++) {
        char digest[OCI_DIGEST_MAX];
        autofree char *note = mem_printf("%d-%d", w->number, i);
        w->result = put(&place, note, digest);
    }
    oci_layout_close(place.layout);
    return NULL;
}

static void test_referrers__many_writers_lose_nothing(void **state)
{
    (void)state;
    auto_place struct test_place t;
    test_place_init(&t);
    pthread_t threads[WRITERS];
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.dir = t.dir, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(writers[i].result, ERR_OK);
    auto_oci_referrers struct oci_referrers found = {0};
    assert_int_equal(oci_referrers_list(&t.place, SUBJECT, &found, NULL), ERR_OK);
    assert_int_equal(found.count, WRITERS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_referrers__none_is_an_empty_list),
        cmocka_unit_test(test_referrers__neighbours_are_kept_and_nothing_is_listed_twice),
        cmocka_unit_test(test_referrers__foreign_entries_keep_their_own_text),
        cmocka_unit_test(test_referrers__sig_tag_is_listed),
        cmocka_unit_test(test_referrers__unnamed_entries_of_a_layout_are_listed),
        cmocka_unit_test(test_referrers__fallback_tag_that_is_no_index_is_not_overwritten),
        cmocka_unit_test(t_adv_10_ten_thousand_referrers_are_refused),
        cmocka_unit_test(test_referrers__many_writers_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
