#include "base/base64.h"
#include "oci/attach.h"
#include "oci/sig_form.h"
#include "oci/sign.h"
#include "oci/testing.h"
#include "oci/trust.h"

#define IMAGE                                                                                      \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST                                     \
    "\",\"artifactType\":\"application/x.test\",\"config\":{\"mediaType\":\"" OCI_MEDIA_EMPTY      \
    "\",\"digest\":\"" OCI_EMPTY_DIGEST "\",\"size\":2},\"layers\":[]}"

/* --- an image in a layout, keys, and a session ------------------------------------------------------ */

struct fixture {
    char *dir;
    char *layout_dir;
    struct oci_layout *layout;
    struct oci_place place;
    struct oci_session *session;
    struct oci_ref ref;
    char digest[OCI_DIGEST_MAX];
    struct oci_key *keys[2];
    char *key_paths[3];
};

static void write_key(struct fixture *f, int i)
{
    autobuf struct buf pem = {0};
    autofree char *name = mem_printf("key%d.pub", i);
    assert_int_equal(oci_key_generate(&f->keys[i], NULL), ERR_OK);
    oci_key_write_public(f->keys[i], &pem);
    f->key_paths[i] = test_file(f->dir, name, buf_view(&pem));
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.dir = test_dir()};
    f->layout_dir = fs_join(f->dir, "layout");
    autofree char *store = fs_join(f->dir, "store");
    autofree char *ref = mem_printf("oci-layout:%s:v1", f->layout_dir);
    struct oci_session_options options = {.store_dir = store};
    assert_int_equal(oci_layout_open(f->layout_dir, true, true, &f->layout, NULL), ERR_OK);
    assert_int_equal(oci_layout_put(f->layout, STR(IMAGE), f->digest, NULL), ERR_OK);
    assert_int_equal(
        oci_layout_name(f->layout, "v1", OCI_MEDIA_MANIFEST, NULL, f->digest, strlen(IMAGE), NULL),
        ERR_OK);
    f->place.layout = f->layout;
    assert_int_equal(oci_session_new(&options, &f->session, NULL), ERR_OK);
    assert_int_equal(oci_ref_parse(str_from(ref), &f->ref, NULL), ERR_OK);
    write_key(f, 0);
    write_key(f, 1);
}

static void fixture_deinit(struct fixture *f)
{
    oci_session_free(f->session);
    oci_layout_close(f->layout);
    for (int i = 0; i < 2; i++) {
        oci_key_free(f->keys[i]);
        free(f->key_paths[i]);
    }
    free(f->layout_dir);
    test_dir_remove(&f->dir);
}
#define auto_fixture CLEANUP(fixture_deinit)

