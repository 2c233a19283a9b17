#include "core/objects_of.h"

#include "repo/testing.h"

static void expect(const struct core_objects *o, const char *wanted)
{
    autobuf struct buf seen = {0};
    for (size_t i = 0; i < o->count; i++)
        buf_printf(&seen, "%s;", o->items[i].text);
    buf_char(&seen, '\0');
    assert_string_equal(seen.p, wanted);
}

static void test_objects__are_sorted_each_once_whatever_the_version(void **state)
{
    (void)state;
    auto_objects struct core_objects o = {0};
    core_objects_add_message(
        &o,
        "title\n\nCup-Object: g/v2/Widget ns/b\nCup-Object: g/v1/Widget ns/b\n"
        "Cup-Controller: c\nCup-Object: g/v1/Widget ns/a\nCup-Object: g/v1/A B ns/ä\n");
    expect(&o, "g/v1/A B ns/ä;g/v1/Widget ns/a;g/v2/Widget ns/b;");
    assert_true(str_eqz(o.items[0].kind, "A B"));
    assert_true(str_eqz(o.items[2].group, "g"));
    assert_true(str_eqz(o.items[2].version, "v2"));
    assert_true(str_eqz(o.items[2].ns, "ns"));
    assert_true(str_eqz(o.items[2].name, "b"));
    assert_false(o.is_cut);
}

/* Hardening 31: whoever can push can write any commit; what a trailer names still is an object, or
 * nothing. */
static void test_objects__t_adv_31_what_names_no_object_is_left_out(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",
        "g/v1/W",
        "g/v1/W a",
        "g/v1 ns/a",
        "g/v1/W/x ns/a",
        "g/v1/W ../a",
        "g/v1/W ns/..",
        "g/v1/W ns/a/b",
        "g/v1/W\x1b[2J ns/a",
        "g/v1/W ns/a\x1b",
        "/v1/W ns/a",
        "g/v1/\xff ns/a",
        "g/v1/W  /a",
    };
    auto_objects struct core_objects o = {0};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (core_objects_add(&o, str_from(values[i])))
            fail_msg("'%s' is taken", values[i]);
    assert_int_equal(o.count, 0);
}

static void test_objects__are_bounded(void **state)
{
    (void)state;
    auto_objects struct core_objects o = {0};
    for (int i = 0; i <= CORE_OBJECTS_MAX; i++) {
        autofree char *text = mem_printf("g/v/K ns/n%d", i);
        assert_false(o.is_cut);
        assert_true(core_objects_add(&o, str_from(text)));
    }
    assert_true(o.is_cut);
    assert_int_equal(o.count, CORE_OBJECTS_MAX);
}

static void test_objects__sets_are_compared(void **state)
{
    (void)state;
    auto_objects struct core_objects both = {0};
    auto_objects struct core_objects one = {0};
    auto_objects struct core_objects other = {0};
    core_objects_add(&both, STR("g/v/K ns/a"));
    core_objects_add(&both, STR("g/v/K ns/b"));
    core_objects_add(&one, STR("g/v9/K ns/b"));
    core_objects_add(&other, STR("g/v/K ns/c"));
    assert_true(core_objects_has_all(&both, &one));
    assert_false(core_objects_has_all(&one, &both));
    assert_true(core_objects_has_any(&one, &both));
    assert_false(core_objects_has_any(&both, &other));
}

static void test_objects_of__all_commits_of_a_proposal_name_them(void **state)
{
    struct lab *l = *state;
    struct err err;
    auto_objects struct core_objects o = {0};
    lab_sh(
        l,
        "c() { git commit -q --allow-empty -m t -m \"$1\"; }; c 'Cup-Object: g/v1/K ns/main'; "
        "git tag base; git checkout -q -b p; c 'Cup-Object: g/v1/K ns/a'; c nothing; "
        "c 'Cup-Object: g/v2/K ns/a\nCup-Object: g/v1/K ns/b'; git checkout -q main; "
        "c 'Cup-Object: g/v1/K ns/other'; git checkout -q p; git merge -q -m M main");
    struct repo_id base = lab_rev(l, "base");
    struct repo_id head = lab_rev(l, "p");
    lab_ok(core_objects_of(l->repo, &base, &head, &o, &err), &err);
    expect(&o, "g/v2/K ns/a;g/v1/K ns/b;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects__are_sorted_each_once_whatever_the_version),
        cmocka_unit_test(test_objects__t_adv_31_what_names_no_object_is_left_out),
        cmocka_unit_test(test_objects__are_bounded),
        cmocka_unit_test(test_objects__sets_are_compared),
        lab_test(test_objects_of__all_commits_of_a_proposal_name_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
