#include "base/testing.h"
#include "oci/auth.h"

struct row {
    const char *realm;
    const char *registry;
    bool is_plain; /* how the registry is reached */
};

static void t_adv_13_a_realm_inside_or_in_the_clear_is_refused(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"http://169.254.169.254/latest/meta-data", "r.example", false},
        {"https://169.254.169.254/token", "r.example", false},
        {"https://10.1.2.3/token", "r.example", false},
        {"https://172.31.0.1/token", "r.example", false},
        {"https://192.168.1.1/token", "r.example", false},
        {"https://100.64.0.1/token", "r.example", false},
        {"https://127.0.0.1/token", "r.example", false},
        {"https://0.0.0.0/token", "r.example", false},
        {"https://localhost/token", "r.example", false},
        {"https://localhost./token", "r.example", false},
        {"https://LocalHost:8443/token", "r.example", false},
        {"https://a.localhost/token", "r.example", false},
        {"https://2130706433/token", "r.example", false},
        {"https://0x7f.1/token", "r.example", false},
        {"https://0177.0.0.1/token", "r.example", false},
        {"https://[::1]/token", "r.example", false},
        {"https://[::]/token", "r.example", false},
        {"https://[fe80::1]/token", "r.example", false},
        {"https://[fd00::1]/token", "r.example", false},
        {"https://[::ffff:10.0.0.1]/token", "r.example", false},
        {"https://[64:ff9b::a9fe:a9fe]/token", "r.example", false},
        {"https://[2002:a9fe:a9fe::1]/token", "r.example", false},
        {"https://127.0.0.2:5000/token", "127.0.0.1:5000", true},
        {"http://auth.example/token", "r.example", false},
        {"http://auth.example/token", "r.example", true},
        {"http://r.example/token", "r.example", false}, /* down from https */
        {"file:///etc/passwd", "r.example", false},
        {"ftp://auth.example/token", "r.example", false},
        {"gopher://r.example/token", "r.example", true},
        {"https://user:secret@auth.example/token", "r.example", false},
        {"/token", "r.example", false},
        {"", "r.example", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct err err = {0};
        const struct row *row = &ROWS[i];
        if (oci_realm_check(row->realm, row->registry, row->is_plain, &err) != ERR_DENIED)
            fail_msg("'%s' of '%s' is allowed", row->realm, row->registry);
        assert_non_null(strstr(err.text, "not allowed: "));
        assert_null(strstr(err.text, "secret"));
    }
}

static void t_adv_13_a_public_realm_and_the_registrys_own_host_are_allowed(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"https://auth.docker.io/token", "registry-1.docker.io", false},
        {"https://r.example/token", "r.example", false},
        {"https://R.Example:8443/token?x=1", "r.example:443", false},
        {"https://8.8.8.8/token", "r.example", false},
        {"https://[2606:4700::1]/token", "r.example", false},
        {"http://127.0.0.1:5001/token", "127.0.0.1:5000", true},
        {"http://localhost:5001/token", "localhost:5000", true},
        {"https://localhost:5001/token", "localhost:5000", true},
        {"https://10.0.0.5/token", "10.0.0.5:5000", false},
        {"http://r.example/token", "r.example", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct err err = {0};
        if (oci_realm_check(ROWS[i].realm, ROWS[i].registry, ROWS[i].is_plain, &err) != ERR_OK)
            fail_msg("'%s' of '%s': %s", ROWS[i].realm, ROWS[i].registry, err.text);
    }
}

static void t_adv_13_a_name_may_resolve_no_nearer_than_the_registry_lies(void **state)
{
    (void)state;
    static const struct {
        const char *realm, *registry;
        enum http_nearness peer, nearest;
    } ROWS[] = {
        {"https://auth.example/t", "r.example", HTTP_NEAR_PUBLIC, HTTP_NEAR_PUBLIC},
        {"https://auth.example/t", "r.example", HTTP_NEAR_UNKNOWN, HTTP_NEAR_PUBLIC},
        {"https://auth.example/t", "r.example", HTTP_NEAR_LINK, HTTP_NEAR_PUBLIC},
        {"https://auth.corp/t", "r.corp", HTTP_NEAR_PRIVATE, HTTP_NEAR_PRIVATE},
        {"https://auth.test/t", "localhost:5000", HTTP_NEAR_LOOPBACK, HTTP_NEAR_LOOPBACK},
        {"https://r.example:8443/t", "r.example", HTTP_NEAR_PUBLIC, HTTP_NEAR_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(
            oci_realm_nearest(ROWS[i].realm, ROWS[i].registry, ROWS[i].peer), ROWS[i].nearest);
}

static void test_loopback__is_this_machine_and_nothing_else(void **state)
{
    (void)state;
    static const char *const YES[] = {"localhost",   "localhost:5000", "LOCALHOST",
                                      "a.localhost", "127.0.0.1",      "127.1.2.3:80",
                                      "[::1]",       "[::1]:5000",     "localhost.:1"};
    static const char *const NO[] = {"r.example", "localhost.example", "128.0.0.1", "[::2]",
                                     "10.0.0.1",  "127.0.0.1.example", ""};
    for (size_t i = 0; i < ARRAY_LEN(YES); i++)
        assert_true(oci_host_is_loopback(YES[i]));
    for (size_t i = 0; i < ARRAY_LEN(NO); i++)
        assert_false(oci_host_is_loopback(NO[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_adv_13_a_realm_inside_or_in_the_clear_is_refused),
        cmocka_unit_test(t_adv_13_a_public_realm_and_the_registrys_own_host_are_allowed),
        cmocka_unit_test(t_adv_13_a_name_may_resolve_no_nearer_than_the_registry_lies),
        cmocka_unit_test(test_loopback__is_this_machine_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
