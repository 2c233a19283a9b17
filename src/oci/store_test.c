#include "oci/store.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/testing.h"
#include "oci/layout.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct desk {
    char dir[64];
    struct oci_session *session;
    struct oci_layout *layout; /* of a writer beside the session */
};

static int desk_up(void **state)
{
    struct desk *d = mem_new(struct desk);
    struct err err;
    snprintf(d->dir, sizeof(d->dir), "/tmp/cup-store-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    struct oci_session_options options = {.store_dir = d->dir};
    assert_int_equal(oci_session_new(&options, &d->session, &err), ERR_OK);
    assert_int_equal(oci_layout_open(d->dir, true, true, &d->layout, &err), ERR_OK);
    *state = d;
    return 0;
}

static int desk_down(void **state)
{
    struct desk *d = *state;
    oci_session_free(d->session);
    oci_layout_close(d->layout);
    autofree char *line = mem_printf("rm -rf '%s'", d->dir);
    assert_int_equal(system(line), 0);
    free(d);
    return 0;
}

#define desk_test(f) cmocka_unit_test_setup_teardown(f, desk_up, desk_down)

/* What a writer pinned is let go of: it is done. */
static void writer_is_done(struct desk *d)
{
    oci_layout_close(d->layout);
    assert_int_equal(oci_layout_open(d->dir, true, true, &d->layout, NULL), ERR_OK);
}

static void put(struct desk *d, const char *text, char ret_digest[OCI_DIGEST_MAX])
{
    assert_int_equal(oci_layout_put(d->layout, str_from(text), ret_digest, NULL), ERR_OK);
}

static void name(struct desk *d, const char *as, const char *type, const char *digest, size_t size)
{
    assert_int_equal(oci_layout_name(d->layout, as, type, NULL, digest, size, NULL), ERR_OK);
}

/* An image of one layer, whose text makes it; with a subject where one is given. */
static char *manifest_of(struct desk *d, const char *layer_text, const char *subject)
{
    char config[OCI_DIGEST_MAX], layer[OCI_DIGEST_MAX];
    put(d, "{}", config);
    put(d, layer_text, layer);
    autofree char *tail = subject == NULL ? mem_strdup("")
                                          : mem_printf(
                                                ",\"subject\":{\"mediaType\":\"" OCI_MEDIA_MANIFEST
                                                "\",\"digest\":\"%s\",\"size\":1}",
                                                subject);
    return mem_printf(
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST
        "\",\"config\":{\"mediaType\":\"" OCI_MEDIA_EMPTY
        "\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":\"text/"
        "plain\",\"digest\":\"%s\","
        "\"size\":%zu}]%s}",
        config, layer, strlen(layer_text), tail);
}

static void
image(struct desk *d, const char *as, const char *layer, const char *subject, char *ret_digest)
{
    char digest[OCI_DIGEST_MAX];
    autofree char *manifest = manifest_of(d, layer, subject);
    put(d, manifest, digest);
    name(d, as != NULL ? as : digest, OCI_MEDIA_MANIFEST, digest, strlen(manifest));
    if (ret_digest != NULL)
        memcpy(ret_digest, digest, OCI_DIGEST_MAX);
}

static char *path_of(struct desk *d, const char *digest)
{
    return mem_printf("%s/blobs/sha256/%s", d->dir, digest + strlen("sha256:"));
}

static void set_age(struct desk *d, const char *folder, const char *digest, long seconds)
{
    struct timespec then[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};
    autofree char *path = mem_printf("%s/%s/%s", d->dir, folder, digest + strlen("sha256:"));
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
}

static bool has(struct desk *d, const char *digest)
{
    autofree char *path = path_of(d, digest);
    return fs_exists(path);
}

static bool has_text(struct desk *d, const char *text)
{
    char digest[OCI_DIGEST_MAX];
    oci_digest_of(str_from(text), digest);
    return has(d, digest);
}

static bool has_name(struct desk *d, const char *wanted)
{
    auto_oci_stored_list struct oci_stored_list list = {0};
    assert_int_equal(oci_store_list(d->session, NULL, &list, NULL), ERR_OK);
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].name != NULL && strcmp(list.items[i].name, wanted) == 0)
            return true;
    }
    return false;
}

static const struct oci_prune_options ORDINARY = {
    .max_age_s = -1, .max_bytes = UINT64_MAX, .grace_s = OCI_PRUNE_GRACE_S};

