#include "core/merge_hand.h"
#include "repo/testing.h"

struct row {
    const char *name;
    const char
        *merge; /* script: on ours, theirs merged but not committed, conflicts as git leaves them */
    const char *by_hand;
};

/* base: f, g and run of ten lines, h, old; ours changes the start of f and the mode of run, adds own; theirs
 * the end of f and run, the start of g, h; it deletes old and adds new. */
static const char sides[] =
    "seq 10 >f; seq 10 >g; echo h >h; echo old >old; seq 10 >run; git add -A; git commit -qm base; "
    "git checkout -qb theirs; echo 11 >>f; sed -i 's/^1$/theirs/' g; echo t >h; git rm -q old; "
    "echo new >new; echo 11 >>run; git add -A; git commit -qm theirs; "
    "git checkout -qb ours main; sed -i 's/^1$/one/' f; echo own >own; chmod +x run; "
    "git add -A; git commit -qm ours";

static const struct row rows[] = {
    {"nothing but the merge", ":", ""},
    {"an edit of what merged as text", "echo 12 >>f", "f "},
    {"an edit of what one side changed", "echo x >h; echo x >own", "h own "},
    {"a file as it was before the other side", "seq 10 >g", "g "},
    {"a file that neither side has", "mkdir d; echo x >d/x", "d/x "},
    {"what the other side did is taken back", "git checkout -q ours h f; echo old >old; rm new",
     "f h new old "},
    {"what this side did is taken back", "rm own", "own "},
    {"the other side's file in place of both", "git checkout -q theirs f", "f "},
    {"the executable bit is dropped", "chmod -x run", "run "},
    {"a directory in place of a file", "rm h; mkdir h; echo x >h/x", "h h/x "},
};

static enum err_kind note(void *data, struct str path, struct err *err)
{
    (void)err;
    buf_printf(data, STR_FMT " ", STR_ARG(path));
    return ERR_OK;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* In the order of paths. */
static char *sorted(struct str text)
{
    struct str words[16];
    size_t n = 0;
    autobuf struct buf out = {0};
    while (text.n > 0 && n < ARRAY_LEN(words))
        words[n++] = str_cut(&text, ' ');
    qsort(words, n, sizeof(*words), by_text);
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, STR_FMT " ", STR_ARG(words[i]));
    return buf_steal(&out);
}

static void assert_by_hand(struct lab *l, const char *name, const char *expected)
{
    struct repo_commit_info info;
    struct err err;
    autobuf struct buf seen = {0};
    struct repo_id id = lab_rev(l, "merged");
    lab_ok(repo_commit_info(l->repo, &id, &info, &err), &err);
    lab_ok(core_merge_hand(l->repo, &info, note, &seen, &err), &err);
    repo_commit_info_deinit(&info);
    autofree char *paths = sorted(buf_view(&seen));
    if (strcmp(paths, expected) != 0)
        print_error("%s\n", name);
    assert_string_equal(paths, expected);
}

static void commit_merge(struct lab *l, const char *script)
{
    autofree char *all = mem_printf(
        "git checkout -qf ours; git clean -qfdx; git merge -q --no-commit --no-ff theirs "
        ">/dev/null 2>&1; { %s; } && git add -A && git commit -qm merged && git branch -f merged "
        "&& "
        "git reset -q --hard HEAD^",
        script);
    lab_sh(l, all);
}

static void test_merge_hand__names_what_is_more_than_the_merge(void **state)
{
    struct lab *l = *state;
    lab_sh(l, sides);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        commit_merge(l, rows[i].merge);
        assert_by_hand(l, rows[i].name, rows[i].by_hand);
    }
}

static void test_merge_hand__names_conflicts_however_they_were_resolved(void **state)
{
    struct lab *l = *state;
    lab_sh(l, sides);
    lab_sh(l, "sed -i 's/^1$/ours/' g; git commit -qam g");
    commit_merge(l, "echo both >g");
    assert_by_hand(l, "both", "g ");
    commit_merge(l, "git checkout -q --ours g; echo x >h");
    assert_by_hand(l, "ours, and an edit", "g h ");
    commit_merge(l, "git checkout -q --theirs g");
    assert_by_hand(l, "theirs", "g ");
}

static void test_merge_hand__takes_all_of_an_octopus(void **state)
{
    struct lab *l = *state;
    lab_sh(l, sides);
    lab_sh(l, "git branch merged $(git commit-tree -p ours -p theirs -p main -m m theirs^{tree})");
    assert_by_hand(l, "octopus", "f g h new old own run ");
}

static void test_merge_hand__of_unrelated_histories(void **state)
{
    struct lab *l = *state;
    lab_sh(l, sides);
    lab_sh(
        l,
        "git checkout -q --orphan alone; git rm -qrf .; echo a >a; echo x >h; git add -A; "
        "git commit -qm alone; git checkout -q ours; git merge -q --no-commit -s ours "
        "--allow-unrelated-histories alone; git checkout -q alone -- a; echo y >y; git add -A; "
        "git commit -qm merged; git branch merged");
    assert_by_hand(l, "unrelated", "h y ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_merge_hand__names_what_is_more_than_the_merge),
        lab_test(test_merge_hand__names_conflicts_however_they_were_resolved),
        lab_test(test_merge_hand__takes_all_of_an_octopus),
        lab_test(test_merge_hand__of_unrelated_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
