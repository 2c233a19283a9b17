#include "oci/key.h"
#include "oci/sign.h"
#include "oci/testing.h"
#include "oci/trust.h"

#define IMAGE                                                                                      \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST                                     \
    "\",\"config\":{\"mediaType\":\"" OCI_MEDIA_EMPTY "\",\"digest\":\"" OCI_EMPTY_DIGEST          \
    "\",\"size\":2},\"layers\":[]}"

enum { KEYS = 3 };
struct fixture {
    char *dir;
    struct oci_layout *layout;
    struct oci_place place;
    struct oci_session *session;
    struct oci_ref ref;
    char digest[OCI_DIGEST_MAX];
    struct oci_key *keys[KEYS];
};

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.dir = test_dir()};
    autofree char *layout = fs_join(f->dir, "layout");
    autofree char *ref = mem_printf("oci-layout:%s:v1", layout);
    struct oci_session_options options = {.store_dir = layout};
    assert_int_equal(oci_layout_open(layout, true, true, &f->layout, NULL), ERR_OK);
    assert_int_equal(oci_layout_put(f->layout, STR(IMAGE), f->digest, NULL), ERR_OK);
    assert_int_equal(
        oci_layout_name(f->layout, "v1", OCI_MEDIA_MANIFEST, NULL, f->digest, strlen(IMAGE), NULL),
        ERR_OK);
    f->place.layout = f->layout;
    assert_int_equal(oci_session_new(&options, &f->session, NULL), ERR_OK);
    assert_int_equal(oci_ref_parse(str_from(ref), &f->ref, NULL), ERR_OK);
    for (int i = 0; i < KEYS; i++) {
        autobuf struct buf pem = {0};
        autofree char *name = mem_printf("%c.pub", 'a' + i);
        assert_int_equal(oci_key_generate(&f->keys[i], NULL), ERR_OK);
        oci_key_write_public(f->keys[i], &pem);
        free(test_file(f->dir, name, buf_view(&pem)));
    }
}

static void fixture_deinit(struct fixture *f)
{
    oci_session_free(f->session);
    oci_layout_close(f->layout);
    for (int i = 0; i < KEYS; i++)
        oci_key_free(f->keys[i]);
    test_dir_remove(&f->dir);
}
#define auto_fixture CLEANUP(fixture_deinit)

static enum err_kind
read_text(struct fixture *f, const char *text, struct oci_trust **ret, struct err *err)
{
    autofree char *path = test_file(f->dir, "policy.json", str_from(text));
    return oci_trust_read(path, ret, err);
}

static void sign(struct fixture *f, int key)
{
    struct err err;
    struct oci_signed out;
    struct oci_sign in = {.key = f->keys[key], .form = OCI_SIGNATURE_BUNDLE};
    assert_int_equal(oci_sign(f->session, &f->ref, OCI_IN_STORE, &in, &out, &err), ERR_OK);
}

/* What the policy says of the image under a name of one's own choice. */
static enum err_kind
ask(struct fixture *f,
    const char *policy,
    const char *reference,
    struct oci_verdict *ret,
    struct err *err)
{
    struct oci_ref ref;
    autorelease(oci_trust_free) struct oci_trust *t = NULL;
    assert_int_equal(oci_ref_parse(str_from(reference), &ref, NULL), ERR_OK);
    if (read_text(f, policy, &t, err) != ERR_OK)
        fail_msg("%s", err->text);
    return oci_trust_check(t, &ref, &f->place, f->digest, ret, err);
}

/* --- the form of the file --------------------------------------------------------------------------- */

#define RULE(more) "{\"rules\":[{\"repositories\":[\"example.com/**\"]" more "}]}"