static void sign(
    struct fixture *f,
    int key,
    enum oci_signature_form form,
    const char *const *annotations,
    struct oci_signed *ret)
{
    struct err err = {0};
    struct oci_sign in = {.key = f->keys[key], .form = form, .annotations = annotations};
    enum err_kind r = oci_sign(f->session, &f->ref, OCI_IN_STORE, &in, ret, &err);
    if (r != ERR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(ret->subject, f->digest);
}

static enum err_kind
check(struct fixture *f, const struct oci_trust *t, struct oci_verdict *ret, struct err *err)
{
    return oci_trust_check(t, &f->ref, &f->place, f->digest, ret, err);
}

static enum err_kind check_key(struct fixture *f, int key, struct err *err)
{
    const char *paths[] = {f->key_paths[key], NULL};
    autorelease(oci_trust_free) struct oci_trust *t = NULL;
    struct oci_verdict verdict;
    assert_int_equal(oci_trust_of_keys(paths, &t, NULL), ERR_OK);
    enum err_kind r = check(f, t, &verdict, err);
    if (r == ERR_OK)
        assert_string_equal(verdict.signer, oci_key_id(f->keys[key]));
    return r;
}

static bool count_each(void *data, const struct oci_signature *s)
{
    (void)s;
    ++*(int *)data;
    return true;
}

static int count_signatures(struct fixture *f)
{
    int n = 0;
    struct err err;
    assert_int_equal(oci_signatures_each(&f->place, f->digest, count_each, &n, &err), ERR_OK);
    return n;
}

/* A referrer or .sig tag made by hand: one layer of these bytes. */
static void
attach_layer(struct fixture *f, const char *media_type, struct str bytes, const char *signature)
{
    struct oci_subject subject = {.size = strlen(IMAGE)};
    struct oci_attach_layer layer = {.media_type = media_type, .size = bytes.n};
    char digest[OCI_DIGEST_MAX], tag[OCI_REFERRERS_TAG_MAX];
    autobuf struct buf manifest = {0};
    struct err err;
    snprintf(subject.media_type, sizeof(subject.media_type), OCI_MEDIA_MANIFEST);
    memcpy(subject.digest, f->digest, sizeof(subject.digest));
    assert_int_equal(oci_layout_put(f->layout, bytes, layer.digest, NULL), ERR_OK);
    if (signature == NULL) {
        oci_attach_write(&manifest, media_type, &layer, 1, &subject, STR(""));
        assert_int_equal(
            oci_referrers_put(
                &f->place, f->digest, buf_view(&manifest), OCI_MEDIA_MANIFEST, digest, &err),
            ERR_OK);
        return;
    }
    buf_printf(
        &manifest,
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_MEDIA_EMPTY
        "\",\"digest\":\"" OCI_EMPTY_DIGEST
        "\",\"size\":2},\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
        "\"annotations\":{\"" SIG_SIMPLE_ANNOTATION "\":\"%s\"}}]}",
        media_type, layer.digest, bytes.n, signature);
    assert_int_equal(oci_layout_put(f->layout, buf_view(&manifest), digest, NULL), ERR_OK);
    oci_referrers_tag(f->digest, ".sig", tag);
    assert_int_equal(
        oci_layout_name(f->layout, tag, OCI_MEDIA_MANIFEST, NULL, digest, manifest.n, NULL),
        ERR_OK);
}

static void attach_simple(struct fixture *f, struct str payload)
{
    autobuf struct buf signature = {0}, text = {0};
    assert_int_equal(oci_key_sign(f->keys[0], payload, &signature, NULL), ERR_OK);
    base64_encode(&text, buf_view(&signature));
    attach_layer(f, SIG_SIMPLE_LAYER, payload, text.p);
}

static void attach_statement(struct fixture *f, struct str statement)
{
    autobuf struct buf bytes = {0}, signature = {0}, bundle = {0};
    sig_bundle_write_signed(&bytes, STR(SIG_BUNDLE_PAYLOAD), statement);
    assert_int_equal(oci_key_sign(f->keys[0], buf_view(&bytes), &signature, NULL), ERR_OK);
    sig_bundle_write(&bundle, f->keys[0], statement, buf_view(&signature));
    attach_layer(f, SIG_BUNDLE_TYPE, buf_view(&bundle), NULL);
}

/* --- signing and checking --------------------------------------------------------------------------- */

static void test_sign__both_forms_verify_with_their_key_alone(void **state)
{
    (void)state;
    for (int form = OCI_SIGNATURE_BUNDLE; form <= OCI_SIGNATURE_SIMPLE; form++) {
        struct err err;
        struct oci_signed out;
        auto_fixture struct fixture f;
        fixture_init(&f);
        sign(&f, 0, (enum oci_signature_form)form, NULL, &out);
        assert_true(out.is_new);
        assert_int_equal(check_key(&f, 0, &err), ERR_OK);
        assert_int_equal(check_key(&f, 1, &err), ERR_UNVERIFIED);
        assert_non_null(strstr(err.text, "by another key"));
    }
}

static void test_sign__again_changes_nothing(void **state)
{
    (void)state;
    static const char *const ab[] = {"b=2", "a=1", NULL}, *const ba[] = {"a=1", "b=2", NULL};
    for (int i = OCI_SIGNATURE_BUNDLE; i <= OCI_SIGNATURE_SIMPLE; i++) {
        struct oci_signed first, again;
        enum oci_signature_form form = (enum oci_signature_form)i;
        auto_fixture struct fixture f;
        fixture_init(&f);
        sign(&f, 0, form, ab, &first);
        sign(&f, 0, form, ba, &again);
        assert_false(again.is_new);
        assert_string_equal(first.digest, again.digest);
        assert_int_equal(count_signatures(&f), 1);
        sign(&f, 0, form, NULL, &again); /* says something else */
        assert_true(again.is_new);
        sign(&f, 1, form, ab, &again); /* somebody else */
        assert_true(again.is_new);
        assert_int_equal(count_signatures(&f), 3);
        struct err err;
        assert_int_equal(check_key(&f, 0, &err), ERR_OK);
        assert_int_equal(check_key(&f, 1, &err), ERR_OK);
    }
}

static void test_sign__bundle_manifest_has_the_members_that_cosign_wants(void **state)
{
    (void)state;
    struct oci_signed out;
    auto_fixture struct fixture f;
    fixture_init(&f);
    sign(&f, 0, OCI_SIGNATURE_BUNDLE, NULL, &out);
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    assert_int_equal(oci_place_manifest(&f.place, out.digest, &raw, NULL), ERR_OK);
    assert_int_equal(oci_manifest_parse(buf_view(&raw.bytes), &m, NULL), ERR_OK);
    assert_true(str_eqz(m.artifact_type, SIG_BUNDLE_TYPE));
    assert_int_equal(m.count, 1);
    assert_true(str_eqz(m.items[0].media_type, SIG_BUNDLE_TYPE));
    assert_string_equal(m.config.digest, OCI_EMPTY_DIGEST);
    yyjson_val *subject = json_get(m.json.root, "subject");
    assert_true(str_eqz(json_str(json_get(subject, "digest")), f.digest));
    assert_true(
        str_eqz(oci_annotation(m.annotations, "dev.sigstore.bundle.content"), "dsse-envelope"));
    assert_true(str_eqz(
        oci_annotation(m.annotations, "dev.sigstore.bundle.predicateType"), SIG_BUNDLE_PREDICATE));
    assert_true(str_eqz(
        oci_annotation(m.annotations, "org.opencontainers.image.created"), "1970-01-01T00:00:00Z"));
    assert_true(oci_layout_has(f.layout, OCI_EMPTY_DIGEST, 2));
}

/* --- hardening 10: what does not count is refused, and why is said --------------------------------------- */

static void assert_refused(struct fixture *f, const char *text)
{
    struct err err = {0};
    assert_int_equal(check_key(f, 0, &err), ERR_UNVERIFIED);
    if (strstr(err.text, text) == NULL)
        fail_msg("no '%s' in: %s", text, err.text);
}

#define OTHER "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OTHER_HEX "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void t_adv_10_no_signature_is_refused(void **state)
{
    (void)state;
    auto_fixture struct fixture f;
    fixture_init(&f);
    assert_refused(&f, "there is no signature");
    attach_layer(&f, "application/x.sbom", STR("{}"), NULL);
    assert_refused(&f, "there is no signature");
}

/* Signed well, by the right key, but not this. */
static void t_adv_10_signature_of_another_digest_is_refused(void **state)
{
    (void)state;
    autobuf struct buf simple = {0}, statement = {0};
    auto_fixture struct fixture f;
    fixture_init(&f);
    sig_simple_write(&simple, OTHER, "example.com/a", STR(""));
    attach_simple(&f, buf_view(&simple));
    assert_refused(&f, "it is of another image: '" OTHER "'");
    sig_bundle_write_statement(&statement, OTHER, STR(""));
    attach_statement(&f, buf_view(&statement));
    assert_refused(&f, "it is of another image: '" OTHER_HEX "'");
}

static void t_adv_10_payload_that_does_not_parse_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "does not parse"},
        {"{", "does not parse"},
        {"[]", "its payload"},
        {"{\"critical\":1}", "its payload"},
        {"{\"_type\":7,\"subject\":{}}", "its payload"},
        {"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":"
         "\"https://slsa.dev/provenance/v1\"}",
         "its payload"},
        {"\xff", "does not parse"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_fixture struct fixture f, g;
        fixture_init(&f);
        fixture_init(&g);
        attach_simple(&f, str_from(rows[i][0]));
        assert_refused(&f, rows[i][1]);
        attach_statement(&g, str_from(rows[i][0]));
        assert_refused(&g, i == 5 ? "it is an attestation" : rows[i][1]);
    }
}

