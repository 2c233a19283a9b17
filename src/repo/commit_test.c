#include "repo/testing.h"

static const struct repo_id none;

static void test_commit__makes_the_tree_that_git_makes(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same = true;
    lab_sh(
        l,
        "mkdir -p d/e k && echo 1 >a && echo 2 >d/b && echo 3 >d/e/c && echo 4 >k/x && "
        "printf '#!' >run && chmod +x run && ln -s a link && git add . && git commit -q -m base");
    struct repo_id base = lab_rev(l, "main");
    struct vfs_change items[] = {
        LAB_PUT("a", "one\n"), LAB_PUT("d/e/new", "n\n"), LAB_DELETE("k/x"),
        LAB_PUT("y/z/deep", "deep\n")};
    lab_ok(lab_commit(l, &base, items, ARRAY_LEN(items), &made, &is_same, &err), &err);
    assert_false(is_same);
    lab_sh(
        l,
        "echo one >a && echo n >d/e/new && git rm -q k/x && mkdir -p y/z && echo deep >y/z/deep "
        "&& git add . && git commit -q -m wanted");
    struct repo_commit_info info;
    char hex[REPO_ID_HEX + 1];
    lab_ok(repo_commit_info(l->repo, &made, &info, &err), &err);
    lab_expect(l, "git rev-parse 'main^{tree}'", lab_hex(&info.tree, hex));
    assert_true(repo_id_eq(&info.parent, &base));
    repo_commit_info_deinit(&info);
    lab_fsck(l);
}

static void test_commit__is_what_the_spec_says(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same;
    char hex[REPO_ID_HEX + 1];
    struct vfs_change items[] = {LAB_PUT("a", "1\n")};
    lab_ok(lab_commit(l, &none, items, 1, &made, &is_same, &err), &err);
    autofree char *script = mem_printf(
        "git log -1 --format='%%an <%%ae> %%at|%%cn <%%ce> %%ct|%%s|%%P|%%(trailers)' %s",
        lab_hex(&made, hex));
    lab_expect(
        l, script,
        "Ann <ann@example.com> 1700000000|cup <cup@flipt.io> 1700000000|a change||Cup-Object: "
        "g/v1/K ns/n\n");
    lab_sh(l, "test -z \"$(git for-each-ref)\""); /* no ref is moved */
}

static void test_commit__without_a_difference_is_none(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same = false;
    lab_sh(l, "echo 1 >a && git add a && git commit -q -m base");
    struct repo_id base = lab_rev(l, "main");
    struct vfs_change items[] = {LAB_PUT("a", "1\n")};
    lab_ok(lab_commit(l, &base, items, 1, &made, &is_same, &err), &err);
    assert_true(is_same);
    assert_true(repo_id_eq(&made, &base));
}

static void test_commit__of_a_merge_may_be_over_another_parent(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same = true;
    char hex[REPO_ID_HEX + 1];
    lab_sh(
        l,
        "echo 1 >a && git add a && git commit -q -m base && git branch target && echo 2 >a && "
        "git commit -qam head && git checkout -q target && echo 3 >b && git add b && git commit "
        "-qm b");
    const struct repo_id parents[] = {lab_rev(l, "main"), lab_rev(l, "target")};
    struct repo_commit_spec spec = {
        .parents = parents,
        .parent_count = ARRAY_LEN(parents),
        .base = 1,
        .author = {"Ann", "ann@example.com"},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = 1700000000,
        .message = "merge",
    };
    struct vfs_changes none_at_all = {0};
    lab_ok(repo_commit(l->repo, &spec, &none_at_all, &made, &is_same, &err), &err);
    assert_false(is_same);
    autofree char *script = mem_printf(
        "git diff --quiet target %s && git log -1 --format=%%P %s | tr ' ' '\\n' | head -n1",
        lab_hex(&made, hex), hex);
    autofree char *first = lab_out(l, script);
    lab_expect(l, "git rev-parse main", first);
    lab_fsck(l);
}