static size_t prune(struct desk *d, const struct oci_prune_options *options)
{
    auto_oci_pruned struct oci_pruned pruned = {0};
    writer_is_done(d);
    assert_int_equal(oci_store_prune(d->session, NULL, options, &pruned, NULL), ERR_OK);
    return pruned.blob_count;
}

static void remove_name(struct desk *d, const char *text)
{
    struct oci_ref ref;
    char digest[OCI_DIGEST_MAX];
    assert_int_equal(oci_ref_parse(str_from(text), &ref, NULL), ERR_OK);
    assert_int_equal(oci_store_remove(d->session, &ref, digest, NULL), ERR_OK);
}

/* --- prune ---------------------------------------------------------------------------------------- */

static void test_prune__takes_what_nothing_needs_once_it_is_old(void **state)
{
    struct desk *d = *state;
    char young[OCI_DIGEST_MAX], old[OCI_DIGEST_MAX];
    image(d, "a:v1", "layer of a", NULL, NULL);
    put(d, "young", young);
    put(d, "old", old);
    set_age(d, "blobs/sha256", old, OCI_PRUNE_GRACE_S + 60);
    assert_int_equal(prune(d, &ORDINARY), 1);
    assert_true(has(d, young));
    assert_false(has(d, old));
    assert_true(has_text(d, "layer of a"));
}

static void test_prune__without_grace_takes_young_blobs_too(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    char young[OCI_DIGEST_MAX];
    options.grace_s = 0;
    put(d, "young", young);
    assert_int_equal(prune(d, &options), 1);
    assert_false(has(d, young));
}

static void test_prune__leaves_what_a_living_process_pins(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    auto_oci_pruned struct oci_pruned pruned = {0};
    char digest[OCI_DIGEST_MAX];
    options.grace_s = 0;
    put(d, "a pull brought this and has not named it yet", digest);
    assert_int_equal(oci_store_prune(d->session, NULL, &options, &pruned, NULL), ERR_OK);
    assert_int_equal(pruned.blob_count, 0);
    assert_true(has(d, digest));
    assert_int_equal(prune(d, &options), 1);
}

static void test_prune__a_blob_that_was_found_is_pinned_as_well(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    auto_oci_pruned struct oci_pruned pruned = {0};
    char digest[OCI_DIGEST_MAX];
    options.grace_s = 0;
    put(d, "old", digest);
    set_age(d, "blobs/sha256", digest, 1000000);
    writer_is_done(d);
    assert_true(oci_layout_has(d->layout, digest, 3));
    assert_int_equal(oci_store_prune(d->session, NULL, &options, &pruned, NULL), ERR_OK);
    assert_int_equal(pruned.blob_count, 0);
}

static void test_prune__takes_at_once_what_only_removed_names_needed(void **state)
{
    struct desk *d = *state;
    image(d, "a:v1", "layer of a", NULL, NULL);
    image(d, "b:v1", "layer of b", NULL, NULL);
    writer_is_done(d);
    remove_name(d, "a:v1");
    assert_true(has_text(d, "layer of a"));
    assert_int_equal(prune(d, &ORDINARY), 2);
    assert_false(has_text(d, "layer of a"));
    assert_true(has_text(d, "layer of b"));
    assert_true(has_text(d, "{}"));
}

static void test_prune__a_dry_run_changes_nothing(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    image(d, "a:v1", "layer of a", NULL, NULL);
    options.removes_all = true;
    options.is_dry_run = true;
    assert_int_equal(prune(d, &options), 3);
    assert_true(has_name(d, "a:v1"));
    assert_true(has_text(d, "layer of a"));
}

static void test_prune__by_age_looks_at_the_last_use(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    char a[OCI_DIGEST_MAX], b[OCI_DIGEST_MAX];
    options.max_age_s = 1000;
    image(d, "a:v1", "layer of a", NULL, a);
    image(d, "b:v1", "layer of b", NULL, b);
    set_age(d, "blobs/sha256", a, 2000);
    set_age(d, "blobs/sha256", b, 2000);
    set_age(d, ".used", a, 2000);
    prune(d, &options);
    assert_false(has_name(d, "a:v1"));
    assert_true(has_name(d, "b:v1"));
}

