#include "core/cache.h"

#include "base/mem.h"
#include "base/testing.h"
#include "core/internal.h"
#include "vfs/memtree.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* A tree of one or two files and its root; what is computed is the content of "f". */
static struct vfs *tree_of(const char *f, const char *other)
{
    struct vfs *tree = memtree_new();
    struct err err;
    if (f != NULL)
        assert_int_equal(memtree_add(tree, STR("f"), VFS_FILE, str_from(f), &err), ERR_OK);
    assert_int_equal(memtree_add(tree, STR("other"), VFS_FILE, str_from(other), &err), ERR_OK);
    return tree;
}

static struct repo_id root_of(uint8_t n)
{
    struct repo_id id = {{0}};
    id.bytes[0] = n;
    return id;
}

struct lab {
    atomic_int computed;
    atomic_bool must_wait; /* compute does not end before this is false */
    enum err_kind fails_with;
    const atomic_bool *stopped_by; /* compute ends with CANCELLED once it is set */
    bool has_changed;              /* since the root was taken */
};

static enum err_kind
compute(void *data, struct vfs *tree, struct core_answer **ret, struct err *err)
{
    struct lab *lab = data;
    auto_vfs_data struct vfs_data bytes = {0};
    atomic_fetch_add(&lab->computed, 1);
    const atomic_bool *stop = lab->stopped_by;
    while (atomic_load(&lab->must_wait) && (stop == NULL || !atomic_load(stop)))
        usleep(1000);
    if (atomic_load(&lab->must_wait))
        return err_set(err, ERR_CANCELLED, "stopped");
    if (lab->fails_with != ERR_OK)
        return err_set(err, lab->fails_with, "as told");
    bool is_there = vfs_read(tree, STR("f"), &bytes, NULL) == ERR_OK;
    *ret = is_there ? core_answer_new(ERR_OK, bytes.bytes, "tag")
                    : core_answer_new(ERR_NOT_FOUND, STR("no f"), "");
    return ERR_OK;
}

static void expect(
    struct core_cache *c,
    struct lab *lab,
    const struct repo_id *root,
    struct vfs *tree,
    const char *bytes,
    int computed)
{
    struct core_cache_work work = {
        .key = STR("key"), .root = root, .tree = tree, .compute = compute, .data = lab};
    struct core_answer *a = NULL;
    struct err err = {0};
    assert_int_equal(core_cache_get(c, &work, &a, &err), ERR_OK);
    assert_string_equal(a->bytes, bytes);
    assert_int_equal(lab->computed, computed);
    core_answer_unref(a);
}

static void test_cache__serves_trees_that_look_the_same(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(1 << 20);
    struct lab lab = {0};
    auto_vfs struct vfs *first = tree_of("1", "a");
    auto_vfs struct vfs *unrelated = tree_of("1", "b");
    auto_vfs struct vfs *changed = tree_of("2", "b");
    struct repo_id roots[] = {root_of(1), root_of(2), root_of(3)};
    assert_null(core_cache_peek(c, STR("key"), &roots[0]));
    expect(c, &lab, &roots[0], first, "1", 1);
    expect(c, &lab, &roots[0], first, "1", 1);
    assert_null(core_cache_peek(c, STR("key"), &roots[1])); /* not proven yet */
    expect(c, &lab, &roots[1], unrelated, "1", 1);
    expect(c, &lab, &roots[2], changed, "2", 2);
    expect(c, &lab, &roots[0], first, "1", 2); /* the older one is still there */
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        struct core_answer *a = core_cache_peek(c, STR("key"), &roots[i]);
        assert_non_null(a);
        assert_string_equal(a->bytes, i == 2 ? "2" : "1");
        core_answer_unref(a);
    }
    assert_null(core_cache_peek(c, STR("other key"), &roots[0]));
    core_cache_free(c);
}

static void test_cache__keeps_not_found_and_sees_it_end(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(1 << 20);
    struct lab lab = {0};
    auto_vfs struct vfs *without = tree_of(NULL, "a");
    auto_vfs struct vfs *with = tree_of("1", "a");
    struct repo_id roots[] = {root_of(1), root_of(2)};
    expect(c, &lab, &roots[0], without, "no f", 1);
    expect(c, &lab, &roots[0], without, "no f", 1);
    expect(c, &lab, &roots[1], with, "1", 2);
    core_cache_free(c);
}

static void test_cache__without_a_root_proves_each_time(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(1 << 20);
    struct lab lab = {0};
    auto_vfs struct vfs *first = tree_of("1", "a");
    auto_vfs struct vfs *changed = tree_of("2", "a");
    expect(c, &lab, NULL, first, "1", 1);
    expect(c, &lab, NULL, first, "1", 1);
    expect(c, &lab, NULL, changed, "2", 2);
    core_cache_free(c);
}