/* A member that stands twice could be read one way by us and another way by others. */
static void t_adv_10_ambiguous_payload_is_refused(void **state)
{
    (void)state;
    auto_fixture struct fixture f;
    fixture_init(&f);
    autofree char *payload = mem_printf(
        "{\"critical\":{\"image\":{\"docker-manifest-digest\":\"" OTHER
        "\",\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image signature\"}}",
        f.digest);
    attach_simple(&f, str_from(payload));
    assert_refused(&f, "does not parse");
}

static void t_adv_10_bundle_that_is_misshapen_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "the bundle does not parse"},
        {"{}", "the bundle is of an unknown type"},
        {"{\"mediaType\":\"" SIG_BUNDLE_TYPE "\"}", "no DSSE envelope"},
        {"{\"mediaType\":\"" SIG_BUNDLE_TYPE "\",\"dsseEnvelope\":{\"payloadType\":\"x/y\"}}",
         "of another type: 'x/y'"},
        {"{\"mediaType\":\"" SIG_BUNDLE_TYPE
         "\",\"dsseEnvelope\":{\"payloadType\":\"" SIG_BUNDLE_PAYLOAD
         "\",\"payload\":\"\",\"signatures\":[]}}",
         "exactly one signature"},
        {"{\"mediaType\":\"" SIG_BUNDLE_TYPE
         "\",\"dsseEnvelope\":{\"payloadType\":\"" SIG_BUNDLE_PAYLOAD
         "\",\"payload\":\"!\",\"signatures\":[{\"sig\":\"AA==\"}]}}",
         "not base64"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_fixture struct fixture f;
        fixture_init(&f);
        attach_layer(&f, SIG_BUNDLE_TYPE, str_from(rows[i][0]), NULL);
        assert_refused(&f, rows[i][1]);
    }
}