static void test_prune__by_size_takes_the_least_recently_used_with_all_its_names(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    char a[OCI_DIGEST_MAX], b[OCI_DIGEST_MAX];
    autofree char *big = mem_alloc(2001), *other = mem_alloc(2001);
    memset(big, 'a', 2000);
    memset(other, 'b', 2000);
    image(d, "a:v1", big, NULL, a);
    image(d, "b:v1", other, NULL, b);
    image(d, "a:again", big, NULL, NULL);
    set_age(d, "blobs/sha256", a, 500);
    set_age(d, ".used", a, 500);
    options.max_bytes = 3000;
    assert_int_equal(prune(d, &options), 2);
    assert_false(has_name(d, "a:v1"));
    assert_false(has_name(d, "a:again"));
    assert_true(has_name(d, "b:v1"));
}

static void test_prune__what_is_in_use_stays_whatever_the_size(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    char a[OCI_DIGEST_MAX];
    image(d, "a:v1", "layer of a", NULL, a);
    options.max_bytes = 0;
    options.removes_all = true;
    {
        autorelease(oci_pin_free) struct oci_pin *pin = NULL;
        assert_int_equal(oci_store_pin(d->dir, a, &pin, NULL), ERR_OK);
        assert_int_equal(prune(d, &options), 0);
        remove_name(d, "a:v1");
        assert_int_equal(prune(d, &options), 0);
        assert_true(has_text(d, "layer of a"));
    }
    assert_int_equal(prune(d, &options), 3);
}

static void test_prune__attachments_stay_and_go_with_their_image(void **state)
{
    struct desk *d = *state;
    char a[OCI_DIGEST_MAX], attachment[OCI_DIGEST_MAX], index[OCI_DIGEST_MAX];
    image(d, "a:v1", "layer of a", NULL, a);
    autofree char *sig = mem_printf("sha256-%s.sig", a + strlen("sha256:"));
    autofree char *fallback = mem_printf("sha256-%s", a + strlen("sha256:"));
    image(d, sig, "an old signature", NULL, NULL);
    image(d, NULL, "an attachment without a name", a, NULL);
    autofree char *manifest = manifest_of(d, "an attachment of the fallback tag", a);
    put(d, manifest, attachment);
    autofree char *text = mem_printf(
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_MEDIA_MANIFEST
        "\",\"digest\":\"%s\",\"size\":%zu}]}",
        attachment, strlen(manifest));
    put(d, text, index);
    name(d, fallback, OCI_MEDIA_INDEX, index, strlen(text));
    struct oci_prune_options options = ORDINARY;
    options.grace_s = 0;
    assert_int_equal(prune(d, &options), 0);
    assert_true(has_name(d, sig));
    remove_name(d, "a:v1");
    prune(d, &options);
    assert_false(has_name(d, sig));
    assert_false(has_name(d, fallback));
    assert_false(has_text(d, "an old signature"));
    assert_false(has_text(d, "an attachment without a name"));
    assert_false(has_text(d, "an attachment of the fallback tag"));
}

static void test_prune__removes_nothing_while_a_named_manifest_is_unreadable(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    struct err err;
    char a[OCI_DIGEST_MAX];
    auto_oci_pruned struct oci_pruned pruned = {0};
    image(d, "a:v1", "layer of a", NULL, a);
    writer_is_done(d);
    options.grace_s = 0;
    autofree char *path = path_of(d, a);
    assert_int_equal(fs_write_atomic(path, STR("rotten"), 0600, &err), ERR_OK);
    assert_int_equal(oci_store_prune(d->session, NULL, &options, &pruned, &err), ERR_UNVERIFIED);
    assert_non_null(strstr(err.text, "a:v1"));
    assert_true(has_text(d, "layer of a"));
    remove_name(d, "a:v1");
    assert_int_equal(prune(d, &options), 3);
}

static void test_prune__an_index_within_an_index_keeps_its_images(void **state)
{
    struct desk *d = *state;
    struct oci_prune_options options = ORDINARY;
    char digest[OCI_DIGEST_MAX];
    options.grace_s = 0;
    autofree char *text = manifest_of(d, "layer at the bottom", NULL);
    const char *type = OCI_MEDIA_MANIFEST;
    for (int depth = 0; depth < 300; depth++) {
        put(d, text, digest);
        char *above = mem_printf(
            "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%"
            "zu}]}",
            type, digest, strlen(text));
        free(text);
        text = above;
        type = OCI_MEDIA_INDEX;
    }
    put(d, text, digest);
    name(d, "deep:v1", OCI_MEDIA_INDEX, digest, strlen(text));
    assert_int_equal(prune(d, &options), 0);
    assert_true(has_text(d, "layer at the bottom"));
}