static void test_cache__never_keeps_errors(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(1 << 20);
    struct lab lab = {.fails_with = ERR_FAILED};
    auto_vfs struct vfs *tree = tree_of("1", "a");
    struct repo_id root = root_of(1);
    struct core_cache_work work = {
        .key = STR("key"), .root = &root, .tree = tree, .compute = compute, .data = &lab};
    struct core_answer *a = NULL;
    struct err err = {0};
    assert_int_equal(core_cache_get(c, &work, &a, &err), ERR_FAILED);
    assert_string_equal(err.text, "as told");
    lab.fails_with = ERR_OK;
    expect(c, &lab, &root, tree, "1", 2);
    core_cache_free(c);
}

static void test_cache__stays_within_its_bytes(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(16 << 10);
    struct lab lab = {0};
    struct core_cache_stats stats;
    struct repo_id root = root_of(1);
    auto_vfs struct vfs *tree = tree_of("1", "a");
    for (int i = 0; i < 200; i++) {
        autofree char *key = mem_printf("key %d", i);
        struct core_cache_work work = {
            .key = str_from(key), .root = &root, .tree = tree, .compute = compute, .data = &lab};
        struct core_answer *a = NULL;
        assert_int_equal(core_cache_get(c, &work, &a, NULL), ERR_OK);
        core_answer_unref(a);
        core_cache_stats(c, &stats);
        assert_true(stats.bytes <= 16 << 10);
    }
    assert_in_range(stats.entries, 2, 100);
    assert_null(core_cache_peek(c, STR("key 0"), &root)); /* used longest ago */
    struct core_answer *newest = core_cache_peek(c, STR("key 199"), &root);
    assert_non_null(newest);
    core_answer_unref(newest);
    core_cache_free(c);
}

static void test_cache__of_no_bytes_keeps_nothing(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(0);
    struct lab lab = {0};
    struct repo_id root = root_of(1);
    auto_vfs struct vfs *tree = tree_of("1", "a");
    expect(c, &lab, &root, tree, "1", 1);
    expect(c, &lab, &root, tree, "1", 2);
    core_cache_free(c);
}

struct asker {
    struct core_cache *cache;
    struct lab *lab;
    struct vfs *tree;
    struct repo_id root;
    const atomic_bool *cancel;
    enum err_kind result;
    struct core_answer *answer;
};

static void *ask(void *data)
{
    struct asker *a = data;
    struct core_cache_work work = {
        .key = STR("key"),
        .root = &a->root,
        .tree = a->tree,
        .compute = compute,
        .data = a->lab,
        .cancel = a->cancel};
    a->result = core_cache_get(a->cache, &work, &a->answer, NULL);
    return NULL;
}

static void ask_together(struct lab *lab, enum err_kind wanted)
{
    struct core_cache *c = core_cache_new(1 << 20);
    struct asker askers[8];
    pthread_t threads[8];
    auto_vfs struct vfs *tree = tree_of("1", "a");
    atomic_store(&lab->must_wait, true);
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        askers[i] = (struct asker){.cache = c, .lab = lab, .tree = tree, .root = root_of(1)};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
    }
    while (atomic_load(&lab->computed) == 0)
        usleep(1000);
    usleep(20000); /* so that the others have come to wait; the test holds without it, too */
    atomic_store(&lab->must_wait, false);
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].result, wanted);
        if (wanted == ERR_OK)
            assert_string_equal(askers[i].answer->bytes, "1");
        core_answer_unref(askers[i].answer);
    }
    core_cache_free(c);
}

static void test_cache__computes_once_for_many(void **state)
{
    (void)state;
    struct lab lab = {0};
    ask_together(&lab, ERR_OK);
    assert_int_equal(lab.computed, 1);
}

static void test_cache__tells_all_who_wait_of_a_failure(void **state)
{
    (void)state;
    struct lab lab = {.fails_with = ERR_TIMEOUT};
    ask_together(&lab, ERR_TIMEOUT);
    assert_in_range(lab.computed, 1, 8);
}

