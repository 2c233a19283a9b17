#include "repo/testing.h"

static enum err_kind
merge(struct lab *l, const char *ours, const char *theirs, struct repo_id *ret, struct err *err)
{
    struct repo_id a = lab_rev(l, ours);
    struct repo_id b = lab_rev(l, theirs);
    struct repo_commit_spec spec = {
        .author = {"Ann", "ann@example.com"},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = 1700000200,
        .message = "Merge\n\nCup-Proposal: X\n",
    };
    return repo_merge(l->repo, &a, &b, &spec, ret, err);
}

/* The same by `git merge-tree`: the tree, or NULL for a conflict. */
static char *merge_by_git(struct lab *l)
{
    int rc = 0;
    autofree char *out = lab_out_rc(
        l,
        "git -c merge.renames=false -c merge.directoryRenames=false merge-tree --write-tree "
        "--no-messages ours theirs",
        &rc);
    return rc == 0 ? mem_strdup_str(str_take(str_from(out), REPO_ID_HEX)) : NULL;
}

/* git 2.39's merge-tree follows renames whatever the configuration says; we never do. */
static bool sees_renames(struct lab *l)
{
    int rc = 0;
    autofree char *out = lab_out_rc(
        l,
        "git diff -M --diff-filter=R --name-only base ours; "
        "git diff -M --diff-filter=R --name-only base theirs",
        &rc);
    return str_trim(str_from(out)).n > 0;
}

static void assert_tree(struct lab *l, const struct repo_id *commit, const char *tree)
{
    struct repo_commit_info info;
    struct err err;
    char hex[REPO_ID_HEX + 1];
    lab_ok(repo_commit_info(l->repo, commit, &info, &err), &err);
    assert_string_equal(lab_hex(&info.tree, hex), tree);
    repo_commit_info_deinit(&info);
}

struct row {
    const char *name;
    const char *base; /* script that makes the common commit's files */
    const char *ours;
    const char *theirs;
    const char *conflicts; /* what the error names; NULL: merges cleanly */
};

static const char ten[] = "seq 10 >f; seq 10 >d/g";

