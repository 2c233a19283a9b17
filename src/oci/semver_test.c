#include "base/mem.h"
#include "base/testing.h"
#include "oci/semver.h"

static struct oci_semver version(const char *text)
{
    struct oci_semver v;
    if (!oci_semver_parse(str_from(text), &v))
        fail_msg("not a version: %s", text);
    return v;
}

/* Semantic Versioning 2.0.0, section 11, and its own example of 11.4. */
static void test_semver_compare__orders_by_precedence(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "0.0.0-0",
        "0.0.0",
        "0.0.1",
        "0.1.0",
        "1.0.0-0",
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-99999999999999999999999",
        "1.0.0-100000000000000000000000",
        "1.0.0--",
        "1.0.0-Beta",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1-rc.1",
        "1.2.0",
        "1.10.0",
        "2.0.0-rc.1",
        "2.0.0",
        "9007199254740991.0.0",
    };
    for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
        struct oci_semver a = version(ascending[i]);
        for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
            struct oci_semver b = version(ascending[k]);
            int order = oci_semver_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

static void test_semver_compare__passes_over_build_metadata(void **state)
{
    (void)state;
    static const char *const same[] = {
        "1.2.3-a", "v1.2.3-a", "1.2.3-a+b.01", "1.2.3-a_b", "V1.2.3-a"};
    struct oci_semver first = version(same[0]);
    for (size_t i = 1; i < ARRAY_LEN(same); i++) {
        struct oci_semver v = version(same[i]);
        assert_int_equal(oci_semver_compare(&first, &v), 0);
    }
}

static void test_semver_parse__refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.02.3",
        "1.2.03",
        "1.2.x",
        "a.b.c",
        "1.2.3-",
        "1.2.3+",
        "1.2.3-a..b",
        "1.2.3-01",
        "1.2.3-a.01",
        "1.2.3-a!",
        "1.2.3+a+b",
        "-1.2.3",
        "+1.2.3",
        " 1.2.3",
        "1.2.3 ",
        "vv1.2.3",
        "latest",
        "v",
        "1.2.3-ä",
        "1..3",
        ".1.2.3",
        "1.2.3.",
        "1.2.3_",
        "99999999999999999999.0.0",
        "18446744073709551615.0.0",
        "0x1.2.3",
        "1.2.3\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_semver v;
        if (oci_semver_parse(str_from(rows[i]), &v))
            fail_msg("taken for a version: %s", rows[i]);
    }
}

static void test_semver_range__holds(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        const char *in; /* with blanks between */
        const char *out;
    } rows[] = {
        {"~1.2.3", "1.2.3 1.2.99 v1.2.4", "1.2.2 1.3.0 2.0.0 1.2.3-rc.1 1.2.4-rc.1 1.3.0-0"},
        {"~1.2", "1.2.0 1.2.9", "1.1.9 1.3.0 1.2.0-rc.1"},
        {"~1", "1.0.0 1.9.9", "0.9.9 2.0.0"},
        {"~0.0.1", "0.0.1 0.0.9", "0.1.0"},
        {"^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0 2.0.0-rc.1"},
        {"^1.2", "1.2.0 1.9.0", "1.1.0 2.0.0"},
        {"^1", "1.0.0 1.9.0", "0.9.0 2.0.0"},
        {"^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.0.0"},
        {"^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1.0"},
        {"^0.0", "0.0.0 0.0.9", "0.1.0"},
        {"^0", "0.0.0 0.9.9", "1.0.0"},
        {"1.x", "1.0.0 1.9.9", "0.9.9 2.0.0 1.0.0-rc.1"},
        {"1.2.x", "1.2.0 1.2.9", "1.3.0"},
        {"v1.2.*", "1.2.0 v1.2.9", "1.3.0"},
        {"1.X.X", "1.0.0 1.9.9", "2.0.0"},
        {"1.2", "1.2.0 1.2.9", "1.3.0"},
        {"*", "0.0.0 9.9.9", "1.0.0-rc.1"},
        {"x", "0.0.0 9.9.9", "1.0.0-rc.1"},
        {"=1.2.3", "1.2.3 1.2.3_build", "1.2.4 1.2.3-a"},
        {"==1.2.3", "1.2.3", "1.2.4"},
        {"1.2.3-rc.1", "1.2.3-rc.1", "1.2.3 1.2.3-rc.2"},
        {"!=1.2.3", "1.2.2 1.2.4", "1.2.3 1.2.4-a"},
        {">=1.2", "1.2.0 9.0.0", "1.1.9 1.2.0-rc.1 2.0.0-rc.1"},
        {">1.2", "1.3.0", "1.2.9 1.2.0"},
        {">1.2.3", "1.2.4", "1.2.3"},
        {"<1.2", "1.1.9", "1.2.0"},
        {"<1.2.3", "1.2.2", "1.2.3"},
        {"<=1.2", "1.2.9", "1.3.0"},
        {"<=1.2.3", "1.2.3", "1.2.4"},
        {">=1.2 <2", "1.2.0 1.9.9", "1.1.9 2.0.0"},
        {">= 1.2, < 2", "1.2.0 1.9.9", "1.1.9 2.0.0"},
        {"^1.2 !=1.3.0", "1.2.0 1.3.1", "1.3.0"},
        {"~1.2 || ~2.0", "1.2.5 2.0.5", "1.3.0 2.1.0"},
        {"~1.2||>=3", "1.2.5 3.0.0", "2.0.0"},
        {">=1.2.3-rc.2", "1.2.3-rc.2 1.2.3-rc.10 1.2.3 1.3.0-a 2.0.0", "1.2.3-rc.1"},
        {"^1.2.3-beta", "1.2.3-beta 1.2.3-rc.1 1.9.0 1.9.0-a", "1.2.3-alpha 2.0.0-alpha 2.0.0"},
        {"~1.2.3-0", "1.2.3-0 1.2.4-rc.1", "1.3.0-0 1.2.2"},
        {">=1.0.0-0 <2", "1.5.0-rc.1 1.0.0-a", "2.0.0-rc.1"},
        {"~1.2 || 2.0.0-rc.1", "1.2.0 2.0.0-rc.1", "1.2.1-rc.1 2.0.0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_semver_range range;
        if (oci_semver_range_parse(str_from(rows[i].range), &range, NULL) != ERR_OK)
            fail_msg("not a range: %s", rows[i].range);
        for (int k = 0; k < 2; k++) {
            struct str rest = str_from(k == 0 ? rows[i].in : rows[i].out);
            while (rest.p != NULL) {
                autofree char *text = mem_strdup_str(str_cut(&rest, ' '));
                struct oci_semver v = version(text);
                if (oci_semver_range_holds(&range, &v) != (k == 0))
                    fail_msg("%s is%s in %s", text, k == 0 ? " not" : "", rows[i].range);
            }
        }
    }
}

