#include "base/sha256.h"

#include "base/testing.h"

static void test_sha256_hmac__is_that_of_rfc_4231(void **state)
{
    (void)state;
    static const struct {
        struct str key;
        struct str bytes;
        const char *mac;
    } rows[] = {
        {STR("Jefe"), STR("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
         STR("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t mac[SHA256_BYTES];
        char hex[SHA256_HEX + 1];
        sha256_hmac(rows[i].key, rows[i].bytes, mac);
        sha256_hex(mac, hex);
        assert_string_equal(hex, rows[i].mac);
    }
}

static void test_sha256_is_same__compares_whole_texts(void **state)
{
    (void)state;
    assert_true(sha256_is_same(STR("secret"), STR("secret")));
    assert_true(sha256_is_same(STR(""), str_of(NULL, 0)));
    assert_false(sha256_is_same(STR("secret"), STR("secre")));
    assert_false(sha256_is_same(STR("secre"), STR("secret")));
    assert_false(sha256_is_same(STR("secret"), STR("Secret")));
    assert_false(sha256_is_same(STR(""), STR("\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_hmac__is_that_of_rfc_4231),
        cmocka_unit_test(test_sha256_is_same__compares_whole_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