static const struct row rows[] = {
    {"theirs only", ten, ":", "echo x >n", NULL},
    {"ours only", ten, "echo x >n", "git commit -q --allow-empty -m e", NULL},
    {"both add other files", ten, "echo 1 >a", "echo 2 >b", NULL},
    {"both add in one directory", ten, "echo 1 >d/a", "echo 2 >d/b", NULL},
    {"both make a directory", ten, "mkdir e; echo 1 >e/a", "mkdir e; echo 2 >e/b", NULL},
    {"both change other lines", ten, "sed -i s/^2$/two/ f", "sed -i s/^9$/nine/ f", NULL},
    {"both change one line", ten, "sed -i s/^2$/two/ f", "sed -i s/^2$/zwei/ f", "'f'"},
    {"both change alike", ten, "sed -i s/^2$/two/ f", "sed -i s/^2$/two/ f", NULL},
    {"neighbouring lines", ten, "sed -i s/^5$/x/ f", "sed -i s/^6$/y/ f", "'f'"},
    {"both add the same", ten, "echo 1 >a", "echo 1 >a", NULL},
    {"both add another", ten, "echo 1 >a", "echo 2 >a", "'a'"},
    {"both add, ours empty", ten, ": >a", "echo 2 >a", NULL},
    {"both add, one executable", ten, "echo 1 >a", "echo 1 >a; chmod +x a", "'a'"},
    {"delete and leave", ten, "rm f", "echo x >n", NULL},
    {"both delete", ten, "rm f", "rm f", NULL},
    {"ours deletes what theirs changed", ten, "rm f", "echo x >>f", "'f'"},
    {"theirs deletes what ours changed", ten, "echo x >>f", "rm f", "'f'"},
    {"directory deleted, left", ten, "rm -r d", "echo x >n", NULL},
    {"directory deleted, changed", ten, "rm -r d", "echo x >>d/g", "'d/g'"},
    {"directory deleted, added to", ten, "rm -r d", "echo x >d/new", NULL},
    {"directory emptied by both", "seq 3 >d/g; seq 4 >d/h", "rm d/g", "rm d/h", NULL},
    {"all is emptied by both", "rm -r d; echo 1 >a; echo 2 >b", "rm a", "rm b", NULL},
    {"chmod and change", ten, "chmod +x f", "echo x >>f", NULL},
    {"both chmod", ten, "chmod +x f", "chmod +x f; echo x >>f", NULL},
    {"chmod against chmod back", "seq 3 >f; chmod +x f", "chmod -x f", "echo x >>f", NULL},
    {"file becomes directory", ten, "rm f; mkdir f; echo x >f/x", "echo x >n", NULL},
    {"file becomes directory, changed", ten, "rm f; mkdir f; echo x >f/x", "echo x >>f", "'f'"},
    {"directory becomes file", ten, "rm -r d; echo x >d", "echo x >n", NULL},
    {"directory becomes file, added to", ten, "rm -r d; echo x >d", "echo x >d/new", "'d'"},
    {"file against directory", ten, "echo x >n", "mkdir n; echo x >n/x", "'n'"},
    {"directory against file", ten, "mkdir n; echo x >n/x", "echo x >n", "'n'"},
    {"file against directory, names between", ten, "echo x >n; echo y >n.a; echo z >n-a",
     "mkdir n; echo x >n/x; echo z >n0", "'n'"},
    {"link against file", ten, "ln -s f n", "echo x >n", "'n'"},
    {"both change a link", "ln -s a l", "ln -sf b l", "ln -sf c l", "'l'"},
    {"link changed alike", "ln -s a l", "ln -sf b l; echo 1 >q", "ln -sf b l; echo 2 >r", NULL},
    {"link becomes files", "ln -s a l", "rm l; echo 1 >l", "rm l; echo 1 >l", NULL},
    {"link becomes other files", "ln -s a l", "rm l; echo 1 >l", "rm l; echo 2 >l", "'l'"},
    {"file becomes link, changed", ten, "rm f; ln -s a f", "echo x >>f", "'f'"},
    {"binary changed by both", "printf 'a\\0b\\nc\\n' >f", "printf 'x\\0b\\nc\\n' >f",
     "printf 'a\\0b\\ny\\n' >f", "'f'"},
    {"binary changed by one", "printf 'a\\0b' >f", "printf 'x\\0b' >f", "echo x >n", NULL},
    {"no line break at the end", "printf '1\\n2\\n3\\n4\\n5\\n6' >f", "printf 7 >>f",
     "sed -i s/^1$/x/ f", NULL},
    {"crlf", "printf '1\\r\\n2\\r\\n3\\r\\n4\\r\\n5\\r\\n' >f", "sed -i s/^1/x/ f",
     "sed -i s/^5/y/ f", NULL},
    {"submodule changed by both", "git update-index --add --cacheinfo 160000,$(printf %040d 1),s",
     "git update-index --cacheinfo 160000,$(printf %040d 2),s",
     "git update-index --cacheinfo 160000,$(printf %040d 3),s", "'s'"},
    {"submodule changed by one", "git update-index --add --cacheinfo 160000,$(printf %040d 1),s",
     "git update-index --cacheinfo 160000,$(printf %040d 2),s", "echo x >n", NULL},
    {"several conflicts", "for i in 1 2 3 4 5 6 7; do echo 0 >c$i; done",
     "for i in 1 2 3 4 5 6 7; do echo a >c$i; done", "for i in 1 2 3 4 5 6 7; do echo b >c$i; done",
     "'c1' (both sides changed the same lines), 'c2'"},
};

/* A branch's files as a commit; what is no file of the work tree, a submodule, stays in the index. */
static void commit_files(struct lab *l, const char *script)
{
    autofree char *line = mem_printf(
        "%s\n git ls-files -s | grep -q ^160000 && mkdir -p s; git add -A . ':!s' && "
        "git commit -q --allow-empty -m x",
        script);
    lab_sh(l, line);
}