static void test_commit__the_last_file_takes_its_directories_with_it(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same;
    char hex[REPO_ID_HEX + 1];
    lab_sh(l, "mkdir -p d/e && echo 1 >d/e/f && echo 2 >a && git add . && git commit -q -m base");
    struct repo_id base = lab_rev(l, "main");
    struct vfs_change items[] = {LAB_DELETE("d/e/f")};
    lab_ok(lab_commit(l, &base, items, 1, &made, &is_same, &err), &err);
    autofree char *script = mem_printf("git ls-tree -r -t --name-only %s", lab_hex(&made, hex));
    lab_expect(l, script, "a");
    struct vfs_change last[] = {LAB_DELETE("a")};
    struct repo_id empty;
    lab_ok(lab_commit(l, &made, last, 1, &empty, &is_same, &err), &err);
    autofree char *count = mem_printf("git ls-tree %s | wc -l", lab_hex(&empty, hex));
    lab_expect(l, count, "0");
    lab_fsck(l);
}

static void test_commit__keeps_modes_and_links(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same;
    char hex[REPO_ID_HEX + 1];
    struct vfs_change items[] = {LAB_PUT("link", "a"), LAB_PUT("run", "#!"), LAB_PUT("text", "t")};
    items[0].type = VFS_LINK;
    items[1].is_executable = true;
    lab_ok(lab_commit(l, &none, items, 3, &made, &is_same, &err), &err);
    autofree char *script =
        mem_printf("git ls-tree %s | cut -d' ' -f1 | tr '\\n' ' '", lab_hex(&made, hex));
    lab_expect(l, script, "120000 100755 100644 ");
}

static void test_commit__refuses_what_cannot_stand_in_a_tree(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same;
    lab_sh(l, "mkdir d && echo 1 >d/f && echo 2 >a && git add . && git commit -q -m base");
    struct repo_id base = lab_rev(l, "main");
    struct row {
        struct vfs_change item;
        enum err_kind kind;
        bool is_link;
    } rows[] = {
        {LAB_PUT(".git/config", "x"), ERR_INVALID, false},
        {LAB_PUT("d/.GIT", "x"), ERR_INVALID, false},
        {LAB_PUT("../x", "x"), ERR_INVALID, false},
        {LAB_PUT("a/b", "x"), ERR_CONFLICT, false},
        {LAB_PUT("d", "x"), ERR_CONFLICT, false},
        {LAB_PUT(".gitmodules", "a"), ERR_INVALID, true},
    };
    lab_sh(l, "git count-objects >before");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].is_link)
            rows[i].item.type = VFS_LINK;
        enum err_kind kind = lab_commit(l, &base, &rows[i].item, 1, &made, &is_same, &err);
        if (kind != rows[i].kind)
            fail_msg(STR_FMT " gives %d", STR_ARG(rows[i].item.path), kind);
    }
    lab_sh(l, "git fsck --strict --no-progress");
}

static void test_commit__of_an_unknown_parent_is_refused(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id made;
    bool is_same;
    struct repo_id unknown = lab_id("1234567890123456789012345678901234567890");
    struct vfs_change items[] = {LAB_PUT("a", "1\n")};
    assert_int_equal(lab_commit(l, &unknown, items, 1, &made, &is_same, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "1234567890123456789012345678901234567890"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_commit__makes_the_tree_that_git_makes),
        lab_test(test_commit__is_what_the_spec_says),
        lab_test(test_commit__without_a_difference_is_none),
        lab_test(test_commit__of_a_merge_may_be_over_another_parent),
        lab_test(test_commit__the_last_file_takes_its_directories_with_it),
        lab_test(test_commit__keeps_modes_and_links),
        lab_test(test_commit__refuses_what_cannot_stand_in_a_tree),
        lab_test(test_commit__of_an_unknown_parent_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
