#include "repo/testing.h"

struct row {
    const char *name;
    const char *before; /* scripts that make the files */
    const char *after;
};

static const struct row rows[] = {
    {"nothing", "seq 9 >f", ":"},
    {"a line", "seq 99 >f", "sed -i s/^50$/x/ f"},
    {"two hunks", "seq 99 >f", "sed -i 's/^9$/x/;s/^90$/y/' f"},
    {"added", "seq 9 >f", "mkdir -p d/e && echo 1 >d/e/g"},
    {"deleted", "mkdir d && seq 9 >d/f && seq 3 >g", "git rm -q d/f"},
    {"no line break at the end", "seq 9 >f", "printf end >>f"},
    {"the line break is gone", "printf 'a\\nb\\n' >f", "printf 'a\\nb' >f"},
    {"empty file", "seq 3 >g", ": >f"},
    {"made executable", "seq 3 >f", "chmod +x f"},
    {"a link for a file", "seq 3 >f", "rm f && ln -s g f"},
    {"a directory for a file", "seq 3 >f", "rm f && mkdir f && echo 1 >f/g"},
    {"a file for a directory", "mkdir f && echo 1 >f/g", "rm -r f && echo 2 >f"},
    {"binary", "printf 'a\\0b' >f", "printf 'a\\0c' >f"},
    {"moved: no rename", "seq 99 >f", "git mv f g"},
    {"a name to quote", "seq 3 >f", "echo 1 >'a \"q\" ü'"},
    {"sorts as git does", "mkdir a && echo 1 >a/x && echo 1 >a.b", "echo 2 >a/x && echo 2 >a.b"},
    {"carriage returns", "printf 'a\\r\\nb\\r\\n' >f", "printf 'a\\r\\nc\\r\\n' >f"},
};

static void make(struct lab *l, const struct row *row)
{
    autofree char *before = mem_printf(
        "git rm -rqf --ignore-unmatch . && %s && git add -A && git commit -q --allow-empty -m b && "
        "git tag -f b >/dev/null",
        row->before);
    autofree char *after = mem_printf(
        "%s && git add -A && git commit -q --allow-empty -m a && git tag -f a >/dev/null",
        row->after);
    lab_sh(l, before);
    lab_sh(l, after);
}

static void test_diff__is_gits_own(void **state)
{
    struct lab *l = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;
        autobuf struct buf text = {.max = 1 << 20};
        make(l, &rows[i]);
        struct repo_id from = lab_rev(l, "b");
        struct repo_id to = lab_rev(l, "a");
        lab_ok(repo_diff_text(l->repo, &from, &to, &text, &err), &err);
        autofree char *wanted = lab_out(l, "git diff --no-renames --full-index b a --");
        struct str is = buf_view(&text);
        if (is.n > 0 && is.p[is.n - 1] == '\n')
            is.n--;
        if (!str_eqz(is, wanted))
            fail_msg("%s:\n" STR_FMT "\nought to be\n%s", rows[i].name, STR_ARG(is), wanted);
    }
}

static void test_changed_paths__are_gits_own(void **state)
{
    struct lab *l = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;
        struct repo_paths paths = {0};
        autobuf struct buf text = {0};
        make(l, &rows[i]);
        struct repo_id from = lab_rev(l, "b");
        struct repo_id to = lab_rev(l, "a");
        lab_ok(repo_changed_paths(l->repo, &from, &to, &paths, &err), &err);
        for (size_t k = 0; k < paths.count; k++)
            buf_printf(
                &text, "%s%c %s", k > 0 ? "\n" : "", paths.items[k].status, paths.items[k].path);
        repo_paths_deinit(&paths);
        /* T (another type) is a change like others to us */
        autofree char *wanted = lab_out(
            l,
            "git -c core.quotePath=false diff --no-renames --name-status -z b a -- | "
            "tr '\\0' '\\n' | paste -d' ' - - | sed 's/^T/M/' | LC_ALL=C sort -k2");
        if (!str_eqz(buf_view(&text), wanted))
            fail_msg(
                "%s:\n" STR_FMT "\nought to be\n%s", rows[i].name, STR_ARG(buf_view(&text)),
                wanted);
    }
}

static void test_diff__over_the_limit_is_an_error(void **state)
{
    struct lab *l = *state;
    struct err err;
    autobuf struct buf text = {.max = 500};
    make(l, &(struct row){"big", "seq 3 >f", "seq 1000 >f"});
    struct repo_id from = lab_rev(l, "b");
    struct repo_id to = lab_rev(l, "a");
    assert_int_equal(repo_diff_text(l->repo, &from, &to, &text, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_diff__is_gits_own),
        lab_test(test_changed_paths__are_gits_own),
        lab_test(test_diff__over_the_limit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