/* Who computes goes away: the one who waits for it computes. Who waits goes away: at once. */
static void t_adv_47_hang_up__of_one_reader_is_no_matter_of_the_others(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(1 << 20);
    auto_vfs struct vfs *tree = tree_of("1", "a");
    atomic_bool gone[2] = {false, false};
    struct lab labs[3] = {{.must_wait = true, .stopped_by = &gone[0]}};
    struct asker askers[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        askers[i] = (struct asker){
            .cache = c,
            .lab = &labs[i],
            .tree = tree,
            .root = root_of(1),
            .cancel = i < 2 ? &gone[i] : NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
        while (atomic_load(&labs[0].computed) == 0)
            usleep(1000);
    }
    atomic_store(&gone[1], true);
    pthread_join(threads[1], NULL);
    assert_int_equal(askers[1].result, ERR_CANCELLED);
    atomic_store(&gone[0], true);
    pthread_join(threads[0], NULL);
    assert_int_equal(askers[0].result, ERR_CANCELLED);
    pthread_join(threads[2], NULL);
    assert_int_equal(askers[2].result, ERR_OK);
    assert_string_equal(askers[2].answer->bytes, "1");
    assert_int_equal(labs[2].computed, 1);
    core_answer_unref(askers[2].answer);
    core_cache_free(c);
}

/* A tree that changes: its root is good until somebody says that it is not. */
static bool holds_as_told(void *data, const struct repo_id *root)
{
    (void)root;
    return !((const struct lab *)data)->has_changed;
}

static void get_changing(
    struct core_cache *c,
    struct lab *lab,
    const struct repo_id *root,
    struct vfs *tree,
    int computed)
{
    struct core_cache_work work = {
        .key = STR("key"),
        .root = root,
        .still_holds = holds_as_told,
        .tree = tree,
        .compute = compute,
        .data = lab};
    struct core_answer *a = NULL;
    struct err err = {0};
    assert_int_equal(core_cache_get(c, &work, &a, &err), ERR_OK);
    assert_int_equal(lab->computed, computed);
    core_answer_unref(a);
}

static void test_cache__keeps_nothing_for_a_root_that_ended_while_it_was_read(void **state)
{
    (void)state;
    struct core_cache *c = core_cache_new(1 << 20);
    struct lab lab = {.has_changed = true};
    auto_vfs struct vfs *tree = tree_of("1", "a");
    struct repo_id first = root_of(1);
    get_changing(c, &lab, &first, tree, 1);
    assert_null(core_cache_peek(c, STR("key"), &first));
    lab.has_changed = false;
    get_changing(c, &lab, &first, tree, 1); /* proven by what was seen */
    struct core_answer *a = core_cache_peek(c, STR("key"), &first);
    assert_non_null(a);
    core_answer_unref(a);
    core_cache_free(c);
}

static enum err_kind stat_without_id(
    struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    (void)v, (void)path, (void)flags, (void)err;
    *ret = (struct vfs_stat){.type = VFS_FILE};
    return ERR_OK;
}

static enum err_kind
list_none(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    (void)v, (void)path;
    *ret = (struct vfs_listing){0};
    return err_set(err, ERR_INVALID, "a file");
}

static enum err_kind read_x(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    (void)v, (void)path, (void)err;
    *ret = (struct vfs_data){.bytes = STR("x")};
    return ERR_OK;
}

static enum err_kind
read_failing(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    (void)v, (void)path, (void)ret;
    return err_set(err, ERR_IO, "the disk");
}

static void free_nothing(struct vfs *v)
{
    (void)v;
}

static void test_cache__what_has_no_identity_is_good_for_its_root(void **state)
{
    (void)state;
    static const struct vfs_ops ops = {stat_without_id, list_none, read_x, free_nothing};
    static const struct vfs_ops bad = {stat_without_id, list_none, read_failing, free_nothing};
    struct core_cache *c = core_cache_new(1 << 20);
    struct lab lab = {0};
    struct vfs tree = {&ops};
    struct repo_id first = root_of(1);
    struct repo_id second = root_of(2);
    get_changing(c, &lab, &first, &tree, 1);
    get_changing(c, &lab, &first, &tree, 1);
    get_changing(c, &lab, &second, &tree, 2);
    tree.ops = &bad;
    struct repo_id third = root_of(3);
    get_changing(c, &lab, &third, &tree, 3);
    get_changing(c, &lab, &third, &tree, 4); /* made of a failure: not kept */
    core_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache__serves_trees_that_look_the_same),
        cmocka_unit_test(test_cache__keeps_not_found_and_sees_it_end),
        cmocka_unit_test(test_cache__without_a_root_proves_each_time),
        cmocka_unit_test(test_cache__never_keeps_errors),
        cmocka_unit_test(test_cache__stays_within_its_bytes),
        cmocka_unit_test(test_cache__of_no_bytes_keeps_nothing),
        cmocka_unit_test(test_cache__computes_once_for_many),
        cmocka_unit_test(t_adv_47_hang_up__of_one_reader_is_no_matter_of_the_others),
        cmocka_unit_test(test_cache__tells_all_who_wait_of_a_failure),
        cmocka_unit_test(test_cache__keeps_nothing_for_a_root_that_ended_while_it_was_read),
        cmocka_unit_test(test_cache__what_has_no_identity_is_good_for_its_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
