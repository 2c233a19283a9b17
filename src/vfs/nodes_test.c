#include "vfs/nodes.h"

#include "base/mem.h"
#include "base/testing.h"

#include <stdio.h>

enum { MANY = 5000 };

struct name {
    char text[16];
};

static struct str name_of(size_t number, struct name *n)
{
    int written = snprintf(n->text, sizeof(n->text), "%05zu", number);
    return str_of(n->text, (size_t)written);
}

/* The i-th of MANY numbers, in an order of which nothing is near its neighbour. */
static size_t scattered(size_t i)
{
    return i * 1877 % MANY;
}

static size_t ascending(size_t i)
{
    return i;
}

static size_t descending(size_t i)
{
    return MANY - 1 - i;
}

static size_t (*const orders[])(size_t) = {scattered, ascending, descending};

static struct node *filled(size_t (*order)(size_t))
{
    struct node *n = node_new(STR(""), VFS_DIR);
    struct name name;
    for (size_t i = 0; i < MANY; i++)
        node_insert(n, node_new(name_of(order(i), &name), VFS_FILE));
    return n;
}

/* Exactly the numbers first, first + step …, in order; each is found by its name, too. */
static void check_children(const struct node *n, size_t first, size_t step)
{
    struct node_cursor at = {0};
    struct node *child;
    struct name name;
    size_t number = first;
    for (; (child = node_next(n, &at)) != NULL; number += step) {
        assert_string_equal(child->name, name_of(number, &name).p);
        assert_ptr_equal(node_child(n, name_of(number, &name)), child);
    }
    assert_true(number >= MANY);
    assert_null(node_next(n, &at));
}

static void check_runs(const struct node *n)
{
    for (size_t i = 0; i < n->run_count; i++)
        assert_in_range(n->runs[i].count, 1, NODE_RUN_MAX);
}

static void test_nodes__children_are_in_order_however_they_come(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct node *n = filled(orders[i]);
        check_children(n, 0, 1);
        check_runs(n);
        node_free(n);
    }
}

static void test_nodes__what_is_dropped_is_gone_however_it_goes(void **state)
{
    struct name name;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct node *n = filled(scattered);
        for (size_t k = 0; k < MANY; k++) {
            if (orders[i](k) % 2 == 0)
                node_drop(n, name_of(orders[i](k), &name));
        }
        check_children(n, 1, 2);
        check_runs(n);
        for (size_t k = 0; k < MANY; k++) {
            assert_int_equal(node_child(n, name_of(k, &name)) != NULL, k % 2);
            if (k % 2 == 1)
                node_drop(n, name_of(k, &name));
        }
        assert_int_equal(n->run_count, 0);
        node_insert(n, node_new(STR("again"), VFS_FILE));
        assert_non_null(node_child(n, STR("again")));
        node_free(n);
    }
}

static void test_nodes__an_empty_directory_has_no_child(void **state)
{
    (void)state;
    struct node *n = node_new(STR(""), VFS_DIR);
    struct node_cursor at = {0};
    assert_null(node_child(n, STR("a")));
    assert_null(node_child(n, STR("")));
    assert_null(node_next(n, &at));
    node_free(n);
}

static void test_nodes__names_that_begin_alike_are_told_apart(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "a-", "a.b", "ab", "b"};
    struct node *n = node_new(STR(""), VFS_DIR);
    for (size_t i = ARRAY_LEN(names); i > 0; i--)
        node_insert(n, node_new(str_from(names[i - 1]), VFS_FILE));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(node_child(n, str_from(names[i]))->name, names[i]);
    assert_null(node_child(n, STR("a.")));
    assert_null(node_child(n, STR("")));
    assert_null(node_child(n, STR("c")));
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes__children_are_in_order_however_they_come),
        cmocka_unit_test(test_nodes__what_is_dropped_is_gone_however_it_goes),
        cmocka_unit_test(test_nodes__an_empty_directory_has_no_child),
        cmocka_unit_test(test_nodes__names_that_begin_alike_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