static void test_prune__sweeps_leftovers_of_dead_writers_only(void **state)
{
    struct desk *d = *state;
    auto_oci_pruned struct oci_pruned pruned = {0};
    auto_oci_blob struct oci_blob_writer alive = {.fd = -1};
    char digest[OCI_DIGEST_MAX];
    autofree char *dead = mem_printf("%s/.ingest/01DEAD", d->dir);
    assert_int_equal(fs_write_atomic(dead, STR("half"), 0600, NULL), ERR_OK);
    oci_digest_of(STR("whole"), digest);
    assert_int_equal(oci_blob_begin(d->layout, digest, 5, &alive, NULL), ERR_OK);
    assert_int_equal(oci_store_prune(d->session, NULL, &ORDINARY, &pruned, NULL), ERR_OK);
    assert_int_equal(pruned.leftovers, 1);
    assert_false(fs_exists(dead));
    assert_int_equal(oci_blob_add(&alive, "whole", 5, NULL), ERR_OK);
    assert_int_equal(oci_blob_commit(&alive, NULL), ERR_OK);
}

/* --- names ---------------------------------------------------------------------------------------- */

static void test_tag__names_the_same_image_and_remove_takes_one_name(void **state)
{
    struct desk *d = *state;
    struct oci_ref src, dst;
    char a[OCI_DIGEST_MAX], tagged[OCI_DIGEST_MAX];
    image(d, "a:v1", "layer of a", NULL, a);
    assert_int_equal(oci_ref_parse(STR("a:v1"), &src, NULL), ERR_OK);
    assert_int_equal(oci_ref_parse(STR("host.example/team/a:v2"), &dst, NULL), ERR_OK);
    assert_int_equal(oci_store_tag(d->session, &src, &dst, tagged, NULL), ERR_OK);
    assert_string_equal(tagged, a);
    remove_name(d, "a:v1");
    assert_int_equal(prune(d, &ORDINARY), 0);
    assert_true(has_name(d, "host.example/team/a:v2"));
    autofree char *by_digest = mem_printf("host.example/team/a@%s", a);
    remove_name(d, by_digest);
    assert_false(has_name(d, "host.example/team/a:v2"));
}

static void test_remove__says_when_the_tag_is_on_another_digest(void **state)
{
    struct desk *d = *state;
    struct oci_ref ref;
    struct err err;
    char a[OCI_DIGEST_MAX], b[OCI_DIGEST_MAX], got[OCI_DIGEST_MAX];
    image(d, "a:v1", "layer of a", NULL, a);
    image(d, "b:v1", "layer of b", NULL, b);
    autofree char *text = mem_printf("a:v1@%s", b);
    assert_int_equal(oci_ref_parse(str_from(text), &ref, NULL), ERR_OK);
    assert_int_equal(oci_store_remove(d->session, &ref, got, &err), ERR_CONFLICT);
    assert_true(has_name(d, "a:v1"));
    assert_int_equal(oci_ref_parse(STR("none:v1"), &ref, NULL), ERR_OK);
    assert_int_equal(oci_store_remove(d->session, &ref, got, &err), ERR_NOT_FOUND);
}

static void test_remove__keeps_what_other_tools_wrote_in_the_index(void **state)
{
    struct desk *d = *state;
    static const struct str FOREIGN = {
        "{\"schemaVersion\":2,\"x\":1.50,\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":"
        "\"sha512:00\",\"size\":1e1,\"y\":[]}",
        sizeof("{\"schemaVersion\":2,\"x\":1.50,\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":"
               "\"sha512:00\",\"size\":1e1,\"y\":[]}") -
            1};
    autobuf struct buf text = {0};
    autofree char *path = mem_printf("%s/index.json", d->dir);
    autofree char *empty = mem_printf("%.*s]}", STR_ARG(FOREIGN));
    assert_int_equal(fs_write_atomic(path, str_from(empty), 0600, NULL), ERR_OK);
    image(d, "a:v1", "layer of a", NULL, NULL);
    prune(d, &ORDINARY);
    remove_name(d, "a:v1");
    assert_int_equal(fs_read_file(path, 4096, &text, NULL), ERR_OK);
    assert_string_equal(text.p, empty);
}

/* --- check ---------------------------------------------------------------------------------------- */