/* A bit that flips, in the text or in the signature. */
static void t_adv_10_tampered_signature_is_refused(void **state)
{
    (void)state;
    autobuf struct buf statement = {0}, bytes = {0}, signature = {0}, bundle = {0};
    auto_fixture struct fixture f;
    fixture_init(&f);
    sig_bundle_write_statement(&statement, f.digest, STR("{\"a\":\"1\"}"));
    sig_bundle_write_signed(&bytes, STR(SIG_BUNDLE_PAYLOAD), buf_view(&statement));
    assert_int_equal(oci_key_sign(f.keys[0], buf_view(&bytes), &signature, NULL), ERR_OK);
    strstr(statement.p, "\"1\"")[1] = '2';
    sig_bundle_write(&bundle, f.keys[0], buf_view(&statement), buf_view(&signature));
    attach_layer(&f, SIG_BUNDLE_TYPE, buf_view(&bundle), NULL);
    assert_refused(&f, "by another key, or over other bytes");
}

/* One bad one does not hide the good one, nor does a listing without its manifest. */
static void test_signatures__bad_ones_do_not_hide_a_good_one(void **state)
{
    (void)state;
    struct err err;
    struct oci_signed out;
    auto_fixture struct fixture f;
    fixture_init(&f);
    attach_layer(&f, SIG_BUNDLE_TYPE, STR("{"), NULL);
    attach_layer(&f, SIG_SIMPLE_LAYER, STR("{"), "!!");
    autofree char *blob = fs_join(f.layout_dir, "blobs/sha256");
    sign(&f, 1, OCI_SIGNATURE_BUNDLE, NULL, &out);
    autofree char *gone = fs_join(blob, out.digest + strlen("sha256:"));
    assert_int_equal(unlink(gone), 0);
    sign(&f, 0, OCI_SIGNATURE_BUNDLE, NULL, &out);
    assert_int_equal(check_key(&f, 0, &err), ERR_OK);
    assert_int_equal(check_key(&f, 1, &err), ERR_UNVERIFIED);
    assert_int_equal(count_signatures(&f), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign__both_forms_verify_with_their_key_alone),
        cmocka_unit_test(test_sign__again_changes_nothing),
        cmocka_unit_test(test_sign__bundle_manifest_has_the_members_that_cosign_wants),
        cmocka_unit_test(t_adv_10_no_signature_is_refused),
        cmocka_unit_test(t_adv_10_signature_of_another_digest_is_refused),
        cmocka_unit_test(t_adv_10_payload_that_does_not_parse_is_refused),
        cmocka_unit_test(t_adv_10_ambiguous_payload_is_refused),
        cmocka_unit_test(t_adv_10_bundle_that_is_misshapen_is_refused),
        cmocka_unit_test(t_adv_10_tampered_signature_is_refused),
        cmocka_unit_test(test_signatures__bad_ones_do_not_hide_a_good_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
