#include "repo/upkeep.h"

#include "base/fs.h"
#include "repo/testing.h"

#include <signal.h>
#include <sys/wait.h>

static const struct repo_upkeep_options at_once = {
    .loose_min = 1, .packs_min = 1000, .grace_s = -1};

static void commit_many(struct lab *l)
{
    lab_sh(
        l,
        "for i in 1 2 3 4 5; do mkdir -p d$i; seq $i 300 >d$i/f; git add .; git commit -qm c$i; "
        "done");
}

static size_t loose_count(struct lab *l)
{
    autofree char *n =
        lab_out_rc(l, "find .git/objects -path '*/[0-9a-f][0-9a-f]/*' -type f | wc -l", NULL);
    return (size_t)strtoul(n, NULL, 10);
}

static size_t pack_count(struct lab *l)
{
    autofree char *n = lab_out_rc(l, "find .git/objects/pack -name '*.pack' | wc -l", NULL);
    return (size_t)strtoul(n, NULL, 10);
}

static void test_upkeep__packs_loose_objects_and_loses_none(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    commit_many(l);
    lab_sh(l, "echo unreachable | git hash-object -w --stdin >.git/id");
    size_t before = loose_count(l);
    assert_int_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    assert_int_equal(result.packed, before);
    assert_int_equal(result.removed_files, before);
    assert_int_equal(loose_count(l), 0);
    assert_int_equal(pack_count(l), 1);
    lab_sh(
        l,
        "git fsck --strict --full && git cat-file -e $(cat .git/id) && git log --oneline | grep -c "
        ". "
        "| grep -qx 5");
    assert_int_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    assert_int_equal(result.packed, 0);
}

static void test_upkeep__waits_for_its_time_and_leaves_what_is_young(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    struct repo_upkeep_options many = {.loose_min = 1000, .grace_s = -1};
    struct repo_upkeep_options young = {.loose_min = 1, .grace_s = 3600};
    commit_many(l);
    size_t before = loose_count(l);
    assert_int_equal(repo_upkeep(l->repo, &many, &result, &err), ERR_OK);
    assert_int_equal(result.packed, 0);
    assert_int_equal(repo_upkeep(l->repo, &young, &result, &err), ERR_OK);
    assert_int_equal(result.packed, 0);
    assert_int_equal(loose_count(l), before);
}

static void test_upkeep__joins_small_packs_but_not_those_that_are_kept(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    struct repo_upkeep_options join = {.loose_min = 1000, .packs_min = 3, .grace_s = -1};
    lab_sh(
        l,
        "for i in 1 2 3 4 5; do seq $i 300 >f$i; git add .; git commit -qm c$i; git repack -dq; "
        "done");
    lab_sh(l, "cd .git/objects/pack; p=$(ls *.pack | head -n1); touch ${p%.pack}.keep");
    assert_int_equal(repo_upkeep(l->repo, &join, &result, &err), ERR_OK);
    assert_true(result.packed > 0);
    assert_int_equal(pack_count(l), 2);
    lab_sh(l, "git fsck --strict --full && git log --oneline | grep -c . | grep -qx 5");
}

static void test_upkeep__removes_nothing_where_an_object_is_damaged(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    commit_many(l);
    lab_sh(
        l,
        "f=$(find .git/objects -path '*/[0-9a-f][0-9a-f]/*' -type f | sort | tail -n1); chmod u+w "
        "$f; echo x "
        ">$f");
    size_t before = loose_count(l);
    assert_int_not_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    assert_null(strstr(err.text, l->dir));
    assert_int_equal(loose_count(l), before);
    assert_int_equal(result.removed_files, 0);
}

static void test_upkeep__is_done_by_one_process_at_a_time(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    commit_many(l);
    lab_sh(
        l, "exec 9>.git/cup-upkeep.lock; flock 9; (sleep 60) >/dev/null 2>&1 & echo $! >.git/pid");
    assert_int_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    assert_true(result.is_busy);
    lab_sh(
        l,
        "kill $(cat .git/pid); for i in $(seq 100); do flock -n .git/cup-upkeep.lock true && exit "
        "0; "
        "sleep 0.05; done; exit 1");
    assert_int_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    assert_false(result.is_busy);
    assert_int_equal(loose_count(l), 0);
}

static void test_upkeep__can_be_broken_off(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    atomic_bool cancel = true;
    struct repo_upkeep_options options = at_once;
    options.cancel = &cancel;
    commit_many(l);
    size_t before = loose_count(l);
    assert_int_equal(repo_upkeep(l->repo, &options, &result, &err), ERR_CANCELLED);
    assert_int_equal(loose_count(l), before);
    assert_int_equal(pack_count(l), 0);
}

/* A reader whose handles were open before goes on reading, and writers beside it lose nothing. */
static void test_upkeep__readers_and_writers_go_on(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_upkeep_result result;
    struct repo_id head;
    struct repo_id root;
    auto_vfs struct vfs *tree = NULL;
    auto_vfs_data struct vfs_data data = {0};
    commit_many(l);
    assert_int_equal(repo_ref_read(l->repo, "refs/heads/main", &head, &err), ERR_OK);
    assert_int_equal(repo_tree(l->repo, &head, &tree, &root, &err), ERR_OK);
    lab_sh(
        l,
        "(for i in $(seq 40); do echo $i >g; git add g; git commit -qm w$i; done) >.git/log 2>&1 & "
        "echo $! >.git/pid");
    for (int i = 0; i < 10; i++)
        assert_int_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    lab_sh(l, "while kill -0 $(cat .git/pid) 2>/dev/null; do sleep 0.05; done");
    assert_int_equal(repo_upkeep(l->repo, &at_once, &result, &err), ERR_OK);
    assert_int_equal(vfs_read(tree, STR("d3/f"), &data, &err), ERR_OK);
    lab_sh(
        l,
        "git fsck --strict --full && git log --oneline | grep -c . | grep -qx 45 && test ! -s "
        ".git/log");
}

/* Its temporary files are left to git gc. */
static void test_upkeep__a_kill_at_any_point_loses_nothing(void **state)
{
    struct lab *l = *state;
    commit_many(l);
    for (unsigned i = 0; i < 24; i++) {
        autofree char *more = mem_printf("seq %u 400 >g; git add g; git commit -qm k%u", i, i);
        lab_sh(l, more);
        pid_t child = fork();
        if (child == 0) {
            struct repo *repo = NULL;
            struct repo_options options = {.url = l->dir};
            struct repo_upkeep_result result;
            struct err err;
            if (repo_open(&options, &repo, &err) == ERR_OK)
                (void)!repo_upkeep(repo, &at_once, &result, &err);
            _exit(0);
        }
        usleep(i * 700);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        lab_sh(l, "git fsck --strict --full >/dev/null");
    }
    lab_expect(l, "git log --oneline | grep -c .", "29");
}

int main(void)
{
#define ROW(name) lab_test(name)
    const struct CMUnitTest tests[] = {
        ROW(test_upkeep__packs_loose_objects_and_loses_none),
        ROW(test_upkeep__waits_for_its_time_and_leaves_what_is_young),
        ROW(test_upkeep__joins_small_packs_but_not_those_that_are_kept),
        ROW(test_upkeep__removes_nothing_where_an_object_is_damaged),
        ROW(test_upkeep__is_done_by_one_process_at_a_time),
        ROW(test_upkeep__can_be_broken_off),
        ROW(test_upkeep__readers_and_writers_go_on),
        ROW(test_upkeep__a_kill_at_any_point_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