static void test_check__tells_rot_and_what_is_missing(void **state)
{
    struct desk *d = *state;
    char layer[OCI_DIGEST_MAX];
    auto_oci_checked struct oci_checked sound = {0}, rotten = {0}, missing = {0};
    image(d, "a:v1", "layer of a", NULL, NULL);
    assert_int_equal(oci_store_check(d->session, NULL, &sound, NULL), ERR_OK);
    assert_int_equal(sound.problem_count, 0);
    assert_int_equal(sound.blob_count, 3);
    oci_digest_of(STR("layer of a"), layer);
    autofree char *path = path_of(d, layer);
    assert_int_equal(fs_write_atomic(path, STR("layer of b"), 0600, NULL), ERR_OK);
    assert_int_equal(oci_store_check(d->session, NULL, &rotten, NULL), ERR_OK);
    assert_int_equal(rotten.problem_count, 1);
    assert_string_equal(rotten.problems[0].digest, layer);
    assert_string_equal(rotten.problems[0].name, "a:v1");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(oci_store_check(d->session, NULL, &missing, NULL), ERR_OK);
    assert_int_equal(missing.problem_count, 1);
    assert_string_equal(missing.problems[0].digest, layer);
}

/* --- opening -------------------------------------------------------------------------------------- */

static void t_adv_60_store_that_others_may_write_is_refused(void **state)
{
    struct desk *d = *state;
    struct oci_layout *l = NULL;
    struct err err;
    struct stat st;
    autofree char *index = mem_printf("%s/index.json", d->dir);
    autofree char *fresh = mem_printf("%s/new/store", d->dir);
    assert_int_equal(chmod(d->dir, 0777), 0);
    assert_int_equal(oci_layout_open(d->dir, true, true, &l, &err), ERR_DENIED);
    assert_int_equal(oci_layout_open(d->dir, false, true, &l, &err), ERR_DENIED);
    assert_non_null(strstr(err.text, "chmod go-w"));
    assert_int_equal(chmod(d->dir, 0755), 0);
    assert_int_equal(oci_layout_open(fresh, true, true, &l, &err), ERR_OK);
    oci_layout_close(l);
    assert_int_equal(stat(fresh, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(index, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

/* --- many at once --------------------------------------------------------------------------------- */

static void *write_images(void *data)
{
    struct desk *d = data;
    for (int i = 0; i < 8; i++) {
        char digest[OCI_DIGEST_MAX];
        autofree char *text = mem_printf("blob %d", i);
        if (oci_layout_put(d->layout, str_from(text), digest, NULL) != ERR_OK)
            return data;
        autofree char *as = mem_printf("t%lx:v%d", (unsigned long)pthread_self(), i);
        if (oci_layout_name(d->layout, as, "text/plain", NULL, digest, strlen(text), NULL) !=
            ERR_OK)
            return data;
    }
    return NULL;
}

static void test_layout__threads_share_a_handle_and_lose_no_name(void **state)
{
    struct desk *d = *state;
    pthread_t threads[6];
    auto_oci_stored_list struct oci_stored_list list = {0};
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_images, d), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(oci_store_list(d->session, NULL, &list, NULL), ERR_OK);
    assert_int_equal(list.count, ARRAY_LEN(threads) * 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        desk_test(test_prune__takes_what_nothing_needs_once_it_is_old),
        desk_test(test_prune__without_grace_takes_young_blobs_too),
        desk_test(test_prune__leaves_what_a_living_process_pins),
        desk_test(test_prune__a_blob_that_was_found_is_pinned_as_well),
        desk_test(test_prune__takes_at_once_what_only_removed_names_needed),
        desk_test(test_prune__a_dry_run_changes_nothing),
        desk_test(test_prune__by_age_looks_at_the_last_use),
        desk_test(test_prune__by_size_takes_the_least_recently_used_with_all_its_names),
        desk_test(test_prune__what_is_in_use_stays_whatever_the_size),
        desk_test(test_prune__attachments_stay_and_go_with_their_image),
        desk_test(test_prune__removes_nothing_while_a_named_manifest_is_unreadable),
        desk_test(test_prune__an_index_within_an_index_keeps_its_images),
        desk_test(test_prune__sweeps_leftovers_of_dead_writers_only),
        desk_test(test_tag__names_the_same_image_and_remove_takes_one_name),
        desk_test(test_remove__says_when_the_tag_is_on_another_digest),
        desk_test(test_remove__keeps_what_other_tools_wrote_in_the_index),
        desk_test(test_check__tells_rot_and_what_is_missing),
        desk_test(t_adv_60_store_that_others_may_write_is_refused),
        desk_test(test_layout__threads_share_a_handle_and_lose_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