/* What is not understood is refused: a misspelt rule must not let everything in. */
static void test_trust_read__what_is_not_understood_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "trust policy '"},
        {"[]", "is not an object"},
        {"{\"default\":\"allow\"}", "neither \"reject\" nor \"accept\""},
        {"{\"default\":null}", "neither \"reject\" nor \"accept\""},
        {"{\"defualt\":\"reject\"}", "there is no member 'defualt'"},
        {"{\"rules\":{}}", "rules is not a list"},
        {"{\"rules\":[7]}", "rules[0] is not an object"},
        {"{\"rules\":[],\"rules\":[]}", "trust policy '"},
        {"{\"rules\":[{\"anyOf\":[\"a.pub\"]}]}", "rules[0].repositories is not a list"},
        {"{\"rules\":[{\"repositories\":[],\"accept\":true}]}", "with something in it"},
        {"{\"rules\":[{\"repositories\":[7],\"accept\":true}]}", "not text"},
        {"{\"rules\":[{\"repositories\":[\"/x\"],\"accept\":true}]}", "rules[0].repositories"},
        {RULE(""), "not exactly one of anyOf, allOf, accept"},
        {RULE(",\"accept\":true,\"anyOf\":[\"a.pub\"]"), "not exactly one of"},
        {RULE(",\"accept\":false"), "rules[0].accept is not true"},
        {RULE(",\"anyOf\":[]"), "with something in it"},
        {RULE(",\"anyOf\":[\"none.pub\"]"), "none.pub"},
        {RULE(",\"anyOf\":[\"policy.json\"]"), "not a key in PEM form"},
        {RULE(",\"anyOf\":[\"a.pub\",\"./a.pub\"]"), "are the same key"},
        {RULE(",\"anyOf\":[\"a.pub\"],\"minimum\":2"), "from 1 to the number of keys (1)"},
        {RULE(",\"anyOf\":[\"a.pub\"],\"minimum\":0"), "from 1 to the number of keys"},
        {RULE(",\"anyOf\":[\"a.pub\"],\"minimum\":\"1\""), "from 1 to the number of keys"},
        {RULE(",\"allOf\":[\"a.pub\"],\"minimum\":1"), "goes with anyOf only"},
    };
    auto_fixture struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct oci_trust *t = NULL;
        assert_int_not_equal(read_text(&f, rows[i][0], &t, &err), ERR_OK);
        assert_null(t);
        if (strstr(err.text, rows[i][1]) == NULL)
            fail_msg("row %zu: no '%s' in: %s", i, rows[i][1], err.text);
    }
}

static void test_trust_read__file_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct err err;
    struct oci_trust *t = NULL;
    assert_int_equal(oci_trust_read("/nowhere/policy.json", &t, &err), ERR_NOT_FOUND);
    assert_null(t);
}

/* --- what it says ----------------------------------------------------------------------------------- */

#define POLICY                                                                                     \
    "{\"comment\":\"of the test\",\"default\":\"reject\",\"rules\":["                              \
    "{\"repositories\":[\"example.com/free/**\"],\"accept\":true},"                                \
    "{\"repositories\":[\"example.com/*\",\"local\"],\"anyOf\":[\"a.pub\",\"b.pub\"]},"            \
    "{\"repositories\":[\"example.com/two/*\"],\"anyOf\":[\"a.pub\",\"b.pub\",\"c.pub\"],"         \
    "\"minimum\":2},"                                                                              \
    "{\"repositories\":[\"example.com/**\"],\"allOf\":[\"a.pub\",\"c.pub\"]}]}"

