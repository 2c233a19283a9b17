#include "repo/testing.h"

static const struct repo_id none;

struct seen {
    struct buf subjects;
    size_t stop_after;
    size_t count;
};

static bool see(const struct repo_commit_info *info, void *data)
{
    struct seen *s = data;
    struct str rest = str_from(info->message);
    buf_str(&s->subjects, str_cut(&rest, '\n'));
    buf_char(&s->subjects, ' ');
    return ++s->count != s->stop_after;
}

static void expect_log(
    struct lab *l, const char *from, const char *until, size_t max, size_t stop, const char *wanted)
{
    struct seen s = {.stop_after = stop};
    struct err err;
    struct repo_id start = lab_rev(l, from);
    struct repo_id end = until == NULL ? none : lab_rev(l, until);
    lab_ok(repo_log(l->repo, &start, &end, max, see, &s, &err), &err);
    buf_char(&s.subjects, '\0');
    assert_string_equal(s.subjects.p, wanted);
    buf_deinit(&s.subjects);
}

/* a - b - c - M on main, where M merges s, which left at b. */
static void make_history(struct lab *l)
{
    lab_sh(
        l,
        "c() { echo $1 >$1 && git add $1 && git commit -q -m $1 && git tag $1; }; c a; c b; "
        "git checkout -q -b side && c s && git checkout -q main && c c && "
        "git merge -q --no-ff -m M side && git tag M");
}

static void test_log__follows_first_parents_newest_first(void **state)
{
    struct lab *l = *state;
    make_history(l);
    expect_log(l, "M", NULL, 100, 0, "M c b a ");
    expect_log(l, "M", "b", 100, 0, "M c ");
    expect_log(l, "M", NULL, 2, 0, "M c ");
    expect_log(l, "M", NULL, 100, 3, "M c b ");
    expect_log(l, "M", "M", 100, 0, "");
}

static void test_log__ends_where_a_shallow_clone_was_cut(void **state)
{
    struct lab *l = *state;
    struct err err;
    make_history(l);
    lab_sh(l, "git clone -q --depth 2 --branch main \"file://$PWD\" shallow 2>/dev/null");
    autofree char *path = mem_printf("%s/shallow", l->dir);
    struct repo_options options = {.url = path};
    struct repo *shallow = NULL;
    struct seen s = {0};
    struct repo_id start = lab_rev(l, "M");
    lab_ok(repo_open(&options, &shallow, &err), &err);
    lab_ok(repo_log(shallow, &start, &none, 100, see, &s, &err), &err);
    assert_int_equal(s.count, 2);
    buf_deinit(&s.subjects);
    repo_free(shallow);
}

static void test_commit_info__tells_parents_author_and_time(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_commit_info info;
    make_history(l);
    struct repo_id m = lab_rev(l, "M");
    struct repo_id c = lab_rev(l, "c");
    struct repo_id s = lab_rev(l, "s");
    lab_ok(repo_commit_info(l->repo, &m, &info, &err), &err);
    assert_int_equal(info.parent_count, 2);
    assert_true(repo_id_eq(&info.parent, &c));
    assert_true(repo_id_eq(&info.second_parent, &s));
    assert_string_equal(info.author_name, "Ann");
    assert_string_equal(info.author_email, "ann@example.com");
    assert_int_equal(info.author_unix_s, 1700000000);
    assert_string_equal(info.message, "M\n");
    repo_commit_info_deinit(&info);
}

static void test_commit_info__replaces_what_is_not_utf8(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_commit_info info;
    lab_sh(
        l,
        "T=$(git mktree </dev/null) && printf 'tree %s\\nauthor A\\377n <a@b> 1700000000 +0000\\n"
        "committer C <c@d> 1700000000 +0000\\n\\nbad \\377 text\\n' $T | "
        "git hash-object -t commit -w --stdin --literally >id");
    autofree char *hex = lab_out(l, "cat id");
    struct repo_id id = lab_id(hex);
    lab_ok(repo_commit_info(l->repo, &id, &info, &err), &err);
    assert_string_equal(info.message, "bad \ufffd text\n");
    assert_string_equal(info.author_name, "A\ufffdn");
    repo_commit_info_deinit(&info);
}