static void make_branches(struct lab *l, const struct row *row)
{
    lab_sh(
        l,
        "git symbolic-ref HEAD refs/heads/new && git update-ref -d refs/heads/new && "
        "rm -f .git/index && "
        "find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} + && mkdir d");
    commit_files(l, row->base);
    lab_sh(l, "git branch -f base && git checkout -qB ours");
    commit_files(l, row->ours);
    lab_sh(l, "git checkout -qfB theirs base && git clean -qfdx && mkdir -p d");
    commit_files(l, row->theirs);
}

static void check_trial(
    struct lab *l, const struct row *row, const struct repo_id *ours, const struct repo_id *theirs)
{
    auto_conflicts struct repo_conflicts all = {0};
    struct err err;
    lab_ok(repo_merge_trial(l->repo, ours, theirs, &all, &err), &err);
    if ((all.count == 0) != (row->conflicts == NULL))
        fail_msg("%s: a trial finds %zu conflicts", row->name, all.count);
    if (all.count > 0) {
        autofree char *first = mem_printf("'%s", all.items[0].path);
        assert_true(str_starts(str_from(first), str_take(str_from(row->conflicts), 2)));
        assert_non_null(all.items[0].why);
    }
}

static void check_row(struct lab *l, const struct row *row)
{
    struct repo_id commit;
    struct err err = {0};
    autofree char *wanted = merge_by_git(l);
    struct repo_id ours = lab_rev(l, "ours");
    struct repo_id theirs = lab_rev(l, "theirs");
    check_trial(l, row, &ours, &theirs);
    enum err_kind kind = merge(l, "ours", "theirs", &commit, &err);
    if ((kind == ERR_OK) != (row->conflicts == NULL) || (kind == ERR_OK) != (wanted != NULL))
        fail_msg("%s: %s", row->name, kind == ERR_OK ? "merged" : err.text);
    if (kind == ERR_OK) {
        print_message("      %s\n", row->name);
        assert_tree(l, &commit, wanted);
        return;
    }
    assert_int_equal(kind, ERR_CONFLICT);
    if (strstr(err.text, row->conflicts) == NULL)
        fail_msg("%s: %s", row->name, err.text);
}

static void test_merge__gives_what_git_gives(void **state)
{
    struct lab *l = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make_branches(l, &rows[i]);
        check_row(l, &rows[i]);
    }
    lab_fsck(l);
}

static void test_merge_trial__writes_nothing(void **state)
{
    static const char count[] = "find .git/objects -type f | wc -l";
    struct lab *l = *state;
    auto_conflicts struct repo_conflicts all = {0};
    struct err err;
    make_branches(
        l,
        &(struct row){
            "text", ten, "sed -i s/^2$/two/ f d/g", "sed -i s/^9$/nine/ f d/g; echo 1 >n", NULL});
    autofree char *before = lab_out(l, count);
    struct repo_id ours = lab_rev(l, "ours");
    struct repo_id theirs = lab_rev(l, "theirs");
    lab_ok(repo_merge_trial(l->repo, &ours, &theirs, &all, &err), &err);
    assert_int_equal(all.count, 0);
    lab_expect(l, count, before);
}

static void test_merge__names_a_few_conflicts_and_counts_the_rest(void **state)
{
    struct lab *l = *state;
    struct repo_id commit;
    struct err err = {0};
    make_branches(l, &rows[ARRAY_LEN(rows) - 1]);
    assert_int_equal(merge(l, "ours", "theirs", &commit, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "'c5'"));
    assert_null(strstr(err.text, "'c6'"));
    assert_non_null(strstr(err.text, " and 2 more"));
}

