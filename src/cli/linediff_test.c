#include "base/testing.h"
#include "cli/linediff.h"

static void test_linediff__is_a_unified_diff(void **state)
{
    (void)state;
    static const struct {
        const char *old;
        const char *new;
        const char *want; /* without the two heads */
    } rows[] = {
        {"a\nb\n", "a\nb\n", NULL},
        {"", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
        {"a\n", "", "@@ -1 +0,0 @@\n-a\n"},
        {"a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
        {"1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n6\n7\n", "@@ -4,3 +4,4 @@\n 4\n 5\n 6\n+7\n"},
        {"0\n1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n", "@@ -1,4 +1,3 @@\n-0\n 1\n 2\n 3\n"},
        /* six equal lines between: one hunk; seven: two */
        {"a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
         "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n"},
        {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
         "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n"},
        {"a\nb\nc\nd\n", "b\nx\nd\n", "@@ -1,4 +1,3 @@\n-a\n b\n-c\n+x\n d\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf got = {0};
        autobuf struct buf want = {0};
        cli_linediff(&got, "old", str_from(rows[i].old), "new", str_from(rows[i].new));
        if (rows[i].want != NULL)
            buf_printf(&want, "--- old\n+++ new\n%s", rows[i].want);
        assert_true(str_eq(buf_view(&got), buf_view(&want)));
    }
}

static void test_linediff__shows_a_huge_change_as_replaced(void **state)
{
    (void)state;
    autobuf struct buf old = {0};
    autobuf struct buf new = {0};
    autobuf struct buf got = {0};
    for (int i = 0; i < 5000; i++) {
        buf_printf(&old, "old %d\n", i);
        buf_printf(&new, "new %d\n", i);
    }
    cli_linediff(&got, "a", buf_view(&old), "b", buf_view(&new));
    assert_true(str_starts(buf_view(&got), STR("--- a\n+++ b\n@@ -1,5000 +1,5000 @@\n-old 0\n")));
    assert_true(str_ends(buf_view(&got), STR("+new 4999\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linediff__is_a_unified_diff),
        cmocka_unit_test(test_linediff__shows_a_huge_change_as_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
