#include "base/mem.h"
#include "base/testing.h"
#include "oci/key.h"
#include "oci/key_box.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* --- keys of openssl's making ----------------------------------------------------------------------- */

static void take_bio(BIO *bio, struct buf *ret)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    buf_clear(ret);
    buf_add(ret, p, (size_t)n);
    BIO_free(bio);
}

static EVP_PKEY *pkey_of(const char *type)
{
    if (strcmp(type, "RSA") == 0)
        return EVP_RSA_gen(2048);
    if (strcmp(type, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_EC_gen(type);
}

static void public_pem(EVP_PKEY *pkey, struct buf *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    take_bio(bio, ret);
}

static void pkcs8_pem(EVP_PKEY *pkey, struct buf *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    take_bio(bio, ret);
}

static void ec_pem(EVP_PKEY *pkey, struct buf *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    take_bio(bio, ret);
}

/* --- passwords -------------------------------------------------------------------------------------- */

static int asked;

static enum err_kind give_password(void *data, struct buf *ret, struct err *err)
{
    (void)err;
    asked++;
    buf_text(ret, data);
    return ERR_OK;
}

static char secret_text[] = "correct horse";
static char wrong_text[] = "wrong";

static enum err_kind
parse_private(const struct buf *pem, char *password, struct oci_key **ret, struct err *err)
{
    asked = 0;
    return oci_key_parse_private(buf_view(pem), "k", give_password, password, ret, err);
}

/* --- signing ---------------------------------------------------------------------------------------- */

static void assert_pair(const struct oci_key *signer, const struct oci_key *verifier)
{
    autobuf struct buf sig = {0};
    assert_string_equal(oci_key_id(signer), oci_key_id(verifier));
    assert_int_equal(oci_key_sign(signer, STR("hello"), &sig, NULL), ERR_OK);
    assert_true(oci_key_verifies(verifier, STR("hello"), buf_view(&sig)));
    assert_false(oci_key_verifies(verifier, STR("hellp"), buf_view(&sig)));
    sig.p[sig.n - 1] ^= 1;
    assert_false(oci_key_verifies(verifier, STR("hello"), buf_view(&sig)));
}

static void test_key__written_pair_signs_and_verifies(void **state)
{
    (void)state;
    auto_secret struct buf private = {0};
    autobuf struct buf public = {0};
    autorelease(oci_key_free) struct oci_key *k = NULL, *again = NULL, *pub = NULL;
    assert_int_equal(oci_key_generate(&k, NULL), ERR_OK);
    assert_int_equal(oci_key_write_private(k, str_from(secret_text), &private, NULL), ERR_OK);
    oci_key_write_public(k, &public);
    assert_true(
        str_starts(buf_view(&private), STR("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")));
    assert_int_equal(parse_private(&private, secret_text, &again, NULL), ERR_OK);
    assert_int_equal(asked, 1);
    assert_int_equal(oci_key_parse_public(buf_view(&public), "k", &pub, NULL), ERR_OK);
    assert_pair(again, pub);
    autobuf struct buf sig = {0};
    assert_int_equal(oci_key_sign(pub, STR("x"), &sig, NULL), ERR_INVALID);
}

/* A pair that the library wrote which cosign encrypts with; its password is secret_text. */
static const char theirs_private[] =
    "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
    "eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6\n"
    "OCwicCI6MX0sInNhbHQiOiJiVWJueVJjRDVZN3VrVGRCVGc1aG1vZTlKQU9aVE9q\n"
    "SC9IVzZONStIY2dNPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94\n"
    "Iiwibm9uY2UiOiJ0dDRpRUlmNENLQ09DZ0pDWWhSMjFhN1BONWlLaEtDWSJ9LCJj\n"
    "aXBoZXJ0ZXh0IjoiWjYzUXY0bTNVOUlGdU1aTEluTjlMZW9jb0tTYlZESnBtSG9t\n"
    "RkcyMU9WWWtydGRBRmRYVllIVndoRldIbmJMbjFlbE50dG0ra2w2a0dQNmE4aGdi\n"
    "eEZsc28wRmdNaGhIRHFJa0ZVdU5IaW5tQnA5eHlkb2kyclZEa0toMjR5TmFzcVE1\n"
    "WlJGcGpYU3VXdDQ2SU9yT0ZicFhSRlVrSnR2dFJiNHBWYkhhcWhoNk1pbjFwaVhq\n"
    "d1ZaMHc4alVqQ2IzTllDU0xSRk1OTDZCdXc9PSJ9\n"
    "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
static const char theirs_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEa5H7vFVESFNBcW8g8hZ/IzCKQ7Na\n"
    "NV6NZ2ykpu1U9ET3yGIzc9uKxog1cFwLQZ1XsORTYhR+mulY840v8tgWyQ==\n"
    "-----END PUBLIC KEY-----\n";

static void test_key__file_of_cosign_opens(void **state)
{
    (void)state;
    auto_secret struct buf pem = {0};
    autorelease(oci_key_free) struct oci_key *k = NULL, *pub = NULL;
    buf_text(&pem, theirs_private);
    assert_int_equal(parse_private(&pem, secret_text, &k, NULL), ERR_OK);
    assert_int_equal(oci_key_parse_public(str_from(theirs_public), "k", &pub, NULL), ERR_OK);
    assert_pair(k, pub);
}

static void test_key__wrong_or_no_password_is_told(void **state)
{
    (void)state;
    struct err err;
    auto_secret struct buf private = {0};
    autorelease(oci_key_free) struct oci_key *k = NULL, *again = NULL;
    assert_int_equal(oci_key_generate(&k, NULL), ERR_OK);
    assert_int_equal(oci_key_write_private(k, STR(""), &private, NULL), ERR_OK);
    assert_int_equal(parse_private(&private, wrong_text, &again, &err), ERR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "password is wrong"));
    assert_int_equal(
        oci_key_parse_private(buf_view(&private), "k", NULL, NULL, &again, &err),
        ERR_UNAUTHENTICATED);
    char empty[] = "";
    assert_int_equal(parse_private(&private, empty, &again, NULL), ERR_OK);
}

static void test_key__reads_pkcs8_and_ec_pem(void **state)
{
    (void)state;
    EVP_PKEY *pkey = pkey_of("P-256");
    autobuf struct buf public = {0};
    auto_secret struct buf private = {0};
    autorelease(oci_key_free) struct oci_key *pub = NULL, *pkcs8 = NULL, *ec = NULL, *params = NULL;
    public_pem(pkey, &public);
    assert_int_equal(oci_key_parse_public(buf_view(&public), "k", &pub, NULL), ERR_OK);
    pkcs8_pem(pkey, &private);
    assert_int_equal(parse_private(&private, wrong_text, &pkcs8, NULL), ERR_OK);
    assert_int_equal(asked, 0);
    assert_pair(pkcs8, pub);
    ec_pem(pkey, &private);
    assert_int_equal(parse_private(&private, wrong_text, &ec, NULL), ERR_OK);
    assert_pair(ec, pub);
    auto_secret struct buf with_params = {0};
    buf_text(
        &with_params,
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    buf_str(&with_params, buf_view(&private));
    assert_int_equal(parse_private(&with_params, wrong_text, &params, NULL), ERR_OK);
    assert_pair(params, pub);
    EVP_PKEY_free(pkey);
}

/* Hardening 10: a key of the wrong type says what it is and what is needed. */
static void t_adv_10_key_of_wrong_type_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *text;
    } rows[] = {
        {"RSA", "it is an RSA key; images are signed with EC keys on curve P-256 only"},
        {"ED25519", "it is an Ed25519 key"},
        {"P-384", "it is an EC key on another curve"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;
        autobuf struct buf pem = {0};
        struct oci_key *k = NULL;
        EVP_PKEY *pkey = pkey_of(rows[i].type);
        public_pem(pkey, &pem);
        assert_int_equal(oci_key_parse_public(buf_view(&pem), "a.pub", &k, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, rows[i].text));
        assert_non_null(strstr(err.text, "key 'a.pub'"));
        pkcs8_pem(pkey, &pem);
        assert_int_equal(parse_private(&pem, wrong_text, &k, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, rows[i].text));
        EVP_PKEY_free(pkey);
    }
}

static void test_key__what_is_no_key_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *pem;
        const char *public_text;
        const char *private_text;
    } rows[] = {
        {"", "not a key in PEM form", "not a key in PEM form"},
        {"garbage\n", "not a key in PEM form", "not a key in PEM form"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "it is a certificate",
         "it is a certificate"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a public key",
         "the private key (as in cosign.key) is needed"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "the public half (as in cosign.pub) is needed", "not a private key"},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         "openssl's way", "openssl's way"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
         "(OPENSSH PRIVATE KEY)", "the private key (as in cosign.key) is needed"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
         "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         "more than one key", "more than one key"},
        {"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n"
         "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
         "the public half (as in cosign.pub) is needed", "key 'k'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;
        struct oci_key *k = NULL;
        struct str pem = str_from(rows[i].pem);
        assert_int_equal(oci_key_parse_public(pem, "k", &k, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, rows[i].public_text));
        assert_int_equal(
            oci_key_parse_private(pem, "k", give_password, wrong_text, &k, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, rows[i].private_text));
    }
}