static void test_merge__commit_has_both_parents_and_moves_no_ref(void **state)
{
    struct lab *l = *state;
    struct repo_id commit;
    struct repo_commit_info info;
    struct err err;
    make_branches(l, &rows[2]);
    struct repo_id ours = lab_rev(l, "ours");
    struct repo_id theirs = lab_rev(l, "theirs");
    lab_ok(merge(l, "ours", "theirs", &commit, &err), &err);
    lab_ok(repo_commit_info(l->repo, &commit, &info, &err), &err);
    assert_int_equal(info.parent_count, 2);
    assert_true(repo_id_eq(&info.parent, &ours));
    assert_true(repo_id_eq(&info.second_parent, &theirs));
    assert_string_equal(info.author_name, "Ann");
    assert_int_equal(info.author_unix_s, 1700000200);
    assert_string_equal(info.message, "Merge\n\nCup-Proposal: X\n");
    repo_commit_info_deinit(&info);
    struct repo_id now = lab_rev(l, "ours");
    assert_true(repo_id_eq(&now, &ours));
    char hex[REPO_ID_HEX + 1];
    autofree char *script = mem_printf(
        "git update-ref refs/heads/merged %s && git log -1 --format='%%cn <%%ce>|%%an|%%P' merged",
        lab_hex(&commit, hex));
    autofree char *shown = lab_out(l, script);
    assert_true(str_starts(str_from(shown), STR("cup <cup@flipt.io>|Ann|")));
    lab_fsck(l);
}

static void test_merge__of_what_is_contained_keeps_the_tree(void **state)
{
    struct lab *l = *state;
    struct repo_id commit;
    struct err err;
    make_branches(l, &rows[1]);
    autofree char *tree = lab_out(l, "git rev-parse 'ours^{tree}'");
    lab_ok(merge(l, "ours", "base", &commit, &err), &err);
    assert_tree(l, &commit, tree);
    lab_ok(merge(l, "base", "ours", &commit, &err), &err); /* never fast-forward */
    assert_tree(l, &commit, tree);
    struct repo_id tip = lab_rev(l, "ours");
    assert_false(repo_id_eq(&commit, &tip));
}

static void test_merge__refuses_unrelated_histories(void **state)
{
    struct lab *l = *state;
    struct repo_id commit;
    struct err err;
    lab_sh(
        l,
        "git commit -q --allow-empty -m a && git branch ours && git checkout -q --orphan theirs "
        "&& echo 1 >a && git add a && git commit -qm b");
    assert_int_equal(merge(l, "ours", "theirs", &commit, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "no common ancestor"));
}

/* Criss-cross: any of the two bases will do, and both give the same here. */
static void test_merge__with_two_bases(void **state)
{
    struct lab *l = *state;
    struct repo_id commit;
    struct err err;
    lab_sh(
        l,
        "seq 10 >f; git add f; git commit -qm base; git checkout -qb ours; sed -i s/^1$/a/ f; "
        "git commit -qam a; git checkout -qb theirs main; sed -i s/^10$/b/ f; git commit -qam b; "
        "git branch b0; git merge -q -m m ours; git checkout -q ours; git merge -q -m m b0; "
        "sed -i s/^5$/c/ f; git commit -qam c; git checkout -q theirs; echo n >n; git add n; "
        "git commit -qm d");
    lab_ok(merge(l, "ours", "theirs", &commit, &err), &err);
    autofree char *wanted = merge_by_git(l);
    assert_tree(l, &commit, wanted);
}