static void test_trust_check__the_first_rule_that_matches_decides(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        const char *signers; /* who has signed, on top of the rows before */
        enum err_kind kind;
        enum oci_trust_state state;
        const char *text;
    } rows[] = {
        {"example.com/free/x:v1", "", ERR_OK, OCI_TRUST_UNKNOWN, NULL},
        {"other.org/x:v1", "", ERR_UNVERIFIED, OCI_TRUST_UNKNOWN, "no rule of policy"},
        {"example.com/x:v1", "", ERR_UNVERIFIED, OCI_TRUST_UNKNOWN, "there is no signature"},
        {"example.com/x:v1", "c", ERR_UNVERIFIED, OCI_TRUST_UNKNOWN, "by another key"},
        {"example.com/deep/er/x:v1", "", ERR_UNVERIFIED, OCI_TRUST_UNKNOWN,
         "signed by 2 trusted keys (1 did)"},
        {"example.com/x:v1", "b", ERR_OK, OCI_TRUST_VERIFIED, NULL},
        {"EXAMPLE.com/x:v1", "", ERR_OK, OCI_TRUST_VERIFIED, NULL},
        {"local:v1", "", ERR_OK, OCI_TRUST_VERIFIED, NULL},
        {"example.com/two/x:v1", "", ERR_OK, OCI_TRUST_VERIFIED, NULL},
        {"example.com/deep/er/x:v1", "", ERR_UNVERIFIED, OCI_TRUST_UNKNOWN, "(1 did)"},
        {"example.com/deep/er/x:v1", "a", ERR_OK, OCI_TRUST_VERIFIED, NULL},
        {"example.com:5000/x:v1", "", ERR_UNVERIFIED, OCI_TRUST_UNKNOWN, "no rule of policy"},
    };
    auto_fixture struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct oci_verdict verdict;
        for (const char *p = rows[i].signers; *p != '\0'; p++)
            sign(&f, *p - 'a');
        enum err_kind r = ask(&f, POLICY, rows[i].reference, &verdict, &err);
        if (r != rows[i].kind)
            fail_msg("row %zu: %s: %s", i, err_info(r)->name, err.text);
        assert_int_equal(verdict.state, rows[i].state);
        if (rows[i].text != NULL && strstr(err.text, rows[i].text) == NULL)
            fail_msg("row %zu: no '%s' in: %s", i, rows[i].text, err.text);
    }
}

static void test_trust_check__default_accept_leaves_it_unknown(void **state)
{
    (void)state;
    struct err err;
    struct oci_verdict verdict;
    auto_fixture struct fixture f;
    fixture_init(&f);
    assert_int_equal(
        ask(&f, "{\"default\":\"accept\"}", "example.com/x:v1", &verdict, &err), ERR_OK);
    assert_int_equal(verdict.state, OCI_TRUST_UNKNOWN);
    assert_string_equal(verdict.signer, "");
    assert_int_equal(ask(&f, "{}", "example.com/x:v1", &verdict, &err), ERR_UNVERIFIED);
    assert_int_equal(oci_trust_check(NULL, &f.ref, &f.place, f.digest, &verdict, &err), ERR_OK);
    assert_int_equal(verdict.state, OCI_TRUST_UNKNOWN);
}

/* Two signatures by one key are one key. */
static void test_trust_check__minimum_counts_keys(void **state)
{
    (void)state;
    static const char *const annotations[] = {"n=2", NULL};
    struct err err;
    struct oci_verdict verdict;
    struct oci_signed out;
    auto_fixture struct fixture f;
    fixture_init(&f);
    sign(&f, 0);
    struct oci_sign in = {
        .key = f.keys[0], .form = OCI_SIGNATURE_SIMPLE, .annotations = annotations};
    assert_int_equal(oci_sign(f.session, &f.ref, OCI_IN_STORE, &in, &out, &err), ERR_OK);
    assert_int_equal(ask(&f, POLICY, "example.com/two/x:v1", &verdict, &err), ERR_UNVERIFIED);
    assert_non_null(strstr(err.text, "signed by 2 trusted keys (1 did)"));
}

/* Hardening 10: where the place cannot be read, nothing is known, and the answer is no. */
static void t_adv_10_unreadable_signatures_are_refused(void **state)
{
    (void)state;
    struct err err;
    struct oci_verdict verdict;
    char tag[OCI_REFERRERS_TAG_MAX];
    auto_fixture struct fixture f;
    fixture_init(&f);
    sign(&f, 0);
    oci_referrers_tag(f.digest, "", tag);
    assert_int_equal(
        oci_layout_name(f.layout, tag, OCI_MEDIA_MANIFEST, NULL, f.digest, strlen(IMAGE), NULL),
        ERR_OK);
    assert_int_equal(ask(&f, POLICY, "example.com/x:v1", &verdict, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "cannot be checked"));
    assert_int_equal(verdict.state, OCI_TRUST_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust_read__what_is_not_understood_is_refused),
        cmocka_unit_test(test_trust_read__file_that_is_not_there_is_an_error),
        cmocka_unit_test(test_trust_check__the_first_rule_that_matches_decides),
        cmocka_unit_test(test_trust_check__default_accept_leaves_it_unknown),
        cmocka_unit_test(test_trust_check__minimum_counts_keys),
        cmocka_unit_test(t_adv_10_unreadable_signatures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