#define BOX(kdf, n, r, p, cipher, nonce, sealed)                                                   \
    "{\"kdf\":{\"name\":\"" kdf "\",\"params\":{\"N\":" n ",\"r\":" r ",\"p\":" p                  \
    "},\"salt\":\"AAAA\"},\"cipher\":{\"name\":\"" cipher "\",\"nonce\":\"" nonce                  \
    "\"},\"ciphertext\":\"" sealed "\"}"
#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SEALED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* No file can make us work for minutes or take gigabytes. */
static void test_key_box__parameters_are_bounded(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[]",
        "{}",
        "{\"kdf\":{\"name\":\"scrypt\"}}",
        BOX("argon2", "65536", "8", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "65536", "8", "1", "aes", NONCE, SEALED),
        BOX("scrypt", "1073741824", "8", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "65537", "8", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "0", "8", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "1024", "8", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "-65536", "8", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "65536", "1000000", "1", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "65536", "8", "4294967296", "nacl/secretbox", NONCE, SEALED),
        BOX("scrypt", "65536", "8", "1", "nacl/secretbox", "AAAA", SEALED),
        BOX("scrypt", "65536", "8", "1", "nacl/secretbox", NONCE, "AAAA"),
        BOX("scrypt", "65536", "8", "1", "nacl/secretbox", NONCE, "!"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_secret struct buf plain = {0};
        assert_int_equal(key_box_open(str_from(rows[i]), STR("x"), &plain, NULL), ERR_INVALID);
        assert_int_equal(plain.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key__written_pair_signs_and_verifies),
        cmocka_unit_test(test_key__file_of_cosign_opens),
        cmocka_unit_test(test_key__wrong_or_no_password_is_told),
        cmocka_unit_test(test_key__reads_pkcs8_and_ec_pem),
        cmocka_unit_test(t_adv_10_key_of_wrong_type_is_named),
        cmocka_unit_test(test_key__what_is_no_key_is_named),
        cmocka_unit_test(test_key_box__parameters_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