static void test_commit_info__of_another_object_is_an_error(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_commit_info info;
    make_history(l);
    struct repo_id tree = lab_rev(l, "a^{tree}");
    struct repo_id unknown = lab_id("1234567890123456789012345678901234567890");
    assert_int_not_equal(repo_commit_info(l->repo, &tree, &info, &err), ERR_OK);
    assert_int_equal(repo_commit_info(l->repo, &unknown, &info, &err), ERR_NOT_FOUND);
}

static void test_merge_base__is_where_they_parted(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id base;
    make_history(l);
    lab_sh(l, "git checkout -q --orphan alone && git commit -q -m z && git tag z");
    struct repo_id b = lab_rev(l, "b");
    struct repo_id c = lab_rev(l, "c");
    struct repo_id s = lab_rev(l, "s");
    struct repo_id z = lab_rev(l, "z");
    lab_ok(repo_merge_base(l->repo, &c, &s, &base, &err), &err);
    assert_true(repo_id_eq(&base, &b));
    assert_int_equal(repo_merge_base(l->repo, &c, &z, &base, &err), ERR_NOT_FOUND);
}

static void test_trailer__is_the_last_one_of_the_last_paragraph(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"s\n\nCup-Object: a\n", "a"},
        {"s\n\nCup-Object: a\ncup-object:  b  \n", "b"},
        {"s\n\nbody\n\nOther: x\nCup-Object: a", "a"},
        {"s\n\nCup-Object: a\n\n\n \n", "a"},
        {"s\r\n\r\nCup-Object: a\r\n", "a"},
        {"s\n\nCup-Object: a\n\nbody\n", NULL},
        {"Cup-Object: a\n", NULL},
        {"s\n\n Cup-Object: a\n", NULL},
        {"s\n\nX-Cup-Object: a\n", NULL},
        {"s\n\nCup-Object a\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct str value = repo_trailer(table[i][0], "Cup-Object");
        if (table[i][1] == NULL ? value.p != NULL : !str_eqz(value, table[i][1]))
            fail_msg("row %zu gives '" STR_FMT "'", i, STR_ARG(value));
    }
}

static bool join_until_c(struct str value, void *data)
{
    buf_str(data, value);
    buf_char(data, ';');
    return !str_eqz(value, "c");
}

static void test_trailers__are_visited_in_order_until_told_to_stop(void **state)
{
    (void)state;
    autobuf struct buf seen = {0};
    repo_trailers(
        "s\n\nK: not\n\nK: a\nOther: x\nk: b\n K: on\nK:\nK: c\nK: d\n", "K", join_until_c, &seen);
    assert_string_equal(seen.p, "a;b;;c;");
}

/* A branch that took its target in still starts where it left it. */
static void test_fork_point__is_where_the_branch_left(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id found;
    lab_sh(
        l,
        "git commit -q --allow-empty -m root && git branch root && git checkout -qb topic && "
        "git commit -q --allow-empty -m t1 && git checkout -q main && "
        "git commit -q --allow-empty -m m1 && git branch m1 && git checkout -q topic && "
        "git merge -q -m taken main && git commit -q --allow-empty -m t2 && "
        "git checkout -q main && git commit -q --allow-empty -m m2");
    struct repo_id main_tip = lab_rev(l, "main");
    struct repo_id topic = lab_rev(l, "topic");
    struct repo_id root = lab_rev(l, "root");
    struct repo_id m1 = lab_rev(l, "m1");
    lab_ok(repo_fork_point(l->repo, &main_tip, &topic, &found, &err), &err);
    assert_true(repo_id_eq(&found, &root));
    lab_ok(repo_fork_point(l->repo, &main_tip, &m1, &found, &err), &err);
    assert_true(repo_id_eq(&found, &m1)); /* held as a whole */
    lab_sh(l, "git checkout -q --orphan alone && git commit -q --allow-empty -m alone");
    struct repo_id alone = lab_rev(l, "alone");
    assert_int_equal(repo_fork_point(l->repo, &main_tip, &alone, &found, &err), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_log__follows_first_parents_newest_first),
        lab_test(test_log__ends_where_a_shallow_clone_was_cut),
        lab_test(test_commit_info__tells_parents_author_and_time),
        lab_test(test_commit_info__replaces_what_is_not_utf8),
        lab_test(test_commit_info__of_another_object_is_an_error),
        lab_test(test_merge_base__is_where_they_parted),
        cmocka_unit_test(test_trailer__is_the_last_one_of_the_last_paragraph),
        cmocka_unit_test(test_trailers__are_visited_in_order_until_told_to_stop),
        lab_test(test_fork_point__is_where_the_branch_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
