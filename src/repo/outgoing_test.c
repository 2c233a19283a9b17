#include "repo/testing.h"

#include "repo/outgoing.h"

/* A bare repository, .git/far, that has what main has; what is new since then is packed and given to it. */
static void make_remote(const struct lab *l)
{
    lab_sh(
        l,
        "mkdir -p a/b other && echo 1 >a/b/x && echo 2 >a/y && echo 3 >other/z && git add . &&"
        "git commit -qm first && git clone -q --bare . .git/far");
}

static size_t pack_of(
    const struct lab *l, const struct repo_id *tip, const struct repo_id *known, struct buf *ret)
{
    struct repo_outgoing what = {.tips = tip, .tip_count = 1, .known = known, .known_count = 1};
    struct err err = {0};
    size_t objects = 0;
    lab_ok(repo_outgoing_pack(l->repo, &what, ret, &objects, &err), &err);
    return objects;
}

/* Git unpacks it over what the remote has and finds nothing missing. */
static void give(const struct lab *l, const struct buf *pack, const char *tip)
{
    autofree char *path = mem_printf("%s/.git/out.pack", l->dir);
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_int_equal(fwrite(pack->p, 1, pack->n, to), pack->n);
    assert_int_equal(fclose(to), 0);
    autofree char *script = mem_printf(
        "git -C .git/far unpack-objects -q --strict <.git/out.pack &&"
        "git -C .git/far update-ref refs/heads/got '%s' && git -C .git/far fsck --strict "
        ">/dev/null",
        tip);
    lab_sh(l, script);
}

static void test_outgoing__is_what_the_parents_lack(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    struct repo_id base = lab_rev(l, "main");
    lab_sh(l, "echo 1.1 >a/b/x && git commit -qam second");
    struct repo_id tip = lab_rev(l, "main");
    autobuf struct buf pack = {0};
    /* commit, root, a, a/b, a/b/x */
    assert_int_equal(pack_of(l, &tip, &base, &pack), 5);
    autofree char *hex = lab_out(l, "git rev-parse main");
    give(l, &pack, hex);
}

static void test_outgoing__takes_several_commits_and_new_directories(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    struct repo_id base = lab_rev(l, "main");
    lab_sh(
        l,
        "mkdir -p n/e/w && echo 4 >n/e/w/f && git add . && git commit -qm second &&"
        "git rm -q other/z && git commit -qm third && echo 5 >a/y && git commit -qam fourth");
    struct repo_id tip = lab_rev(l, "main");
    autobuf struct buf pack = {0};
    /* second: commit, root, n, e, w, f; third: commit, root; fourth: commit, root, a, y */
    assert_int_equal(pack_of(l, &tip, &base, &pack), 12);
    autofree char *hex = lab_out(l, "git rev-parse main");
    give(l, &pack, hex);
}

static void test_outgoing__of_a_merge_is_what_neither_parent_has(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    lab_sh(
        l,
        "git checkout -qb side && echo s >side && git add . && git commit -qm side &&"
        "git push -q ./.git/far side && git checkout -q main && echo m >m && git add . &&"
        "git commit -qm main2 && git push -q ./.git/far main && git merge -qm merge side");
    struct repo_id known[] = {lab_rev(l, "main^1"), lab_rev(l, "side")};
    struct repo_id tip = lab_rev(l, "main");
    struct repo_outgoing what = {.tips = &tip, .tip_count = 1, .known = known, .known_count = 2};
    autobuf struct buf pack = {0};
    struct err err = {0};
    size_t objects = 0;
    lab_ok(repo_outgoing_pack(l->repo, &what, &pack, &objects, &err), &err);
    assert_int_equal(objects, 2); /* commit and root */
    autofree char *hex = lab_out(l, "git rev-parse main");
    give(l, &pack, hex);
}

static void test_outgoing__of_nothing_is_a_pack_without_objects(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    struct repo_id tip = lab_rev(l, "main");
    autobuf struct buf pack = {0};
    assert_int_equal(pack_of(l, &tip, &tip, &pack), 0);
    assert_int_equal(pack.n, 12 + 20);
    assert_memory_equal(pack.p, "PACK\0\0\0\2\0\0\0\0", 12);
    autofree char *hex = lab_out(l, "git rev-parse main");
    give(l, &pack, hex);
}

static void test_outgoing__of_a_root_commit_is_all_of_it(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    /* submodules lie in other repositories */
    lab_sh(
        l,
        "git checkout -q --orphan lone && git update-index --add --cacheinfo "
        "160000,0123456789012345678901234567890123456789,sub && git commit -qm lone");
    struct repo_id tip = lab_rev(l, "lone");
    struct repo_id none = {{0}};
    autobuf struct buf pack = {0};
    /* commit, root, a, b, x, y, other, z */
    assert_int_equal(pack_of(l, &tip, &none, &pack), 8);
    autofree char *hex = lab_out(l, "git rev-parse lone");
    give(l, &pack, hex);
}

/* The base is no known commit, but the refs are what the remote had. */
static void test_outgoing__falls_back_on_the_refs(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    lab_sh(
        l,
        "for i in $(seq 100); do echo $i >a/y && git commit -qam $i; done &&"
        "git push -q ./.git/far main && git update-ref refs/heads/cup/x main &&"
        "git checkout -q --detach && echo new >a/y && git commit -qam new &&"
        "git tag tip && git rev-parse tip >tip && git tag -d tip >/dev/null");
    autofree char *hex = lab_out(l, "cat tip");
    struct repo_id tip = lab_id(hex);
    struct repo_id unknown = lab_id("0123456789012345678901234567890123456789");
    autobuf struct buf pack = {0};
    assert_int_equal(pack_of(l, &tip, &unknown, &pack), 4);
    give(l, &pack, hex);
}

static void test_outgoing__names_a_commit_that_is_not_there(void **state)
{
    struct lab *l = *state;
    make_remote(l);
    struct repo_id tip = lab_id("0123456789012345678901234567890123456789");
    struct repo_outgoing what = {.tips = &tip, .tip_count = 1};
    autobuf struct buf pack = {0};
    struct err err = {0};
    size_t objects = 0;
    assert_int_equal(repo_outgoing_pack(l->repo, &what, &pack, &objects, &err), ERR_NOT_FOUND);
    assert_int_equal(pack.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_outgoing__is_what_the_parents_lack),
        lab_test(test_outgoing__takes_several_commits_and_new_directories),
        lab_test(test_outgoing__of_a_merge_is_what_neither_parent_has),
        lab_test(test_outgoing__of_nothing_is_a_pack_without_objects),
        lab_test(test_outgoing__of_a_root_commit_is_all_of_it),
        lab_test(test_outgoing__falls_back_on_the_refs),
        lab_test(test_outgoing__names_a_commit_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
