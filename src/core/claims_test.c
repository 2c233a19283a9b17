#include "core/claims.h"

#include "base/testing.h"

static void set(struct core_objects *o, const char *a, const char *b)
{
    core_objects_add(o, str_from(a));
    if (b != NULL)
        core_objects_add(o, str_from(b));
}

static void test_claims__the_same_objects_share_an_id_until_it_is_used(void **state)
{
    (void)state;
    struct core_claims *claims = core_claims_new();
    auto_objects struct core_objects a = {0};
    auto_objects struct core_objects again = {0};
    set(&a, "g/v1/K ns/a", "g/v1/K ns/b");
    set(&again, "g/v2/K ns/b", "g/v1/K ns/a");
    struct core_claim *first = core_claims_take(claims, &a, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    struct core_claim *second = core_claims_take(claims, &again, NULL);
    assert_string_equal(core_claim_id(first), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_string_equal(core_claim_id(second), core_claim_id(first));
    assert_true(core_claim_may_open(claims, first, core_claim_id(first)));
    assert_false(core_claim_may_open(claims, second, NULL));
    assert_false(core_claim_may_open(claims, second, "01BX5ZZKBKACTAV9WEVGEMMVRZ"));
    core_claim_use(claims, first);
    assert_false(core_claim_may_open(claims, second, NULL));
    struct core_claim *third = core_claims_take(claims, &a, NULL);
    assert_string_not_equal(core_claim_id(third), core_claim_id(first));
    assert_true(core_claim_may_open(claims, third, NULL));
    assert_null(core_claim_drop(claims, first));
    core_claim_drop(claims, second);
    core_claim_drop(claims, third);
    core_claims_free(claims);
}

static void test_claims__other_objects_and_later_ones_have_their_own(void **state)
{
    (void)state;
    struct core_claims *claims = core_claims_new();
    auto_objects struct core_objects a = {0};
    auto_objects struct core_objects both = {0};
    set(&a, "g/v1/K ns/a", NULL);
    set(&both, "g/v1/K ns/a", "g/v1/K ns/b");
    struct core_claim *first = core_claims_take(claims, &a, NULL);
    struct core_claim *second = core_claims_take(claims, &both, NULL);
    char before[ID_CHARS + 1];
    memcpy(before, core_claim_id(first), sizeof(before));
    assert_string_not_equal(before, core_claim_id(second));
    core_claim_drop(claims, first); /* its write failed */
    first = core_claims_take(claims, &a, NULL);
    assert_string_not_equal(before, core_claim_id(first));
    core_claim_drop(claims, first);
    core_claim_drop(claims, second);
    core_claims_free(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims__the_same_objects_share_an_id_until_it_is_used),
        cmocka_unit_test(test_claims__other_objects_and_later_ones_have_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