/* xorshift: the same rows each run. */
static unsigned next_random(unsigned *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static void add_random_edits(struct buf *script, unsigned *seed, unsigned count)
{
    static const char *const paths[] = {"a",     "a.b", "a/x",   "a/y",   "b/c/d", "b/c/e",
                                        "b/c-d", "b/f", "b/f/g", "b/f/h", "b0",    "c"};
    for (unsigned i = 0; i < count; i++) {
        const char *path = paths[next_random(seed) % ARRAY_LEN(paths)];
        unsigned what = next_random(seed) % 6;
        if (what == 0)
            buf_printf(script, "rm -rf %s; ", path);
        else if (what == 1)
            buf_printf(script, "test -f %s && chmod +x %s; ", path, path);
        else if (what == 2)
            buf_printf(
                script, "test -f %s && sed -i %us/.*/%u/ %s; ", path, next_random(seed) % 12 + 1,
                next_random(seed) % 3, path);
        else
            /* a directory in the way goes, and so does a file above */
            buf_printf(
                script,
                "p=%s; test -d $p && rm -rf $p; d=$(dirname $p); until mkdir -p $d 2>/dev/null; do "
                "q=$d; until test -f $q; do q=$(dirname $q); done; rm $q; done; seq %u 12 >$p; ",
                path, next_random(seed) % 3 + 1);
    }
}

/* Each starts git a dozen times. CUP_TEST_ROUNDS=60 and more for whoever changes merging. */
static unsigned random_rounds(void)
{
    uint64_t rounds = 8;
    const char *wanted = getenv("CUP_TEST_ROUNDS");
    if (wanted != NULL)
        assert_true(str_to_u64(str_from(wanted), &rounds) && rounds >= 8 && rounds < 100000);
    return (unsigned)rounds;
}

static void test_merge__of_random_trees_gives_what_git_gives(void **state)
{
    struct lab *l = *state;
    unsigned seed = 20241124;
    unsigned clean = 0;
    unsigned rounds = random_rounds();
    for (unsigned round = 0; round < rounds; round++) {
        autobuf struct buf first = {0};
        autobuf struct buf second = {0};
        autobuf struct buf third = {0};
        struct buf *const scripts[3] = {&first, &second, &third};
        add_random_edits(scripts[0], &seed, 10);
        add_random_edits(scripts[1], &seed, 1 + round % 3);
        add_random_edits(scripts[2], &seed, 1 + round % 3);
        struct row row = {
            "random", buf_view(scripts[0]).p, buf_view(scripts[1]).p, buf_view(scripts[2]).p, NULL};
        make_branches(l, &row);
        autofree char *wanted = merge_by_git(l);
        struct repo_id commit;
        struct err err = {0};
        enum err_kind kind = merge(l, "ours", "theirs", &commit, &err);
        if (kind == ERR_CONFLICT && wanted != NULL && sees_renames(l))
            continue;
        if ((kind == ERR_OK) != (wanted != NULL))
            fail_msg("round %u: %s\n%s\n%s", round, err.text, row.ours, row.theirs);
        if (kind != ERR_OK)
            continue;
        clean++;
        assert_tree(l, &commit, wanted);
    }
    assert_in_range(
        clean, rounds / 4,
        rounds - 1); /* else the edits are too tame or too wild to tell anything */
    lab_fsck(l);
}

/* A tree of 40 levels, each naming the next one ten times: 10^40 files by name. */
static void test_merge__of_a_tree_bomb_ends(void **state)
{
    struct lab *l = *state;
    struct repo_id commit;
    struct err err;
    lab_sh(
        l,
        "bomb() { t=$(printf \"100644 blob %s\tf\n\" $(echo $1 | git hash-object -w --stdin) | "
        "git mktree); i=0; while [ $i -lt 40 ]; do i=$((i+1)); t=$(for n in 0 1 2 3 4 5 6 7 8 9; "
        "do printf \"040000 tree $t\t$n\n\"; done | git mktree); done; echo $t; }; "
        "b=$(git commit-tree -m b $(git mktree </dev/null)) && "
        "git branch ours $(git commit-tree -p $b -m o $(bomb 1)) && "
        "git branch theirs $(git commit-tree -p $b -m t $(bomb 2))");
    assert_int_equal(merge(l, "ours", "theirs", &commit, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_merge__gives_what_git_gives),
        lab_test(test_merge_trial__writes_nothing),
        lab_test(test_merge__names_a_few_conflicts_and_counts_the_rest),
        lab_test(test_merge__commit_has_both_parents_and_moves_no_ref),
        lab_test(test_merge__of_what_is_contained_keeps_the_tree),
        lab_test(test_merge__refuses_unrelated_histories),
        lab_test(test_merge__with_two_bases),
        lab_test(test_merge__of_random_trees_gives_what_git_gives),
        lab_test(test_merge__of_a_tree_bomb_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