static void test_semver_range_parse__refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "~",
        "^",
        ">=",
        "~>1.2",
        "~a",
        "1.2.3.4",
        "1.x.3",
        "x.1",
        "!=1.2",
        "!=*",
        "<*",
        ">*",
        "~*",
        "^x",
        "||",
        "1.2 ||",
        "|| 1.2",
        "~1.2 | 2",
        "1.2 - 1.4",
        "~1.2-rc",
        "1.x-rc.1",
        "~1.2;rm",
        "latest",
        "~01.2",
        "~1.2\n3",
        "=>1.2",
        "~~1.2",
        ">=1.2 <",
        "~v",
        "~1.2\n",
        "\t1.x",
        "1.x ||\r",
        "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "1||1||1||1||1||1||1||1||1||1||1||1||1||1||1||1||1||1||1",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_semver_range range;
        struct err err = {0};
        if (oci_semver_range_parse(str_from(rows[i]), &range, &err) != ERR_INVALID)
            fail_msg("taken for a range: %s", rows[i]);
        assert_null(strchr(err.text, '\n'));
    }
}

static void test_semver_is_wildcard__tells_ranges_from_tags(void **state)
{
    (void)state;
    static const char *const yes[] = {"1.x", "v1.x", "1.2.X", "1.x.x", "1.2.*"};
    static const char *const no[] = {"x",      "*",    "1",  "1.2",     "1.2.3",
                                     "latest", "1.xy", "vx", "1.2.3.x", ""};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(oci_semver_is_wildcard(str_from(yes[i])));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(oci_semver_is_wildcard(str_from(no[i])));
}

static void test_semver_compare_tags__breaks_ties(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "latest", "v1", "1.0.0-rc.1", "1.0.0_b1", "1.0.0_b2", "v1.0.0", "1.0.0", "1.2.9", "v1.2.10",
    };
    for (size_t i = 1; i < ARRAY_LEN(ascending); i++) {
        struct str a = str_from(ascending[i - 1]), b = str_from(ascending[i]);
        assert_true(oci_semver_compare_tags(a, b) < 0);
        assert_true(oci_semver_compare_tags(b, a) > 0);
        assert_int_equal(oci_semver_compare_tags(a, a), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_semver_compare__orders_by_precedence),
        cmocka_unit_test(test_semver_compare__passes_over_build_metadata),
        cmocka_unit_test(test_semver_parse__refuses),
        cmocka_unit_test(test_semver_range__holds),
        cmocka_unit_test(test_semver_range_parse__refuses),
        cmocka_unit_test(test_semver_is_wildcard__tells_ranges_from_tags),
        cmocka_unit_test(test_semver_compare_tags__breaks_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
