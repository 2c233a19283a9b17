#include "repo/lease.h"

#include "repo/internal.h"
#include "repo/testing.h"
#include "repo/wire.h"

static void make_locks(struct lab *l)
{
    lab_sh(
        l,
        "mkdir -p .git/refs/heads/cup/proposal .git/refs/cup/closed && cd .git/refs && "
        "touch heads/cup/proposal/a.lock heads/cup/proposal/ref heads/main.lock && "
        "touch -d '2 minutes ago' cup/closed/b.lock");
}

static void test_lease__who_is_alone_clears_locks_of_our_refs(void **state)
{
    struct lab *l = *state;
    make_locks(l);
    struct repo_lease *lease = repo_lease_new(l->repo);
    assert_non_null(lease);
    lab_expect(
        l, "cd .git/refs && find . -type f | sort", "./heads/cup/proposal/ref\n./heads/main.lock");
    repo_lease_free(lease);
}

static void test_lease__beside_others_old_ones_only(void **state)
{
    struct lab *l = *state;
    struct repo_lease *first = repo_lease_new(l->repo);
    make_locks(l);
    struct repo_lease *second = repo_lease_new(l->repo);
    assert_non_null(second);
    lab_expect(
        l, "cd .git/refs && find . -type f | sort",
        "./heads/cup/proposal/a.lock\n./heads/cup/proposal/ref\n./heads/main.lock");
    repo_lease_free(first);
    repo_lease_free(second);
}

/* A place makes a repository a clone; nothing is asked there. */
static void test_lease__of_a_clone_clears_locks_of_all_refs(void **state)
{
    struct lab *l = *state;
    struct err err;
    make_locks(l);
    lab_sh(l, "touch .git/packed-refs.lock");
    lab_ok(wire_place_new(STR("ssh://git.example/x"), NULL, &l->repo->place, &err), &err);
    struct repo_lease *lease = repo_lease_new(l->repo);
    assert_non_null(lease);
    lab_expect(
        l, "cd .git && find refs packed-refs.lock -type f 2>/dev/null || true",
        "refs/heads/cup/proposal/ref");
    repo_lease_free(lease);
}

static void test_lease__lets_a_killed_ones_ref_move_again(void **state)
{
    struct lab *l = *state;
    struct err err;
    lab_sh(
        l,
        "git commit -q --allow-empty -m a && mkdir -p .git/refs/heads/cup/proposal && "
        "touch .git/refs/heads/cup/proposal/x.lock");
    struct repo_ref_update move = {
        .name = "refs/heads/cup/proposal/x", .new_commit = lab_rev(l, "main")};
    assert_int_not_equal(repo_ref_update(l->repo, &move, 1, &err), ERR_OK);
    struct repo_lease *lease = repo_lease_new(l->repo);
    lab_ok(repo_ref_update(l->repo, &move, 1, &err), &err);
    repo_lease_free(lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_lease__who_is_alone_clears_locks_of_our_refs),
        lab_test(test_lease__beside_others_old_ones_only),
        lab_test(test_lease__of_a_clone_clears_locks_of_all_refs),
        lab_test(test_lease__lets_a_killed_ones_ref_move_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
